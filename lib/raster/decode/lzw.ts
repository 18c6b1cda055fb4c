/**
 * LZW as TIFF uses it: TIFF 6.0 section 13, and the bit order of writers older than libtiff 3.
 *
 * @module
 */
import { decodeTiffLzw } from "../kernels/kernels.ts";
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
 * @returns At most `expected` bytes, maybe in memory that the next call uses again.
 * @throws {RasterFault} If a code is not in the table.
 */
export function decodeLzw(
  bytes: Uint8Array<ArrayBuffer>,
  expected: number,
): Uint8Array<ArrayBuffer> {
  // The old order starts with the clear code 100000000 from its lowest bit on.
  const lowestBitFirst = bytes.length >= 2 && bytes[0] === 0 && (bytes[1]! & 1) === 1;
  if (!lowestBitFirst) return decodeTiffLzw(bytes, expected);
  const raw = new Uint8Array(expected);
  const filled = decodeLowestFirst(bytes, raw);
  return filled === expected ? raw : raw.subarray(0, filled);
}

/**
 * The order of libtiff before version 3, which is that of GIF. Each string of the table is a stretch of
 * the output: the string of the code before it and one byte more.
 */
function decodeLowestFirst(bytes: Uint8Array, raw: Uint8Array): number {
  const starts = new Int32Array(TABLE_SIZE);
  const lengths = new Int32Array(TABLE_SIZE);
  let next = FIRST;
  let width = 9;
  let filled = 0;
  let previousStart = 0;
  let previousLength = 0;
  let buffer = 0;
  let available = 0;
  let at = 0;
  while (filled < raw.length) {
    while (available < width) {
      if (at === bytes.length) return filled;
      buffer |= bytes[at++]! << available;
      available += 8;
    }
    const code = buffer & ((1 << width) - 1);
    buffer >>>= width;
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
      if (previousLength === 0 || code > next) throw notInTable(code);
      let from = code === next ? previousStart : starts[code]!;
      const length = code === next ? previousLength + 1 : lengths[code]!;
      const end = Math.min(filled + length, raw.length);
      while (filled < end) raw[filled++] = raw[from++]!;
    }
    if (previousLength > 0 && next < TABLE_SIZE - 1) {
      starts[next] = previousStart;
      lengths[next] = previousLength + 1;
      next++;
      if (next >= 1 << width && width < 12) width++;
    }
    previousStart = start;
    previousLength = filled - start;
  }
  return filled;
}

function notInTable(code: number): RasterFault {
  return new RasterFault(`LZW data is damaged (code ${code} is not in the table)`);
}
