/**
 * How the pixels of one image of a TIFF file are stored: element type, blocks, codec.
 *
 * @module
 */
import { bytesPerElement, type DataType } from "../array/mod.ts";
import { formatBytes } from "../text/mod.ts";
import type { BlockFormat, ColorConversion } from "./decode/block.ts";
import { LERC_ADDITIONS, LERC_TYPES, type LercFormat } from "./decode/lerc.ts";
import type { TiffDirectory } from "./geotiff_directory.ts";
import { COMPRESSION, COMPRESSION_NAMES, PHOTOMETRIC, TAG } from "./geotiff_tags.ts";
import { RasterFault } from "./read_fault.ts";

/** Largest width and height of GDAL and of most other readers. */
const MAX_SIZE = 2 ** 31 - 1;
/** An uncompressed image in one strip is read in stretches of about this many bytes. */
const STRETCH_BYTES = 1 << 20;

/** Where and how the pixels of an image are stored. */
export interface TiffLayout {
  /** Columns. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
  /** Bands after colour conversion. */
  readonly bands: number;
  /** Element type after expansion: 1 to 8 bits are uint8, half precision is float32. */
  readonly dtype: DataType;
  /** Bits of a stored sample. */
  readonly bits: number;
  /** True if each band has blocks of its own. */
  readonly planar: boolean;
  /** True for tiles, false for strips. */
  readonly tiled: boolean;
  /** Columns of a block. */
  readonly blockWidth: number;
  /** Rows of a block; the last strip has fewer. */
  readonly blockHeight: number;
  /** Blocks from left to right. */
  readonly across: number;
  /** Blocks from top to bottom. */
  readonly down: number;
  /** Number of the compression scheme. */
  readonly compression: number;
  /** Number of the photometric interpretation. */
  readonly photometric: number;
  /** How one block is decoded. */
  readonly format: BlockFormat;
  /** First byte of each block; 0 where there is none. */
  readonly offsets: Float64Array;
  /** Bytes of each block; 0 where there is none. */
  readonly counts: Float64Array;
}

/** Rows that block row `row` really has. */
export function rowsOfBlock(
  layout: Pick<TiffLayout, "tiled" | "height" | "blockHeight">,
  row: number,
): number {
  if (layout.tiled) return layout.blockHeight;
  return Math.min(layout.blockHeight, layout.height - row * layout.blockHeight);
}

/** Bands that one block holds. */
export function bandsOfBlock(layout: TiffLayout): number {
  return layout.planar ? 1 : layout.bands;
}

/** Bytes of a decoded block. */
export function decodedBytes(layout: TiffLayout): number {
  return layout.blockWidth * layout.blockHeight * bandsOfBlock(layout) *
    bytesPerElement(layout.dtype);
}

/**
 * Derive the layout of an image from its directory.
 *
 * @param directory The directory.
 * @param fileSize Bytes of the file, which bounds what it can claim.
 * @param maxBlock Most bytes that one decoded block may have.
 * @returns The layout, checked.
 * @throws {RasterFault} If the tags contradict each other, or use what is not supported.
 */
