/**
 * From decompressed bytes to planes: byte order, predictor, bit widths, interleaving.
 *
 * The loops that whole scenes go through undo the predictor and the interleaving in one pass over
 * unsigned words; the element type does not matter to them. Words of 16 bits are left to WebAssembly.
 *
 * @module
 */
import type { BlockFormat } from "./block.ts";
import { separateWords16 } from "../kernels/kernels.ts";
import { undoFloatPredictor } from "./float_predictor.ts";
import { expandFloats, unpackBits } from "./unpack.ts";

type Words =
  | Uint8Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | BigUint64Array<ArrayBuffer>;

/** The pixels of a block. */
export interface DecodedBlock {
  /** Shape (bands, rows, width) as little-endian bytes of the element type. */
  readonly planes: Uint8Array<ArrayBuffer>;
  /**
   * Shape (rows, width): not 0 where a band is nodata; null where none is, and where
   * {@linkcode BlockFormat.nodata} does not ask for it.
   */
  readonly holes: Uint8Array<ArrayBuffer> | null;
}

/**
 * Turn the decompressed bytes of a block into planes.
 *
 * @param format How they are stored.
 * @param bytes Rows of interleaved samples; may be changed.
 * @param rows Number of rows.
 * @returns Its pixels, maybe in memory that the next call uses again.
 */
export function decodeSamples(
  format: BlockFormat,
  bytes: Uint8Array<ArrayBuffer>,
  rows: number,
): DecodedBlock {
  const { bits, predictor, samples, width, isFloat, nodata } = format;
  if (bits === 16 && !isFloat && (samples > 1 || predictor === 2 || nodata !== null)) {
    const words = asWords(bytes, 16);
    if (!format.littleEndian) swapBytes(words);
    const shape = { rows, width, samples };
    return separateWords16(asBytes(words), shape, predictor === 2, nodata);
  }
  return { planes: planesOf(format, bytes, rows), holes: null };
}

function planesOf(
  format: BlockFormat,
  bytes: Uint8Array<ArrayBuffer>,
  rows: number,
): Uint8Array<ArrayBuffer> {
  const { bits, predictor, samples, width, isFloat } = format;
  if (predictor === 3) {
    // The predictor stores bytes in an order of its own, whatever the file's is.
    const plain = undoFloatPredictor(bytes, rows, width, samples, bits / 8);
    const wide = bits === 32 || bits === 64 ? plain : expandFloats(plain, bits, true);
    return asBytes(toPlanes(asWords(wide, bits === 64 ? 64 : 32), rows, width, samples));
  }
  if (bits !== 8 && bits !== 16 && bits !== 32 && bits !== 64) {
    const wide = isFloat
      ? expandFloats(bytes, bits, format.littleEndian)
      : unpackBits(bytes, rows, width * samples, bits);
    const wordBits = isFloat ? 32 : bits < 8 ? 8 : bits < 16 ? 16 : 32;
    return asBytes(toPlanes(asWords(wide, wordBits), rows, width, samples));
  }
  const words = asWords(bytes, bits);
  if (!format.littleEndian) swapBytes(words);
  const planes = predictor === 2
    ? undoDifferences(words, rows, width, samples)
    : toPlanes(words, rows, width, samples);
  if (isFloat && bits === 16) return expandFloats(asBytes(planes), 16, true);
  return asBytes(planes);
}

function asBytes(words: Words): Uint8Array<ArrayBuffer> {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}

function asWords(bytes: Uint8Array<ArrayBuffer>, bits: number): Words {
  const size = bits / 8;
  const aligned = bytes.byteOffset % size === 0 ? bytes : bytes.slice();
  const { buffer, byteOffset } = aligned;
  const length = aligned.byteLength / size;
  switch (bits) {
    case 8:
      return aligned;
    case 16:
      return new Uint16Array(buffer, byteOffset, length);
    case 32:
      return new Uint32Array(buffer, byteOffset, length);
    default:
      return new BigUint64Array(buffer, byteOffset, length);
  }
}

function swapBytes(words: Words): void {
  if (words instanceof Uint16Array) {
    for (let index = 0; index < words.length; index++) {
      const word = words[index]!;
      words[index] = (word << 8) | (word >> 8);
    }
  } else if (words instanceof Uint32Array) {
    for (let index = 0; index < words.length; index++) {
      const word = words[index]!;
      words[index] = (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) |
        (word >>> 24);
    }
  } else if (words instanceof BigUint64Array) {
    const view = new DataView(words.buffer, words.byteOffset, words.byteLength);
    for (let index = 0; index < words.length; index++) {
      words[index] = view.getBigUint64(index * 8, false);
    }
  }
}

