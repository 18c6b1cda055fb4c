/**
 * Damaged files: small TIFFs of every codec, layout and byte order, with each byte set to each of a
 * few values, and cut off at each length. Whatever comes of it, the reader must say so in one line,
 * soon, and within its memory.
 */
import jpeg from "jpeg-js";
import { InputError } from "swath";
import { openGeoTiff } from "../../../lib/raster/geotiff_reader.ts";
import { RasterFault } from "../../../lib/raster/read_fault.ts";
import { MemorySource } from "../../../lib/raster/read_source.ts";
import { LERC_FILES } from "./lerc_files.ts";
import { type FileSpec, makeTiff, type TiffSpec } from "./make_tiff.ts";

/** Values that each byte is set to. */
export const MUTATIONS = [0x00, 0x01, 0x7f, 0xfe, 0xff] as const;
/** Memory that a small damaged file may ask for. */
const MAX_MEMORY = 64 << 20;
/** Longest time that one file may take. */
const MAX_MS = 5000;

/** A file to damage. */
export interface Seed {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

function seed(name: string, spec: Partial<TiffSpec>, file: FileSpec = {}): Seed {
  const { width = 9, height = 7, bands = 1, bits = 8 } = spec;
  const samples = Array.from(
    { length: width * height * bands },
    (_, index) => BigInt.asUintN(bits, BigInt((index * index) >> 3)),
  );
  return {
    name,
    bytes: makeTiff({ width, height, bands, bits, samples, ...spec }, file),
  };
}

function jpegSeed(): Seed {
  const data = Uint8Array.from({ length: 16 * 16 * 4 }, (_, index) => (index * 7) & 0xff);
  const block = new Uint8Array(jpeg.encode({ data, width: 16, height: 16 }, 50).data);
  return seed("jpeg, tiled", {
    width: 16,
    height: 16,
    bands: 3,
    tile: [16, 16],
    blocks: [block],
    tags: { 259: { short: [7] }, 262: { short: [6] }, 530: { short: [1, 1] } },
  });
}

/** Each codec, layout, byte order and dialect at least once. */
export function mutationSeeds(): Seed[] {
  const big = { littleEndian: false };
  return [
    seed("none, strips", { rowsPerStrip: 3 }),
    seed("none, one strip", {}),
    seed("none, tiles", { tile: [16, 16] }),
    seed("none, big-endian, 16 bits", { bits: 16, rowsPerStrip: 2 }, big),
    seed("none, BigTIFF", { bands: 2, rowsPerStrip: 4 }, { big: true }),
    seed("none, BigTIFF, big-endian, planar", { bands: 2, planar: true }, { ...big, big: true }),
    seed("none, 1 bit", { bits: 1 }),
    seed("none, 12 bits", { bits: 12, bands: 2 }),
    seed("deflate, strips", { codec: "deflate", rowsPerStrip: 3 }),
    seed("deflate, predictor 2", { codec: "deflate", predictor: 2, bits: 16, bands: 3 }),
    seed("deflate, planar tiles", { codec: "deflate", bands: 2, planar: true, tile: [16, 16] }),
    seed("deflate, predictor 3", { codec: "deflate", predictor: 3, bits: 32, sampleFormat: 3 }),
    seed("deflate, 64 bits", { codec: "deflate", predictor: 2, bits: 64, sampleFormat: 2 }),
    seed("deflate, predictor 3, big-endian BigTIFF", {
      codec: "deflate",
      predictor: 3,
      bits: 32,
      sampleFormat: 3,
      bands: 2,
      rowsPerStrip: 2,
    }, { ...big, big: true }),
    seed(
      "none, planar tiles of 32 bits",
      { bits: 32, bands: 2, planar: true, tile: [16, 16] },
      big,
    ),
    seed("lzw, strips", { codec: "lzw", rowsPerStrip: 4 }),
    seed("lzw, predictor 2, big-endian", { codec: "lzw", predictor: 2, bits: 16 }, big),
    seed("lzw, predictor 3", { codec: "lzw", predictor: 3, bits: 64, sampleFormat: 3 }),
    seed("packbits", { codec: "packbits", rowsPerStrip: 2 }),
    seed("zstd", { codec: "zstd", rowsPerStrip: 4 }),
    seed("zstd, half precision", { codec: "zstd", bits: 16, sampleFormat: 3, predictor: 3 }),
    seed("palette", {
      tags: { 262: { short: [3] }, 320: { short: new Array(768).fill(7) } },
    }),
    seed("georeferenced, nodata, metadata", {
      tags: {
        33550: { double: [10, 10, 0] },
        33922: { double: [0, 0, 0, 5, 6, 0] },
        34735: { short: [1, 1, 0, 1, 3072, 0, 1, 32633] },
        42112: { text: '<GDALMetadata><Item name="SCALE" sample="0" role="scale">2</Item>' },
        42113: { text: "3" },
      },
    }),
    {
      name: "mask and overview",
      bytes: makeTiff([
        { width: 4, height: 4, bands: 1, bits: 8, samples: new Array(16).fill(5) },
        {
          width: 4,
          height: 4,
          bands: 1,
          bits: 1,
          samples: new Array(16).fill(1),
          tags: { 254: { long: [4] }, 262: { short: [4] } },
        },
        {
          width: 2,
          height: 2,
          bands: 1,
          bits: 8,
          samples: [1, 2, 3, 4],
          tags: { 254: { long: [1] } },
        },
      ]),
    },
    jpegSeed(),
    { name: "LERC, strips", bytes: LERC_FILES.int16 },
    { name: "LERC and deflate, alpha", bytes: LERC_FILES.alpha },
    { name: "LERC and deflate, 64 bits, mask", bytes: LERC_FILES.mask },
    seed("CMYK", { bands: 4, tags: { 262: { short: [5] } } }),
    seed("YCbCr", {
      width: 4,
      height: 4,
      bands: 3,
      blocks: [new Uint8Array(24).fill(99)],
      tags: { 262: { short: [6] } },
    }),
  ];
}

/** A damaged copy and what was done to it. */
export interface Mutant {
  readonly change: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/**
 * The damaged copies of a file.
 *
 * @param bytes The file.
 * @param every Only every so many-th of them.
 */
export function* mutantsOf(bytes: Uint8Array<ArrayBuffer>, every = 1): Generator<Mutant> {
  let number = 0;
  for (let at = 0; at < bytes.length; at++) {
    for (const value of MUTATIONS) {
      if (bytes[at] === value || number++ % every !== 0) continue;
      const copy = bytes.slice();
      copy[at] = value;
      yield { change: `byte ${at} set to ${value}`, bytes: copy };
    }
  }
  for (let length = 0; length < bytes.length; length++) {
    if (number++ % every === 0) {
      yield { change: `cut off at ${length}`, bytes: bytes.slice(0, length) };
    }
  }
}

/** How often each outcome came. */
export interface Outcomes {
  /** The damage did not matter, or could not be seen. */
  read: number;
  /** Refused in one line. */
  refused: number;
  /** Anything else, which is a fault of the reader. */
  readonly faults: string[];
}

/** Read a damaged file whole and count what came of it. */
export async function tryMutant(name: string, mutant: Mutant, outcomes: Outcomes): Promise<void> {
  const started = performance.now();
  try {
    const raster = await openGeoTiff(
      {
        name,
        main: new MemorySource(mutant.bytes),
        mask: null,
        overviews: null,
        metadata: null,
      },
      MAX_MEMORY,
      null,
      1,
    );
    const { width, height } = raster.info;
    await raster.read({ x: 0, y: 0, width: Math.min(width, 4096), height: Math.min(height, 4096) });
    outcomes.read++;
  } catch (error) {
    const clean = (error instanceof InputError || error instanceof RasterFault) &&
      !error.message.includes("\n");
    if (clean) outcomes.refused++;
    else outcomes.faults.push(`${name}, ${mutant.change}: ${error}`);
  }
  const elapsed = performance.now() - started;
  if (elapsed > MAX_MS) {
    outcomes.faults.push(`${name}, ${mutant.change}: took ${Math.round(elapsed)} ms`);
  }
}
