/**
 * From the bytes of one strip or tile to planes of pixels.
 *
 * A pure function of plain values, so that it runs in a worker as well as here.
 *
 * @module
 */
import type { DataType } from "../../array/mod.ts";
import { COMPRESSION, COMPRESSION_NAMES } from "../geotiff_tags.ts";
import { RasterFault } from "../read_fault.ts";
import { cmykToRgba, ycbcrBlockBytes, ycbcrToRgb } from "./color.ts";
import { decodeJpegBlock } from "./jpeg_block.ts";
import { decodeLerc, type LercFormat } from "./lerc.ts";
import { decodeLzw } from "./lzw.ts";
import { decompressZstd, inflate } from "./native_codecs.ts";
import { decodePackbits } from "./packbits.ts";
import { type DecodedBlock, decodeSamples } from "./samples.ts";

/** Colours that are stored as something other than what is read. */
export type ColorConversion =
  | { readonly kind: "none" }
  | { readonly kind: "cmyk" }
  | {
    readonly kind: "ycbcr";
    /** Pixels for each chroma sample, horizontally and vertically. */
    readonly subsampling: readonly [number, number];
    /** Luma coefficients of red, green and blue. */
    readonly coefficients: readonly number[];
    /** Black and white of Y, Cb and Cr. */
    readonly reference: readonly number[];
  };

/** How the blocks of an image are encoded. */
export interface BlockFormat {
  /** Number of the compression scheme. */
  readonly compression: number;
  /** 1 none, 2 differences of neighbours, 3 floating point. */
  readonly predictor: 1 | 2 | 3;
  /** True if the bits of each byte are stored lowest first. */
  readonly reverseBits: boolean;
  /** Byte order of samples. */
  readonly littleEndian: boolean;
  /** Bits of a stored sample. */
  readonly bits: number;
  /** Element type of a decoded sample. */
  readonly dtype: DataType;
  /** True if stored samples are floating point. */
  readonly isFloat: boolean;
  /** Samples of a pixel in one block. */
  readonly samples: number;
  /** Columns of a block. */
  readonly width: number;
  /** How its colours are stored. */
  readonly color: ColorConversion;
  /** Word of 16-bit integers that marks pixels without data, to be found on the way; null for none. */
  readonly nodata: number | null;
  /** Tables that JPEG blocks share. */
  readonly jpegTables: Uint8Array<ArrayBuffer> | null;
  /** What LERC blocks are; null for others. */
  readonly lerc: LercFormat | null;
}

/**
 * Decode one block.
 *
 * @param format How it is encoded.
 * @param bytes The bytes of the block as stored.
 * @param rows Rows that it has.
 * @returns Its pixels. They may lie in memory that the next call uses again, unless they come as a
 * promise.
 * @throws {RasterFault} If the bytes are damaged; the message has no position.
 */
export function decodeBlock(
  format: BlockFormat,
  bytes: Uint8Array<ArrayBuffer>,
  rows: number,
): DecodedBlock | Promise<DecodedBlock> {
  const { compression } = format;
  if (compression === COMPRESSION.jpeg) {
    return { planes: decodeJpegBlock(format, bytes, rows), holes: null };
  }
  const stored = format.reverseBits ? reverseBits(bytes) : bytes;
  const raw = decompress(format, stored, rows);
  return raw instanceof Promise
    ? raw.then((plain) => copyOf(pixelsOf(format, plain, rows)))
    : pixelsOf(format, raw, rows);
}

function copyOf({ planes, holes }: DecodedBlock): DecodedBlock {
  return { planes: planes.slice(), holes: holes?.slice() ?? null };
}

/** From decompressed bytes to pixels. */
function pixelsOf(
  format: BlockFormat,
  raw: Uint8Array<ArrayBuffer>,
  rows: number,
): DecodedBlock {
  const { compression, color } = format;
  const expected = plainBytes(format, rows);
  if (raw.length < expected) {
    throw new RasterFault(
      `${COMPRESSION_NAMES[compression]} data ends early, after ${raw.length} of ${expected} bytes`,
    );
  }
  const exact = raw.length === expected ? raw : raw.subarray(0, expected);
  switch (color.kind) {
    case "ycbcr":
      return { planes: ycbcrToRgb(exact, format.width, rows, color), holes: null };
    case "cmyk": {
      const { planes } = decodeSamples(format, exact, rows);
      return { planes: cmykToRgba(planes, format.width * rows), holes: null };
    }
    case "none":
      return decodeSamples(format, exact, rows);
  }
}

/** Bytes of a block with that many rows between decompression and all else. */
export function plainBytes({ width, samples, bits, color }: BlockFormat, rows: number): number {
  return color.kind === "ycbcr"
    ? ycbcrBlockBytes(width, rows, color.subsampling)
    : Math.ceil(width * samples * bits / 8) * rows;
}

function decompress(
  format: BlockFormat,
  bytes: Uint8Array<ArrayBuffer>,
  rows: number,
): Uint8Array<ArrayBuffer> | Promise<Uint8Array<ArrayBuffer>> {
  const { compression, lerc, width, samples } = format;
  const expected = plainBytes(format, rows);
  switch (compression) {
    case COMPRESSION.none:
      return bytes;
    case COMPRESSION.lzw:
      return decodeLzw(bytes, expected);
    case COMPRESSION.packbits:
      return decodePackbits(bytes, expected);
    case COMPRESSION.deflate:
    case COMPRESSION.adobeDeflate:
      return inflate(bytes, expected);
    case COMPRESSION.zstd:
      return decompressZstd(bytes, expected);
    case COMPRESSION.lerc:
      return decodeLerc(lerc!, bytes, { width, rows, samples });
    default:
      throw new RasterFault(`unsupported compression ${compression}`);
  }
}

const REVERSED = Uint8Array.from({ length: 256 }, (_, byte) => {
  let reversed = 0;
  for (let bit = 0; bit < 8; bit++) reversed |= ((byte >> bit) & 1) << (7 - bit);
  return reversed;
});

function reverseBits(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return bytes.map((byte) => REVERSED[byte]!);
}
