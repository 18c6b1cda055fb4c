/**
 * A layer of zones laid over a raster: which pixels each has, ready for the rows of the raster to come.
 *
 * @module
 */
import { InputError } from "../errors.ts";
import { type Georeference, openCrs, pixelAreas } from "../geo/mod.ts";
import { abbreviateList, nearMiss } from "../text/mod.ts";
import type { Feature, FeatureReader, FieldValue } from "../vector/mod.ts";
import { exactCoverage, type TakeRun } from "./exact_coverage.ts";
import { centreCoverage, touchedCoverage } from "./gdal_coverage.ts";
import { createZonePlacer, type ZonePlacer } from "./place_zones.ts";
import { repairShape } from "./repair.ts";
import { RunStore } from "./run_store.ts";
import { findCrossing, shapeArea, type ZoneShape } from "./zone_shape.ts";

/** Which pixels count for a zone, and how much. */
export const COVERAGE_RULES = ["exact", "centre", "all-touched"] as const;

/** Which pixels count for a zone, and how much. */
export type CoverageRule = (typeof COVERAGE_RULES)[number];

/** A raster that zones are laid over. */
export interface ZonalRaster {
  /** Path or name, for messages. */
  readonly source: string;
  /** Columns. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
  /** CRS and transform. */
  readonly georeference: Georeference;
}

/** Options of {@linkcode placeZones}. */
export interface PlaceZonesOptions {
  /** Which pixels count; `exact` where left out. */
  readonly rule?: CoverageRule;
  /** Attributes that name a zone; zones go by their number where left out or empty. */
  readonly id?: readonly string[];
  /** CRS of the zones, whatever their file says. */
  readonly zonesCrs?: string;
  /** CRS of the raster, where it has none. */
  readonly rasterCrs?: string;
  /** Rows of the raster that are worked on together; 256 where left out. */
  readonly stripRows?: number;
  /** Called as zones are placed. */
  readonly onProgress?: (done: number, total: number | null) => void;
}

/** A zone on a raster. */
export interface PlacedZone {
  /** Its place in the file, from 1. */
  readonly number: number;
  /** Values of the attributes that name it; its number where there are none. */
  readonly id: readonly FieldValue[];
  /** Pixels that count for it, each by the share that it covers; those without data as well. */
  readonly pixels: number;
  /** Share of its area that lies on the raster; null where it has no area. */
  readonly inside: number | null;
  /** What is wrong with its geometry; null for nothing. */
  readonly problem: string | null;
}

/** Zones on a raster; the caller disposes of them. */
export interface PlacedZones extends Disposable {
  /** The zones in file order. */
  readonly zones: readonly PlacedZone[];
  /** Names of the attributes that name zones; `zone` where they go by number. */
  readonly idNames: readonly string[];
  /** Which pixels count for a zone. */
  readonly rule: CoverageRule;
  /** Rows of a strip of {@linkcode PlacedZones.runs}. */
  readonly stripRows: number;
  /** Which pixels each zone has. */
  readonly runs: RunStore;
  /** Square metres of a pixel, by row or everywhere. */
  readonly pixelAreas: number | Float64Array;
}

const DEFAULT_STRIP_ROWS = 256;
/** Shares this near to 1 are off by rounding. */
const NEARLY_ONE = 1e-6;

/**
 * Lay zones over a raster.
 *
 * Features are read once; what is kept of them is which pixels they have, on disk where it is much.
 *
 * @param reader The zones.
 * @param raster The raster.
 * @param options Rule, names and systems.
 * @throws {InputError} If a CRS is missing or not known, the raster says not where it lies, or zones
 * have no such attribute.
 */
export async function placeZones(
  reader: FeatureReader,
  raster: ZonalRaster,
  options: PlaceZonesOptions = {},
): Promise<PlacedZones> {
  const { rule = "exact", id = [], stripRows = DEFAULT_STRIP_ROWS, onProgress } = options;
  const { width, height } = raster;
  const { crs, transform } = await rasterPlace(raster, options.rasterCrs);
  const placer = await createZonePlacer(
    { width, height, crs, transform },
    zonesCrs(reader, options.zonesCrs),
  );
  const runs = new RunStore(height, stripRows);
  const rasterizer = new Rasterizer(rule, width, height);
  const zones: PlacedZone[] = [];
  try {
    for await (const feature of reader.features()) {
      const number = zones.length + 1;
      if (number === 1) checkFields(reader, feature, id);
      const name = zoneName(feature, reader, id, number);
      const shape = placeFeature(feature, placer, reader, name.join(", "));
      const placed = await rasterizer.place(shape.shape, number - 1, runs);
      const problem = shape.problem ?? placed.problem;
      zones.push({ number, id: name, pixels: placed.pixels, inside: placed.inside, problem });
      onProgress?.(number, reader.count);
    }
    return {
      zones,
      idNames: id.length === 0 ? ["zone"] : id,
      rule,
      stripRows,
      runs,
      pixelAreas: await pixelAreas(crs, transform, height),
      [Symbol.dispose]: () => runs[Symbol.dispose](),
    };
  } catch (error) {
    runs[Symbol.dispose]();
    throw error;
  }
}

