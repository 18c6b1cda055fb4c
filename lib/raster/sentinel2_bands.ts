/**
 * Bands of Sentinel-2's MultiSpectral Instrument.
 *
 * @module
 */

/** Spectral bands of Sentinel-2 in the order of their numbers, as products list them. */
export const SENTINEL2_BANDS: readonly string[] = [
  "B01",
  "B02",
  "B03",
  "B04",
  "B05",
  "B06",
  "B07",
  "B08",
  "B8A",
  "B09",
  "B10",
  "B11",
  "B12",
];
