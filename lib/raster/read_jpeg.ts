/**
 * JPEG as a raster: one band of grey, or red, green and blue.
 *
 * @module
 */
import { formatBytes } from "../text/mod.ts";
import { decodeJpeg, yccToRgb } from "./decode/jpeg.ts";
import { RasterFault } from "./read_fault.ts";
import type { Picture } from "./read_png.ts";

/** Bytes that decoding takes for each sample: coefficients of 16 bits, samples, and a copy. */
const BYTES_PER_SAMPLE = 4;

/**
 * Decode a JPEG.
 *
 * @param bytes The file.
 * @param maxBytes Most bytes that decoding may take.
 * @returns Its pixels.
 * @throws {RasterFault} If it is damaged, larger than allowed, or of a kind that is not supported.
 */
export function decodeJpegPicture(bytes: Uint8Array<ArrayBuffer>, maxBytes: number): Picture {
  const { width, height, planes, isYcc } = decodeJpeg(bytes, null, (frame) => {
    const { length } = frame.components;
    if (length !== 1 && length !== 3) {
      throw new RasterFault(
        `unsupported: JPEG with ${length} components${length === 4 ? " (CMYK)" : ""}`,
      );
    }
    const needed = frame.width * frame.height * length * BYTES_PER_SAMPLE;
    if (needed > maxBytes) {
      throw new RasterFault(
        `its ${frame.width}x${frame.height} pixels take ${
          formatBytes(needed)
        } to decode, more than the limit of ${formatBytes(maxBytes)}`,
      );
    }
  });
  const bands = isYcc ? yccToRgb(planes) : planes;
  const pixels = new Uint8Array(bands.length * width * height);
  for (const [band, plane] of bands.entries()) pixels.set(plane, band * width * height);
  return {
    width,
    height,
    bands: bands.length,
    dtype: "uint8",
    pixels,
    colors: null,
    alphaBand: null,
    nodata: null,
    mask: null,
    format: bands.length === 1 ? "JPEG, grey" : "JPEG, RGB",
  };
}
