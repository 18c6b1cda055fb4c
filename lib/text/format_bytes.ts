/**
 * Amounts of data as people write them.
 *
 * @module
 */

/**
 * A number of bytes as people write it.
 *
 * @param bytes The number.
 * @returns Such as `640 B` or `1.5 MiB`.
 *
 * @example
 * ```ts
 * import { formatBytes } from "swath";
 *
 * if (formatBytes(1536) !== "1.5 KiB") throw new Error(formatBytes(1536));
 * ```
 */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}
