/**
 * Calls the decoders in WebAssembly: AssemblyScript in `assembly/`, compiled by `deno task kernels`.
 *
 * They work in memory of their own, so that bytes are copied in and planes out again, which takes a
 * twentieth of the time that decoding takes. What they return is a view of that memory, good until the
 * next call. There is one such memory a thread.
 *
 * @module
 */
import { areas, decodeLzw, inflate, memory, separate16 } from "./kernels.wasm";
import { formatBytes } from "../../text/mod.ts";
import { RasterFault } from "../read_fault.ts";

/** Room that the decoders want behind their input, which must be zero. */
const INPUT_ROOM = 64;
/** Room that they want behind their output. */
const OUTPUT_ROOM = 4224;
/** Bytes of a page of memory in WebAssembly. */
const PAGE = 1 << 16;

/** Where the areas of a call start, behind the tables. */
const BASE = aligned(areas());

let bytesOfMemory = new Uint8Array(memory.buffer as ArrayBuffer);

/** The memory, grown to hold so many bytes. */
function memoryFor(bytes: number): Uint8Array<ArrayBuffer> {
  const missing = BASE + bytes - memory.buffer.byteLength;
  if (missing > 0) {
    try {
      memory.grow(Math.ceil(missing / PAGE));
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new RasterFault(`decoding takes ${formatBytes(bytes)}, which there are not`, {
        cause: error,
      });
    }
    bytesOfMemory = new Uint8Array(memory.buffer as ArrayBuffer);
  }
  return bytesOfMemory;
}

function aligned(place: number): number {
  return Math.ceil(place / 64) * 64;
}

/** Run a decoder; its result, and its output where the result is a number of bytes. */
function decode(
  decoder: (input: number, inputSize: number, output: number, outputSize: number) => number,
  bytes: Uint8Array<ArrayBuffer>,
  expected: number,
): { readonly result: number; readonly output: Uint8Array<ArrayBuffer> } {
  const input = BASE + aligned(expected + OUTPUT_ROOM);
  const all = memoryFor(input - BASE + bytes.length + INPUT_ROOM);
  all.set(bytes, input);
  all.fill(0, input + bytes.length, input + bytes.length + INPUT_ROOM);
  const result = decoder(input, bytes.length, BASE, expected);
  return { result, output: all.subarray(BASE, BASE + Math.max(0, result)) };
}

/**
 * Have another decoder put its output where that of these ones lies, so that {@linkcode separateWords16}
 * finds it there.
 *
 * @param expected Most bytes of its output.
 * @param decoder Fills a buffer of that size; how many bytes it has, or null if it does not know.
 * @returns Its output; null if it does not know.
 */
export function decodeHere(
  expected: number,
  decoder: (target: Uint8Array<ArrayBuffer>) => number | null,
): Uint8Array<ArrayBuffer> | null {
  const all = memoryFor(aligned(expected + OUTPUT_ROOM));
  const size = decoder(all.subarray(BASE, BASE + expected));
  return size === null ? null : all.subarray(BASE, BASE + size);
}

/**
 * Decompress a zlib stream and stop at the expected size.
 *
 * @param bytes The stream.
 * @param expected Bytes that it should give.
 * @returns At most `expected` bytes; null for streams that zlib has to look at, as damaged ones.
 */
export function inflateZlib(
  bytes: Uint8Array<ArrayBuffer>,
  expected: number,
): Uint8Array<ArrayBuffer> | null {
  const { result, output } = decode(inflate, bytes, expected);
  if (result === -2) return bytesOfMemory.subarray(BASE, BASE + expected);
  return result < 0 ? null : output;
}

/**
 * Decode LZW and stop at the expected size.
 *
 * @param bytes The code, in the bit order of TIFF 6.0.
 * @param expected Bytes that it should give.
 * @returns At most `expected` bytes.
 * @throws {RasterFault} If a code is not in the table.
 */
export function decodeTiffLzw(
  bytes: Uint8Array<ArrayBuffer>,
  expected: number,
): Uint8Array<ArrayBuffer> {
  const { result, output } = decode(decodeLzw, bytes, expected);
  if (result < 0) {
    throw new RasterFault(`LZW data is damaged (code ${-1 - result} is not in the table)`);
  }
  return output;
}

/** Planes of words of 16 bits. */
export interface SeparatedWords {
  /** Shape (samples, rows, width), as bytes. */
  readonly planes: Uint8Array<ArrayBuffer>;
  /** Shape (rows, width): not 0 where a sample is nodata; null where none is. */
  readonly holes: Uint8Array<ArrayBuffer> | null;
}

/**
 * Separate interleaved words of 16 bits, undo predictor 2, and find pixels without data.
 *
 * @param words Rows of pixels as little-endian bytes.
 * @param shape Rows, pixels of a row and samples of a pixel.
 * @param differences True if samples are stored as their differences.
 * @param nodata The word that marks pixels without data; null for none.
 * @returns The planes.
 */
export function separateWords16(
  words: Uint8Array<ArrayBuffer>,
  { rows, width, samples }: {
    readonly rows: number;
    readonly width: number;
    readonly samples: number;
  },
  differences: boolean,
  nodata: number | null,
): SeparatedWords {
  const size = words.length;
  // What was decompressed here is here already. Growing the memory would detach the view of it.
  const isHere = words.buffer === memory.buffer && words.byteOffset === BASE;
  // The rows of a single sample stay where they are.
  const target = samples === 1 ? BASE : BASE + aligned(size + OUTPUT_ROOM);
  const line = target + aligned(size);
  const holes = line + aligned(8 * (2 * width + 64) + 512);
  const all = memoryFor(holes - BASE + rows * width + INPUT_ROOM);
  if (!isHere) all.set(words, BASE);
  const found = separate16(
    BASE,
    rows,
    width,
    samples,
    target,
    line,
    differences ? 1 : 0,
    nodata ?? -1,
    holes,
  );
  return {
    planes: all.subarray(target, target + size),
    holes: found !== 0 ? all.subarray(holes, holes + rows * width) : null,
  };
}