export function tiffLayout(
  directory: TiffDirectory,
  fileSize: number,
  maxBlock: number,
): TiffLayout {
  const width = requiredSize(directory, TAG.imageWidth, "ImageWidth");
  const height = requiredSize(directory, TAG.imageLength, "ImageLength");
  const samples = directory.integer(TAG.samplesPerPixel) ?? 1;
  if (!(samples >= 1 && samples <= 65535)) {
    throw new RasterFault(`SamplesPerPixel is ${samples}: expected 1 to 65535`);
  }
  const compression = supportedCompression(directory);
  const bits = sameForAll(directory, TAG.bitsPerSample, "BitsPerSample", samples) ?? 1;
  const sampleFormat = sameForAll(directory, TAG.sampleFormat, "SampleFormat", samples) ?? 1;
  const photometric = supportedPhotometric(directory, bits);
  const planarConfiguration = directory.integer(TAG.planarConfiguration) ?? 1;
  if (planarConfiguration !== 1 && planarConfiguration !== 2) {
    throw new RasterFault(`PlanarConfiguration is ${planarConfiguration}: expected 1 or 2`);
  }
  const planar = planarConfiguration === 2 && samples > 1;
  const color = colorConversion(directory, { photometric, compression, bits, samples, planar });
  const dtype = color.kind === "cmyk" ? "uint8" : elementType(bits, sampleFormat);

  const tiled = directory.numbers(TAG.tileWidth) !== null ||
    directory.numbers(TAG.tileOffsets) !== null;
  const blockWidth = tiled ? requiredSize(directory, TAG.tileWidth, "TileWidth") : width;
  const blockHeight = tiled
    ? requiredSize(directory, TAG.tileLength, "TileLength")
    : Math.min(height, rowsPerStrip(directory));
  const across = Math.ceil(width / blockWidth);
  const down = Math.ceil(height / blockHeight);
  const blocks = across * down * (planar ? samples : 1);

  const predictor = supportedPredictor(directory, compression, bits, sampleFormat);
  const fillOrder = directory.integer(TAG.fillOrder) ?? 1;
  if (fillOrder !== 1 && fillOrder !== 2) {
    throw new RasterFault(`FillOrder is ${fillOrder}: expected 1 or 2`);
  }
  const format: BlockFormat = {
    compression,
    predictor,
    reverseBits: fillOrder === 2,
    littleEndian: directory.littleEndian,
    bits,
    dtype,
    isFloat: sampleFormat === 3,
    samples: planar ? 1 : samples,
    width: blockWidth,
    color,
    nodata: null,
    jpegTables: directory.bytes(TAG.jpegTables),
    lerc: compression === COMPRESSION.lerc
      ? lercFormat(directory, { dtype, bits, planar, ycbcr: color.kind === "ycbcr" })
      : null,
  };

  const { offsets, counts } = blockTables(directory, tiled, blocks, fileSize);
  const layout: TiffLayout = {
    width,
    height,
    bands: color.kind === "cmyk" ? 4 : samples,
    dtype,
    bits,
    planar,
    tiled,
    blockWidth,
    blockHeight,
    across,
    down,
    compression,
    photometric,
    format,
    offsets,
    counts,
  };
  const stretched = inStretches(layout, fileSize);
  if (decodedBytes(stretched) > maxBlock) {
    throw new RasterFault(
      `each of its blocks of ${blockWidth}x${blockHeight} pixels takes ${
        formatBytes(decodedBytes(stretched))
      } when decoded, more than the limit of ${formatBytes(maxBlock)}`,
    );
  }
  return stretched;
}

function requiredSize(directory: TiffDirectory, tag: number, name: string): number {
  const size = directory.integer(tag);
  if (size === null) throw new RasterFault(`the tag ${name} is missing`);
  if (!(size >= 1 && size <= MAX_SIZE)) {
    throw new RasterFault(`${name} is ${size}: expected 1 to ${MAX_SIZE}`);
  }
  return size;
}

function rowsPerStrip(directory: TiffDirectory): number {
  const rows = directory.integer(TAG.rowsPerStrip) ?? MAX_SIZE;
  if (!(rows >= 1)) throw new RasterFault(`RowsPerStrip is ${rows}: expected at least 1`);
  return rows;
}

/** The value that a tag gives for every sample; a single number stands for all of them. */
function sameForAll(
  directory: TiffDirectory,
  tag: number,
  name: string,
  samples: number,
): number | null {
  const values = directory.numbers(tag);
  if (values === null) return null;
  if (values.length !== 1 && values.length < samples) {
    throw new RasterFault(`the tag ${name} has ${values.length} values for ${samples} samples`);
  }
  const [first] = values;
  const different = values.subarray(0, samples).findIndex((value) => value !== first);
  if (different >= 0) {
    throw new RasterFault(
      `unsupported: bands of different types (${name} is ${first} for band 1 and ${
        values[different]
      } for band ${different + 1})`,
    );
  }
  return first!;
}

function supportedCompression(directory: TiffDirectory): number {
  const compression = directory.integer(TAG.compression) ?? COMPRESSION.none;
  const supported: readonly number[] = Object.values(COMPRESSION);
  if (!supported.includes(compression)) {
    const name = COMPRESSION_NAMES[compression];
    throw new RasterFault(
      `unsupported compression ${compression} (${name ?? "not a known number"})`,
    );
  }
  return compression;
}

function elementType(bits: number, sampleFormat: number): DataType {
  const refuse = (what: string): never => {
    throw new RasterFault(`unsupported: ${what}`);
  };
  switch (sampleFormat) {
    case 1:
    case 4: // "undefined" data, which libtiff and GDAL take as unsigned
      if (bits >= 1 && bits <= 8) return "uint8";
      if (bits > 8 && bits <= 16) return "uint16";
      if (bits > 16 && bits <= 32) return "uint32";
      if (bits === 64) return "uint64";
      return refuse(`unsigned integers of ${bits} bits`);
    case 2:
      if (bits === 8) return "int8";
      if (bits === 16) return "int16";
      if (bits === 32) return "int32";
      if (bits === 64) return "int64";
      return refuse(`signed integers of ${bits} bits`);
    case 3:
      if (bits === 16 || bits === 24 || bits === 32) return "float32";
      if (bits === 64) return "float64";
      return refuse(`floating point numbers of ${bits} bits`);
    case 5:
    case 6:
      return refuse("complex numbers");
    default:
      return refuse(`SampleFormat ${sampleFormat}`);
  }
}

