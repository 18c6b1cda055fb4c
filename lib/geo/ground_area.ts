/**
 * Areas on the ground: of polygons, and of the pixels of a row.
 *
 * Degrees are measured on the ellipsoid, by its authalic latitude (Snyder 1987, equations 3-11 and
 * 3-12); Mercator, whose scale is 1 at the equator alone, likewise. Other projections are taken at
 * their word: equal-area ones are right, UTM is off by a thousandth at most, polar stereographic by
 * some per cent.
 *
 * @module
 */
import { createTransformation, type Crs, openCrs, WGS84 } from "./crs.ts";
import type { GeoTransform } from "./georeference.ts";
import type { Ring } from "./geometry.ts";

const RADIANS = Math.PI / 180;
/** Edges are taken in pieces of at most this many degrees of longitude. */
const PIECE = 1;
/** Nodes and weights of Gauss and Legendre on [0, 1]. */
const NODES = [
  [0.5 - Math.sqrt(0.15), 5 / 18],
  [0.5, 8 / 18],
  [0.5 + Math.sqrt(0.15), 5 / 18],
] as const;

/** Area in m² between the equator and a latitude, a radian of longitude wide, north positive. */
export function areaToLatitude(latitude: number, crs: Crs): number {
  const { semiMajorAxis: a, eccentricitySquared: es } = crs;
  const sine = Math.sin(latitude * RADIANS);
  if (es < 1e-12) return a * a * sine;
  const e = Math.sqrt(es);
  return a * a * (1 - es) / 2 * (sine / (1 - es * sine * sine) + Math.atanh(e * sine) / e);
}

/**
 * Area of a polygon.
 *
 * @param rings Outer ring and holes, whichever way they run; edges are straight in the coordinates.
 * @param crs System of the coordinates.
 * @returns Square metres.
 */
export function groundArea(rings: readonly Ring[], crs: Crs): number {
  return rings.reduce(
    (sum, ring, i) => sum + (i === 0 ? 1 : -1) * Math.abs(ringArea(ring, crs)),
    0,
  );
}

function ringArea(ring: Ring, crs: Crs): number {
  let sum = 0;
  if (crs.geographic) {
    for (let i = 1; i < ring.length; i++) {
      const [xa = 0, ya = 0] = ring[i - 1]!;
      const [xb = 0, yb = 0] = ring[i]!;
      const pieces = Math.max(1, Math.ceil(Math.max(Math.abs(xb - xa), Math.abs(yb - ya)) / PIECE));
      let mean = 0;
      for (let piece = 0; piece < pieces; piece++) {
        for (const [node, weight] of NODES) {
          mean += weight * areaToLatitude(ya + (yb - ya) * (piece + node) / pieces, crs);
        }
      }
      sum += (xb - xa) * RADIANS * mean / pieces;
    }
    return sum;
  }
  const [x0 = 0, y0 = 0] = ring[0] ?? [];
  for (let i = 1; i < ring.length; i++) {
    const [xa = 0, ya = 0] = ring[i - 1]!;
    const [xb = 0, yb = 0] = ring[i]!;
    sum += (xa - x0) * (yb - y0) - (xb - x0) * (ya - y0);
  }
  return sum / 2 * crs.metersPerUnit ** 2;
}

/** Projections whose parallels are level and whose scale depends on latitude alone. */
const LEVEL_PARALLELS = ["merc", "eqc", "mill"];

/**
 * Areas of the pixels of a raster.
 *
 * @param crs CRS of the raster.
 * @param transform From pixels to that CRS.
 * @param height Rows.
 * @returns Square metres of a pixel, by its row; one number where it is the same everywhere.
 *
 * @example
 * ```ts
 * import { openCrs, pixelAreas } from "swath";
 *
 * const areas = await pixelAreas(await openCrs("EPSG:4326"), [0, 1, 0, 90, 0, -1], 180);
 * // All pixels of a degree together are the ellipsoid.
 * const earth = 360 * (areas as Float64Array).reduce((sum, area) => sum + area, 0);
 * if (Math.abs(earth / 510065621724088 - 1) > 1e-9) throw new Error(String(earth));
 * ```
 */
export async function pixelAreas(
  crs: Crs,
  transform: GeoTransform,
  height: number,
): Promise<number | Float64Array<ArrayBuffer>> {
  const [x0, a, b, y0, d, e] = transform;
  if (!crs.geographic && !LEVEL_PARALLELS.includes(crs.projection)) {
    return Math.abs(a * e - b * d) * crs.metersPerUnit ** 2;
  }
  // Spheres of projections stand for the ellipsoid: Web Mercator takes latitudes as they are.
  const world = crs.geographic ? crs : await openCrs(WGS84);
  const { forward } = await createTransformation(crs, world);
  const latitude = (y: number) => forward(x0, y)[1];
  const radiansPerUnit = Math.abs(forward(x0 + a, y0)[0] - forward(x0, y0)[0]) * RADIANS /
    Math.abs(a);
  return Float64Array.from({ length: height }, (_, row) => {
    if (b === 0 && d === 0) {
      const [top, bottom] = [latitude(y0 + e * row), latitude(y0 + e * (row + 1))];
      const band = Math.abs(areaToLatitude(top, world) - areaToLatitude(bottom, world));
      return band * Math.abs(a) * radiansPerUnit;
    }
    // Turned rasters: the scale in the middle of the first pixel of the row.
    const y = y0 + d * 0.5 + e * (row + 0.5);
    const step = Math.hypot(d, e) / 2;
    const band = areaToLatitude(latitude(y + step), world) -
      areaToLatitude(latitude(y - step), world);
    return Math.abs(a * e - b * d) * Math.abs(band) / (2 * step) * radiansPerUnit;
  });
}
