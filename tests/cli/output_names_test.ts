/** Names of the files of several scenes. */
import assert from "node:assert/strict";
import { OutputNames } from "../../cli/output_names.ts";

Deno.test("a pattern gives each scene its file", () => {
  const names = new OutputNames("maps/{scene}/{scene}.tif");
  assert.ok(names.isPattern);
  assert.equal(names.next("a$&"), "maps/a$&/a$&.tif");
  assert.equal(names.next("b"), "maps/b/b.tif");
  assert.throws(() => names.next("b"), /two scenes are called "b"/);
});

Deno.test("a plain name is for one scene", () => {
  const names = new OutputNames("map.tif");
  assert.ok(!names.isPattern);
  assert.equal(names.next("../a"), "map.tif");
  assert.throws(() => names.next("b"), /Cannot write a second scene, "b", into "map.tif"/);
});

Deno.test("the name of a scene cannot lead out of the folder", () => {
  for (const scene of ["../a", "a/b", "a\\b", "..", ".", "", "a\0"]) {
    assert.throws(() => new OutputNames("{scene}").next(scene), /Cannot put the name/, scene);
  }
});
