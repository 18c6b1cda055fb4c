/**
 * Rasters of one pixel grid put together: the maps of shards, and neighbouring maps.
 *
 * @module
 */
import { bytesPerElement, type NdArray } from "../array/mod.ts";
import { InputError } from "../errors.ts";
import { type GeoTransform, type PixelWindow, windowTransform } from "../geo/mod.ts";
import type { RasterInfo, RasterReader, RasterSpec } from "../raster/mod.ts";
import { addPixels, emptyStrip } from "./mosaic_strip.ts";

/** What a mosaic holds, and where its parts lie. */
export interface MosaicPlan {
  /** What to write, all but how. */
  readonly spec:
    & Pick<RasterSpec, "width" | "height" | "dtype" | "bands" | "nodata" | "georeference">
    & Pick<RasterSpec, "classes" | "overviews">;
  /** Place of each raster in the mosaic, in the order given. */
  readonly places: readonly PixelWindow[];
}

/** Share of a pixel by which a raster may lie off the grid of the others. */
const GRID_TOLERANCE = 0.01;
/** Bytes of the rows that are put together at once. */
const STRIP_BYTES = 64 * 1024 * 1024;
/** Rows that are put together at once at most: a row of blocks, as maps have them. */
const STRIP_ROWS = 512;

/**
 * Plan a mosaic.
 *
 * A raster of one band that has class names, or is called `class` as the maps of `stitch` are, is taken
 * for a class map.
 *
 * @param rasters The rasters; where they overlap, the first one that has data wins.
 * @returns Size, place and contents of the mosaic: the smallest rectangle that holds all of them.
 * @throws {InputError} If they differ in CRS, pixel grid, element type, bands, nodata or classes, or one
 * has no transform.
 */
export function planMosaic(rasters: readonly RasterInfo[]): MosaicPlan {
  const [first] = rasters;
  if (first === undefined) throw new RangeError("internal: a mosaic of no rasters");
  for (const raster of rasters) checkAlike(first, raster);
  const offsets = rasters.map((raster) => gridOffset(first, raster));
  const left = Math.min(...offsets.map(({ x }) => x));
  const top = Math.min(...offsets.map(({ y }) => y));
  const places = rasters.map(({ width, height }, i) => {
    const { x, y } = offsets[i]!;
    return { x: x - left, y: y - top, width, height };
  });
  // The corner of a raster is more exact than one that is reckoned from another's.
  const corner = rasters.find((_, i) => places[i]!.x === 0 && places[i]!.y === 0);
  const classes = rasters.find((raster) => raster.classes !== null)?.classes ?? null;
  const isClassMap = classes !== null ||
    first.bands.length === 1 && first.bands[0]!.name === "class";
  const { dtype, bands, georeference } = first;
  return {
    places,
    spec: {
      width: Math.max(...places.map(({ x, width }) => x + width)),
      height: Math.max(...places.map(({ y, height }) => y + height)),
      dtype,
      bands,
      nodata: rasters.find(({ nodata }) => nodata !== null)?.nodata ?? null,
      georeference: {
        ...georeference,
        transform: corner?.georeference.transform ??
          windowTransform(georeference.transform!, left, top),
      },
      classes,
      ...(isClassMap ? { overviews: "mode" as const } : {}),
    },
  };
}

/**
 * The rows of a mosaic from top to bottom. A raster is open only while rows of it come, and only a
 * strip of rows is held.
 *
 * @param plan The plan.
 * @param open Opens a raster by its number in the plan.
 * @returns Rows of shape (bands, n, width); nodata, or 0 where there is no such value, where no raster
 * has data.
 * @throws {InputError} If a raster cannot be read.
 */
