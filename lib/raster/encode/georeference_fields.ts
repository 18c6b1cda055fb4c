/**
 * CRS and transform as GeoTIFF tags: the keys as they were, the transform as GDAL writes it.
 *
 * @module
 */
import type { Georeference, GeoTransform } from "../../geo/mod.ts";
import { TAG } from "../geotiff_tags.ts";
import { asciiField, field, type TiffField } from "./tiff_fields.ts";

/**
 * Fields of a georeference.
 *
 * @param georeference Its transform is pixel-is-area; it is written for the corner or, where the file
 * said so, for the centre of the first pixel.
 */
export function georeferenceFields(georeference: Georeference): TiffField[] {
  const { transform, geoKeys, pixelIsPoint } = georeference;
  const fields: TiffField[] = [];
  if (transform !== null) {
    fields.push(...transformFields(pixelIsPoint ? toCentres(transform) : transform));
  }
  if (geoKeys !== null) {
    fields.push(field(TAG.geoKeyDirectory, "short", ...geoKeys.directory));
    if (geoKeys.doubles.length > 0) {
      fields.push(field(TAG.geoDoubleParams, "double", ...geoKeys.doubles));
    }
    if (geoKeys.ascii !== "") fields.push(asciiField(TAG.geoAsciiParams, geoKeys.ascii));
  }
  return fields;
}

/** Scale and tie point for north-up rasters, a matrix for all others. */
function transformFields([x, a, b, y, d, e]: GeoTransform): TiffField[] {
  if (b === 0 && d === 0 && a > 0 && e < 0) {
    return [
      field(TAG.modelPixelScale, "double", a, -e, 0),
      field(TAG.modelTiepoint, "double", 0, 0, 0, x, y, 0),
    ];
  }
  const matrix = [a, b, 0, x, d, e, 0, y, 0, 0, 0, 0, 0, 0, 0, 1];
  return [field(TAG.modelTransformation, "double", ...matrix)];
}

function toCentres([x, a, b, y, d, e]: GeoTransform): GeoTransform {
  return [x + (a + b) / 2, a, b, y + (d + e) / 2, d, e];
}
