import assert from "node:assert/strict";
import fc from "fast-check";
import { InputError, ndarray, upsampleLogits } from "../../../mod.ts";

/** The definition, pixel by pixel. */
function reference(
  data: Float32Array,
  shape: number[],
  height: number,
  width: number,
  stride: number,
) {
  const [classes, rows, columns] = shape as [number, number, number];
  const at = (k: number, y: number, x: number) =>
    data[(k * rows + Math.min(y, rows - 1)) * columns + Math.min(x, columns - 1)]!;
  return Array.from({ length: height * width }, (_, pixel) => {
    const y = Math.max((Math.floor(pixel / width) + 0.5) / stride - 0.5, 0);
    const x = Math.max((pixel % width + 0.5) / stride - 0.5, 0);
    const [y0, x0] = [Math.floor(y), Math.floor(x)];
    const [v, u] = [y - y0, x - x0];
    return Array.from(
      { length: classes },
      (_, k) =>
        (1 - v) * ((1 - u) * at(k, y0, x0) + u * at(k, y0, x0 + 1)) +
        v * ((1 - u) * at(k, y0 + 1, x0) + u * at(k, y0 + 1, x0 + 1)),
    );
  });
}

Deno.test("upsampling equals its definition for any size and stride", () => {
  const shapes = fc.record({
    classes: fc.integer({ min: 1, max: 5 }),
    height: fc.integer({ min: 1, max: 19 }),
    width: fc.integer({ min: 1, max: 19 }),
    stride: fc.constantFrom(1, 2, 4, 8),
    seed: fc.integer({ min: 1, max: 1e6 }),
  });
  fc.assert(fc.property(shapes, ({ classes, height, width, stride, seed }) => {
    const shape = [classes, Math.ceil(height / stride), Math.ceil(width / stride)];
    const size = shape.reduce((product, extent) => product * extent);
    let state = seed;
    const data = Float32Array.from(
      { length: size },
      () => (state = state * 48271 % 2147483647) / 2147483647 * 6 - 3,
    );
    const options = { height, width, stride, confidence: true };
    const { pred, confidence } = upsampleLogits(ndarray("float32", shape, data), options);
    const wanted = reference(data, shape, height, width, stride);
    for (const [pixel, scores] of wanted.entries()) {
      const best = Math.max(...scores);
      const share = 1 / scores.reduce((sum, score) => sum + Math.exp(score - best), 0);
      assert(scores[pred.data[pixel]!]! > best - 1e-5);
      assert(Math.abs(confidence!.data[pixel]! - share) < 1e-5);
    }
  }));
});

Deno.test("of equal logits the first class wins", () => {
  const { pred, confidence } = upsampleLogits(ndarray("float32", [3, 2, 2]), {
    height: 8,
    width: 8,
    stride: 4,
  });
  assert(pred.data.every((label) => label === 0));
  assert.equal(confidence, null);
});

Deno.test("probabilities are their own confidence", () => {
  const data = new Float32Array([0.25, 0.75]);
  const { pred, confidence } = upsampleLogits(ndarray("float32", [2, 1, 1], data), {
    height: 2,
    width: 2,
    stride: 4,
    confidence: true,
    probabilities: true,
  });
  assert.deepEqual([...pred.data], [1, 1, 1, 1]);
  assert.deepEqual([...confidence!.data], [0.75, 0.75, 0.75, 0.75]);
});

Deno.test("logits of another size are refused", () => {
  assert.throws(
    () => upsampleLogits(ndarray("float32", [2, 4, 4]), { height: 20, width: 16, stride: 4 }),
    (error) =>
      error instanceof InputError &&
      error.message === "Cannot upsample logits of 4x4 by 4 to 20x16",
  );
});
