/**
 * How much of a map each class is.
 *
 * @module
 */
import { openCrs, pixelAreas } from "../geo/mod.ts";
import type { RasterReader } from "../raster/mod.ts";
import { ClassCounter } from "./class_counts.ts";
import { classCodes, eachStrip, stripRowsFor } from "./strips.ts";

/** Pixels and areas by class. */
export interface MapAreas {
  /** Pixels by class; as many entries as the highest class asks for. */
  readonly pixels: Float64Array;
  /** Square metres by class; null where the map does not say where it lies. */
  readonly area: Float64Array | null;
  /** Pixels without data. */
  readonly missing: number;
}

/** Options of {@linkcode mapClassAreas}. */
export interface MapAreasOptions {
  /** CRS of the map, where it has none. */
  readonly crs?: string;
  /** Called with the rows done. */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Count the classes of a whole map.
 *
 * @param map Class map; its first band counts.
 * @param options CRS and progress.
 * @throws {InputError} If the map is damaged or holds what is no class.
 */
export async function mapClassAreas(
  map: RasterReader,
  options: MapAreasOptions = {},
): Promise<MapAreas> {
  const { width, height, georeference, block, source } = map.info;
  const crs = georeference.crs ?? options.crs;
  const { transform } = georeference;
  const areas = crs === undefined || transform === null
    ? null
    : await pixelAreas(await openCrs(crs, source), transform, height);
  const counter = new ClassCounter(areas ?? 1);
  // One zone, which has all pixels.
  await eachStrip(map, stripRowsFor(width, block.height, 1), async (y, rows) => {
    const { image, valid } = await map.read({ x: 0, y, width, height: rows }, [0]);
    const codes = classCodes(image, valid.data, source);
    const fields = new Uint32Array(4 * rows);
    for (let row = 0; row < rows; row++) fields.set([0, y + row, 0, width], 4 * row);
    const shares = new Float64Array(rows).fill(1);
    counter.add({ count: rows, fields, shares }, codes, valid.data, y, width);
  }, options.onProgress);
  const { pixels, area, missingPixels } = counter.counts(0);
  const count = pixels.findLastIndex((value) => value > 0) + 1;
  return {
    pixels: pixels.slice(0, count),
    area: areas === null ? null : area.slice(0, count),
    missing: missingPixels,
  };
}
