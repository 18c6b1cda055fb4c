/**
 * Samples whose width is not that of a machine word.
 *
 * @module
 */

/**
 * Widen packed unsigned integers to 8, 16 or 32 bits.
 *
 * Samples follow one another from the highest bit of each byte on, and each row starts on a byte, as
 * TIFF 6.0 has it, whatever the byte order of the file.
 *
 * @param bytes Packed rows.
 * @param rows Number of rows.
 * @param count Samples of a row.
 * @param bits Bits of a sample, 1 to 31.
 * @returns Little-endian bytes of the widened samples.
 */
export function unpackBits(
  bytes: Uint8Array<ArrayBuffer>,
  rows: number,
  count: number,
  bits: number,
): Uint8Array<ArrayBuffer> {
  const words = bits < 8
    ? new Uint8Array(rows * count)
    : bits < 16
    ? new Uint16Array(rows * count)
    : new Uint32Array(rows * count);
  const rowBytes = Math.ceil(count * bits / 8);
  for (let row = 0; row < rows; row++) {
    let at = row * rowBytes;
    let left = 8;
    for (let index = row * count; index < (row + 1) * count; index++) {
      let sample = 0;
      let missing = bits;
      while (missing > 0) {
        const take = Math.min(left, missing);
        sample = (sample << take) | ((bytes[at]! >> (left - take)) & ((1 << take) - 1));
        missing -= take;
        left -= take;
        if (left === 0) {
          left = 8;
          at++;
        }
      }
      words[index] = sample;
    }
  }
  return new Uint8Array(words.buffer);
}

/**
 * Widen floating point numbers of 16 or 24 bits to single precision, which holds them exactly.
 *
 * @param bytes The numbers.
 * @param bits 16, or 24: sign, 7 bits of exponent, 16 of fraction (Adobe's note).
 * @param littleEndian Their byte order.
 * @returns Little-endian bytes of single precision numbers.
 */
export function expandFloats(
  bytes: Uint8Array<ArrayBuffer>,
  bits: number,
  littleEndian: boolean,
): Uint8Array<ArrayBuffer> {
  const size = bits / 8;
  const count = bytes.length / size;
  const words = new Uint32Array(count);
  for (let index = 0, at = 0; index < count; index++, at += size) {
    let stored = 0;
    for (let byte = 0; byte < size; byte++) {
      stored |= bytes[at + byte]! << (8 * (littleEndian ? byte : size - 1 - byte));
    }
    words[index] = bits === 16 ? widen(stored, 5, 10) : widen(stored, 7, 16);
  }
  return new Uint8Array(words.buffer);
}

/** Bits of a small IEEE number, as the bits of the equal single precision number. */
function widen(stored: number, exponentBits: number, fractionBits: number): number {
  const sign = (stored >>> (exponentBits + fractionBits)) << 31;
  const special = (1 << exponentBits) - 1;
  const bias = special >>> 1;
  let exponent = (stored >>> fractionBits) & special;
  let fraction = stored & ((1 << fractionBits) - 1);
  if (exponent === special) return (sign | 0x7f800000 | (fraction << (23 - fractionBits))) >>> 0;
  if (exponent === 0) {
    if (fraction === 0) return sign >>> 0;
    // A subnormal number is a normal one in single precision.
    exponent = 1;
    while ((fraction & (1 << fractionBits)) === 0) {
      fraction <<= 1;
      exponent--;
    }
    fraction &= (1 << fractionBits) - 1;
  }
  return (sign | ((exponent - bias + 127) << 23) | (fraction << (23 - fractionBits))) >>> 0;
}
