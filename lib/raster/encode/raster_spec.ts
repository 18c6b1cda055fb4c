/**
 * What a GeoTIFF can hold.
 *
 * @module
 */
import { type DataType, TYPED_ARRAY_CONSTRUCTORS } from "../../array/mod.ts";
import { InputError } from "../../errors.ts";
import type { RasterSpec } from "../write_geotiff.ts";

/** ImageWidth and SamplesPerPixel have so many bits. */
const MOST_PIXELS = 2 ** 31 - 1;
const MOST_BANDS = 2 ** 16 - 1;

/**
 * Refuse what no GeoTIFF can hold.
 *
 * @throws {InputError} If users can cause it: nodata that the type cannot hold, a CRS without keys.
 * @throws {RangeError} If only the calling program can.
 */
export function checkRasterSpec(path: string, spec: RasterSpec): void {
  const { width, height, dtype, bands, nodata, georeference, classes, blockSize = 512 } = spec;
  const what = `Cannot write ${JSON.stringify(path)}`;
  for (
    const [name, extent, most] of [
      ["width", width, MOST_PIXELS],
      ["height", height, MOST_PIXELS],
      ["number of bands", bands.length, MOST_BANDS],
    ] as const
  ) {
    if (!Number.isInteger(extent) || extent < 1 || extent > most) {
      throw new InputError(`${what} as its ${name} must be from 1 to ${most}: found ${extent}`);
    }
  }
  if (dtype === "bool") {
    throw new InputError(`${what} as GeoTIFF has no booleans: use uint8`);
  }
  if (!Number.isInteger(blockSize / 16) || blockSize < 16 || blockSize > 2 ** 14) {
    throw new RangeError(
      `internal: blocks of ${blockSize} pixels: expected a multiple of 16 up to 16384`,
    );
  }
  if (nodata !== null && !canHold(dtype, nodata)) {
    throw new InputError(`${what} with nodata ${nodata} as ${dtype} cannot hold it`);
  }
  if (classes !== null && bands.length !== 1) {
    throw new RangeError(`internal: a class map of ${bands.length} bands`);
  }
  if (georeference.crs !== null && georeference.geoKeys === null) {
    throw new InputError(
      `${what} with the CRS ${georeference.crs} as its GeoTIFF keys are not known`,
    );
  }
}

/** Nodata as GDAL spells it. */
export function formatNodata(nodata: number): string {
  if (Number.isNaN(nodata)) return "nan";
  if (nodata === Infinity) return "inf";
  if (nodata === -Infinity) return "-inf";
  return String(nodata);
}

function canHold(dtype: DataType, value: number): boolean {
  const stored = new TYPED_ARRAY_CONSTRUCTORS[dtype](1);
  if (stored instanceof BigInt64Array || stored instanceof BigUint64Array) {
    if (!Number.isInteger(value)) return false;
    stored[0] = BigInt(value);
    return stored[0] === BigInt(value);
  }
  stored[0] = value;
  // Floats hold every number nearly; but a finite one must not become infinite.
  if (dtype.startsWith("float")) return Number.isFinite(stored[0]) === Number.isFinite(value);
  return stored[0] === value;
}
