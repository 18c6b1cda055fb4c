/**
 * Colours that GDAL shows as RGB although TIFF stores them as CMYK or YCbCr.
 *
 * Integer arithmetic as in libtiff's `tif_getimage.c` and `tif_color.c`, so that pixels are the same
 * to the last bit.
 *
 * @module
 */
import type { ColorConversion } from "./block.ts";

/**
 * CMYK planes as red, green, blue and an opaque alpha, as libtiff converts them.
 *
 * @param planes Planes of bytes: cyan, magenta, yellow, black, and any others, which do not count.
 * @param pixels Pixels of a plane.
 * @returns Four planes of bytes.
 */
export function cmykToRgba(
  planes: Uint8Array<ArrayBuffer>,
  pixels: number,
): Uint8Array<ArrayBuffer> {
  const rgba = new Uint8Array(4 * pixels);
  for (let ink = 0; ink < 3; ink++) {
    for (let pixel = 0; pixel < pixels; pixel++) {
      const black = 255 - planes[3 * pixels + pixel]!;
      rgba[ink * pixels + pixel] = Math.floor(black * (255 - planes[ink * pixels + pixel]!) / 255);
    }
  }
  rgba.fill(255, 3 * pixels);
  return rgba;
}

/** Bytes of a block of YCbCr samples: units of h×v luma samples and two of chroma. */
export function ycbcrBlockBytes(
  width: number,
  rows: number,
  [horizontal, vertical]: readonly [number, number],
): number {
  return Math.ceil(width / horizontal) * Math.ceil(rows / vertical) * (horizontal * vertical + 2);
}

/**
 * YCbCr units as planes of red, green and blue, as libtiff converts them.
 *
 * @param bytes The units, from left to right and top to bottom.
 * @param width Columns of the block.
 * @param rows Rows of the block.
 * @param color Subsampling, coefficients and reference values.
 * @returns Three planes of bytes.
 */
export function ycbcrToRgb(
  bytes: Uint8Array<ArrayBuffer>,
  width: number,
  rows: number,
  color: Extract<ColorConversion, { kind: "ycbcr" }>,
): Uint8Array<ArrayBuffer> {
  const tables = conversionTables(color);
  const [horizontal, vertical] = color.subsampling;
  const unitBytes = horizontal * vertical + 2;
  const unitsAcross = Math.ceil(width / horizontal);
  const pixels = width * rows;
  const rgb = new Uint8ClampedArray(3 * pixels);
  for (let row = 0; row < rows; row++) {
    const unitRow = Math.floor(row / vertical) * unitsAcross;
    for (let column = 0; column < width; column++) {
      const unit = (unitRow + Math.floor(column / horizontal)) * unitBytes;
      const luma = tables.luma[
        bytes[unit + (row % vertical) * horizontal + column % horizontal]!
      ]!;
      const blue = bytes[unit + unitBytes - 2]!;
      const red = bytes[unit + unitBytes - 1]!;
      const pixel = row * width + column;
      rgb[pixel] = luma + tables.redFromRed[red]!;
      rgb[pixels + pixel] = luma +
        ((tables.greenFromBlue[blue]! + tables.greenFromRed[red]!) >> 16);
      rgb[2 * pixels + pixel] = luma + tables.blueFromBlue[blue]!;
    }
  }
  return new Uint8Array(rgb.buffer);
}

/** What each stored value adds to a colour; green in 1/65536. */
function conversionTables(color: Extract<ColorConversion, { kind: "ycbcr" }>) {
  const [lumaRed = 0, lumaGreen = 1, lumaBlue = 0] = color.coefficients.map(Math.fround);
  const [
    blackY = 0,
    whiteY = 255,
    blackBlue = 128,
    whiteBlue = 255,
    blackRed = 128,
    whiteRed = 255,
  ] = color.reference.map(Math.fround);
  const fixed = (factor: number) => Math.floor(Math.min(Math.max(factor, 0), 2) * 65536 + 0.5);
  const redFactor = fixed(2 - 2 * lumaRed);
  const greenFromRedFactor = -fixed(lumaRed * (2 - 2 * lumaRed) / lumaGreen);
  const blueFactor = fixed(2 - 2 * lumaBlue);
  const greenFromBlueFactor = -fixed(lumaBlue * (2 - 2 * lumaBlue) / lumaGreen);
  const scaled = (code: number, black: number, white: number, range: number) => {
    const span = white - black === 0 ? 1 : white - black;
    const value = Math.fround(Math.fround((code - Math.trunc(black)) * range) / Math.fround(span));
    return Math.trunc(Math.min(Math.max(value, -128 * 64), 128 * 64));
  };
  const luma = new Int32Array(256);
  const redFromRed = new Int32Array(256);
  const blueFromBlue = new Int32Array(256);
  const greenFromRed = new Int32Array(256);
  const greenFromBlue = new Int32Array(256);
  for (let value = 0; value < 256; value++) {
    const red = scaled(value - 128, blackRed - 128, whiteRed - 128, 127);
    const blue = scaled(value - 128, blackBlue - 128, whiteBlue - 128, 127);
    luma[value] = scaled(value, blackY, whiteY, 255);
    redFromRed[value] = (redFactor * red + 32768) >> 16;
    blueFromBlue[value] = (blueFactor * blue + 32768) >> 16;
    greenFromRed[value] = greenFromRedFactor * red;
    greenFromBlue[value] = greenFromBlueFactor * blue + 32768;
  }
  return { luma, redFromRed, blueFromBlue, greenFromRed, greenFromBlue };
}
