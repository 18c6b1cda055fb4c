/** Images resized to the bit as Pillow does it, over many sizes. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { ndarray, RESIZE_FILTERS, resizeImage } from "swath";
import { peerTest, runPython } from "./python.ts";

interface Sizes {
  readonly rows: number;
  readonly columns: number;
  readonly height: number;
  readonly width: number;
}

/** Single pixels and lines as often as larger images, of which most sizes have no common divisor. */
const extent = fc.oneof(
  fc.constantFrom(1, 2, 3),
  fc.integer({ min: 1, max: 40 }),
  fc.integer({ min: 1, max: 250 }),
);

/** Sizes where the order of the two directions turns: rows that go are about twice the columns that go. */
const turning = fc.record({
  columns: fc.integer({ min: 12, max: 90 }),
  left: fc.integer({ min: 1, max: 10 }),
  height: fc.integer({ min: 1, max: 60 }),
  more: fc.integer({ min: -1, max: 1 }),
}).map(({ columns, left, height, more }): Sizes => ({
  rows: height + 2 * left + more,
  columns,
  height,
  width: columns - left,
}));

peerTest("images are resized to the bit as by Pillow", ["PIL", "numpy"], async () => {
  const anything = fc.record({ rows: extent, columns: extent, height: extent, width: extent });
  const sizes = fc.sample(fc.oneof(anything, turning), { numRuns: 300, seed: 1 });
  const cases = sizes.flatMap((each) => RESIZE_FILTERS.map((filter) => ({ ...each, filter })));
  const bytes = await runPython("resize.py", [JSON.stringify(cases)]);
  let at = 0;
  const take = (count: number) => bytes.slice(at, at += count);
  for (const { rows, columns, height, width, filter } of cases) {
    const image = ndarray("uint8", [1, rows, columns], take(rows * columns));
    const { data } = resizeImage(image, { height, width, filter });
    const expected = take(height * width);
    const wrong = data.findIndex((value, index) => value !== expected[index]);
    assert.equal(
      wrong,
      -1,
      `${columns}x${rows} to ${width}x${height}, ${filter}: pixel ${wrong} is ${
        data[wrong]
      } instead of ${expected[wrong]}`,
    );
  }
  assert.equal(at, bytes.length);
});
