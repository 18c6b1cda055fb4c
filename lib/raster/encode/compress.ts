/**
 * Compression of blocks.
 *
 * @module
 */
import { constants, deflateSync, zstdCompressSync } from "node:zlib";
import { COMPRESSION } from "../geotiff_tags.ts";

/** How the blocks of a written GeoTIFF are compressed. */
export type GeoTiffCompression = "none" | "deflate" | "zstd";

/** One way to compress a block. */
export interface Codec {
  /** Value of the Compression tag. */
  readonly tag: number;
  /**
   * Compress; the same bytes come out for the same bytes.
   *
   * @returns The bytes themselves, or others in a buffer of their own.
   */
  encode(bytes: Uint8Array): Uint8Array;
}

/** GDAL's default levels. */
const LEVEL = { deflate: 6, zstd: 9 } as const;

/** Every codec by its name. */
export const CODECS: Readonly<Record<GeoTiffCompression, Codec>> = {
  none: { tag: COMPRESSION.none, encode: (bytes) => bytes },
  deflate: {
    tag: COMPRESSION.adobeDeflate,
    encode: (bytes) => deflateSync(bytes, { level: LEVEL.deflate }),
  },
  zstd: {
    tag: COMPRESSION.zstd,
    encode: (bytes) =>
      zstdCompressSync(bytes, {
        params: { [constants.ZSTD_c_compressionLevel]: LEVEL.zstd },
      }),
  },
};
