/**
 * Rectangles of arrays whose last two axes are rows and columns.
 *
 * @module
 */
import { type DataType, type NdArray, ndarray, TYPED_ARRAY_CONSTRUCTORS } from "./ndarray.ts";

/**
 * Cut a rectangle out of the last two axes.
 *
 * @param array Shape (…, H, W).
 * @param window First column and row, and size; it lies inside the array.
 * @returns Shape (…, height, width); the array itself where the rectangle is the whole of it.
 * @throws {RangeError} If the window leaves the array.
 *
 * @example
 * ```ts
 * import { cropArray, ndarray } from "swath";
 *
 * const labels = ndarray("uint8", [2, 3], new Uint8Array([1, 2, 3, 4, 5, 6]));
 * const { data } = cropArray(labels, { x: 1, y: 0, width: 2, height: 2 });
 * if (data.join() !== "2,3,5,6") throw new Error("wrong pixels");
 * ```
 */
export function cropArray<D extends DataType>(
  array: NdArray<D>,
  window: {
    readonly x: number;
    readonly y: number;
    readonly width: number;
    readonly height: number;
  },
): NdArray<D> {
  const [rows = 1, columns = 1] = array.shape.slice(-2);
  const { x, y, width, height } = window;
  if (x < 0 || y < 0 || x + width > columns || y + height > rows) {
    throw new RangeError(
      `internal: ${width}x${height} pixels at column ${x}, row ${y} leave ${columns}x${rows}`,
    );
  }
  if (width === columns && height === rows) return array;
  const planes = rows * columns === 0 ? 0 : array.data.length / (rows * columns);
  const cropped = new TYPED_ARRAY_CONSTRUCTORS[array.dtype](planes * width * height);
  for (let plane = 0; plane < planes; plane++) {
    for (let row = 0; row < height; row++) {
      const start = (plane * rows + y + row) * columns + x;
      copyElements(array, start, width, cropped, (plane * height + row) * width);
    }
  }
  return ndarray(array.dtype, [...array.shape.slice(0, -2), height, width], cropped);
}

/** `set` and `subarray` of the same kind of typed array, which the compiler cannot see for a union. */
function copyElements<D extends DataType>(
  source: NdArray<D>,
  start: number,
  count: number,
  target: NdArray<D>["data"],
  offset: number,
): void {
  const elements = source.data.subarray(start, start + count);
  (target as { set(elements: typeof source.data, offset: number): void }).set(
    elements as typeof source.data,
    offset,
  );
}