function supportedPhotometric(directory: TiffDirectory, bits: number): number {
  const photometric = directory.integer(TAG.photometric) ?? PHOTOMETRIC.minIsBlack;
  if (photometric === PHOTOMETRIC.logL || photometric === PHOTOMETRIC.logLuv) {
    throw new RasterFault(`unsupported photometric interpretation ${photometric} (SGI LogLuv)`);
  }
  const lab: readonly number[] = [PHOTOMETRIC.cieLab, PHOTOMETRIC.iccLab, PHOTOMETRIC.ituLab];
  if (lab.includes(photometric) && bits === 8) {
    throw new RasterFault(`unsupported photometric interpretation ${photometric} (CIE L*a*b*)`);
  }
  return photometric;
}

function supportedPredictor(
  directory: TiffDirectory,
  compression: number,
  bits: number,
  sampleFormat: number,
): 1 | 2 | 3 {
  // The tag belongs to the codecs that predict; on others, libtiff does not look at it.
  const predicting: readonly number[] = [
    COMPRESSION.lzw,
    COMPRESSION.deflate,
    COMPRESSION.adobeDeflate,
    COMPRESSION.zstd,
  ];
  if (!predicting.includes(compression)) return 1;
  const predictor = directory.integer(TAG.predictor) ?? 1;
  switch (predictor) {
    case 1:
      return 1;
    case 2:
      if (![8, 16, 32, 64].includes(bits)) {
        throw new RasterFault(`unsupported: predictor 2 on samples of ${bits} bits`);
      }
      return 2;
    case 3:
      if (sampleFormat !== 3) {
        throw new RasterFault(
          "predictor 3 is for floating point numbers, but samples are integers",
        );
      }
      return 3;
    default:
      throw new RasterFault(`unsupported predictor ${predictor}`);
  }
}

/** What GDAL shows as RGB although it is stored as something else. */
function colorConversion(
  directory: TiffDirectory,
  image: {
    photometric: number;
    compression: number;
    bits: number;
    samples: number;
    planar: boolean;
  },
): ColorConversion {
  const { photometric, compression, bits, samples, planar } = image;
  // Only CMYK is a colour to GDAL: other inks are bands of their own.
  const cmyk = photometric === PHOTOMETRIC.separated && bits === 8 && samples >= 4 &&
    (directory.integer(TAG.inkSet) ?? 1) === 1;
  if (cmyk) {
    if (planar) throw new RasterFault("unsupported: CMYK colours in separate planes");
    if (compression === COMPRESSION.jpeg) {
      throw new RasterFault("unsupported: CMYK colours in JPEG");
    }
    return { kind: "cmyk" };
  }
  if (photometric !== PHOTOMETRIC.ycbcr) return { kind: "none" };
  if (bits !== 8 || samples !== 3 || planar) {
    throw new RasterFault(
      `unsupported: YCbCr colours with ${samples} samples of ${bits} bits${
        planar ? " in separate planes" : ""
      }`,
    );
  }
  const [horizontal = 2, vertical = 2] = directory.numbers(TAG.ycbcrSubsampling) ?? [];
  if (![1, 2, 4].includes(horizontal) || ![1, 2, 4].includes(vertical)) {
    throw new RasterFault(`YCbCrSubSampling is ${horizontal}, ${vertical}: expected 1, 2 or 4`);
  }
  const predictor = directory.integer(TAG.predictor) ?? 1;
  if (predictor !== 1 && compression !== COMPRESSION.jpeg) {
    throw new RasterFault(`unsupported: predictor ${predictor} on YCbCr colours`);
  }
  const coefficients = directory.numbers(TAG.ycbcrCoefficients) ?? [0.299, 0.587, 0.114];
  const reference = directory.numbers(TAG.referenceBlackWhite) ?? [0, 255, 128, 255, 128, 255];
  if (coefficients.length !== 3 || reference.length !== 6) {
    throw new RasterFault("the tags of the YCbCr colours have the wrong number of values");
  }
  return {
    kind: "ycbcr",
    subsampling: [horizontal, vertical],
    coefficients: [...coefficients],
    reference: [...reference],
  };
}

