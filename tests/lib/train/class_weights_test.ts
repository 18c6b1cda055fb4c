import assert from "node:assert/strict";
import { classWeights } from "swath";

const NONE = { labelCounts: [], labelAreas: [] };

Deno.test("class weights: auto is median frequency over the samples that have the class", () => {
  // Frequencies 0.5, 0.25 and 0.02, of which 0.25 is the median; one class is absent.
  const counts = { labelCounts: [500, 50, 4, 0], labelAreas: [1000, 200, 200, 0] };
  assert.deepEqual(classWeights({ classWeights: "auto" }, counts, 4), [0.5, 1, 12.5, 0]);
  const even = { labelCounts: [900, 100], labelAreas: [1000, 1000] };
  assert.deepEqual(classWeights({ classWeights: "auto" }, even, 2), [0.5 / 0.9, 5]);
  assert.deepEqual(classWeights({ classWeights: "auto" }, NONE, 2), [0, 0]);
});

Deno.test("class weights: balanced ones give each class that occurs the same share", () => {
  // sklearn.utils.class_weight.compute_class_weight("balanced", classes=[0, 1, 3],
  //   y=[0]*60 + [1]*30 + [3]*10) is [0.55555556, 1.11111111, 3.33333333].
  const counts = Array<number>(256).fill(0);
  counts[0] = 60;
  counts[1] = 30;
  counts[3] = 10;
  counts[255] = 1000;
  const weights = classWeights({ classWeights: "balanced" }, {
    labelCounts: counts,
    labelAreas: [],
  }, 4)!;
  assert.deepEqual(weights.map((weight) => weight.toFixed(8)), [
    "0.55555556",
    "1.11111111",
    "0.00000000",
    "3.33333333",
  ]);
  assert.deepEqual(classWeights({ classWeights: "balanced" }, NONE, 2), [0, 0]);
});

Deno.test("class weights: given ones stay as they are", () => {
  assert.deepEqual(classWeights({ classWeights: [1, 2] }, NONE, 2), [1, 2]);
  assert.equal(classWeights({ classWeights: null }, NONE, 2), null);
});
