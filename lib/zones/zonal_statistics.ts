/**
 * Statistics of rasters by zones: the rows of the raster go by once, strip by strip.
 *
 * @module
 */
import type { NdArray } from "../array/mod.ts";
import type { RasterReader } from "../raster/mod.ts";
import type { RowSink } from "../tiling/mod.ts";
import { ClassCounter, type ClassCounts } from "./class_counts.ts";
import type { PlacedZone, PlacedZones } from "./placed_zones.ts";
import { classCodes, eachStrip } from "./strips.ts";
import { ValueCollector, type ValueStatistics } from "./value_statistics.ts";

/** Pixels of a class in a zone. */
export interface ZoneClass {
  /** Number of the class. */
  readonly class: number;
  /** Pixels, each by the share that the zone covers. */
  readonly pixels: number;
  /** Square metres. */
  readonly area: number;
}

/** What lies in a zone. */
export interface ZoneClasses {
  /** The zone. */
  readonly zone: PlacedZone;
  /** Pixels with data. */
  readonly pixels: number;
  /** Square metres with data. */
  readonly area: number;
  /** Share of the zone's pixels that have data; null for a zone off the raster. */
  readonly valid: number | null;
  /** The class with most pixels, of several the one with the highest number; null for none. */
  readonly majority: number | null;
  /** Classes that are there, by number. */
  readonly classes: readonly ZoneClass[];
}

/** Statistics of a band in a zone. */
export interface ZoneValues extends ValueStatistics {
  /** The zone. */
  readonly zone: PlacedZone;
  /** Share of the zone's pixels that have data; null for a zone off the raster. */
  readonly valid: number | null;
}

/**
 * Count the classes of a map in zones.
 *
 * @param map Class map; its first band counts.
 * @param placed The zones, laid over the map.
 * @param onProgress Called with the rows done.
 * @returns What lies in each zone, in file order.
 * @throws {InputError} If the map is damaged or holds what is no class.
 */
export async function countZoneClasses(
  map: RasterReader,
  placed: PlacedZones,
  onProgress?: (done: number, total: number) => void,
): Promise<ZoneClasses[]> {
  const { width, source } = map.info;
  const counter = new ClassCounter(placed.pixelAreas);
  await eachStrip(map, placed.stripRows, async (y, height) => {
    const { image, valid } = await map.read({ x: 0, y, width, height }, [0]);
    const codes = classCodes(image, valid.data, source);
    for (const runs of placed.runs.take(y / placed.stripRows)) {
      counter.add(runs, codes, valid.data, y, width);
    }
  }, onProgress);
  return zoneClasses(counter, placed);
}

/**
 * Count classes as the rows of a map come, such as from a stream; see {@linkcode countZoneClasses}.
 */
export interface ZoneClassSink extends RowSink {
  /** All rows have come. */
  finish(): ZoneClasses[];
}

/**
 * Begin to count the classes of a map whose rows come one after the other.
 *
 * @param width Columns of the map.
 * @param placed The zones, laid over the map.
 * @param nodata Value that marks pixels without data.
 */
export function createZoneClassSink(
  width: number,
  placed: PlacedZones,
  nodata: number,
): ZoneClassSink {
  const counter = new ClassCounter(placed.pixelAreas);
  const strip = new Uint8Array(width * placed.stripRows);
  const valid = new Uint8Array(strip.length);
  let [filled, number] = [0, 0];
  const count = () => {
    for (let i = 0; i < filled; i++) valid[i] = strip[i] === nodata ? 0 : 1;
    for (const runs of placed.runs.take(number)) {
      counter.add(runs, strip, valid, number * placed.stripRows, width);
    }
    filled = 0;
    number++;
  };
  return {
    writeRows(rows) {
      const codes = rows.data as Uint8Array;
      for (let taken = 0; taken < codes.length;) {
        const part = codes.subarray(taken, taken + strip.length - filled);
        strip.set(part, filled);
        filled += part.length;
        taken += part.length;
        if (filled === strip.length) count();
      }
      return Promise.resolve();
    },
    finish() {
      if (filled > 0) count();
      return zoneClasses(counter, placed);
    },
  };
}

function zoneClasses(counter: ClassCounter, { zones }: PlacedZones): ZoneClasses[] {
  return zones.map((zone, i) => summarize(zone, counter.counts(i)));
}

function summarize(zone: PlacedZone, counts: ClassCounts): ZoneClasses {
  const classes: ZoneClass[] = [];
  let [pixels, area] = [0, 0];
  let majority: ZoneClass | null = null;
  counts.pixels.forEach((share, number) => {
    if (share === 0) return;
    const found = { class: number, pixels: share, area: counts.area[number]! };
    classes.push(found);
    pixels += share;
    area += found.area;
    if (majority === null || share >= majority.pixels) majority = found;
  });
  const all = pixels + counts.missingPixels;
  return {
    zone,
    pixels,
    area,
    valid: all === 0 ? null : pixels / all,
    majority: (majority as ZoneClass | null)?.class ?? null,
    classes,
  };
}

/** Options of {@linkcode summarizeZoneValues}. */
export interface ZoneValuesOptions {
  /** Bands, from 0; all where left out. */
  readonly bands?: readonly number[];
  /** Percentiles, from 0 to 100. */
  readonly percentiles?: readonly number[];
  /** Called with the rows done. */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Statistics of the values of a raster in zones, as stored: scale and offset are not applied.
 *
 * @param raster The raster.
 * @param placed The zones, laid over it.
 * @param options Bands and percentiles.
 * @returns For each band, its statistics in each zone.
 * @throws {InputError} If the raster is damaged.
 */
export async function summarizeZoneValues(
  raster: RasterReader,
  placed: PlacedZones,
  options: ZoneValuesOptions = {},
): Promise<ZoneValues[][]> {
  const { percentiles = [50], onProgress } = options;
  const { width, bands: all } = raster.info;
  const bands = options.bands ?? all.map((_, band) => band);
  const collectors = bands.map(() =>
    new ValueCollector(
      placed.zones.length,
      placed.pixelAreas,
      percentiles,
      placed.rule === "exact" ? "weighted" : "plain",
    )
  );
  await eachStrip(raster, placed.stripRows, async (y, height) => {
    const strips = [];
    for (const band of bands) {
      const { image, valid } = await raster.read({ x: 0, y, width, height }, [band]);
      strips.push({ data: plainNumbers(image), valid: valid.data });
    }
    for (const runs of placed.runs.take(y / placed.stripRows)) {
      for (const [i, { data, valid }] of strips.entries()) {
        collectors[i]!.add(runs, data, valid, y, width);
      }
    }
  }, onProgress);
  return collectors.map((collector) =>
    placed.zones.map((zone, i): ZoneValues => {
      const statistics = collector.statistics(i);
      const pixels = statistics.count + statistics.missingPixels;
      return { zone, valid: pixels === 0 ? null : statistics.count / pixels, ...statistics };
    })
  );
}

function plainNumbers({ data }: NdArray): ArrayLike<number> {
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
    return Float64Array.from(data, Number);
  }
  return data;
}
