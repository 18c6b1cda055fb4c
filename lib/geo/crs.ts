/**
 * Coordinate reference systems by name, and the way from one to another, computed by proj4.
 *
 * Coordinates are easting and northing, or longitude and latitude in degrees, in this order whatever
 * order EPSG gives the axes of a system, as GeoJSON, GDAL's files and rasters have them.
 *
 * @module
 */
import { InputError } from "../errors.ts";
import { epsgDefinition } from "./epsg.ts";

/** WGS 84, longitude and latitude: what GeoJSON is in where it says nothing. */
export const WGS84 = "EPSG:4326";

/** A coordinate reference system that coordinates can be computed in. */
export interface Crs {
  /** As it was named: `EPSG:2154`, WKT, or a PROJ string. */
  readonly text: string;
  /** Name for people, such as `RGF93 v1 / Lambert-93`. */
  readonly name: string;
  /** True for longitude and latitude in degrees. */
  readonly geographic: boolean;
  /** Metres to a unit of its coordinates; degrees have none, and 1 stands there. */
  readonly metersPerUnit: number;
  /** Half the greatest diameter of its ellipsoid, in metres. */
  readonly semiMajorAxis: number;
  /** Square of the eccentricity of its ellipsoid. */
  readonly eccentricitySquared: number;
  /** Name of the projection in PROJ, such as `utm`, `merc` or `longlat`. */
  readonly projection: string;
  /** What proj4 calls it by. */
  readonly definition: string;
}

/** From one system to another. */
export interface Transformation {
  /** True where coordinates stay as they are. */
  readonly identity: boolean;
  /**
   * Move a place.
   *
   * @returns The place in the other system; numbers that are not finite where there is none.
   */
  forward(x: number, y: number): [x: number, y: number];
  /** The way back. */
  inverse(x: number, y: number): [x: number, y: number];
}

/** What proj4 tells of a system that it has read. */
interface Projection {
  readonly projName: string;
  readonly a: number;
  readonly es?: number;
  readonly b: number;
  readonly to_meter?: number;
  readonly units?: string;
  readonly title?: string;
  readonly name?: string;
  readonly [parameter: string]: unknown;
}

/** The package, loaded once. */
async function proj4Module() {
  const { default: proj4 } = await import("proj4");
  return proj4;
}

/**
 * Read the name or definition of a coordinate reference system.
 *
 * @param text `EPSG:2154` or `2154`, names of OGC such as `urn:ogc:def:crs:OGC:1.3:CRS84`, WKT in any
 * version, or a PROJ string.
 * @param source What it belongs to, for errors, such as `"zones.shp"`; left out for an option.
 * @returns The system.
 * @throws {InputError} If it is not known, or cannot be read.
 *
 * @example
 * ```ts
 * import { openCrs } from "swath";
 *
 * const crs = await openCrs("EPSG:2154");
 * if (crs.geographic || !crs.name.includes("Lambert-93")) throw new Error(crs.name);
 * ```
 */
