/**
 * Rasters strip by strip, so that none is held.
 *
 * @module
 */
import type { NdArray } from "../array/mod.ts";
import { InputError } from "../errors.ts";
import type { RasterReader } from "../raster/mod.ts";

/** Bytes of a strip of pixels. */
const STRIP_BYTES = 8 << 20;
const MOST_STRIP_ROWS = 1024;

/**
 * Rows to work on together, so that a strip is some megabytes and ends where blocks of the file do.
 *
 * @param width Columns of the raster.
 * @param blockHeight Rows of the blocks that the file is stored in.
 * @param elementBytes Bytes of a pixel.
 */
export function stripRowsFor(width: number, blockHeight: number, elementBytes: number): number {
  const rows = Math.max(
    1,
    Math.min(MOST_STRIP_ROWS, Math.floor(STRIP_BYTES / (width * elementBytes))),
  );
  return rows < blockHeight ? rows : rows - rows % blockHeight;
}

/**
 * Go through the rows of a raster, strip by strip.
 *
 * @param raster The raster.
 * @param stripRows Rows of a strip.
 * @param take Called for each strip.
 * @param onProgress Called with the rows done.
 */
export async function eachStrip(
  { info }: RasterReader,
  stripRows: number,
  take: (top: number, rows: number) => Promise<void>,
  onProgress?: (done: number, total: number) => void,
): Promise<void> {
  for (let top = 0; top < info.height; top += stripRows) {
    const rows = Math.min(stripRows, info.height - top);
    await take(top, rows);
    onProgress?.(top + rows, info.height);
  }
}

/**
 * Classes as whole numbers from 0.
 *
 * @param pixels Pixels of one band.
 * @param valid 1 where there is data.
 * @param source Name of the raster, for errors.
 * @throws {InputError} If a pixel with data is no whole number from 0 to 2²⁴.
 */
export function classCodes(
  { dtype, data }: NdArray,
  valid: Uint8Array,
  source: string,
): Uint8Array | Uint16Array | Uint32Array {
  if (data instanceof Uint8Array || data instanceof Uint16Array || data instanceof Uint32Array) {
    return data;
  }
  const codes = new Uint32Array(data.length);
  for (let i = 0; i < data.length; i++) {
    if (valid[i] === 0) continue;
    const value = Number(data[i]);
    if (!Number.isInteger(value) || value < 0 || value > 2 ** 24) {
      throw new InputError(
        `Cannot count the classes of ${
          JSON.stringify(source)
        }: it holds ${value} (${dtype}), which is no number of a class`,
        { hint: "Statistics of values: --kind values" },
      );
    }
    codes[i] = value;
  }
  return codes;
}
