/**
 * Elements of tensors from the bytes that files hold, which are little-endian throughout.
 *
 * @module
 */
import {
  bytesPerElement,
  type DataType,
  TYPED_ARRAY_CONSTRUCTORS,
  type TypedArrays,
} from "../array/mod.ts";

/**
 * Lay a typed array over bytes that have a buffer of their own.
 *
 * @param dtype Element type.
 * @param bytes The bytes, at offset 0 of their buffer; a whole number of elements.
 * @returns The elements, without a copy.
 */
export function elementsFromBytes<D extends DataType>(
  dtype: D,
  bytes: Uint8Array<ArrayBuffer>,
): TypedArrays[D] {
  const count = bytes.byteLength / bytesPerElement(dtype);
  // True is any byte but 0 in other programs; here it is 1.
  if (dtype === "bool") bytes.forEach((value, index) => bytes[index] = value === 0 ? 0 : 1);
  return new TYPED_ARRAY_CONSTRUCTORS[dtype](bytes.buffer, bytes.byteOffset, count);
}

/**
 * Widen bfloat16, which is the upper half of a float32.
 *
 * @param bytes Two bytes for each element.
 * @returns The same numbers, exactly.
 */
export function widenBfloat16(bytes: Uint8Array<ArrayBuffer>): Float32Array<ArrayBuffer> {
  const halves = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2);
  const widened = new Uint32Array(halves.length);
  for (let index = 0; index < halves.length; index++) widened[index] = halves[index]! << 16;
  return new Float32Array(widened.buffer);
}
