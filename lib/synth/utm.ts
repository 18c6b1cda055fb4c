/**
 * Georeferences of scenes that are nowhere: WGS 84 / UTM, as Sentinel-2 delivers.
 *
 * @module
 */
import type { Georeference } from "../geo/mod.ts";

/** GeoTIFF 1.1 (OGC 19-008r4), requirements class "GeoKeys": key numbers and codes. */
const KEY = { modelType: 1024, rasterType: 1025, projectedCrs: 3072 } as const;
const MODEL_TYPE_PROJECTED = 1;
const RASTER_PIXEL_IS_AREA = 1;

/** EPSG codes of the northern zones start here. */
const EPSG_UTM_NORTH = 32600;

/**
 * North-up pixels in a northern UTM zone.
 *
 * @param zone 1 to 60.
 * @param easting Metres of the outer corner of the first pixel.
 * @param northing Metres.
 * @param resolution Side of a pixel in metres.
 */
export function utmGeoreference(
  zone: number,
  easting: number,
  northing: number,
  resolution: number,
): Georeference {
  const code = EPSG_UTM_NORTH + zone;
  // Key, location of its value (0: here), count, value.
  const keys = [
    [KEY.modelType, 0, 1, MODEL_TYPE_PROJECTED],
    [KEY.rasterType, 0, 1, RASTER_PIXEL_IS_AREA],
    [KEY.projectedCrs, 0, 1, code],
  ];
  return {
    crs: `EPSG:${code}`,
    transform: [easting, resolution, 0, northing, 0, -resolution],
    geoKeys: { directory: [1, 1, 0, keys.length, ...keys.flat()], doubles: [], ascii: "" },
    pixelIsPoint: false,
  };
}