/** Separate interleaved samples; a single sample is left where it is. */
function toPlanes(words: Words, rows: number, width: number, samples: number): Words {
  if (samples === 1) return words;
  if (words instanceof BigUint64Array) {
    const planes = new BigUint64Array(words.length);
    for (let sample = 0, to = 0; sample < samples; sample++) {
      for (let from = sample; from < words.length; from += samples) planes[to++] = words[from]!;
    }
    return planes;
  }
  if (words instanceof Uint32Array) return separate32(words, rows, width, samples);
  if (words instanceof Uint16Array) return inKernels(words, rows, width, samples, false);
  return separate8(words, rows, width, samples);
}

/** Words of 16 bits, as most scenes have. */
function inKernels(
  words: Uint16Array<ArrayBuffer>,
  rows: number,
  width: number,
  samples: number,
  differences: boolean,
): Uint16Array<ArrayBuffer> {
  const { planes } = separateWords16(asBytes(words), { rows, width, samples }, differences, null);
  return new Uint16Array(planes.buffer, planes.byteOffset, planes.length / 2);
}

// One function for each width, so that each loop sees one type of array and is compiled for it. They
// go row by row: a row of all samples stays in the cache while its samples are picked out. Positions
// are kept in 32-bit integers (`| 0`), which halves the time of these loops in V8.

function separate8(
  words: Uint8Array<ArrayBuffer>,
  rows: number,
  width: number,
  samples: number,
): Uint8Array<ArrayBuffer> {
  const planes = new Uint8Array(words.length);
  for (let row = 0; row < rows; row++) {
    for (let sample = 0; sample < samples; sample++) {
      let from = (row * width * samples + sample) | 0;
      let to = ((sample * rows + row) * width) | 0;
      for (const end = (to + width) | 0; to < end; to = (to + 1) | 0) {
        planes[to] = words[from]!;
        from = (from + samples) | 0;
      }
    }
  }
  return planes;
}

function separate32(
  words: Uint32Array<ArrayBuffer>,
  rows: number,
  width: number,
  samples: number,
): Uint32Array<ArrayBuffer> {
  const planes = new Uint32Array(words.length);
  for (let row = 0; row < rows; row++) {
    for (let sample = 0; sample < samples; sample++) {
      let from = (row * width * samples + sample) | 0;
      let to = ((sample * rows + row) * width) | 0;
      for (const end = (to + width) | 0; to < end; to = (to + 1) | 0) {
        planes[to] = words[from]!;
        from = (from + samples) | 0;
      }
    }
  }
  return planes;
}

/** Undo predictor 2, each sample minus the one to its left, and separate the samples. */
function undoDifferences(words: Words, rows: number, width: number, samples: number): Words {
  if (words instanceof BigUint64Array) {
    const planes = samples === 1 ? words : new BigUint64Array(words.length);
    for (let row = 0; row < rows; row++) {
      for (let sample = 0; sample < samples; sample++) {
        let from = row * width * samples + sample;
        const to = (sample * rows + row) * width;
        let sum = 0n;
        for (let column = 0; column < width; column++, from += samples) {
          sum = BigInt.asUintN(64, sum + words[from]!);
          planes[to + column] = sum;
        }
      }
    }
    return planes;
  }
  if (words instanceof Uint32Array) return sum32(words, rows, width, samples);
  if (words instanceof Uint16Array) return inKernels(words, rows, width, samples, true);
  return sum8(words, rows, width, samples);
}

function sum8(
  words: Uint8Array<ArrayBuffer>,
  rows: number,
  width: number,
  samples: number,
): Uint8Array<ArrayBuffer> {
  const planes = samples === 1 ? words : new Uint8Array(words.length);
  for (let row = 0; row < rows; row++) {
    for (let sample = 0; sample < samples; sample++) {
      let from = (row * width * samples + sample) | 0;
      let to = ((sample * rows + row) * width) | 0;
      let sum = 0;
      for (const end = (to + width) | 0; to < end; to = (to + 1) | 0) {
        sum = (sum + words[from]!) | 0;
        planes[to] = sum;
        from = (from + samples) | 0;
      }
    }
  }
  return planes;
}

function sum32(
  words: Uint32Array<ArrayBuffer>,
  rows: number,
  width: number,
  samples: number,
): Uint32Array<ArrayBuffer> {
  const planes = samples === 1 ? words : new Uint32Array(words.length);
  for (let row = 0; row < rows; row++) {
    for (let sample = 0; sample < samples; sample++) {
      let from = (row * width * samples + sample) | 0;
      let to = ((sample * rows + row) * width) | 0;
      let sum = 0;
      for (const end = (to + width) | 0; to < end; to = (to + 1) | 0) {
        sum = (sum + words[from]!) | 0;
        planes[to] = sum;
        from = (from + samples) | 0;
      }
    }
  }
  return planes;
}
