/**
 * JPEG images, baseline and progressive, with the pixels that IJG's libjpeg gives.
 *
 * @module
 */
import { decodeJpegCoefficients } from "./jpeg_coefficients.ts";
import type { JpegFrame, JpegState } from "./jpeg_markers.ts";
import { inverseTransform } from "./jpeg_transform.ts";

/** A decoded JPEG. */
export interface JpegImage {
  /** Columns. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
  /** Planes of its components, as stored: luma and chroma are not yet colours. */
  readonly planes: readonly Uint8Array<ArrayBuffer>[];
  /** True if by its markers the components are luma and chroma. */
  readonly isYcc: boolean;
}

/**
 * Decode a JPEG.
 *
 * @param bytes The JPEG.
 * @param tables Tables that it shares with others, as TIFF has them; null for none.
 * @param check Called with the frame before anything is allocated for it; throws to refuse it.
 * @returns Its components at full resolution.
 * @throws {RasterFault} If it is damaged or uses what is not supported.
 */
export function decodeJpeg(
  bytes: Uint8Array<ArrayBuffer>,
  tables: Uint8Array<ArrayBuffer> | null,
  check: (frame: JpegFrame) => void,
): JpegImage {
  const { frame, state, maxHorizontal, maxVertical, components } = decodeJpegCoefficients(
    bytes,
    tables,
    check,
  );
  const { width, height } = frame;
  const planes = components.map((component, position) => {
    const { horizontal, vertical } = frame.components[position]!;
    return inverseTransform(
      component,
      maxHorizontal / horizontal,
      maxVertical / vertical,
      width,
      height,
    );
  });
  return { width, height, planes, isYcc: isYcc(frame, state) };
}

/** The rules by which libjpeg guesses the colours of three components (`jdapimin.c`). */
function isYcc({ components }: JpegFrame, { jfif, adobeTransform }: JpegState): boolean {
  if (components.length !== 3) return false;
  if (jfif) return true;
  if (adobeTransform !== null) return adobeTransform !== 0;
  return String.fromCharCode(...components.map(({ id }) => id)) !== "RGB";
}

/** What a chroma value adds to each colour; those of green in 1/65536 (`jdcolor.c`). */
const RED_FROM_RED = new Int32Array(256);
const BLUE_FROM_BLUE = new Int32Array(256);
const GREEN_FROM_RED = new Int32Array(256);
const GREEN_FROM_BLUE = new Int32Array(256);
for (let value = 0; value < 256; value++) {
  const fix = (factor: number) => Math.floor(factor * 65536 + 0.5);
  const centred = value - 128;
  RED_FROM_RED[value] = (fix(1.402) * centred + 32768) >> 16;
  BLUE_FROM_BLUE[value] = (fix(1.772) * centred + 32768) >> 16;
  GREEN_FROM_RED[value] = -fix(0.714136286) * centred;
  GREEN_FROM_BLUE[value] = -fix(0.344136286) * centred + 32768;
}

/**
 * Luma and chroma as colours.
 *
 * @param planes Y, Cb and Cr.
 * @returns Red, green and blue.
 */
export function yccToRgb(
  [luma, blueChroma, redChroma]: readonly Uint8Array<ArrayBuffer>[],
): [Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>] {
  const count = luma!.length;
  const red = new Uint8ClampedArray(count);
  const green = new Uint8ClampedArray(count);
  const blue = new Uint8ClampedArray(count);
  for (let pixel = 0; pixel < count; pixel++) {
    const y = luma![pixel]!;
    const cb = blueChroma![pixel]!;
    const cr = redChroma![pixel]!;
    red[pixel] = y + RED_FROM_RED[cr]!;
    green[pixel] = y + ((GREEN_FROM_BLUE[cb]! + GREEN_FROM_RED[cr]!) >> 16);
    blue[pixel] = y + BLUE_FROM_BLUE[cb]!;
  }
  return [new Uint8Array(red.buffer), new Uint8Array(green.buffer), new Uint8Array(blue.buffer)];
}
