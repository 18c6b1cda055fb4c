/**
 * CRS and transform of a GeoTIFF, by the rules of GDAL.
 *
 * @module
 */
import type { GeoKeys, Georeference, GeoTransform } from "../geo/mod.ts";
import type { TiffDirectory } from "./geotiff_directory.ts";
import { TAG } from "./geotiff_tags.ts";

/** Numbers of GeoKeys; GeoTIFF 1.1 section 7. */
const KEY = { modelType: 1024, rasterType: 1025, geodeticCrs: 2048, projectedCrs: 3072 } as const;
const MODEL_PROJECTED = 1;
const RASTER_PIXEL_IS_POINT = 2;
/** EPSG codes end here; 32767 says that the CRS is defined by the other keys. */
const USER_DEFINED = 32767;

/**
 * Georeference of an image.
 *
 * Damaged or missing tags make it unknown; they never make pixels unreadable.
 *
 * @param directory The directory of the image.
 * @returns Its georeference, with the transform moved to pixel-is-area.
 */
export function tiffGeoreference(directory: TiffDirectory): Georeference {
  const geoKeys = readGeoKeys(directory);
  const pixelIsPoint = geoKeys !== null &&
    shortKey(geoKeys, KEY.rasterType) === RASTER_PIXEL_IS_POINT;
  const transform = storedTransform(directory);
  return {
    crs: geoKeys === null ? null : epsgCode(geoKeys),
    transform: transform !== null && pixelIsPoint ? fromCentres(transform) : transform,
    geoKeys,
    pixelIsPoint,
  };
}

/** The keys with their parameters; null where the directory of keys is missing or cut off. */
function readGeoKeys(directory: TiffDirectory): GeoKeys | null {
  const keys = directory.numbers(TAG.geoKeyDirectory);
  if (keys === null || keys.length < 4 || keys.length < 4 + 4 * keys[3]!) return null;
  return {
    directory: [...keys.subarray(0, 4 + 4 * keys[3]!)],
    doubles: [...directory.numbers(TAG.geoDoubleParams) ?? []],
    ascii: directory.text(TAG.geoAsciiParams) ?? "",
  };
}

/** Value of a key that is stored in the directory itself. */
function shortKey({ directory }: GeoKeys, wanted: number): number | null {
  for (let at = 4; at + 3 < directory.length; at += 4) {
    if (directory[at] === wanted && directory[at + 1] === 0) return directory[at + 3]!;
  }
  return null;
}

function epsgCode(keys: GeoKeys): string | null {
  const projected = shortKey(keys, KEY.projectedCrs);
  const code = shortKey(keys, KEY.modelType) === MODEL_PROJECTED || projected !== null
    ? projected
    : shortKey(keys, KEY.geodeticCrs);
  return code === null || code < 1024 || code >= USER_DEFINED ? null : `EPSG:${code}`;
}

function storedTransform(directory: TiffDirectory): GeoTransform | null {
  const scale = directory.numbers(TAG.modelPixelScale);
  const tiepoint = directory.numbers(TAG.modelTiepoint);
  const matrix = directory.numbers(TAG.modelTransformation);
  if (scale !== null && scale.length >= 2 && scale[0] !== 0 && scale[1] !== 0) {
    if (tiepoint === null || tiepoint.length < 6) return null;
    const [column = 0, row = 0, , x = 0, y = 0] = tiepoint;
    const dx = scale[0]!;
    // Rows go south whatever the sign of the scale, as in GDAL.
    const dy = -Math.abs(scale[1]!);
    return finite([x - column * dx, dx, 0, y - row * dy, 0, dy]);
  }
  if (matrix !== null && matrix.length >= 16) {
    const [a = 0, b = 0, , c = 0, d = 0, e = 0, , f = 0] = matrix;
    return finite([c, a, b, f, d, e]);
  }
  // Tiepoints alone are ground control points: there is no one transform.
  return null;
}

function finite(transform: GeoTransform): GeoTransform | null {
  const [, a, b, , d, e] = transform;
  return transform.every(Number.isFinite) && a * e - b * d !== 0 ? transform : null;
}

/** From coordinates of the first pixel's centre to those of its outer corner. */
function fromCentres([x, a, b, y, d, e]: GeoTransform): GeoTransform {
  return [x - (a + b) / 2, a, b, y - (d + e) / 2, d, e];
}
