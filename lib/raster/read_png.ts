/**
 * PNG as a raster (W3C Portable Network Graphics, third edition).
 *
 * Numbers stay as stored: a palette's indices are one band and its colours those of classes, as label
 * images have it; samples of 1, 2 and 4 bits are not stretched to 255.
 *
 * @module
 */
import { crc32 } from "node:zlib";
import type { DataType } from "../array/mod.ts";
import { formatBytes } from "../text/mod.ts";
import { inflate } from "./decode/native_codecs.ts";
import { unpackBits } from "./decode/unpack.ts";
import { hexColor } from "./raster_metadata.ts";
import { RasterFault } from "./read_fault.ts";

/** Samples of a pixel by PNG's number for the kind of pixel. */
const CHANNELS: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
/** Bits that each kind may have. */
const DEPTHS: Readonly<Record<number, readonly number[]>> = {
  0: [1, 2, 4, 8, 16],
  2: [8, 16],
  3: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
};
const PALETTE = 3;
/** First column and row, and steps between them, of the passes of an interlaced image. */
const ADAM7: readonly (readonly [number, number, number, number])[] = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
];
/** The one pass of an image that is not interlaced. */
const WHOLE: typeof ADAM7 = [[0, 0, 1, 1]];

/** A picture in memory. */
export interface Picture {
  /** Columns. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
  /** Number of bands. */
  readonly bands: number;
  /** Element type. */
  readonly dtype: DataType;
  /** Shape (bands, height, width), as little-endian bytes of the element type. */
  readonly pixels: Uint8Array<ArrayBuffer>;
  /** Colours of a palette as `#rrggbb`; null without one. */
  readonly colors: readonly string[] | null;
  /** Band of alpha; null without one. */
  readonly alphaBand: number | null;
  /** Value of a grey or palette image that is transparent; null for none. */
  readonly nodata: number | null;
  /** Shape (height, width): 0 at pixels of the transparent colour; null without one. */
  readonly mask: Uint8Array<ArrayBuffer> | null;
  /** Kind of file, such as `PNG, 8-bit palette`. */
  readonly format: string;
}

interface Header {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly colorType: number;
  readonly interlaced: boolean;
}

/**
 * Decode a PNG.
 *
 * @param bytes The file.
 * @param maxBytes Most bytes of its pixels.
 * @returns Its pixels.
 * @throws {RasterFault} If it is damaged or larger than allowed.
 */
export async function decodePng(
  bytes: Uint8Array<ArrayBuffer>,
  maxBytes: number,
): Promise<Picture> {
  const { header, palette, transparency, data } = readChunks(bytes);
  const { width, height, depth, colorType } = header;
  const channels = CHANNELS[colorType]!;
  const size = depth === 16 ? 2 : 1;
  const pixelBytes = width * height * channels * size;
  if (pixelBytes > maxBytes) {
    throw new RasterFault(
      `its ${width}x${height} pixels take ${formatBytes(pixelBytes)}, more than the limit of ${
        formatBytes(maxBytes)
      }`,
    );
  }
  const passes = passesOf(header);
  const expected = passes.reduce((total, pass) => total + pass.height * (1 + pass.rowBytes), 0);
  const raw = await inflate(data, expected);
  if (raw.length < expected) {
    throw new RasterFault(`PNG data ends early, after ${raw.length} of ${expected} bytes`);
  }
  const pixels = new Uint8Array(pixelBytes);
  let at = 0;
  for (const pass of passes) {
    const end = at + pass.height * (1 + pass.rowBytes);
    const rows = unfilter(raw.subarray(at, end), pass.height, pass.rowBytes, header);
    scatter(rows, pass, header, pixels);
    at = end;
  }
  const alphaBand = colorType === 4 || colorType === 6 ? channels - 1 : null;
  return {
    width,
    height,
    bands: channels,
    dtype: depth === 16 ? "uint16" : "uint8",
    pixels,
    colors: colorType === PALETTE ? paletteColors(palette) : null,
    alphaBand,
    ...transparent(header, transparency, pixels),
    format: `PNG, ${depth}-bit ${
      colorType === PALETTE ? "palette" : channels < 3 ? "grey" : "RGB"
    }${alphaBand === null ? "" : " with alpha"}`,
  };
}

