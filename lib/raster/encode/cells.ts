/**
 * Pixels as bit patterns: writing a raster mostly moves and compares them, whatever they mean.
 *
 * @module
 */
import { bytesPerElement, type DataType, type TypedArrays } from "../../array/mod.ts";

/**
 * Elements of a raster as unsigned integers of their width. Moving floats as floats may change the
 * bits of a NaN; moving integers does not.
 *
 * 64-bit elements are really a `BigUint64Array`: their elements may be moved and compared, but not
 * computed with.
 */
export type Cells = Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;

/** View the memory of an array as cells. */
export function cellsOf(data: TypedArrays[DataType]): Cells {
  const { buffer, byteOffset, length, BYTES_PER_ELEMENT } = data;
  switch (BYTES_PER_ELEMENT) {
    case 1:
      return new Uint8Array(buffer, byteOffset, length);
    case 2:
      return new Uint16Array(buffer, byteOffset, length);
    case 4:
      return new Uint32Array(buffer, byteOffset, length);
    default:
      return new BigUint64Array(buffer, byteOffset, length) as unknown as Uint32Array<ArrayBuffer>;
  }
}

/** Zeroed cells for elements of a type. */
export function createCells(dtype: DataType, length: number): Cells {
  const size = bytesPerElement(dtype);
  if (size === 1) return new Uint8Array(length);
  if (size === 2) return new Uint16Array(length);
  if (size === 4) return new Uint32Array(length);
  return new BigUint64Array(length) as unknown as Uint32Array<ArrayBuffer>;
}

/** View the memory of cells as bytes. */
export function bytesOfCells(cells: Cells): Uint8Array<ArrayBuffer> {
  return new Uint8Array(cells.buffer, cells.byteOffset, cells.byteLength);
}