/** CRS and transform of a raster, both of which zones need. */
async function rasterPlace({ source, georeference }: ZonalRaster, instead: string | undefined) {
  const { transform } = georeference;
  const name = JSON.stringify(source);
  if (transform === null) {
    throw new InputError(`Cannot lay zones over ${name}: it does not say where it lies`);
  }
  const text = georeference.crs ?? instead;
  if (text === undefined) {
    throw new InputError(`Cannot lay zones over ${name}: it has no CRS that is known`, {
      hint: "Say which one it is in: --crs EPSG:…",
    });
  }
  return { crs: await openCrs(text, source), transform };
}

function zonesCrs(reader: FeatureReader, instead: string | undefined): string {
  const crs = instead ?? reader.crs;
  if (crs !== null) return crs;
  throw new InputError(`Cannot place the zones of ${JSON.stringify(reader.path)}: it has no CRS`, {
    hint: "Say which one they are in: --zones-crs EPSG:…",
  });
}

/** Attributes that are asked for must be there; GeoJSON tells with its first feature. */
function checkFields(reader: FeatureReader, first: Feature, id: readonly string[]): void {
  const known = reader.fields?.map(({ name }) => name) ?? Object.keys(first.properties);
  for (const wanted of id) {
    if (known.includes(wanted) || isIdField(reader, wanted)) continue;
    const near = nearMiss(wanted, known);
    throw new InputError(
      `Cannot name zones by ${JSON.stringify(wanted)}: ${JSON.stringify(reader.path)} has ${
        known.length === 0 ? "no attributes" : `the attributes ${abbreviateList(known, 12)}`
      }`,
      near === null ? {} : { hint: `Did you mean ${near}?` },
    );
  }
}

/** The key of a GeoPackage, or the member `id` of GeoJSON. */
function isIdField(reader: FeatureReader, name: string): boolean {
  return name === reader.idField || (reader.fields === null && name === "id");
}

function zoneName(
  feature: Feature,
  reader: FeatureReader,
  id: readonly string[],
  number: number,
): FieldValue[] {
  if (id.length === 0) return [number];
  return id.map((name) =>
    feature.properties[name] ?? (isIdField(reader, name) ? feature.id : null)
  );
}

function placeFeature(
  { geometry }: Feature,
  placer: ZonePlacer,
  reader: FeatureReader,
  name: string,
): { readonly shape: ZoneShape; readonly problem: string | null } {
  const nothing = { polygons: [], kept: 1 };
  if (geometry === null) return { shape: nothing, problem: "no geometry" };
  try {
    const shape = placer.place(geometry);
    const area = geometry.type === "Point" || geometry.type === "MultiPoint" ||
        geometry.type === "LineString" || geometry.type === "MultiLineString"
      ? `a ${geometry.type} has no area`
      : null;
    return { shape, problem: area };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new InputError(
      `Cannot place zone ${JSON.stringify(name)} of ${
        JSON.stringify(reader.path)
      }: ${error.message}`,
      { cause: error, ...(error.hint === undefined ? {} : { hint: error.hint }) },
    );
  }
}

/** Turns shapes into pixels by one rule. */
class Rasterizer {
  readonly #rule: CoverageRule;
  readonly #width: number;
  readonly #height: number;
  readonly #scratch: Float64Array;

  constructor(rule: CoverageRule, width: number, height: number) {
    this.#rule = rule;
    this.#width = width;
    this.#height = height;
    this.#scratch = new Float64Array(width + 2);
  }

  /** Put the pixels of a shape into the store. */
  async place({ polygons, kept }: ZoneShape, zone: number, runs: RunStore) {
    if (polygons.length === 0) return { pixels: 0, inside: kept === 0 ? 0 : null, problem: null };
    let shape = polygons;
    let problem: string | null = null;
    let cover = this.#exact(shape);
    if (findCrossing(shape) !== null || !cover.sane) {
      const repaired = await repairShape(shape);
      problem = repaired === null
        ? "edges cross or parts overlap, and cannot be drawn anew"
        : "edges cross or parts overlap: drawn anew";
      shape = repaired ?? shape;
      cover = this.#exact(shape);
    }
    const whole = shapeArea(shape);
    const share = whole === 0 ? null : Math.min(1, cover.pixels / whole);
    const inside = share === null ? null : (share > 1 - NEARLY_ONE ? 1 : share) * kept;
    let pixels = 0;
    this.#emit(shape, cover.runs, (row, first, end, covered) => {
      pixels += (end - first) * covered;
      runs.add(zone, row, first, end, covered);
    });
    return { pixels, inside: inside !== null && inside > 1 - NEARLY_ONE ? 1 : inside, problem };
  }

  /** The shares that a shape covers, put aside until it is known whether they are right. */
  #exact(polygons: ZoneShape["polygons"]) {
    const runs: number[] = [];
    let pixels = 0;
    const sane = exactCoverage(
      polygons,
      this.#width,
      this.#height,
      this.#scratch,
      (row, first, end, share) => {
        const sure = Math.min(1, Math.max(0, share));
        pixels += (end - first) * sure;
        runs.push(row, first, end, sure);
      },
    );
    return { runs, pixels, sane };
  }

  #emit(polygons: ZoneShape["polygons"], exact: readonly number[], take: TakeRun): void {
    if (this.#rule === "centre") centreCoverage(polygons, this.#width, this.#height, take);
    else if (this.#rule === "all-touched") {
      touchedCoverage(polygons, this.#width, this.#height, take);
    } else {
      for (let i = 0; i < exact.length; i += 4) {
        take(exact[i]!, exact[i + 1]!, exact[i + 2]!, exact[i + 3]!);
      }
    }
  }
}
