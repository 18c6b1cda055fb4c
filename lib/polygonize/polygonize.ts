/**
 * Polygons of the regions of a class map.
 *
 * Two passes over the rows: regions are found and measured, then their borders are followed. A region
 * is done, and forgotten, when its last row has gone by, so that what is held are the borders of the
 * regions that are not, and some numbers for each region.
 *
 * @module
 */
import { InputError } from "../errors.ts";
import {
  type Geometry,
  type GeoTransform,
  openCrs,
  pixelAreas,
  type Position,
} from "../geo/mod.ts";
import type { RasterReader } from "../raster/mod.ts";
import { mapStrips, NONE, PieceNumbers } from "../regions/mod.ts";
import { type Arc, ArcTracer } from "./arcs.ts";
import { RegionTable } from "./region_table.ts";
import { assembleRings, type LatticeRing } from "./rings.ts";
import { simplifyLine } from "./simplify.ts";

/** Options of {@linkcode polygonizeMap}. */
export interface PolygonizeOptions {
  /** Whether pixels that touch at a corner belong together (8) or only those that share an edge (4, where left out). */
  readonly connectivity?: 4 | 8;
  /** Borders may be this far from those of the pixels, in pixels; 0 where left out. */
  readonly tolerance?: number;
  /** CRS of the map, where it has none. */
  readonly crs?: string;
  /** Called with the rows done, over both passes. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** A region of a class map. */
export interface RegionPolygon {
  /** Its class. */
  readonly class: number;
  /** Its pixels. */
  readonly pixels: number;
  /** Square metres of its pixels; null where the map does not say where it lies. */
  readonly area: number | null;
  /** Its polygon, in the coordinates of the map. */
  readonly geometry: Geometry;
}

/**
 * Find the polygons of the regions of equal class of a map, in the order in which they end.
 *
 * Neighbours have the same border, point for point, simplified or not. Pixels without data are part of
 * no polygon. Rings of polygons never touch themselves; a region whose parts touch at corners only
 * (connectivity 8) is a MultiPolygon. A region that simplification leaves no area is left out.
 *
 * @param map Class map of one band of 8 bits.
 * @param options Connectivity and tolerance.
 * @throws {InputError} If the map has several bands, or another element type.
 *
 * @example
 * ```ts
 * import { encodePng, ndarray, openRaster, polygonizeMap } from "swath";
 *
 * const path = await Deno.makeTempFile({ suffix: ".png" });
 * await Deno.writeFile(path, encodePng(ndarray("uint8", [1, 3, 1], Uint8Array.of(7, 7, 9))));
 * const map = await openRaster(path);
 * const found = await Array.fromAsync(polygonizeMap(map));
 * if (found.length !== 2 || found[0]?.pixels !== 2) throw new Error("two regions");
 * map.close();
 * await Deno.remove(path);
 * ```
 */
export async function* polygonizeMap(
  map: RasterReader,
  options: PolygonizeOptions = {},
): AsyncGenerator<RegionPolygon, void, undefined> {
  const { source, width, height, bands, dtype, georeference } = map.info;
  if (bands.length !== 1 || dtype !== "uint8") {
    throw new InputError(
      `Cannot turn "${source}" into polygons as it has ${bands.length} bands of ${dtype}: expected 1 band of classes in 8 bits`,
    );
  }
  const { connectivity = 4, tolerance = 0, onProgress } = options;
  const { transform } = georeference;
  const crs = georeference.crs ?? options.crs;
  const areas = crs === undefined || transform === null
    ? null
    : await pixelAreas(await openCrs(crs, source), transform, height);
  const passes = { done: 0, total: 2 * height };

  const table = new RegionTable();
  let pieces = new PieceNumbers(width, connectivity);
  let row = 0;
  for await (const { values, valid, rows } of mapStrips(map)) {
    for (let y = 0; y < rows; y++, row++) {
      const line = values.subarray(y * width, (y + 1) * width);
      const { ids, joined } = pieces.next(line, valid.subarray(y * width, (y + 1) * width));
      const size = areas === null ? 0 : typeof areas === "number" ? areas : areas[row]!;
      addRow(table, ids, line, row, size);
      for (const [a, b] of joined) table.join(a, b);
    }
    onProgress?.(passes.done += rows, passes.total);
  }
  const ending = table.settle(height);

  const arcs = new Map<number, Arc[]>();
  const tracer = new ArcTracer(width, NONE, (arc) => {
    const simple = { ...arc, points: simplifyLine(arc.points, tolerance, arc.closed) };
    for (const region of [arc.left, arc.right]) {
      if (region === NONE) continue;
      const own = arcs.get(region);
      if (own === undefined) arcs.set(region, [simple]);
      else own.push(simple);
    }
  });
  function* finished(last: number): Generator<RegionPolygon, void, undefined> {
    for (const region of ending[last] ?? []) {
      const rings = assembleRings(region, arcs.get(region) ?? []);
      arcs.delete(region);
      if (rings.length === 0) continue;
      const { value, pixels, area } = table.describe(region);
      yield {
        class: value,
        pixels,
        area: areas === null ? null : area,
        geometry: geometryOf(rings, transform),
      };
    }
  }
  pieces = new PieceNumbers(width, connectivity);
  row = 0;
  for await (const { values, valid, rows } of mapStrips(map)) {
    for (let y = 0; y < rows; y++, row++) {
      const line = values.subarray(y * width, (y + 1) * width);
      const { ids } = pieces.next(line, valid.subarray(y * width, (y + 1) * width));
      tracer.next(regionsOf(table, ids));
      // The borders of a region that ends in a row are whole once the row below has been followed.
      yield* finished(row - 1);
    }
    onProgress?.(passes.done += rows, passes.total);
  }
  tracer.next(new Int32Array(width + 2).fill(NONE));
  yield* finished(height - 1);
}

/** Measure the stretches of a row. */
function addRow(
  table: RegionTable,
  ids: Int32Array,
  values: Uint8Array,
  row: number,
  size: number,
): void {
  for (let x = 0; x < ids.length;) {
    const piece = ids[x]!;
    let end = x + 1;
    while (end < ids.length && ids[end] === piece) end++;
    if (piece !== NONE) table.add(piece, values[x]!, row, end - x, (end - x) * size);
    x = end;
  }
}

/** Regions of a row, with the outside at both ends. */
function regionsOf(table: RegionTable, ids: Int32Array): Int32Array {
  const regions = new Int32Array(ids.length + 2).fill(NONE);
  let [last, region] = [NONE, NONE];
  for (let x = 0; x < ids.length; x++) {
    const piece = ids[x]!;
    if (piece !== last) {
      last = piece;
      region = piece === NONE ? NONE : table.regionOf(piece);
    }
    regions[x + 1] = region;
  }
  return regions;
}

/** Rings in the coordinates of the map; in pixels where it has none. */
function geometryOf(polygons: readonly LatticeRing[][], transform: GeoTransform | null): Geometry {
  const [x0, a, b, y0, d, e] = transform ?? [0, 1, 0, 0, 0, 1];
  const place = (ring: LatticeRing): Position[] =>
    Array.from({ length: ring.length / 2 }, (_, i) => {
      const [column, row] = [ring[2 * i]!, ring[2 * i + 1]!];
      return [x0 + a * column + b * row, y0 + d * column + e * row];
    });
  const placed = polygons.map((rings) => rings.map(place));
  return placed.length === 1
    ? { type: "Polygon", coordinates: placed[0]! }
    : { type: "MultiPolygon", coordinates: placed };
}
