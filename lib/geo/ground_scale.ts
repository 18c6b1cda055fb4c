/**
 * How large a pixel is on the ground, and where north is: for scale bars and areas in words.
 *
 * @module
 */
import type { Georeference } from "./georeference.ts";

/** Size and direction of pixels in the middle of a raster. */
export interface GroundScale {
  /** Metres from one column to the next. */
  readonly metresPerColumn: number;
  /** Metres from one row to the next. */
  readonly metresPerRow: number;
  /** Direction of (grid) north, in degrees clockwise from the upper edge. */
  readonly north: number;
}

/** GeoTIFF keys and values (OGC 19-008r4, annexes B to D). */
const KEY = { modelType: 1024, linearUnits: 3076, geographicUnits: 2054 } as const;
const GEOGRAPHIC_MODEL = 2;
const DEGREE = 9102;
/** Metres of linear units. */
const METRES: Readonly<Record<number, number>> = {
  9001: 1,
  9002: 0.3048,
  9003: 1200 / 3937,
  9036: 1000,
};
/** CRS of degrees, where a raster has a code but no keys. */
const GEOGRAPHIC_CODES = ["EPSG:4326", "EPSG:4258", "EPSG:4269", "OGC:CRS84"];
/** Web Mercator: its metres are true at the equator alone. */
const WEB_MERCATOR = "EPSG:3857";
const EARTH_RADIUS = 6_378_137;

/**
 * The size of pixels on the ground.
 *
 * Degrees are measured on the WGS 84 ellipsoid in the middle of the raster, and Web Mercator at the latitude of
 * its middle; other projections are taken at their word.
 *
 * @param georeference CRS and transform.
 * @param width Columns of the raster.
 * @param height Rows of the raster.
 * @returns Null where the raster does not say where it lies, or its unit is not known.
 *
 * @example
 * ```ts
 * import { groundScale } from "swath";
 *
 * const scale = groundScale(
 *   { crs: "EPSG:32633", transform: [600000, 10, 0, 5200000, 0, -10], geoKeys: null, pixelIsPoint: false },
 *   100,
 *   100,
 * );
 * if (scale?.metresPerColumn !== 10 || scale.north !== 0) throw new Error("10 m, north is up");
 * ```
 */
export function groundScale(
  georeference: Georeference,
  width: number,
  height: number,
): GroundScale | null {
  const { transform } = georeference;
  if (transform === null) return null;
  const [, a, b, y0, d, e] = transform;
  const metres = metresPerUnit(georeference, y0 + d * width / 2 + e * height / 2);
  const determinant = a * e - b * d;
  if (metres === null || determinant === 0) return null;
  const { x, y } = metres;
  return {
    metresPerColumn: Math.hypot(a * x, d * y),
    metresPerRow: Math.hypot(b * x, e * y),
    // The step of pixels that goes one unit to the north.
    north: Math.atan2(-b / determinant, -a / determinant) * 180 / Math.PI + 0,
  };
}

/** Metres of a unit to the east and to the north, in the middle of the raster. */
function metresPerUnit(
  { crs, geoKeys }: Georeference,
  middle: number,
): { readonly x: number; readonly y: number } | null {
  const key = (wanted: number) => {
    const directory = geoKeys?.directory ?? [];
    for (let at = 4; at + 3 < directory.length; at += 4) {
      if (directory[at] === wanted && directory[at + 1] === 0) return directory[at + 3]!;
    }
    return null;
  };
  if (crs === null && geoKeys === null) return null;
  if (key(KEY.modelType) === GEOGRAPHIC_MODEL || GEOGRAPHIC_CODES.includes(crs ?? "")) {
    if ((key(KEY.geographicUnits) ?? DEGREE) !== DEGREE || Math.abs(middle) > 90) return null;
    const latitude = middle * Math.PI / 180;
    const cos = (times: number) => Math.cos(times * latitude);
    return {
      x: 111_412.84 * cos(1) - 93.5 * cos(3) + 0.118 * cos(5),
      y: 111_132.954 - 559.822 * cos(2) + 1.175 * cos(4),
    };
  }
  if (crs === WEB_MERCATOR) {
    const scale = 1 / Math.cosh(middle / EARTH_RADIUS);
    return { x: scale, y: scale };
  }
  const unit = METRES[key(KEY.linearUnits) ?? 9001];
  return unit === undefined ? null : { x: unit, y: unit };
}
