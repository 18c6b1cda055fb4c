/**
 * Predictor 3: differences of floating point numbers, byte by byte.
 *
 * Adobe Photoshop TIFF Technical Note 3: each row is split into planes of bytes, the most significant
 * first, and each byte is stored as its difference from the one before.
 *
 * @module
 */

/**
 * Undo predictor 3.
 *
 * @param bytes Rows of encoded numbers; changed on the way.
 * @param rows Number of rows.
 * @param width Pixels of a row.
 * @param samples Samples of a pixel.
 * @param size Bytes of a number: 2, 3, 4 or 8.
 * @returns The numbers, interleaved, little-endian.
 */
export function undoFloatPredictor(
  bytes: Uint8Array<ArrayBuffer>,
  rows: number,
  width: number,
  samples: number,
  size: number,
): Uint8Array<ArrayBuffer> {
  const numbers = width * samples;
  const rowBytes = numbers * size;
  const plain = new Uint8Array(rows * rowBytes);
  for (let row = 0; row < rows; row++) {
    const start = row * rowBytes;
    const end = start + rowBytes;
    for (let at = start + samples; at < end; at++) bytes[at]! += bytes[at - samples]!;
    for (let byte = 0; byte < size; byte++) {
      // Plane 0 holds the most significant bytes, which come last in little-endian order.
      let from = start + byte * numbers;
      let to = start + size - 1 - byte;
      for (let index = 0; index < numbers; index++, to += size) plain[to] = bytes[from++]!;
    }
  }
  return plain;
}
