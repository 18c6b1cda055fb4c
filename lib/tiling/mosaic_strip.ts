/**
 * Pixels of several rasters laid over one another: the first that has data wins.
 *
 * @module
 */
import { bytesOf, bytesPerElement, type NdArray, ndarray } from "../array/mod.ts";
import type { RasterPixels, RasterSpec } from "../raster/mod.ts";

/** Pixels that are being put together. */
export interface Strip {
  readonly rows: number;
  readonly width: number;
  /** Shape (bands, rows, width). */
  readonly pixels: NdArray;
  /** 1 where a raster has given a pixel. */
  readonly filled: Uint8Array;
}

/**
 * Pixels that no raster has given yet.
 *
 * @param contents What the mosaic holds.
 * @param width Columns.
 * @param rows Rows.
 */
export function emptyStrip(
  { dtype, bands, nodata }: Pick<RasterSpec, "dtype" | "bands" | "nodata">,
  width: number,
  rows: number,
): Strip {
  const pixels = ndarray(dtype, [bands.length, rows, width]);
  if (nodata !== null) {
    const { data } = pixels;
    if (data instanceof BigInt64Array || data instanceof BigUint64Array) data.fill(BigInt(nodata));
    else data.fill(nodata);
  }
  return { rows, width, pixels, filled: new Uint8Array(rows * width) };
}

/**
 * Copy the pixels that have data to where nothing is yet, in runs.
 *
 * @param strip Where to.
 * @param pixels What a raster gave, of the strip's element type and bands.
 * @param left Column of the strip that they begin at.
 * @param top Row of the strip that they begin at.
 */
export function addPixels(
  strip: Strip,
  { image, valid }: RasterPixels,
  left: number,
  top: number,
): void {
  const [bands, rows, columns] = image.shape as [number, number, number];
  const size = bytesPerElement(image.dtype);
  const [from, to] = [bytesOf(image), bytesOf(strip.pixels)];
  for (let row = 0; row < rows; row++) {
    const target = (top + row) * strip.width + left;
    const isWanted = (column: number) =>
      valid.data[row * columns + column] === 1 && strip.filled[target + column] === 0;
    for (let column = 0; column < columns; column++) {
      if (!isWanted(column)) continue;
      const start = column;
      while (column < columns && isWanted(column)) column++;
      for (let band = 0; band < bands; band++) {
        const source = (band * rows + row) * columns;
        const place = band * strip.rows * strip.width + target + start;
        to.set(from.subarray((source + start) * size, (source + column) * size), place * size);
      }
      strip.filled.fill(1, target + start, target + column);
    }
  }
}
