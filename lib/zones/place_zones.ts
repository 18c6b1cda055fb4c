/**
 * Puts zones on the grid of a raster: from their coordinate reference system to that of the raster,
 * and from there to pixels.
 *
 * @module
 */
import { InputError } from "../errors.ts";
import {
  type Bounds,
  clipRing,
  createTransformation,
  type Crs,
  type Geometry,
  geometryBounds,
  type GeoTransform,
  groundArea,
  moveGeometry,
  openCrs,
  polygonsOf,
  type Ring,
  type Transformation,
  unwrapRing,
} from "../geo/mod.ts";
import type { PixelRing, ZoneShape } from "./zone_shape.ts";

/** Edges may be this far from where they belong, in pixels. */
const TOLERANCE = 0.002;
/** The raster is looked at in this many steps along each side to find what of the world it shows. */
const SAMPLES = 32;
/** Share of its size that is added around the part of the world that a raster shows. */
const MARGIN = 0.1;
/** Latitudes may be off by rounding. */
const LATITUDE_SLACK = 1e-6;
const TURN = 360;

/** The grid of a raster. */
export interface ZoneGrid {
  /** Columns. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
  /** CRS of the raster. */
  readonly crs: Crs;
  /** From pixels to that CRS. */
  readonly transform: GeoTransform;
}

/** Puts zones of one layer on a grid. */
export interface ZonePlacer {
  /**
   * Place a zone.
   *
   * @param geometry Its geometry; points and lines have no area, and are left out.
   * @throws {InputError} If a place of it does not exist in its CRS or in that of the raster.
   */
  place(geometry: Geometry): ZoneShape;
}

/**
 * Prepare for the zones of a layer.
 *
 * @param grid The grid.
 * @param zonesCrs CRS of the zones.
 */
export async function createZonePlacer(grid: ZoneGrid, zonesCrs: string): Promise<ZonePlacer> {
  const source = await openCrs(zonesCrs);
  const transformation = await createTransformation(source, grid.crs);
  const toPixels = inverseTransform(grid.transform);
  const shifts = turns(grid);
  const within = transformation.identity ? null : shownPart(grid, source, transformation);
  return {
    place(geometry) {
      const bounds = geometryBounds(geometry);
      if (bounds === null) return { polygons: [], kept: 1 };
      if (source.geographic) checkDegrees(bounds);
      return transformation.identity
        ? placeSame(geometry, source, shifts, toPixels, grid)
        : placeOther(geometry, source, transformation, within, toPixels, grid);
    },
  };
}

/** Zones in the raster's own system: of geographic ones, as many turns further as the raster is. */
function placeSame(
  geometry: Geometry,
  source: Crs,
  shifts: readonly number[],
  toPixels: ToPixels,
  grid: ZoneGrid,
): ZoneShape {
  const polygons: PixelRing[][] = [];
  for (const rings of polygonsOf(geometry)) {
    const whole = source.geographic ? rings.map(unwrapRing) : rings;
    for (const shift of shifts) {
      const placed = whole.map((ring) => pixelRing(ring, shift, toPixels));
      if (shifts.length === 1 || isNear(placed[0]!, grid)) polygons.push(placed);
    }
  }
  return { polygons, kept: 1 };
}

/** Zones in another system: what is far off the raster is cut away before the rest is moved. */
function placeOther(
  geometry: Geometry,
  source: Crs,
  transformation: Transformation,
  within: Bounds | null,
  toPixels: ToPixels,
  { transform }: ZoneGrid,
): ZoneShape {
  if (within === null) return { polygons: [], kept: 0 };
  const [, a, b, , d, e] = transform;
  const tolerance = TOLERANCE * Math.min(Math.hypot(a, d), Math.hypot(b, e));
  const polygons: PixelRing[][] = [];
  let [whole, kept] = [0, 0];
  for (const rings of polygonsOf(geometry)) {
    whole += groundArea(rings, source);
    for (const shift of source.geographic ? [-TURN, 0, TURN] : [0]) {
      const shifted = rings.map((ring) =>
        shiftRing(source.geographic ? unwrapRing(ring) : ring, shift)
      );
      const part = shifted.map((ring) => clipRing(ring, within)).filter((ring, i) =>
        ring.length >= 4 || i === 0
      );
      if (part[0]!.length < 4) continue;
      kept += groundArea(part, source);
      const moved = moveGeometry(
        { type: "Polygon", coordinates: part },
        source,
        transformation,
        { tolerance },
      );
      if (moved.type === "Polygon") {
        polygons.push(moved.coordinates.map((ring) => pixelRing(ring, 0, toPixels)));
      }
    }
  }
  return { polygons, kept: whole === 0 ? 1 : Math.min(1, kept / whole) };
}

function shiftRing(ring: Ring, shift: number): Ring {
  return shift === 0 ? ring : ring.map(([x = NaN, y = NaN]) => [x + shift, y]);
}

