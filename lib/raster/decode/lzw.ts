/**
 * LZW as TIFF uses it: TIFF 6.0 section 13, and the bit order of writers older than libtiff 3.
 *
 * Each string of the table is a stretch of the output: the string of the code before it and one byte
 * more. So the table is two numbers a code, and decoding copies within the output.
 *
 * @module
 */
import { RasterFault } from "../read_fault.ts";

const CLEAR = 256;
const END = 257;
const FIRST = 258;
/** Codes of 12 bits, and room for the one after the last. */
const TABLE_SIZE = 4097;

/**
 * Decode LZW and stop at the expected size.
 *
 * @param bytes The code.
 * @param expected Bytes that it should give.
 * @returns At most `expected` bytes.
 * @throws {RasterFault} If a code is not in the table.
 */
export function decodeLzw(
  bytes: Uint8Array<ArrayBuffer>,
  expected: number,
): Uint8Array<ArrayBuffer> {
  // The old order starts with the clear code 100000000 from its lowest bit on.
  return bytes.length >= 2 && bytes[0] === 0 && (bytes[1]! & 1) === 1
    ? decodeCodes(bytes, expected, true)
    : decodeCodes(bytes, expected, false);
}

function decodeCodes(
  bytes: Uint8Array<ArrayBuffer>,
  expected: number,
  lowestBitFirst: boolean,
): Uint8Array<ArrayBuffer> {
  const raw = new Uint8Array(expected);
  const starts = new Uint32Array(TABLE_SIZE);
  const lengths = new Uint32Array(TABLE_SIZE);
  // New files switch to wider codes one code early.
  const early = lowestBitFirst ? 0 : 1;
  let next = FIRST;
  let width = 9;
  let filled = 0;
  let previousStart = 0;
  let previousLength = 0;
  let buffer = 0;
  let available = 0;
  let at = 0;
  while (filled < expected) {
    while (available < width) {
      if (at === bytes.length) return raw.subarray(0, filled);
      if (lowestBitFirst) buffer |= bytes[at++]! << available;
      else buffer = ((buffer << 8) | bytes[at++]!) & 0xffffff;
      available += 8;
    }
    let code: number;
    if (lowestBitFirst) {
      code = buffer & ((1 << width) - 1);
      buffer >>>= width;
    } else {
      code = (buffer >>> (available - width)) & ((1 << width) - 1);
    }
    available -= width;

    if (code === CLEAR) {
      next = FIRST;
      width = 9;
      previousLength = 0;
      continue;
    }
    if (code === END) break;
    const start = filled;
    if (code < CLEAR) {
      raw[filled++] = code;
    } else {
      if (previousLength === 0 || code > next) {
        throw new RasterFault(`LZW data is damaged (code ${code} is not in the table)`);
      }
      // A code that is about to be defined is the previous string and its first byte.
      const from = code === next ? previousStart : starts[code]!;
      const length = code === next ? previousLength + 1 : lengths[code]!;
      const end = Math.min(filled + length, expected);
      for (let read = from; filled < end;) raw[filled++] = raw[read++]!;
    }
    if (previousLength > 0 && next < TABLE_SIZE - 1) {
      starts[next] = previousStart;
      lengths[next] = previousLength + 1;
      next++;
      if (next + early >= 1 << width && width < 12) width++;
    }
    previousStart = start;
    previousLength = filled - start;
  }
  return raw.subarray(0, filled);
}
