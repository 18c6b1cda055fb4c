/**
 * Zstandard, through the runtime's native library.
 *
 * @module
 */
import { constants, zstdDecompressSync } from "node:zlib";
import { RasterFault } from "../read_fault.ts";

/** Largest window, 2^27 bytes: zstd's own default for a decoder. */
const MAX_WINDOW_LOG = 27;

/**
 * Decompress Zstandard frames of a known size.
 *
 * @param bytes The frames.
 * @param expected Bytes that they give.
 * @returns The bytes.
 * @throws {RasterFault} If they are damaged or give more than expected.
 */
export function decompressZstd(
  bytes: Uint8Array<ArrayBuffer>,
  expected: number,
): Uint8Array<ArrayBuffer> {
  try {
    const raw = zstdDecompressSync(bytes, {
      chunkSize: Math.max(64, expected),
      maxOutputLength: Math.max(1, expected),
      params: { [constants.ZSTD_d_windowLogMax]: MAX_WINDOW_LOG },
    });
    return new Uint8Array(raw.buffer as ArrayBuffer, raw.byteOffset, raw.byteLength);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new RasterFault(`ZSTD data is damaged (${reason})`);
  }
}
