/** Arithmetic of symbolic extents. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { broadcastShapes, type Dim, divideDims, evaluateDim, multiplyDims } from "swath";

const dim = fc.oneof(
  fc.integer({ min: 1, max: 12 }),
  fc.constantFrom("batch", "height", "2*batch"),
);
const symbols = { batch: 3, height: 5 };

Deno.test("a product of extents has one spelling, whatever the order", () => {
  fc.assert(fc.property(fc.array(dim, { maxLength: 6 }), (dims) => {
    assert.equal(multiplyDims(dims), multiplyDims(dims.toReversed()));
    assert.equal(
      multiplyDims([multiplyDims(dims.slice(0, 2)), ...dims.slice(2)]),
      multiplyDims(dims),
    );
  }));
});

Deno.test("evaluation and multiplication can be exchanged", () => {
  fc.assert(fc.property(fc.array(dim, { maxLength: 6 }), (dims) => {
    const numbers = dims.map((extent) => evaluateDim(extent, symbols)!);
    assert.equal(evaluateDim(multiplyDims(dims), symbols), multiplyDims(numbers));
  }));
});

Deno.test("division takes back a multiplication", () => {
  fc.assert(fc.property(fc.array(dim, { maxLength: 4 }), dim, (dims, divisor) => {
    assert.equal(divideDims(multiplyDims([...dims, divisor]), divisor), multiplyDims(dims));
  }));
});

Deno.test("a division that leaves a rest has no result", () => {
  assert.equal(divideDims(7, 2), null);
  assert.equal(divideDims("3*batch", 2), null);
  assert.equal(divideDims("batch", "height"), null);
  assert.equal(divideDims(4, 0), null);
});

Deno.test("an extent without a number for its symbol has no value", () => {
  assert.equal(evaluateDim("4*batch", {}), null);
});

Deno.test("broadcasting: extents are equal or one of them is 1", () => {
  const cases: [Dim[][], Dim[] | null][] = [
    [[["batch", 3, 1], [4]], ["batch", 3, 4]],
    [[[], [2, 2]], [2, 2]],
    [[["batch", 1], ["batch", 5]], ["batch", 5]],
    [[["batch"], [4]], null],
    [[[2, 3], [3, 2]], null],
    [[[0, 1], [1, 3]], [0, 3]],
  ];
  for (const [shapes, expected] of cases) assert.deepEqual(broadcastShapes(shapes), expected);
});
