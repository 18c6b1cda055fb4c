/**
 * Predictors before compression: horizontal differences (TIFF 6.0, section 14) and their form for
 * floating point (Adobe Photoshop TIFF Technical Note 3).
 *
 * @module
 */
import type { Cells } from "./cells.ts";

/**
 * Replace each element by its difference from the one before it in its row and band.
 *
 * @param block Rows of pixels, changed in place; arithmetic wraps.
 * @param rowLength Elements of a row, all interleaved bands included.
 * @param bands Interleaved bands.
 */
export function differenceRows(block: Cells, rowLength: number, bands: number): void {
  if (block.BYTES_PER_ELEMENT === 8) {
    differenceWideRows(block as unknown as BigUint64Array, rowLength, bands);
    return;
  }
  for (let start = 0; start < block.length; start += rowLength) {
    for (let index = start + rowLength - 1; index >= start + bands; index--) {
      block[index]! -= block[index - bands]!;
    }
  }
}

function differenceWideRows(block: BigUint64Array, rowLength: number, bands: number): void {
  for (let start = 0; start < block.length; start += rowLength) {
    for (let index = start + rowLength - 1; index >= start + bands; index--) {
      block[index]! -= block[index - bands]!;
    }
  }
}

/**
 * Put the most significant bytes of a row first, then the next ones, and so on, and replace each byte
 * by its difference from the one `bands` before it.
 *
 * @param bytes Rows of little-endian floats, changed in place.
 * @param rowLength Elements of a row, all interleaved bands included.
 * @param bands Interleaved bands.
 * @param size Bytes of an element.
 */
export function differenceFloatRows(
  bytes: Uint8Array,
  rowLength: number,
  bands: number,
  size: number,
): void {
  const rowBytes = rowLength * size;
  const row = new Uint8Array(rowBytes);
  for (let start = 0; start < bytes.length; start += rowBytes) {
    row.set(bytes.subarray(start, start + rowBytes));
    for (let byte = 0; byte < size; byte++) {
      const plane = start + (size - 1 - byte) * rowLength;
      for (let index = 0; index < rowLength; index++) {
        bytes[plane + index] = row[index * size + byte]!;
      }
    }
    for (let index = start + rowBytes - 1; index >= start + bands; index--) {
      bytes[index]! -= bytes[index - bands]!;
    }
  }
}
