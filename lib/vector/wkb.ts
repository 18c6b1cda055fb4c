/**
 * Well-Known Binary: geometries as GeoPackages store them (OGC 06-103r4 and ISO 13249-3).
 *
 * @module
 */
import type { Geometry, Position, Ring } from "../geo/mod.ts";
import { VectorFault } from "./feature.ts";

const TYPES = {
  Point: 1,
  LineString: 2,
  Polygon: 3,
  MultiPoint: 4,
  MultiLineString: 5,
  MultiPolygon: 6,
  GeometryCollection: 7,
} as const;

const MAX_NESTING = 16;

/**
 * Decode a geometry.
 *
 * @param bytes WKB, of ISO or PostGIS's extension; heights and measures are dropped.
 * @param what Which feature it is of, for errors.
 * @throws {VectorFault} If it is damaged, or holds curves or surfaces.
 */
export function geometryFromWkb(bytes: Uint8Array, what: string): Geometry {
  return new WkbReader(bytes, what).geometry(0);
}

/** Coordinates of what geometries of many parts are made of. */
interface PartCoordinates {
  readonly Point: Position;
  readonly LineString: readonly Position[];
  readonly Polygon: readonly Ring[];
}

class WkbReader {
  readonly #view: DataView;
  readonly #what: string;
  #at = 0;
  #little = true;

  constructor(bytes: Uint8Array, what: string) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#what = what;
  }

  geometry(nesting: number): Geometry {
    if (nesting > MAX_NESTING) throw this.#fault("is nested too deep");
    this.#need(5);
    this.#little = this.#view.getUint8(this.#at++) === 1;
    const code = this.#uint32();
    const numbers = 2 + Number(hasHeight(code)) + Number(hasMeasure(code));
    if ((code & 0x20000000) !== 0) this.#uint32();
    switch ((code & 0x0fffffff) % 1000) {
      case TYPES.Point: {
        const position = this.#position(numbers);
        return { type: "Point", coordinates: Number.isNaN(position[0]) ? [] : position };
      }
      case TYPES.LineString:
        return { type: "LineString", coordinates: this.#line(numbers) };
      case TYPES.Polygon:
        return { type: "Polygon", coordinates: this.#list(4, () => this.#line(numbers)) };
      case TYPES.MultiPoint:
        return { type: "MultiPoint", coordinates: this.#parts("Point", nesting) };
      case TYPES.MultiLineString:
        return { type: "MultiLineString", coordinates: this.#parts("LineString", nesting) };
      case TYPES.MultiPolygon:
        return { type: "MultiPolygon", coordinates: this.#parts("Polygon", nesting) };
      case TYPES.GeometryCollection:
        return {
          type: "GeometryCollection",
          geometries: this.#list(5, () => this.geometry(nesting + 1)),
        };
    }
    throw this.#fault(`is of WKB type ${code}, a curve or surface, which is not supported`);
  }

  #parts<Type extends keyof PartCoordinates>(type: Type, nesting: number) {
    return this.#list(5, () => {
      const part = this.geometry(nesting + 1);
      if (part.type !== type) throw this.#fault(`has a ${part.type} among parts of type ${type}`);
      return (part as { readonly coordinates: unknown }).coordinates as PartCoordinates[Type];
    });
  }

  #line(numbers: number): Position[] {
    return this.#list(numbers * 8, () => this.#position(numbers));
  }

  #list<Item>(leastBytes: number, read: () => Item): Item[] {
    const count = this.#uint32();
    this.#need(count * leastBytes);
    return Array.from({ length: count }, read);
  }

  #position(numbers: number): Position {
    this.#need(numbers * 8);
    const position = [
      this.#view.getFloat64(this.#at, this.#little),
      this.#view.getFloat64(this.#at + 8, this.#little),
    ];
    this.#at += numbers * 8;
    return position;
  }

  #uint32(): number {
    this.#need(4);
    this.#at += 4;
    return this.#view.getUint32(this.#at - 4, this.#little);
  }

  #need(bytes: number): void {
    if (this.#at + bytes > this.#view.byteLength) throw this.#fault("is cut off");
  }

  #fault(problem: string): VectorFault {
    return new VectorFault(`the geometry of ${this.#what} ${problem}`);
  }
}

function hasHeight(code: number): boolean {
  const kind = Math.floor((code & 0x0fffffff) / 1000);
  return (code & 0x80000000) !== 0 || kind === 1 || kind === 3;
}

function hasMeasure(code: number): boolean {
  const kind = Math.floor((code & 0x0fffffff) / 1000);
  return (code & 0x40000000) !== 0 || kind === 2 || kind === 3;
}

/**
 * Encode a geometry, in two dimensions, least significant byte first.
 *
 * @param geometry The geometry.
 */
export function wkbFromGeometry(geometry: Geometry): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(wkbLength(geometry));
  writeGeometry(geometry, new DataView(bytes.buffer), 0);
  return bytes;
}

function wkbLength(geometry: Geometry): number {
  switch (geometry.type) {
    case "Point":
      return 21;
    case "LineString":
      return 9 + 16 * geometry.coordinates.length;
    case "Polygon":
      return geometry.coordinates.reduce((sum, ring) => sum + 4 + 16 * ring.length, 9);
    default:
      return partsOf(geometry).reduce((sum, part) => sum + wkbLength(part), 9);
  }
}

function partsOf(geometry: Geometry): readonly Geometry[] {
  switch (geometry.type) {
    case "MultiPoint":
      return geometry.coordinates.map((coordinates) => ({ type: "Point", coordinates }));
    case "MultiLineString":
      return geometry.coordinates.map((coordinates) => ({ type: "LineString", coordinates }));
    case "MultiPolygon":
      return geometry.coordinates.map((coordinates) => ({ type: "Polygon", coordinates }));
    case "GeometryCollection":
      return geometry.geometries;
    default:
      return [];
  }
}

function writeGeometry(geometry: Geometry, view: DataView, start: number): number {
  view.setUint8(start, 1);
  view.setUint32(start + 1, TYPES[geometry.type], true);
  let at = start + 5;
  const count = (length: number) => {
    view.setUint32(at, length, true);
    at += 4;
  };
  const position = ([x = NaN, y = NaN]: Position) => {
    view.setFloat64(at, x, true);
    view.setFloat64(at + 8, y, true);
    at += 16;
  };
  const line = (positions: readonly Position[]) => {
    count(positions.length);
    positions.forEach(position);
  };
  if (geometry.type === "Point") position(geometry.coordinates);
  else if (geometry.type === "LineString") line(geometry.coordinates);
  else if (geometry.type === "Polygon") {
    count(geometry.coordinates.length);
    geometry.coordinates.forEach(line);
  } else {
    const parts = partsOf(geometry);
    count(parts.length);
    for (const part of parts) at = writeGeometry(part, view, at);
  }
  return at;
}
