/**
 * Philox4x32-10, a counter-based random number generator: 128 bits of counter and 64 bits of key go
 * in, 128 random bits come out, and nothing is remembered in between.
 *
 * Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011). It passes
 * TestU01's BigCrush and is the generator of NumPy's `Philox`, PyTorch's CUDA kernels and TensorFlow.
 *
 * @module
 */

const ROUNDS = 10;
const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
/** Added to the key each round: the golden ratio and √3 − 1, in 32 bits. */
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;

/** Four 32-bit words. */
export type Words4 = readonly [number, number, number, number];

/**
 * One block of Philox4x32-10.
 *
 * @param counter Four 32-bit words, least significant first.
 * @param key Two 32-bit words.
 * @returns Four random 32-bit words, unsigned.
 *
 * @example
 * ```ts
 * import { philox4x32 } from "swath";
 *
 * const [first] = philox4x32([0, 0, 0, 0], [0, 0]);
 * if (first !== 0x6627e8d5) throw new Error("differs from the published vector");
 * ```
 */
export function philox4x32(counter: Words4, key: readonly [number, number]): Words4 {
  philoxInto(WORDS, ...counter, ...key);
  return [WORDS[0]!, WORDS[1]!, WORDS[2]!, WORDS[3]!];
}

const WORDS = new Uint32Array(4);

/**
 * {@linkcode philox4x32} without lists, for many numbers at once.
 *
 * @param words Where the four random words are written.
 * @param c0 Least significant word of the counter.
 * @param c1 Second word.
 * @param c2 Third word.
 * @param c3 Most significant word.
 * @param k0 First word of the key.
 * @param k1 Second word of the key.
 */
export function philoxInto(
  words: Uint32Array,
  c0: number,
  c1: number,
  c2: number,
  c3: number,
  k0: number,
  k1: number,
): void {
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = multiplyHigh(MULTIPLIER_0, c0);
    const high1 = multiplyHigh(MULTIPLIER_1, c2);
    const low0 = Math.imul(MULTIPLIER_0, c0);
    const low1 = Math.imul(MULTIPLIER_1, c2);
    c0 = high1 ^ c1 ^ k0;
    c1 = low1;
    c2 = high0 ^ c3 ^ k1;
    c3 = low0;
    k0 = (k0 + WEYL_0) | 0;
    k1 = (k1 + WEYL_1) | 0;
  }
  words[0] = c0;
  words[1] = c1;
  words[2] = c2;
  words[3] = c3;
}

/** Upper 32 bits of the 64-bit product of two 32-bit integers, in integer operations alone. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  // Neither sum exceeds 32 bits.
  const middle = (Math.imul(aHigh, bLow) + (Math.imul(aLow, bLow) >>> 16)) | 0;
  const carried = (Math.imul(aLow, bHigh) + (middle & 0xffff)) | 0;
  return (Math.imul(aHigh, bHigh) + (middle >>> 16) + (carried >>> 16)) | 0;
}
