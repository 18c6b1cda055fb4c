/**
 * What the metadata of a Sentinel-2 product says of its numbers.
 *
 * @module
 */
import { SENTINEL2_BANDS } from "../raster/mod.ts";

/** From stored numbers to reflectance. */
export interface StatedScale {
  /** Factor of the stored numbers. */
  readonly scale: number;
  /** Added after scaling. */
  readonly offset: number;
}

/** Names of the metadata of products of level 1C and 2A. */
export const SENTINEL2_METADATA_NAME = /^MTD_MSIL(1C|2A)\.xml$/i;

/**
 * Scale and offset of each band: reflectance is (stored + offset) / quantification, where products since
 * baseline 04.00 state an offset of -1000 (PSD-15, `BOA_ADD_OFFSET` and `RADIO_ADD_OFFSET`).
 *
 * @param xml Text of `MTD_MSIL2A.xml` or `MTD_MSIL1C.xml`.
 * @returns By the name of the band; empty where the text says nothing of the kind.
 */
export function sentinel2Scales(xml: string): ReadonlyMap<string, StatedScale> {
  const quantification = Number(
    /<(?:BOA_)?QUANTIFICATION_VALUE\b[^>]*>\s*([\d.]+)\s*</.exec(xml)?.[1] ?? NaN,
  );
  if (!(quantification > 0)) return new Map();
  const offsets = new Map(
    [...xml.matchAll(
      /<(?:BOA|RADIO)_ADD_OFFSET\s+band_id\s*=\s*["'](\d+)["'][^>]*>\s*(-?[\d.]+)\s*</g,
    )].map(([, band, offset]) => [Number(band), Number(offset)]),
  );
  return new Map(SENTINEL2_BANDS.map((name, band) => [
    name,
    { scale: 1 / quantification, offset: (offsets.get(band) ?? 0) / quantification },
  ]));
}
