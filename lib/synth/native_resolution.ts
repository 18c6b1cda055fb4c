/**
 * Scenes at the resolution that a sensor would have seen them in.
 *
 * @module
 */
import { type DataType, type NdArray, ndarray } from "../array/mod.ts";
import type { GeoTransform } from "../geo/mod.ts";

/** Metres of a pixel of the scenes that are made. */
const SCENE_PIXEL = 10;
/** Metres of a pixel of the bands of Sentinel-2 that are coarser (Sentinel-2 User Handbook, table 1). */
const COARSER_BANDS: Readonly<Record<string, number>> = {
  B01: 60,
  B05: 20,
  B06: 20,
  B07: 20,
  B8A: 20,
  B09: 60,
  B10: 60,
  B11: 20,
  B12: 20,
};

/**
 * How many pixels of a scene make one of a band, as Sentinel-2 has it.
 *
 * @param band Name of the band.
 * @returns 1, 2 or 6 for bands of 10, 20 and 60 m; 1 for others.
 */
export function nativeFactor(band: string): number {
  return (COARSER_BANDS[band] ?? SCENE_PIXEL) / SCENE_PIXEL;
}

/**
 * Average blocks of pixels into one each.
 *
 * @param rows Shape (C, H, W); H a multiple of the factor, but at the end of a scene.
 * @param factor Columns and rows of a block; those at the end of a row may be narrower.
 * @param nodata Value of pixels without data, which do not count; null for none.
 * @returns Shape (C, ⌈H/factor⌉, ⌈W/factor⌉): means, rounded; nodata where no pixel of a block has data.
 */
export function coarsen(rows: NdArray, factor: number, nodata: number | null): NdArray {
  const [bands, height, width] = rows.shape as [number, number, number];
  const [coarseHeight, coarseWidth] = [Math.ceil(height / factor), Math.ceil(width / factor)];
  const coarse = ndarray<DataType>(rows.dtype, [bands, coarseHeight, coarseWidth]);
  const data = rows.data as Float64Array;
  const target = coarse.data as Float64Array;
  for (let index = 0; index < target.length; index++) {
    const band = Math.floor(index / (coarseHeight * coarseWidth));
    const top = factor * (Math.floor(index / coarseWidth) % coarseHeight);
    const left = factor * (index % coarseWidth);
    let sum = 0;
    let count = 0;
    for (let y = top; y < Math.min(height, top + factor); y++) {
      for (let x = left; x < Math.min(width, left + factor); x++) {
        const value = data[(band * height + y) * width + x]!;
        if (value === nodata) continue;
        sum += value;
        count++;
      }
    }
    target[index] = count === 0 ? nodata ?? 0 : Math.round(sum / count);
  }
  return coarse;
}

/** The transform of a coarser grid with the same corner. */
export function coarserTransform(
  [x, a, b, y, c, d]: GeoTransform,
  factor: number,
): GeoTransform {
  return [x, factor * a, factor * b, y, factor * c, factor * d];
}
