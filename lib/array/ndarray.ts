/**
 * The one array type of the library: a typed array with a shape, in row-major (C) order.
 *
 * Rasters, patches, labels, logits and weights are all `NdArray`s, so that they pass between the
 * raster, stream, runtime and metric modules without copies.
 *
 * @module
 */

/** The typed array that holds each element type. `bool` is stored as 0 or 1 in bytes. */
export interface TypedArrays {
  /** Boolean, one byte each. */
  bool: Uint8Array<ArrayBuffer>;
  /** Unsigned 8-bit integer. */
  uint8: Uint8Array<ArrayBuffer>;
  /** Signed 8-bit integer. */
  int8: Int8Array<ArrayBuffer>;
  /** Unsigned 16-bit integer. */
  uint16: Uint16Array<ArrayBuffer>;
  /** Signed 16-bit integer. */
  int16: Int16Array<ArrayBuffer>;
  /** Unsigned 32-bit integer. */
  uint32: Uint32Array<ArrayBuffer>;
  /** Signed 32-bit integer. */
  int32: Int32Array<ArrayBuffer>;
  /** Unsigned 64-bit integer. */
  uint64: BigUint64Array<ArrayBuffer>;
  /** Signed 64-bit integer. */
  int64: BigInt64Array<ArrayBuffer>;
  /** IEEE 754 half precision. */
  float16: Float16Array<ArrayBuffer>;
  /** IEEE 754 single precision. */
  float32: Float32Array<ArrayBuffer>;
  /** IEEE 754 double precision. */
  float64: Float64Array<ArrayBuffer>;
}

/** Name of an element type, as NumPy and ONNX spell it. */
export type DataType = keyof TypedArrays;

/** A multi-dimensional array in row-major order. */
export interface NdArray<D extends DataType = DataType> {
  /** Element type. */
  readonly dtype: D;
  /** Extent of each axis; `[]` is a scalar. */
  readonly shape: readonly number[];
  /** The elements; its length is the product of the shape. */
  readonly data: TypedArrays[D];
}

/** Constructor of the typed array behind each element type. */
export const TYPED_ARRAY_CONSTRUCTORS: {
  readonly [D in DataType]: {
    new (length: number): TypedArrays[D];
    new (buffer: ArrayBuffer, byteOffset?: number, length?: number): TypedArrays[D];
    readonly BYTES_PER_ELEMENT: number;
  };
} = {
  bool: Uint8Array,
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  uint32: Uint32Array,
  int32: Int32Array,
  uint64: BigUint64Array,
  int64: BigInt64Array,
  float16: Float16Array,
  float32: Float32Array,
  float64: Float64Array,
};

/** Bytes of one element. */
export function bytesPerElement(dtype: DataType): number {
  return TYPED_ARRAY_CONSTRUCTORS[dtype].BYTES_PER_ELEMENT;
}

/** Number of elements of a shape; 1 for a scalar. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

/** A shape as text, such as `14x512x512`; `scalar` for `[]`. */
export function formatShape(shape: readonly (number | string)[]): string {
  return shape.length === 0 ? "scalar" : shape.join("x");
}

/**
 * Wrap elements as an array of the given shape.
 *
 * @param dtype Element type.
 * @param shape Extent of each axis.
 * @param data The elements, taken without a copy; zeros where left out.
 * @returns The array.
 * @throws {RangeError} If the number of elements is not the product of the shape.
 *
 * @example
 * ```ts
 * import { ndarray } from "swath";
 *
 * const image = ndarray("uint16", [2, 1, 3], new Uint16Array([1, 2, 3, 4, 5, 6]));
 * if (image.data[5] !== 6) throw new Error("row-major order");
 * ```
 */
export function ndarray<D extends DataType>(
  dtype: D,
  shape: readonly number[],
  data: TypedArrays[D] = new TYPED_ARRAY_CONSTRUCTORS[dtype](elementCount(shape)),
): NdArray<D> {
  if (data.length !== elementCount(shape)) {
    throw new RangeError(
      `internal: ${data.length} elements do not fill an array of shape ${formatShape(shape)}`,
    );
  }
  return { dtype, shape, data };
}

/** True if the array has the given element type; narrows its type. */
export function isDataType<D extends DataType>(array: NdArray, dtype: D): array is NdArray<D> {
  return array.dtype === dtype;
}

/** The bytes behind an array, in the machine's (little-endian) order, without a copy. */
export function bytesOf(array: NdArray): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset, byteLength } = array.data;
  return new Uint8Array(buffer, byteOffset, byteLength);
}