function checkDegrees([west, south, east, north]: Bounds): void {
  if (
    south >= -90 - LATITUDE_SLACK && north <= 90 + LATITUDE_SLACK && west >= -720 && east <= 720
  ) {
    return;
  }
  throw new InputError(
    `its coordinates reach from ${west}, ${south} to ${east}, ${north}, which are no longitudes and latitudes`,
    { hint: "Say which CRS they are in: --zones-crs EPSG:…" },
  );
}

type ToPixels = (x: number, y: number, to: Float64Array, at: number) => void;

/** From the raster's CRS to pixels. */
function inverseTransform([x0, a, b, y0, d, e]: GeoTransform): ToPixels {
  if (b === 0 && d === 0) {
    return (x, y, to, at) => {
      to[at] = (x - x0) / a;
      to[at + 1] = (y - y0) / e;
    };
  }
  const determinant = a * e - b * d;
  return (x, y, to, at) => {
    to[at] = (e * (x - x0) - b * (y - y0)) / determinant;
    to[at + 1] = (a * (y - y0) - d * (x - x0)) / determinant;
  };
}

function pixelRing(ring: Ring, shift: number, toPixels: ToPixels): PixelRing {
  const placed = new Float64Array(ring.length * 2);
  ring.forEach(([x = NaN, y = NaN], i) => toPixels(x + shift, y, placed, 2 * i));
  return placed;
}

function isNear(ring: PixelRing, { width, height }: ZoneGrid): boolean {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i < ring.length; i += 2) {
    left = Math.min(left, ring[i]!);
    right = Math.max(right, ring[i]!);
    top = Math.min(top, ring[i + 1]!);
    bottom = Math.max(bottom, ring[i + 1]!);
  }
  return left < width && right > 0 && top < height && bottom > 0;
}

/** Turns that zones may be off from a geographic raster, whose longitudes may go beyond 180. */
function turns(grid: ZoneGrid): readonly number[] {
  if (!grid.crs.geographic) return [0];
  const [x0, a, b] = grid.transform;
  const corners = [0, a * grid.width, b * grid.height, a * grid.width + b * grid.height];
  const west = x0 + Math.min(...corners);
  const east = x0 + Math.max(...corners);
  return west >= -180 && east <= 180 ? [-TURN, 0, TURN] : [-2 * TURN, -TURN, 0, TURN, 2 * TURN];
}

/**
 * The part of the zones' system that a raster shows, with a margin.
 *
 * @returns Null where no pixel of the raster has a place in that system.
 */
function shownPart(grid: ZoneGrid, source: Crs, transformation: Transformation): Bounds | null {
  const { width, height, transform: [x0, a, b, y0, d, e] } = grid;
  const places: [number, number][] = [];
  for (let i = 0; i <= SAMPLES; i++) {
    for (let j = 0; j <= SAMPLES; j++) {
      const [column, row] = [width * i / SAMPLES, height * j / SAMPLES];
      const place = transformation.inverse(x0 + a * column + b * row, y0 + d * column + e * row);
      if (Number.isFinite(place[0]) && Number.isFinite(place[1])) places.push(place);
    }
  }
  if (places.length === 0) return null;
  if (source.geographic) return shownDegrees(places, grid, transformation);
  return withMargin(boundsOf(places), MARGIN);
}

function boundsOf(places: readonly (readonly [number, number])[]): Bounds {
  let [west, south, east, north] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [x, y] of places) {
    west = Math.min(west, x);
    east = Math.max(east, x);
    south = Math.min(south, y);
    north = Math.max(north, y);
  }
  return [west, south, east, north];
}

function withMargin([west, south, east, north]: Bounds, share: number): Bounds {
  const [x, y] = [(east - west) * share, (north - south) * share];
  return [west - x, south - y, east + x, north + y];
}

/** Longitudes around that of the middle; all of them where the raster shows a pole. */
function shownDegrees(
  places: readonly [number, number][],
  { width, height, transform }: ZoneGrid,
  transformation: Transformation,
): Bounds {
  const toPixels = inverseTransform(transform);
  const middle = places[Math.floor(places.length / 2)]![0];
  const near = places.map(([x, y]): [number, number] => {
    return [x - TURN * Math.round((x - middle) / TURN), y];
  });
  let [west, south, east, north] = withMargin(boundsOf(near), MARGIN);
  for (const pole of [-90, 90]) {
    const at = new Float64Array(2);
    toPixels(...transformation.forward(middle, pole), at, 0);
    const margin = MARGIN * Math.max(width, height);
    const [column = NaN, row = NaN] = at;
    if (column < -margin || row < -margin || column > width + margin || row > height + margin) {
      continue;
    }
    if (Number.isNaN(column) || Number.isNaN(row)) continue;
    [west, east] = [middle - TURN / 2, middle + TURN / 2];
    if (pole < 0) south = pole;
    else north = pole;
  }
  if (east - west > TURN) [west, east] = [middle - TURN / 2, middle + TURN / 2];
  return [west, Math.max(-90, south), east, Math.min(90, north)];
}
