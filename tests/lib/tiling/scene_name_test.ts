/** Names of scenes in the keys of samples. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { distinctSceneNames, sceneNameOf } from "../../../mod.ts";

Deno.test("the name of a scene is its file's, safe for a tar", () => {
  const names = {
    "scene.tif": "scene",
    "/data/T33UUP.SAFE/B02.jp2": "B02",
    "C:\\scenes\\a b.tif": "a_b",
    "https://host/tiles/a%20b.tif?token=1": "a_b",
    "..": "scene",
    ".hidden": "hidden",
    "Übersicht.tif": "Übersicht",
  };
  for (const [source, name] of Object.entries(names)) assert.equal(sceneNameOf(source), name);
});

Deno.test("scenes of one name get numbers that no other scene has", () => {
  assert.deepEqual(
    distinctSceneNames(["2023/a.tif", "2024/a.tif", "a-2.tif", "2025/a.tif", "b.tif"]),
    ["a", "a-3", "a-2", "a-4", "b"],
  );
});

Deno.test("names are all different, and a name that is alone stays", () => {
  const source = fc.constantFrom("a.tif", "x/a.tif", "a-2.tif", "a-2-2.tif", "b.tif", "x/b.tif");
  fc.assert(fc.property(fc.array(source, { maxLength: 20 }), (sources) => {
    const names = distinctSceneNames(sources);
    assert.equal(new Set(names).size, sources.length);
    const plain = sources.map(sceneNameOf);
    plain.forEach((name, i) => {
      if (plain.indexOf(name) === i) assert.equal(names[i], name);
    });
  }));
});