function readChunks(bytes: Uint8Array<ArrayBuffer>) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let header: Header | null = null;
  let palette: Uint8Array | null = null;
  let transparency: Uint8Array | null = null;
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let ended = false;
  for (let at = 8; !ended;) {
    if (at + 12 > bytes.length) throw new RasterFault("PNG data ends early: it is truncated");
    const length = view.getUint32(at);
    if (at + 12 + length > bytes.length) {
      throw new RasterFault(
        `PNG data ends early: a chunk of ${length} bytes at byte ${at} is cut off`,
      );
    }
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const body = bytes.subarray(at + 8, at + 8 + length);
    if (crc32(bytes.subarray(at + 4, at + 8 + length)) !== view.getUint32(at + 8 + length)) {
      throw new RasterFault(`PNG data is damaged (checksum of the chunk at byte ${at})`);
    }
    if (header === null && type !== "IHDR") {
      throw new RasterFault("PNG data is damaged (it does not start with its header)");
    }
    if (type === "IHDR") header = readHeader(body);
    else if (type === "PLTE") palette = body;
    else if (type === "tRNS") transparency = body;
    else if (type === "IDAT") parts.push(body);
    else ended = type === "IEND";
    at += 12 + length;
  }
  if (header!.colorType === PALETTE && palette === null) {
    throw new RasterFault("PNG data is damaged (the palette is missing)");
  }
  const data = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let filled = 0;
  for (const part of parts) {
    data.set(part, filled);
    filled += part.length;
  }
  return { header: header!, palette, transparency, data };
}

function readHeader(body: Uint8Array<ArrayBuffer>): Header {
  if (body.length !== 13) throw new RasterFault("PNG data is damaged (the header's length)");
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const width = view.getUint32(0);
  const height = view.getUint32(4);
  const [depth = 0, colorType = 0, compression, filter, interlace = 0] = body.subarray(8);
  if (width < 1 || height < 1 || width > 2 ** 31 - 1 || height > 2 ** 31 - 1) {
    throw new RasterFault(`PNG data is damaged (its size is ${width}x${height})`);
  }
  if (!DEPTHS[colorType]?.includes(depth)) {
    throw new RasterFault(`PNG data is damaged (colour type ${colorType} with ${depth} bits)`);
  }
  if (compression !== 0 || filter !== 0 || interlace > 1) {
    throw new RasterFault("PNG data is damaged (unknown compression, filter or interlace method)");
  }
  return { width, height, depth, colorType, interlaced: interlace === 1 };
}

/** A stretch of rows that is filtered on its own: the image, or one pass of an interlaced one. */
interface Pass {
  readonly left: number;
  readonly top: number;
  readonly stepX: number;
  readonly stepY: number;
  readonly width: number;
  readonly height: number;
  readonly rowBytes: number;
}

function passesOf({ width, height, depth, colorType, interlaced }: Header): Pass[] {
  return (interlaced ? ADAM7 : WHOLE).map(([left, top, stepX, stepY]) => {
    const passWidth = Math.max(0, Math.ceil((width - left) / stepX));
    const passHeight = Math.max(0, Math.ceil((height - top) / stepY));
    const rowBytes = Math.ceil(passWidth * CHANNELS[colorType]! * depth / 8);
    return { left, top, stepX, stepY, width: passWidth, height: passHeight, rowBytes };
  }).filter((pass) => pass.width > 0 && pass.height > 0);
}

