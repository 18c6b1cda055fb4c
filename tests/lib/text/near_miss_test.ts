import assert from "node:assert/strict";
import { abbreviateList, nearMiss } from "../../../mod.ts";

const CLASSES = ["water", "forest", "building", "road", "B8A", "B08"];

const MEANT: [typed: string, meant: string | null][] = [
  ["forrest", "forest"],
  ["Forest", "forest"],
  ["biulding", "building"],
  ["buildings", "building"],
  ["buil", "building"],
  ["raod", "road"],
  ["b8a", "B8A"],
  ["snow", null],
  ["x", null],
  ["", null],
];

for (const [typed, meant] of MEANT) {
  Deno.test(`nearMiss: "${typed}" means ${meant}`, () => {
    assert.equal(nearMiss(typed, CLASSES), meant);
  });
}

Deno.test("nearMiss: the first of two as near wins", () => {
  assert.equal(nearMiss("B1", ["B11", "B12"]), "B11");
});

Deno.test("abbreviateList keeps the ends of a long list", () => {
  assert.equal(abbreviateList(["a", "b", "c"]), "a, b, c");
  assert.equal(abbreviateList(["1", "2", "3", "4", "5", "6", "7", "8"]), "1, 2, 3, 4, 5, …, 8");
  assert.equal(abbreviateList([]), "");
});
