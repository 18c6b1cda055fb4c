/**
 * A raster, or a window of it, at the size of a picture: from an overview where there is one.
 *
 * @module
 */
import { bytesPerElement } from "../array/mod.ts";
import { InputError } from "../errors.ts";
import type { GeoTransform, PixelWindow } from "../geo/mod.ts";
import { openRaster, type RasterInfo, type RasterReader } from "../raster/mod.ts";
import { openSceneFiles } from "../scene/mod.ts";
import { type ReducedPixels, Reducer, type Reduction } from "./reducer.ts";

/** Options of {@linkcode readReduced}. */
export interface ReadReducedOptions {
  /** Longer side of the picture in pixels; rasters that are smaller keep their size. */
  readonly maxSide: number;
  /** How several pixels become one. */
  readonly reduction: Reduction;
  /** Pixels of the raster to show; all where left out. */
  readonly window?: PixelWindow;
  /** Zero-based numbers of the bands, in the order wanted; all where left out. */
  readonly bands?: readonly number[];
  /** Headers of HTTP requests. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A raster at the size of a picture. */
export interface ReducedRaster extends ReducedPixels {
  /** The raster at its full resolution. */
  readonly info: RasterInfo;
  /** The pixels of it that are shown. */
  readonly window: PixelWindow;
  /** Transform of the picture's pixels; null where the raster has none. */
  readonly transform: GeoTransform | null;
}

/** About the most bytes that are read at once. */
const CHUNK_BYTES = 1 << 25;

/**
 * Read a raster at the size of a picture.
 *
 * Of the overviews, the smallest one that is not smaller than the picture is read, so that a whole granule
 * takes moments; its pixels are then averaged, or vote.
 *
 * @param source Path, or `http:` or `https:` URL; a folder of the files of one scene as well.
 * @param options Size, window and bands.
 * @throws {InputError} If it cannot be read, or the window leaves the raster.
 */
export async function readReduced(
  source: string,
  options: ReadReducedOptions,
): Promise<ReducedRaster> {
  const { maxSide, reduction, headers = {} } = options;
  const full = await openSceneFiles([source], { headers });
  let reader: RasterReader = full;
  try {
    const { info } = full;
    const window = options.window ?? { x: 0, y: 0, width: info.width, height: info.height };
    checkWindow(window, info);
    const bands = options.bands ?? info.bands.map((_, index) => index);
    const { columns, rows } = fitInto(window, maxSide);
    const overview = chooseOverview(info, window, columns, rows);
    if (overview !== null) reader = await openRaster(source, { headers, overview });
    const zoom = { x: reader.info.width / info.width, y: reader.info.height / info.height };
    const area = { x: window.x * zoom.x, y: window.y * zoom.y };
    const reducer = new Reducer({
      width: window.width * zoom.x,
      height: window.height * zoom.y,
      columns,
      rows,
      bands: bands.length,
      reduction,
      offset: area,
    });
    const [left, top] = [Math.floor(area.x), Math.floor(area.y)];
    const right = Math.min(reader.info.width, Math.ceil(area.x + window.width * zoom.x));
    const bottom = Math.min(reader.info.height, Math.ceil(area.y + window.height * zoom.y));
    const height = chunkRows(reader.info, right - left, bands.length);
    for (let y = top; y < bottom; y = (Math.floor(y / height) + 1) * height) {
      const end = Math.min(bottom, (Math.floor(y / height) + 1) * height);
      const part = { x: left, y, width: right - left, height: end - y };
      const { image, valid } = await reader.read(part, bands);
      reducer.add(image, valid, left, y);
    }
    return {
      ...reducer.finish(),
      info,
      window,
      transform: transformOf(info, window, columns, rows),
    };
  } finally {
    full.close();
    if (reader !== full) reader.close();
  }
}

/** Columns and rows of a picture that is at most so large, and no larger than what it shows. */
export function fitInto(
  { width, height }: { readonly width: number; readonly height: number },
  maxSide: number,
): { columns: number; rows: number } {
  const zoom = Math.min(1, maxSide / Math.max(width, height));
  return {
    columns: Math.max(1, Math.round(width * zoom)),
    rows: Math.max(1, Math.round(height * zoom)),
  };
}

function checkWindow({ x, y, width, height }: PixelWindow, info: RasterInfo): void {
  if (x >= 0 && y >= 0 && x + width <= info.width && y + height <= info.height) return;
  throw new InputError(
    `Cannot show ${width}x${height} pixels at ${x}, ${y} of ${
      JSON.stringify(info.source)
    }, which has ${info.width}x${info.height}`,
  );
}

/** The smallest overview that has as many pixels as the picture; null for the full resolution. */
function chooseOverview(
  info: RasterInfo,
  window: PixelWindow,
  columns: number,
  rows: number,
): number | null {
  let chosen: number | null = null;
  info.overviews.forEach(({ width, height }, index) => {
    const enough = window.width * width / info.width >= columns * 0.999 &&
      window.height * height / info.height >= rows * 0.999;
    if (enough && width < (chosen === null ? info.width : info.overviews[chosen]!.width)) {
      chosen = index;
    }
  });
  return chosen;
}

/** Whole rows of blocks, as many as may be read at once. */
function chunkRows(info: RasterInfo, width: number, bands: number): number {
  const rowBytes = width * (bands * bytesPerElement(info.dtype) + 1);
  const fitting = Math.max(1, Math.floor(CHUNK_BYTES / rowBytes));
  const block = Math.max(1, info.block.height);
  return fitting < block ? fitting : Math.floor(fitting / block) * block;
}

function transformOf(
  { georeference: { transform } }: RasterInfo,
  window: PixelWindow,
  columns: number,
  rows: number,
): GeoTransform | null {
  if (transform === null) return null;
  const [x0, a, b, y0, d, e] = transform;
  const [h, v] = [window.width / columns, window.height / rows];
  return [
    x0 + a * window.x + b * window.y,
    a * h,
    b * v,
    y0 + d * window.x + e * window.y,
    d * h,
    e * v,
  ];
}
