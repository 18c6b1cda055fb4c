import assert from "node:assert/strict";
import { checkFinite, ndarray } from "swath";

Deno.test("weights that are not finite are refused, with how many and where", () => {
  const weights = (...values: number[]) =>
    ndarray("float32", [values.length], Float32Array.from(values));
  checkFinite("w", weights(0, -1e38, 3), "model");
  checkFinite("count", ndarray("int64", [2]), "model");
  for (const bad of [NaN, Infinity, -Infinity]) {
    assert.throws(() => checkFinite("w", weights(1, bad, NaN), "model"), {
      name: "InputError",
      message: 'Cannot use the weights of "model": 2 of 3 values of "w" are not finite, ' +
        `the first at index 1: ${bad}`,
    });
  }
});
