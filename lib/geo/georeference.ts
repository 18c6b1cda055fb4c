/**
 * Where a raster lies on the ground: its coordinate reference system and its geotransform.
 *
 * @module
 */

/**
 * Affine transform from pixel to ground coordinates in GDAL's order
 * `[x0, dx/dcol, dx/drow, y0, dy/dcol, dy/drow]`, where (0, 0) is the outer corner of the first
 * pixel (pixel-is-area), whatever convention the file used.
 */
export type GeoTransform = readonly [number, number, number, number, number, number];

/** The GeoTIFF keys of a file as they were, so that a map written from it keeps its CRS exactly. */
export interface GeoKeys {
  /** GeoKeyDirectoryTag (34735), including its four-number header. */
  readonly directory: readonly number[];
  /** GeoDoubleParamsTag (34736). */
  readonly doubles: readonly number[];
  /** GeoAsciiParamsTag (34737). */
  readonly ascii: string;
}

/** Georeference of a raster. */
export interface Georeference {
  /** `EPSG:32633` where the file names a code; otherwise null. */
  readonly crs: string | null;
  /** Affine transform; null where the raster has none. */
  readonly transform: GeoTransform | null;
  /** The file's own GeoTIFF keys; null where it has none. */
  readonly geoKeys: GeoKeys | null;
  /** True where the file says that coordinates refer to pixel centres (RasterPixelIsPoint). */
  readonly pixelIsPoint: boolean;
}

/** A rectangle of pixels: offset of its first column and row, and its size. It may leave the raster. */
export interface PixelWindow {
  /** First column. */
  readonly x: number;
  /** First row. */
  readonly y: number;
  /** Columns. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
}

/**
 * The geotransform of a window of a raster.
 *
 * @param transform Geotransform of the whole raster.
 * @param x First column of the window.
 * @param y First row of the window.
 * @returns The same transform moved to the window's outer corner.
 *
 * @example
 * ```ts
 * import { windowTransform } from "swath";
 *
 * const moved = windowTransform([500000, 10, 0, 5100000, 0, -10], 3, 2);
 * if (moved[0] !== 500030 || moved[3] !== 5099980) throw new Error("unexpected corner");
 * ```
 */
export function windowTransform(transform: GeoTransform, x: number, y: number): GeoTransform {
  const [x0, a, b, y0, c, d] = transform;
  return [x0 + a * x + b * y, a, b, y0 + c * x + d * y, c, d];
}