export async function openCrs(text: string, source?: string): Promise<Crs> {
  const proj4 = await proj4Module();
  const trimmed = text.trim();
  const named = namedCode(trimmed);
  const where = source === undefined ? "" : ` of ${JSON.stringify(source)}`;
  const shown = JSON.stringify(trimmed.length > 80 ? `${trimmed.slice(0, 79)}…` : trimmed);
  let definition = trimmed;
  let name = wktName(trimmed) ?? trimmed;
  if (named !== null) {
    const entry = await epsgDefinition(named);
    if (entry === null) {
      throw new InputError(
        `Cannot use the CRS${where}, EPSG:${named}: no such horizontal system is known`,
      );
    }
    definition = entry.proj;
    name = entry.name;
  } else if (!/^\+|\[/.test(trimmed)) {
    throw new InputError(
      `Cannot use the CRS${where}, ${shown}: expected a code such as EPSG:2154, WKT or a PROJ string`,
    );
  }
  let projection: Projection;
  try {
    projection = new proj4.Proj(definition) as unknown as Projection;
  } catch (cause) {
    throw new InputError(`Cannot use the CRS${where}, ${shown}: ${reason(cause)}`, { cause });
  }
  const { a, b, projName } = projection;
  if (!(a > 0) || projName === "identity" || projName === "geocent") {
    throw new InputError(`Cannot use the CRS${where}, ${shown}: it is no horizontal system`);
  }
  const geographic = projName === "longlat";
  const es = projection.es ?? (1 - (b / a) ** 2);
  return {
    text: named === null ? trimmed : `EPSG:${named}`,
    name,
    geographic,
    metersPerUnit: geographic ? 1 : projection.to_meter ?? 1,
    semiMajorAxis: a,
    eccentricitySquared: Number.isFinite(es) ? es : 0,
    projection: projName,
    definition,
  };
}

function reason(cause: unknown): string {
  return cause instanceof Error && cause.message !== ""
    ? cause.message
    : typeof cause === "string"
    ? cause
    : "it is not understood";
}

/** The EPSG code in a name; null where it is a definition. */
function namedCode(text: string): number | null {
  if (/^(urn:ogc:def:crs:)?OGC:(?:[^:]*:)?CRS84h?$/i.test(text) || /\/CRS84h?$/i.test(text)) {
    return 4326;
  }
  if (/^WGS ?_?84$/i.test(text)) return 4326;
  const match =
    /^(?:(?:urn:(?:x-)?ogc:def:crs:)?EPSG:(?:[^:]*:)?|https?:\/\/www\.opengis\.net\/(?:def\/crs\/EPSG\/[^/]+\/|gml\/srs\/epsg\.xml#))?(\d{4,6})$/i
      .exec(text);
  return match === null ? null : Number(match[1]);
}

/** The name that WKT begins with. */
function wktName(text: string): string | null {
  return /^\s*[A-Z_]+\s*\[\s*"([^"]*)"/i.exec(text)?.[1] ?? null;
}

/**
 * The way from one coordinate reference system to another.
 *
 * @param from System that coordinates are in.
 * @param to System that they are wanted in.
 */
export async function createTransformation(from: Crs, to: Crs): Promise<Transformation> {
  const proj4 = await proj4Module();
  if (await sameCrs(from, to)) {
    return { identity: true, forward: (x, y) => [x, y], inverse: (x, y) => [x, y] };
  }
  const converter = proj4(from.definition, to.definition);
  return {
    identity: false,
    forward: (x, y) => place(() => converter.forward([x, y])),
    inverse: (x, y) => place(() => converter.inverse([x, y])),
  };
}

/** proj4 throws where some projections have no place for a point. */
function place(compute: () => number[]): [number, number] {
  try {
    const [x = NaN, y = NaN] = compute();
    return [x, y];
  } catch {
    return [NaN, NaN];
  }
}

/** Parameters that make a system what it is; PROJ's names, as proj4 keeps them. */
const DEFINING = [
  ...["projName", "a", "b", "lat0", "lat1", "lat2", "lat_ts", "long0", "long1", "long2", "longc"],
  ...["alpha", "rectified_grid_angle", "x0", "y0", "k0", "to_meter", "zone", "utmSouth"],
  ...["from_greenwich", "axis", "R_A", "sphere"],
] as const;

/** Angles and factors that differ by less come from rounding in a file. */
const SAME = 1e-9;

/**
 * Whether two systems give every place the same coordinates, by their parameters.
 *
 * @param one A system.
 * @param other Another, perhaps under another name.
 */
export async function sameCrs(one: Crs, other: Crs): Promise<boolean> {
  if (one.definition === other.definition) return true;
  const proj4 = await proj4Module();
  const [a, b] = [one, other].map(({ definition }) =>
    new proj4.Proj(definition) as unknown as Projection
  ) as [Projection, Projection];
  return DEFINING.every((key) => sameParameter(a[key], b[key])) && sameDatum(a, b);
}

/** A parameter that is left out is 0. */
function sameParameter(a: unknown, b: unknown): boolean {
  if (typeof a === "string" && typeof b === "string") return a === b;
  const [x, y] = [Number(a ?? 0), Number(b ?? 0)];
  return x === y || Math.abs(x - y) <= SAME * Math.max(1, Math.abs(x), Math.abs(y));
}

function sameDatum(a: Projection, b: Projection): boolean {
  return shiftOf(a) === shiftOf(b);
}

/** Parameters of the shift to WGS 84: none, or all zero, is WGS 84 itself. */
function shiftOf({ datum, nadgrids }: Projection): string {
  const { datum_params: parameters } = (datum ?? {}) as {
    readonly datum_params?: readonly number[];
  };
  const shift = (parameters ?? []).map(Number);
  return `${nadgrids ?? ""} ${shift.every((value) => value === 0) ? "" : shift.join()}`;
}
