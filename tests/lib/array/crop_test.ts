import assert from "node:assert/strict";
import { cropArray, type DataType, ndarray, TYPED_ARRAY_CONSTRUCTORS } from "../../../mod.ts";

for (const dtype of Object.keys(TYPED_ARRAY_CONSTRUCTORS) as DataType[]) {
  Deno.test(`cropArray cuts every plane of ${dtype}`, () => {
    const image = ndarray(dtype, [2, 3, 4]);
    image.data.forEach((_: number | bigint, index: number) => {
      image.data[index] = typeof image.data[index] === "bigint" ? BigInt(index) : index;
    });
    const { shape, data } = cropArray(image, { x: 1, y: 2, width: 3, height: 1 });
    assert.deepEqual(shape, [2, 1, 3]);
    assert.deepEqual(Array.from(data, Number), [9, 10, 11, 21, 22, 23]);
  });
}

Deno.test("cropArray returns the array itself where nothing is cut off, and refuses to leave it", () => {
  const labels = ndarray("uint8", [2, 3]);
  assert.equal(cropArray(labels, { x: 0, y: 0, width: 3, height: 2 }), labels);
  assert.throws(
    () => cropArray(labels, { x: 1, y: 0, width: 3, height: 2 }),
    /^RangeError: internal:/,
  );
});
