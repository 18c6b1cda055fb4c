import assert from "node:assert/strict";
import { classWeights } from "swath";

Deno.test("class weights: balanced ones give each class that occurs the same share", () => {
  // sklearn.utils.class_weight.compute_class_weight("balanced", classes=[0, 1, 3],
  //   y=[0]*60 + [1]*30 + [3]*10) is [0.55555556, 1.11111111, 3.33333333].
  const counts = Array<number>(256).fill(0);
  counts[0] = 60;
  counts[1] = 30;
  counts[3] = 10;
  counts[255] = 1000;
  const weights = classWeights({ classWeights: "balanced" }, counts, 4)!;
  assert.deepEqual(weights.map((weight) => weight.toFixed(8)), [
    "0.55555556",
    "1.11111111",
    "0.00000000",
    "3.33333333",
  ]);
  assert.deepEqual(classWeights({ classWeights: "balanced" }, [], 2), [0, 0]);
});

Deno.test("class weights: given ones stay as they are", () => {
  assert.deepEqual(classWeights({ classWeights: [1, 2] }, [], 2), [1, 2]);
  assert.equal(classWeights({ classWeights: null }, [5, 5], 2), null);
});
