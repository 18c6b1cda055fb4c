/**
 * Geometries from JSON that nobody has checked.
 *
 * @module
 */
import type { Geometry, GeometryType } from "../geo/mod.ts";
import { VectorFault } from "./feature.ts";

/** How deep the arrays of each kind are above the positions. */
const DEPTHS: Readonly<Record<Exclude<GeometryType, "GeometryCollection">, number>> = {
  Point: 0,
  MultiPoint: 1,
  LineString: 1,
  MultiLineString: 2,
  Polygon: 2,
  MultiPolygon: 3,
};

/** Collections in collections go no deeper. */
const MAX_NESTING = 16;

/** True for the name of a kind of geometry. */
export function isGeometryType(type: unknown): type is GeometryType {
  return typeof type === "string" && (Object.hasOwn(DEPTHS, type) || type === "GeometryCollection");
}

/**
 * Check a geometry.
 *
 * @param value What JSON gave.
 * @param what Which feature it is of, for errors.
 * @returns The geometry; null for `null`. Rings whose last position is not their first are closed.
 * @throws {VectorFault} If it is none.
 */
export function geometryFromJson(value: unknown, what: string, nesting = 0): Geometry | null {
  if (value === null || value === undefined) return null;
  const { type, coordinates, geometries } = value as Record<string, unknown>;
  if (!isGeometryType(type)) {
    throw new VectorFault(
      `the geometry of ${what} is of type ${
        JSON.stringify(type) ?? "undefined"
      }, which is none of GeoJSON`,
    );
  }
  if (type === "GeometryCollection") {
    if (!Array.isArray(geometries) || nesting === MAX_NESTING) {
      throw new VectorFault(`the geometry of ${what} has no list of geometries`);
    }
    const parts = geometries.map((part) => geometryFromJson(part, what, nesting + 1));
    return { type, geometries: parts.filter((part) => part !== null) };
  }
  checkCoordinates(coordinates, DEPTHS[type], type, what);
  const geometry = { type, coordinates } as Geometry;
  if (geometry.type === "Polygon") {
    return { type: "Polygon", coordinates: geometry.coordinates.map(closedRing) };
  }
  if (geometry.type === "MultiPolygon") {
    return {
      type: "MultiPolygon",
      coordinates: geometry.coordinates.map((rings) => rings.map(closedRing)),
    };
  }
  return geometry;
}

function closedRing<Position extends readonly number[]>(ring: readonly Position[]) {
  const [first, last] = [ring[0], ring.at(-1)];
  if (first === undefined || (first[0] === last![0] && first[1] === last![1])) return ring;
  return [...ring, first];
}

function checkCoordinates(value: unknown, depth: number, type: string, what: string): void {
  if (!Array.isArray(value)) {
    throw new VectorFault(
      `the geometry of ${what} has ${abridged(value)} where ${type} has a ${
        depth === 0 ? "position" : "list"
      }`,
    );
  }
  if (depth > 0) {
    for (const part of value) checkCoordinates(part, depth - 1, type, what);
    return;
  }
  // An empty point is an empty position.
  if (value.length === 0 && type === "Point") return;
  const [x, y] = value;
  if (
    typeof x !== "number" || typeof y !== "number" || !Number.isFinite(x) || !Number.isFinite(y)
  ) {
    throw new VectorFault(
      `the geometry of ${what} has the position ${abridged(value)}: expected two numbers`,
    );
  }
}

function abridged(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 40 ? `${text.slice(0, 39)}…` : text;
}
