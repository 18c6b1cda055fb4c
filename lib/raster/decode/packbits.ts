/**
 * Packbits, the run-length code of TIFF 6.0 section 9.
 *
 * @module
 */

/**
 * Decode packbits and stop at the expected size.
 *
 * @param bytes The code.
 * @param expected Bytes that it should give.
 * @returns At most `expected` bytes.
 */
export function decodePackbits(
  bytes: Uint8Array<ArrayBuffer>,
  expected: number,
): Uint8Array<ArrayBuffer> {
  const raw = new Uint8Array(expected);
  return raw.subarray(0, decodePackbitsInto(bytes, raw));
}

/**
 * Decode packbits and stop where the target is full.
 *
 * @param bytes The code.
 * @param target Filled from its start.
 * @returns How many bytes were filled.
 */
function decodePackbitsInto(
  bytes: Uint8Array<ArrayBuffer>,
  target: Uint8Array<ArrayBuffer>,
): number {
  const expected = target.length;
  let filled = 0;
  let at = 0;
  while (filled < expected && at < bytes.length) {
    const head = bytes[at++]!;
    if (head < 128) {
      const part = bytes.subarray(at, Math.min(at + head + 1, at + expected - filled));
      target.set(part, filled);
      filled += part.length;
      at += head + 1;
    } else if (head > 128 && at < bytes.length) {
      const end = Math.min(filled + 257 - head, expected);
      target.fill(bytes[at++]!, filled, end);
      filled = end;
    }
  }
  return filled;
}