/** Undo the filters: section 9 of the specification. */
function unfilter(
  raw: Uint8Array<ArrayBuffer>,
  height: number,
  rowBytes: number,
  { depth, colorType }: Header,
): Uint8Array<ArrayBuffer> {
  const step = Math.max(1, CHANNELS[colorType]! * depth / 8);
  const rows = new Uint8Array(height * rowBytes);
  for (let row = 0; row < height; row++) {
    const filter = raw[row * (rowBytes + 1)]!;
    if (filter > 4) throw new RasterFault(`PNG data is damaged (filter ${filter} in row ${row})`);
    const from = row * (rowBytes + 1) + 1;
    const to = row * rowBytes;
    for (let index = 0; index < rowBytes; index++) {
      const left = index >= step ? rows[to + index - step]! : 0;
      const above = row > 0 ? rows[to + index - rowBytes]! : 0;
      let predicted = 0;
      if (filter === 1) predicted = left;
      else if (filter === 2) predicted = above;
      else if (filter === 3) predicted = (left + above) >> 1;
      else if (filter === 4) {
        const corner = row > 0 && index >= step ? rows[to + index - rowBytes - step]! : 0;
        predicted = paeth(left, above, corner);
      }
      rows[to + index] = raw[from + index]! + predicted;
    }
  }
  return rows;
}

/** Of left, above and corner, the one nearest to left + above − corner. */
function paeth(left: number, above: number, corner: number): number {
  const estimate = left + above - corner;
  const fromLeft = Math.abs(estimate - left);
  const fromAbove = Math.abs(estimate - above);
  const fromCorner = Math.abs(estimate - corner);
  if (fromLeft <= fromAbove && fromLeft <= fromCorner) return left;
  return fromAbove <= fromCorner ? above : corner;
}

/** Put the samples of a pass where they belong, band by band. */
function scatter(
  rows: Uint8Array<ArrayBuffer>,
  pass: Pass,
  { width, height, depth, colorType }: Header,
  pixels: Uint8Array<ArrayBuffer>,
): void {
  const channels = CHANNELS[colorType]!;
  const size = depth === 16 ? 2 : 1;
  const samples = depth < 8 ? unpackBits(rows, pass.height, pass.width * channels, depth) : rows;
  let from = 0;
  for (let row = 0; row < pass.height; row++) {
    const y = pass.top + row * pass.stepY;
    for (let column = 0; column < pass.width; column++) {
      const x = pass.left + column * pass.stepX;
      for (let channel = 0; channel < channels; channel++, from += size) {
        const to = ((channel * height + y) * width + x) * size;
        if (size === 1) {
          pixels[to] = samples[from]!;
        } else {
          pixels[to] = samples[from + 1]!;
          pixels[to + 1] = samples[from]!;
        }
      }
    }
  }
}

function paletteColors(palette: Uint8Array | null): string[] {
  const entries = palette ?? new Uint8Array();
  return Array.from(
    { length: Math.floor(entries.length / 3) },
    (_, index) => hexColor([...entries.subarray(3 * index, 3 * index + 3)]),
  );
}

/** What the tRNS chunk makes transparent. */
function transparent(
  { width, height, depth, colorType }: Header,
  transparency: Uint8Array | null,
  pixels: Uint8Array<ArrayBuffer>,
): { nodata: number | null; mask: Uint8Array<ArrayBuffer> | null } {
  const none = { nodata: null, mask: null };
  if (transparency === null) return none;
  if (colorType === PALETTE) {
    // As in GDAL: one entry that is fully transparent marks pixels without data.
    const clear = [...transparency].flatMap((alpha, index) => alpha === 0 ? [index] : []);
    return { nodata: clear.length === 1 ? clear[0]! : null, mask: null };
  }
  const key = (channel: number) =>
    ((transparency[2 * channel]! << 8) | transparency[2 * channel + 1]!) & ((1 << depth) - 1);
  if (colorType === 0 && transparency.length >= 2) return { nodata: key(0), mask: null };
  if (colorType !== 2 || transparency.length < 6) return none;
  const count = width * height;
  const values = depth === 16 ? new Uint16Array(pixels.buffer) : pixels;
  const [red, green, blue] = [key(0), key(1), key(2)];
  const mask = new Uint8Array(count);
  for (let pixel = 0; pixel < count; pixel++) {
    mask[pixel] = values[pixel] === red && values[count + pixel] === green &&
        values[2 * count + pixel] === blue
      ? 0
      : 1;
  }
  return { nodata: null, mask };
}
