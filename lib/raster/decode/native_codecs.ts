/**
 * Deflate and Zstandard: through the system's libraries where it has them, the kernel for Deflate, and the
 * runtime's own, which have the last word on what is damaged or too long.
 *
 * @module
 */
import {
  constants,
  createInflate,
  createZstdDecompress,
  inflateSync,
  zstdDecompressSync,
} from "node:zlib";
import type { Transform } from "node:stream";
import { decodeHere, inflateZlib } from "../kernels/kernels.ts";
import { RasterFault } from "../read_fault.ts";
import {
  type Decompress,
  MAX_ZSTD_WINDOW_LOG,
  systemInflate,
  systemZstd,
} from "./system_codecs.ts";

const ZSTD_OPTIONS = { params: { [constants.ZSTD_d_windowLogMax]: MAX_ZSTD_WINDOW_LOG } };

/** A codec of the runtime. */
interface NativeCodec {
  readonly name: string;
  /** The same by the system. */
  system(): Decompress | null;
  /** Most bytes that one stored byte can stand for. */
  readonly maxRatio: number;
  decompress(
    bytes: Uint8Array,
    options: { chunkSize: number; maxOutputLength: number },
  ): Uint8Array;
  stream(): Transform;
}

const DEFLATE: NativeCodec = {
  name: "deflate",
  system: systemInflate,
  maxRatio: 1032,
  decompress: inflateSync,
  stream: createInflate,
};

const ZSTD: NativeCodec = {
  name: "ZSTD",
  system: systemZstd,
  maxRatio: 65536,
  decompress: (bytes, options) => zstdDecompressSync(bytes, { ...options, ...ZSTD_OPTIONS }),
  stream: () => createZstdDecompress(ZSTD_OPTIONS),
};

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
  return decompressUpTo(DEFLATE, bytes, expected);
}

/** Decompress Zstandard frames and stop at the expected size; as {@linkcode inflate}. */
export function decompressZstd(
  bytes: Uint8Array<ArrayBuffer>,
  expected: number,
): Uint8Array<ArrayBuffer> | Promise<Uint8Array<ArrayBuffer>> {
  return decompressUpTo(ZSTD, bytes, expected);
}

function decompressUpTo(
  codec: NativeCodec,
  bytes: Uint8Array<ArrayBuffer>,
  expected: number,
): Uint8Array<ArrayBuffer> | Promise<Uint8Array<ArrayBuffer>> {
  // Before memory is taken for it.
  if (bytes.length * codec.maxRatio + 64 < expected) {
    throw new RasterFault(
      `${bytes.length} bytes of ${codec.name} data cannot hold the ${expected} bytes of the image`,
    );
  }
  const system = codec.system();
  const fast = (system && decodeHere(expected, (target) => system(bytes, target))) ??
    (codec === DEFLATE ? inflateZlib(bytes, expected) : null);
  if (fast !== null) return fast;
  try {
    // One output chunk of the expected size: no growing, no joining.
    const raw = codec.decompress(bytes, {
      chunkSize: Math.max(64, expected),
      maxOutputLength: Math.max(1, expected),
    });
    return new Uint8Array(raw.buffer as ArrayBuffer, raw.byteOffset, raw.byteLength);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE") {
      return startOfStream(codec, bytes, expected);
    }
    throw damaged(codec, error);
  }
}

/** The start of a stream that holds more than is expected, which libtiff accepts. */
async function startOfStream(
  codec: NativeCodec,
  bytes: Uint8Array<ArrayBuffer>,
  expected: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const raw = new Uint8Array(expected);
  let filled = 0;
  const stream = codec.stream();
  stream.end(bytes);
  try {
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      const part = chunk.subarray(0, expected - filled);
      raw.set(part, filled);
      filled += part.length;
      // Leaving the loop ends the stream: nothing past the expected size is decompressed.
      if (filled === expected) break;
    }
  } catch (error) {
    throw damaged(codec, error);
  }
  return raw;
}

function damaged({ name }: NativeCodec, error: unknown): RasterFault {
  const reason = error instanceof Error ? error.message : String(error);
  return new RasterFault(`${name} data is damaged (${reason})`);
}