/** How the LERC blocks of an image are to be read. */
function lercFormat(
  directory: TiffDirectory,
  image: { dtype: DataType; bits: number; planar: boolean; ycbcr: boolean },
): LercFormat {
  const { dtype, bits, planar, ycbcr } = image;
  const type = LERC_TYPES.find((name) => name === dtype);
  if (type === undefined || bits !== 8 * bytesPerElement(type)) {
    throw new RasterFault(`unsupported: LERC on ${dtype} in ${bits} bits`);
  }
  if (ycbcr) throw new RasterFault("unsupported: YCbCr colours in LERC");
  // Version, and what the data is compressed with once more.
  const [, number = 0] = directory.numbers(TAG.lercParameters) ?? [];
  const addition = LERC_ADDITIONS[number];
  if (addition === undefined) {
    throw new RasterFault(`unsupported: additional compression ${number} of LERC`);
  }
  const unassociatedAlpha = 2;
  return {
    dtype: type,
    addition,
    alphaMayBeMask: !planar && dtype === "uint8" &&
      directory.numbers(TAG.extraSamples)?.at(-1) === unassociatedAlpha,
  };
}

function blockTables(
  directory: TiffDirectory,
  tiled: boolean,
  blocks: number,
  fileSize: number,
): { offsets: Float64Array; counts: Float64Array } {
  const kind = tiled ? "Tile" : "Strip";
  // Some writers use the strip tags for tiles; libtiff reads both.
  const offsets = directory.numbers(tiled ? TAG.tileOffsets : TAG.stripOffsets) ??
    directory.numbers(TAG.stripOffsets);
  if (offsets === null) throw new RasterFault(`the tag ${kind}Offsets is missing`);
  if (offsets.length < blocks) {
    throw new RasterFault(
      `the tag ${kind}Offsets has ${offsets.length} values, but the image has ${blocks} blocks`,
    );
  }
  const counts = directory.numbers(tiled ? TAG.tileByteCounts : TAG.stripByteCounts) ??
    directory.numbers(TAG.stripByteCounts) ?? untilNextBlock(offsets, fileSize);
  if (counts.length < blocks) {
    throw new RasterFault(
      `the tag ${kind}ByteCounts has ${counts.length} values, but the image has ${blocks} blocks`,
    );
  }
  return { offsets, counts };
}

/** For files without byte counts: a block may reach to the next one or to the end of the file. */
function untilNextBlock(offsets: Float64Array, fileSize: number): Float64Array {
  const sorted = offsets.slice().sort();
  const next = new Map<number, number>();
  for (let index = 0; index < sorted.length; index++) {
    next.set(sorted[index]!, sorted[index + 1] ?? fileSize);
  }
  return offsets.map((offset) => Math.max(0, next.get(offset)! - offset));
}

/** An uncompressed image in one strip, as strips of about a mebibyte, so that windows stay cheap. */
function inStretches(layout: TiffLayout, fileSize: number): TiffLayout {
  const { compression, tiled, down, width, height, format } = layout;
  if (compression !== COMPRESSION.none || tiled || down !== 1) return layout;
  if (format.color.kind === "ycbcr") return layout;
  const rowBytes = Math.ceil(width * format.samples * format.bits / 8);
  const rows = Math.max(1, Math.floor(STRETCH_BYTES / rowBytes));
  if (rows >= height) return layout;
  const planes = layout.planar ? layout.bands : 1;
  // Before the tables of stretches are made, the file must be large enough for what it claims.
  for (let plane = 0; plane < planes; plane++) {
    const end = layout.offsets[plane]! + rowBytes * height;
    if (layout.offsets[plane]! > 0 && end > fileSize) {
      throw new RasterFault(
        `its ${width}x${height} pixels need ${
          formatBytes(rowBytes * height)
        } up to byte ${end}, but it ends at byte ${fileSize}: it is truncated or damaged`,
      );
    }
    if (layout.counts[plane]! > 0 && layout.counts[plane]! < rowBytes * height) {
      throw new RasterFault(
        `its ${width}x${height} pixels need ${
          formatBytes(rowBytes * height)
        }, but StripByteCounts says ${formatBytes(layout.counts[plane]!)}`,
      );
    }
  }
  const stretches = Math.ceil(height / rows);
  const offsets = new Float64Array(stretches * planes);
  const counts = new Float64Array(stretches * planes);
  for (let plane = 0; plane < planes; plane++) {
    if (layout.offsets[plane] === 0 || layout.counts[plane] === 0) continue;
    for (let stretch = 0; stretch < stretches; stretch++) {
      offsets[plane * stretches + stretch] = layout.offsets[plane]! + stretch * rows * rowBytes;
      counts[plane * stretches + stretch] = rowBytes * Math.min(rows, height - stretch * rows);
    }
  }
  return { ...layout, blockHeight: rows, down: stretches, offsets, counts };
}
