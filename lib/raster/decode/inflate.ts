/**
 * Deflate, through the runtime's native zlib.
 *
 * @module
 */
import { inflateSync } from "node:zlib";
import { RasterFault } from "../read_fault.ts";

/**
 * Decompress a zlib stream and stop at the expected size.
 *
 * @param bytes The stream; what follows its end is ignored.
 * @param expected Bytes that it should give; more are not decompressed.
 * @returns At most `expected` bytes.
 * @throws {RasterFault} If the stream is damaged.
 */
export function inflate(
  bytes: Uint8Array<ArrayBuffer>,
  expected: number,
): Uint8Array<ArrayBuffer> | Promise<Uint8Array<ArrayBuffer>> {
  try {
    // One output chunk of the expected size: no growing, no joining.
    const raw = inflateSync(bytes, {
      chunkSize: Math.max(64, expected),
      maxOutputLength: Math.max(1, expected),
    });
    return new Uint8Array(raw.buffer as ArrayBuffer, raw.byteOffset, raw.byteLength);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE") {
      return inflateUpTo(bytes, expected);
    }
    throw new RasterFault(`deflate data is damaged (${reason(error)})`);
  }
}

/** The start of a stream that holds more than is expected, which libtiff accepts. */
async function inflateUpTo(
  bytes: Uint8Array<ArrayBuffer>,
  expected: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const raw = new Uint8Array(expected);
  let filled = 0;
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  try {
    for await (const chunk of stream) {
      const part = chunk.subarray(0, expected - filled);
      raw.set(part, filled);
      filled += part.length;
      // Leaving the loop cancels the stream: nothing past the expected size is inflated.
      if (filled === expected) break;
    }
  } catch (error) {
    throw new RasterFault(`deflate data is damaged (${reason(error)})`);
  }
  return raw.subarray(0, filled);
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