export async function* mosaicRows(
  { spec, places }: MosaicPlan,
  open: (number: number) => Promise<RasterReader>,
): AsyncGenerator<NdArray, void, undefined> {
  const { width, height, dtype, bands } = spec;
  const rowBytes = width * bands.length * bytesPerElement(dtype);
  const stripRows = Math.min(STRIP_ROWS, Math.max(1, Math.floor(STRIP_BYTES / rowBytes)));
  const readers = new Map<number, RasterReader>();
  try {
    for (let y = 0; y < height; y += stripRows) {
      const strip = emptyStrip(spec, width, Math.min(stripRows, height - y));
      for (const [number, place] of places.entries()) {
        const top = Math.max(y, place.y);
        const rows = Math.min(y + strip.rows, place.y + place.height) - top;
        if (rows <= 0) continue;
        let reader = readers.get(number);
        if (reader === undefined) readers.set(number, reader = await open(number));
        const window = { x: 0, y: top - place.y, width: place.width, height: rows };
        addPixels(strip, await reader.read(window), place.x, top - y);
      }
      for (const [number, reader] of readers) {
        const place = places[number]!;
        if (place.y + place.height > y + strip.rows) continue;
        reader.close();
        readers.delete(number);
      }
      yield strip.pixels;
    }
  } finally {
    for (const reader of readers.values()) reader.close();
  }
}

/** Refuse rasters that are not of one kind. */
function checkAlike(first: RasterInfo, other: RasterInfo): void {
  const compare = (what: string, a: string | null, b: string | null) => {
    if (a !== b) throw mismatch(other, first, what, b, a);
  };
  const names = ({ bands }: RasterInfo) => bands.map(({ name }) => name).join(", ");
  const scales = ({ bands }: RasterInfo) =>
    bands.map(({ scale, offset }) => `${scale}, ${offset}`).join("; ");
  const crs = ({ georeference }: RasterInfo) =>
    georeference.crs ?? (georeference.geoKeys === null ? "unknown" : "one without a code");
  compare("CRS", crs(first), crs(other));
  const keys = ({ georeference: { crs, geoKeys } }: RasterInfo) =>
    crs === null ? JSON.stringify(geoKeys) : null;
  compare("GeoTIFF keys", keys(first), keys(other));
  compare("element type", first.dtype, other.dtype);
  compare("bands", names(first), names(other));
  compare("scales and offsets", scales(first), scales(other));
  if (first.nodata !== null && other.nodata !== null) {
    compare("nodata", String(first.nodata), String(other.nodata));
  }
  const classes = (raster: RasterInfo) =>
    raster.classes?.map(({ name, color }) => `${name} ${color}`).join(", ") ?? null;
  if (first.classes !== null && other.classes !== null) {
    compare("classes", classes(first), classes(other));
  }
}

/** How many pixels to the right and below a raster lies from the first. */
function gridOffset(first: RasterInfo, other: RasterInfo): { x: number; y: number } {
  const transform = requireTransform(first);
  const own = requireTransform(other);
  const [x0, a, b, y0, c, d] = transform;
  const determinant = a * d - b * c;
  const toPixels = (dx: number, dy: number) => ({
    x: (d * dx - b * dy) / determinant,
    y: (a * dy - c * dx) / determinant,
  });
  const offset = toPixels(own[0] - x0, own[3] - y0);
  const [x, y] = [Math.round(offset.x), Math.round(offset.y)];
  // Over the whole raster, its pixels must not drift away from those of the first one.
  const drift = toPixels(
    (own[1] - a) * other.width + (own[2] - b) * other.height,
    (own[4] - c) * other.width + (own[5] - d) * other.height,
  );
  const off = Math.max(
    Math.abs(offset.x - x) + Math.abs(drift.x),
    Math.abs(offset.y - y) + Math.abs(drift.y),
  );
  if (!(off <= GRID_TOLERANCE)) {
    throw mismatch(other, first, "pixel grid", formatTransform(own), formatTransform(transform));
  }
  return { x, y };
}

function requireTransform({ source, georeference: { transform } }: RasterInfo): GeoTransform {
  if (transform !== null) return transform;
  throw new InputError(`Cannot put "${source}" into a mosaic as it does not say where it lies`);
}

function formatTransform(transform: GeoTransform): string {
  return `[${transform.join(", ")}]`;
}

function mismatch(
  other: RasterInfo,
  first: RasterInfo,
  what: string,
  found: string | null,
  expected: string | null,
): InputError {
  return new InputError(
    `Cannot put "${other.source}" into one mosaic with "${first.source}" as their ${what} ${
      what.endsWith("s") ? "differ" : "differs"
    }: ${found}, the first has ${expected}`,
  );
}
