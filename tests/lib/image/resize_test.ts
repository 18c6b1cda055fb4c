import assert from "node:assert/strict";
import fc from "fast-check";
import { ndarray, RESIZE_FILTERS, resizeImage } from "swath";

const size = fc.integer({ min: 1, max: 40 });

Deno.test("an image of one colour keeps it, whatever the size", () => {
  const sizes = fc.tuple(size, size, size, size, fc.constantFrom(...RESIZE_FILTERS));
  fc.assert(fc.property(sizes, fc.nat(255), ([rows, columns, height, width, filter], level) => {
    const image = ndarray("uint8", [2, rows, columns]);
    image.data.fill(level);
    const resized = resizeImage(image, { height, width, filter });
    assert.deepEqual(resized.shape, [2, height, width]);
    assert(resized.data.every((value) => value === level));
  }));
});

Deno.test("an image of its own size stays as it is", () => {
  const image = ndarray(
    "uint8",
    [1, 3, 4],
    Uint8Array.from([9, 0, 255, 3, 7, 8, 1, 0, 2, 250, 9, 9]),
  );
  for (const filter of RESIZE_FILTERS) {
    assert.deepEqual(resizeImage(image, { height: 3, width: 4, filter }), image);
  }
});

Deno.test("every pixel has a say in a reduction", () => {
  // Golden values by Pillow 13: Image.fromarray(a).resize((2, 2), filter).
  const image = ndarray("uint8", [1, 4, 4]);
  image.data.forEach((_, index) => image.data[index] = (index * index * 7) % 256);
  const data = (filter: "bilinear" | "bicubic") => [
    ...resizeImage(image, { height: 2, width: 2, filter }).data,
  ];
  assert.deepEqual(data("bilinear"), [90, 107, 159, 110]);
  assert.deepEqual(data("bicubic"), [84, 111, 168, 107]);
});

Deno.test("numbers beyond a byte are neither rounded nor limited", () => {
  const image = ndarray("uint16", [1, 1, 2], Uint16Array.from([0, 10001]));
  const { dtype, data } = resizeImage(image, { height: 1, width: 1 });
  assert.equal(dtype, "float32");
  assert.deepEqual([...data], [5000.5]);
});
