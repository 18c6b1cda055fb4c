/**
 * The checksum of several rasters that are read as one.
 *
 * @module
 */
import { crc32 } from "node:zlib";
import type { RasterReader } from "./raster.ts";

/**
 * The checksum of a reader over others.
 *
 * @param readers The others.
 * @returns Their checksums' CRC-32; null where any of them has none.
 */
export function joinedChecksum(readers: readonly RasterReader[]): number | null {
  const checksums = readers.map(({ checksum }) => checksum);
  return checksums.includes(null) ? null : crc32(JSON.stringify(checksums));
}
