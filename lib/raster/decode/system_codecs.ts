/**
 * Decompressors of the system: libdeflate and libzstd, which come with GDAL and most other readers of
 * TIFF. They are faster than what is here for everyone, and do without; so every stream that they do not
 * take whole is left to that, which says what is wrong with it.
 *
 * @module
 */
import { once } from "../../once.ts";

/** Binary logarithm of the largest window of Zstandard: the default of its own decoder. */
export const MAX_ZSTD_WINDOW_LOG = 27;
const MAX_ZSTD_WINDOW = 2 ** MAX_ZSTD_WINDOW_LOG;

/** Decompress into a buffer; how many bytes that gave, or null if there is anything wrong or too much. */
export type Decompress = (
  bytes: Uint8Array<ArrayBuffer>,
  target: Uint8Array<ArrayBuffer>,
) => number | null;

type Os = typeof Deno.build.os;

const LIBDEFLATE: Partial<Record<Os, string>> = {
  linux: "libdeflate.so.0",
  darwin: "libdeflate.0.dylib",
  windows: "libdeflate.dll",
};

const LIBZSTD: Partial<Record<Os, string>> = {
  linux: "libzstd.so.1",
  darwin: "libzstd.1.dylib",
  windows: "libzstd.dll",
};

const ZSTD_MAGIC_BYTES = 4;

/** LIBDEFLATE_SUCCESS of libdeflate.h. */
const LIBDEFLATE_SUCCESS = 0;

/**
 * zlib streams by libdeflate; what follows a stream is ignored.
 *
 * @returns null where there is no such library, or no permission to call it.
 */
export const systemInflate: () => Decompress | null = once(() =>
  load(LIBDEFLATE, (path) => {
    const { symbols } = Deno.dlopen(path, {
      libdeflate_alloc_decompressor: { parameters: [], result: "pointer" },
      libdeflate_zlib_decompress_ex: {
        parameters: ["pointer", "buffer", "usize", "buffer", "usize", "buffer", "buffer"],
        result: "i32",
      },
    });
    const decompressor = symbols.libdeflate_alloc_decompressor();
    if (decompressor === null) return null;
    const read = new BigUint64Array(1);
    const written = new BigUint64Array(1);
    return (bytes, target) => {
      const result = symbols.libdeflate_zlib_decompress_ex(
        decompressor,
        bytes,
        BigInt(bytes.length),
        target,
        BigInt(target.length),
        read,
        written,
      );
      return result === LIBDEFLATE_SUCCESS ? Number(written[0]) : null;
    };
  })
);

/**
 * A Zstandard frame by libzstd; what follows it is ignored. One that must be decoded piece by piece, as it
 * does not say how long its content is, and wants a window of more than 2^27 bytes is left alone: libtiff
 * and the runtime refuse it.
 *
 * @returns null where there is no such library, or no permission to call it.
 */
export const systemZstd: () => Decompress | null = once(() =>
  load(LIBZSTD, (path) => {
    const { symbols } = Deno.dlopen(path, {
      ZSTD_createDCtx: { parameters: [], result: "pointer" },
      ZSTD_decompressDCtx: {
        parameters: ["pointer", "buffer", "usize", "buffer", "usize"],
        result: "usize",
      },
      ZSTD_findFrameCompressedSize: { parameters: ["buffer", "usize"], result: "usize" },
      ZSTD_isError: { parameters: ["usize"], result: "u32" },
    });
    const context = symbols.ZSTD_createDCtx();
    if (context === null) return null;
    return (bytes, target) => {
      if (needsLargeWindow(bytes)) return null;
      const length = symbols.ZSTD_findFrameCompressedSize(bytes, BigInt(bytes.length));
      if (symbols.ZSTD_isError(length) !== 0) return null;
      const result = symbols.ZSTD_decompressDCtx(
        context,
        target,
        BigInt(target.length),
        bytes,
        length,
      );
      return symbols.ZSTD_isError(result) === 0 ? Number(result) : null;
    };
  })
);

/**
 * Whether a frame does not tell its size and has a window above the limit; its header is that of RFC 8878,
 * section 3.1.1.1.
 */
function needsLargeWindow(frame: Uint8Array): boolean {
  const [descriptor = 0, window = 0] = frame.subarray(ZSTD_MAGIC_BYTES);
  const [contentSizeFlag, isSingleSegment] = [descriptor >> 6, (descriptor & 0x20) !== 0];
  if (contentSizeFlag !== 0 || isSingleSegment) return false;
  const base = 2 ** (10 + (window >> 3));
  return base + base / 8 * (window & 7) > MAX_ZSTD_WINDOW;
}

/** Open a library; null where that cannot be done without asking anybody. */
function load(
  names: Partial<Record<Os, string>>,
  open: (path: string) => Decompress | null,
): Decompress | null {
  const path = names[Deno.build.os];
  if (path === undefined) return null;
  if (Deno.permissions.querySync({ name: "ffi" }).state !== "granted") return null;
  try {
    return open(path);
  } catch {
    // It is not installed, or too old.
    return null;
  }
}
