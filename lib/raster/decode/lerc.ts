/**
 * LERC, Esri's Limited Error Raster Compression, as TIFFs have it: one blob a block, or one for each
 * band of it, maybe compressed once more.
 *
 * Esri's own decoder does the work, in WebAssembly. What a blob claims is compared with the block
 * before it gets there. Pixels that a blob leaves out become what libtiff makes of them (`tif_lerc.c`):
 * NaN, or an alpha of 0. In big-endian files, libtiff swaps the bytes of samples before it encodes them,
 * and again once they are decoded. The layout of headers is that of `Lerc2.h`, https://github.com/Esri/lerc.
 *
 * @module
 */
import { RasterFault } from "../read_fault.ts";
import { decompressZstd, inflate } from "./native_codecs.ts";

/** Element types, at their numbers in the header of a blob. */
export const LERC_TYPES = [
  "int8",
  "uint8",
  "int16",
  "uint16",
  "int32",
  "uint32",
  "float32",
  "float64",
] as const;

/** What blobs may be compressed with once more, at their numbers in the tag LercParameters. */
export const LERC_ADDITIONS = ["none", "deflate", "ZSTD"] as const;

/** What the blobs of an image are. */
export interface LercFormat {
  readonly dtype: typeof LERC_TYPES[number];
  readonly addition: typeof LERC_ADDITIONS[number];
  /** True if the last sample is an alpha that blobs may have as their mask. */
  readonly alphaMayBeMask: boolean;
}

/** Extent of a block: what blobs have to agree with. */
interface BlockShape {
  readonly width: number;
  readonly rows: number;
  /** Samples of a pixel. */
  readonly samples: number;
}

type Lerc = typeof import("lerc");
type Pixels = ReturnType<Lerc["decode"]>["pixels"][number];

let loaded: Promise<Lerc> | undefined;

/** The decoder; its WebAssembly is in the package. */
function loadLerc(): Promise<Lerc> {
  return loaded ??= (async () => {
    const lerc = await import("lerc");
    await lerc.load();
    return lerc;
  })();
}

/**
 * Decode a LERC block.
 *
 * @param format What its blobs are.
 * @param bytes The block as stored.
 * @param shape Its extent.
 * @returns Shape (rows, width, samples) in the byte order of the file.
 * @throws {RasterFault} If it is damaged or does not fit the image.
 */
export async function decodeLerc(
  format: LercFormat,
  bytes: Uint8Array<ArrayBuffer>,
  shape: BlockShape,
): Promise<Uint8Array<ArrayBuffer>> {
  const { decode } = await loadLerc();
  const stored = withoutAddition(format, bytes, shape);
  const blobs = stored instanceof Promise ? await stored : stored;
  const { size, alphaIsMask } = checkBlobs(format, blobs, shape);
  let decoded: ReturnType<Lerc["decode"]>;
  try {
    decoded = decode(blobs.subarray(0, size), { returnInterleaved: true });
  } catch (error) {
    // The decoder also throws exceptions of C++, which are no errors here.
    throw damaged(error instanceof Error ? error.message : "its decoder gave up");
  }
  const { pixels, mask, bandMasks } = decoded;
  if (alphaIsMask) return withAlpha(pixels[0]!, mask, shape);
  const masks = pixels.map((_, band) => bandMasks?.[band] ?? mask);
  for (const [band, values] of pixels.entries()) fillMasked(values, masks[band]!);
  return pixels.length === 1 ? asBytes(pixels[0]!) : interleave(pixels);
}

/** The blobs of a block, which no others are much larger than their pixels. */
function withoutAddition(
  { dtype, addition }: LercFormat,
  bytes: Uint8Array<ArrayBuffer>,
  { width, rows, samples }: BlockShape,
): Uint8Array<ArrayBuffer> | Promise<Uint8Array<ArrayBuffer>> {
  const limit = 2 * width * rows * samples * elementSize(dtype) + 4096;
  switch (addition) {
    case "none":
      return bytes;
    // Blobs of even pixels are tiny: no more room is taken than the codec can fill.
    case "deflate":
      return inflate(bytes, Math.min(limit, 1032 * bytes.length));
    case "ZSTD":
      return decompressZstd(bytes, Math.min(limit, 65536 * bytes.length));
  }
}

function elementSize(dtype: LercFormat["dtype"]): number {
  return Number(/\d+/.exec(dtype)![0]) / 8;
}

/** What the header of a blob says. */
interface BlobHeader {
  readonly columns: number;
  readonly rows: number;
  /** Values of a pixel. */
  readonly depth: number;
  /** Pixels that have values. */
  readonly validPixels: number;
  /** Bytes of the blob, with its header. */
  readonly size: number;
  /** Number of the element type. */
  readonly type: number;
}

/**
 * Compare the headers of all blobs with the block, before the decoder takes memory for what they say.
 *
 * @returns Bytes of the blobs, and whether their mask is the alpha of the block.
 */
