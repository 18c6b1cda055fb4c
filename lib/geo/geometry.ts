/**
 * Geometries as GeoJSON has them, whatever file they come from.
 *
 * @module
 */

/** A place: easting and northing, or longitude and latitude; what follows is ignored. */
export type Position = readonly number[];

/** A closed line: its last position repeats the first. */
export type Ring = readonly Position[];

/** A geometry of GeoJSON (RFC 7946 section 3.1), in any coordinate reference system. */
export type Geometry =
  | { readonly type: "Point"; readonly coordinates: Position }
  | { readonly type: "MultiPoint"; readonly coordinates: readonly Position[] }
  | { readonly type: "LineString"; readonly coordinates: readonly Position[] }
  | { readonly type: "MultiLineString"; readonly coordinates: readonly (readonly Position[])[] }
  | { readonly type: "Polygon"; readonly coordinates: readonly Ring[] }
  | { readonly type: "MultiPolygon"; readonly coordinates: readonly (readonly Ring[])[] }
  | { readonly type: "GeometryCollection"; readonly geometries: readonly Geometry[] };

/** Names of the kinds of geometry. */
export type GeometryType = Geometry["type"];

/** A rectangle along the axes: least x and y, then most x and y. */
export type Bounds = readonly [west: number, south: number, east: number, north: number];

/**
 * The polygons of a geometry: of its parts where it is a collection, none of points and lines.
 *
 * @param geometry Any geometry.
 * @returns Polygons, each an outer ring and its holes.
 */
export function polygonsOf(geometry: Geometry): (readonly Ring[])[] {
  switch (geometry.type) {
    case "Polygon":
      return geometry.coordinates.length === 0 ? [] : [geometry.coordinates];
    case "MultiPolygon":
      return geometry.coordinates.filter((polygon) => polygon.length > 0);
    case "GeometryCollection":
      return geometry.geometries.flatMap(polygonsOf);
    default:
      return [];
  }
}

/**
 * Every position of a geometry, one after the other.
 *
 * @param geometry Any geometry.
 */
export function* positionsOf(geometry: Geometry): Generator<Position, void, undefined> {
  switch (geometry.type) {
    case "Point":
      // An empty point has no numbers.
      if (geometry.coordinates.length > 0) yield geometry.coordinates;
      return;
    case "MultiPoint":
    case "LineString":
      yield* geometry.coordinates;
      return;
    case "MultiLineString":
    case "Polygon":
      for (const line of geometry.coordinates) yield* line;
      return;
    case "MultiPolygon":
      for (const polygon of geometry.coordinates) for (const ring of polygon) yield* ring;
      return;
    case "GeometryCollection":
      for (const part of geometry.geometries) yield* positionsOf(part);
  }
}

/**
 * The smallest rectangle around a geometry.
 *
 * @param geometry Any geometry.
 * @returns Its bounds; null where it is empty.
 *
 * @example
 * ```ts
 * import { geometryBounds } from "swath";
 *
 * const bounds = geometryBounds({ type: "LineString", coordinates: [[3, 50], [1, 52]] });
 * if (bounds?.join() !== "1,50,3,52") throw new Error("unexpected bounds");
 * ```
 */
export function geometryBounds(geometry: Geometry): Bounds | null {
  let [west, south, east, north] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [x, y] of positionsOf(geometry)) {
    if (x! < west) west = x!;
    if (x! > east) east = x!;
    if (y! < south) south = y!;
    if (y! > north) north = y!;
  }
  return west <= east && south <= north ? [west, south, east, north] : null;
}

/** Twice the signed area of a ring in the plane; positive where it runs counter-clockwise. */
export function signedDoubleArea(ring: Ring): number {
  if (ring.length < 3) return 0;
  // Relative to the first vertex: coordinates are large, and the ring may be small.
  const [x0 = 0, y0 = 0] = ring[0]!;
  let sum = 0;
  for (let i = 1; i < ring.length; i++) {
    const [xa = 0, ya = 0] = ring[i - 1]!;
    const [xb = 0, yb = 0] = ring[i]!;
    sum += (xa - x0) * (yb - y0) - (xb - x0) * (ya - y0);
  }
  return sum;
}