function checkBlobs(
  format: LercFormat,
  bytes: Uint8Array<ArrayBuffer>,
  shape: BlockShape,
): { readonly size: number; readonly alphaIsMask: boolean } {
  const { width, rows, samples } = shape;
  const isFloat = format.dtype.startsWith("float");
  const first = readHeader(bytes, 0);
  const alphaIsMask = format.alphaMayBeMask && samples > 1 && first.depth === samples - 1;
  const depth = alphaIsMask ? samples - 1 : samples;
  // Floating point numbers with a mask for each band have a blob for each, too.
  const blobs = isFloat && first.depth === 1 ? samples : 1;
  let size = 0;
  for (let blob = 0; blob < blobs; blob++) {
    const header = blob === 0 ? first : readHeader(bytes, size);
    if (header.columns !== width || header.rows !== rows) {
      throw new RasterFault(
        `its LERC data has ${header.columns}x${header.rows} pixels, but the block has ${width}x${rows}`,
      );
    }
    if (header.depth !== (blobs === 1 ? depth : 1)) {
      throw new RasterFault(
        `its LERC data has ${header.depth} values for each pixel, but blocks have ${samples}`,
      );
    }
    if (LERC_TYPES[header.type] !== format.dtype) {
      throw new RasterFault(
        `its LERC data is ${
          LERC_TYPES[header.type] ?? `of type ${header.type}`
        }, but the image is ${format.dtype}`,
      );
    }
    const { validPixels } = header;
    if (!(validPixels >= 0 && validPixels <= width * rows)) {
      throw damaged(`${validPixels} of ${width * rows} pixels are to have values`);
    }
    if (validPixels < width * rows && !isFloat && !alphaIsMask) {
      throw new RasterFault("unsupported: LERC data of integers that leaves pixels out");
    }
    if (!(header.size > 0 && size + header.size <= bytes.length)) {
      throw new RasterFault(
        `LERC data ends early, after ${bytes.length} of ${size + header.size} bytes`,
      );
    }
    size += header.size;
  }
  return { size, alphaIsMask };
}

const MAGIC = "Lerc2 ";
/** Newest version of blobs that the decoder knows. */
const NEWEST = 6;

function readHeader(bytes: Uint8Array<ArrayBuffer>, start: number): BlobHeader {
  const magic = String.fromCharCode(...bytes.subarray(start, start + MAGIC.length));
  if (magic === "CntZIm") throw new RasterFault("unsupported: LERC of version 1");
  if (magic !== MAGIC) throw damaged("it does not begin as LERC does");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = start + MAGIC.length;
  const next = () => {
    if (at + 4 > bytes.length) throw new RasterFault("LERC data ends early, in its header");
    at += 4;
    return view.getInt32(at - 4, true);
  };
  const version = next();
  if (!(version >= 1 && version <= NEWEST)) {
    throw new RasterFault(`unsupported: LERC data of version 2.${version}`);
  }
  if (version >= 3) next(); // its checksum, which the decoder looks at
  const rows = next();
  const columns = next();
  const depth = version >= 4 ? next() : 1;
  const validPixels = next();
  next(); // size of its own blocks
  return { columns, rows, depth, validPixels, size: next(), type: next() };
}

/** NaN where a mask is 0; of integers, there is no mask here. */
function fillMasked(values: Pixels, mask: Uint8Array | null): void {
  if (mask === null) return;
  const depth = values.length / mask.length;
  for (let pixel = 0; pixel < mask.length; pixel++) {
    if (mask[pixel] === 0) values.fill(NaN, pixel * depth, (pixel + 1) * depth);
  }
}

/** Colours, with alpha of 0 where the mask is 0. */
function withAlpha(
  colors: Pixels,
  mask: Uint8Array | null,
  { width, rows, samples }: BlockShape,
): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(width * rows * samples);
  const depth = samples - 1;
  for (let pixel = 0; pixel < width * rows; pixel++) {
    for (let color = 0; color < depth; color++) {
      all[pixel * samples + color] = colors[pixel * depth + color]!;
    }
    all[pixel * samples + depth] = mask === null || mask[pixel] !== 0 ? 255 : 0;
  }
  return all;
}

/** Bands of floating point numbers pixel by pixel; as words, since not every NaN survives a copy. */
function interleave(bands: readonly Pixels[]): Uint8Array<ArrayBuffer> {
  const [{ length, BYTES_PER_ELEMENT }] = bands as [Pixels];
  const words = BYTES_PER_ELEMENT / 4;
  const all = new Uint32Array(length * words * bands.length);
  for (const [band, { buffer, byteOffset }] of bands.entries()) {
    const plane = new Uint32Array(buffer, byteOffset, length * words);
    for (let pixel = 0; pixel < length; pixel++) {
      for (let word = 0; word < words; word++) {
        all[(pixel * bands.length + band) * words + word] = plane[pixel * words + word]!;
      }
    }
  }
  return asBytes(all);
}

function asBytes({ buffer, byteOffset, byteLength }: Pixels): Uint8Array<ArrayBuffer> {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function damaged(reason: string): RasterFault {
  return new RasterFault(`LERC data is damaged (${reason})`);
}
