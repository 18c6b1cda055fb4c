/**
 * How often each value of a band occurs, for percentiles in one pass.
 *
 * Integers of 8 and 16 bits have a bin each, so that percentiles are exact. Other numbers are binned
 * by sign, exponent and the first 10 bits of the mantissa of their float32 form: each bin is at most
 * 0.1 % of its value wide, over the whole range of float32, whatever the data. Counts add up, so the
 * order of pixels and the way they are shared out among machines make no difference.
 *
 * @module
 */
import type { DataType } from "../array/mod.ts";

/** How values are put into bins. */
export type Binning = "integers" | "float32";

const SMALL_INTEGERS: readonly DataType[] = ["bool", "uint8", "int8", "uint16", "int16"];

/** The binning for an element type. */
export function binningOf(dtype: DataType): Binning {
  return SMALL_INTEGERS.includes(dtype) ? "integers" : "float32";
}

/** Smallest value of `integers`; the largest is 65535. */
const FIRST_INTEGER = -32768;

/** Bits of the mantissa that bins do not tell apart: 23 − 10. */
const DROPPED_BITS = 13;

/** Magnitudes beyond float32 count as its largest. */
const LARGEST_FINITE_BITS = 0x7f7fffff;

/** The bin of zero in `float32`; negative numbers lie below it, in order. */
const FIRST_POSITIVE = 2 ** (31 - DROPPED_BITS);

const BIN_COUNTS: { readonly [Kind in Binning]: number } = {
  integers: 65536 - FIRST_INTEGER,
  float32: 2 ** (32 - DROPPED_BITS),
};

/** Zeros that a run of counts may hold before it is cut in two. */
const LONGEST_GAP = 8;

/** A run of neighbouring bins: the number of the first, then the counts. */
export type HistogramRun = readonly number[];

/** Counts of values. The system gives memory only to the bins that are used. */
export class ValueHistogram {
  readonly #binning: Binning;
  readonly #counts: Float64Array;

  constructor(binning: Binning) {
    this.#binning = binning;
    this.#counts = new Float64Array(BIN_COUNTS[binning]);
  }

  /** Restore what {@linkcode ValueHistogram.runs} gave; null if a run leaves the bins. */
  static fromRuns(binning: Binning, runs: readonly HistogramRun[]): ValueHistogram | null {
    const histogram = new ValueHistogram(binning);
    for (const [first = 0, ...counts] of runs) {
      if (first + counts.length > histogram.#counts.length) return null;
      histogram.#counts.set(counts, first);
    }
    return histogram;
  }

  /** Values counted. */
  get total(): number {
    let total = 0;
    for (let bin = 0; bin < this.#counts.length; bin++) total += this.#counts[bin]!;
    return total;
  }

  /** Count small integers where `mask` is not 0. */
  addIntegers(values: ArrayLike<number>, mask: Uint8Array | null): void {
    const counts = this.#counts;
    for (let i = 0; i < values.length; i++) {
      if (mask === null || mask[i] !== 0) counts[values[i]! - FIRST_INTEGER]!++;
    }
  }

  /** Count finite numbers; those beyond float32 count as its largest. */
  addNumbers(values: Float64Array): void {
    const bits = new Uint32Array(new Float32Array(values).buffer);
    const counts = this.#counts;
    for (let i = 0; i < bits.length; i++) {
      const cell = Math.min(bits[i]! & 0x7fffffff, LARGEST_FINITE_BITS) >>> DROPPED_BITS;
      counts[bits[i]! >= 0x80000000 ? FIRST_POSITIVE - 1 - cell : FIRST_POSITIVE + cell]!++;
    }
  }

  /** Add the counts of another histogram of the same binning. */
  merge(other: ValueHistogram): void {
    for (let bin = 0; bin < this.#counts.length; bin++) this.#counts[bin]! += other.#counts[bin]!;
  }

  /** Values of `integers` with their counts, in ascending order. */
  *integers(): Generator<readonly [value: number, count: number]> {
    for (let bin = 0; bin < this.#counts.length; bin++) {
      const count = this.#counts[bin]!;
      if (count > 0) yield [bin + FIRST_INTEGER, count];
    }
  }

  /**
   * The value of a rank, counted from 0 in ascending order.
   *
   * Of `float32` it is exact to the width of its bin, as if a bin's values were spread evenly.
   */
  valueAt(rank: number): number {
    let before = 0;
    let bin = 0;
    while (before + this.#counts[bin]! <= rank) before += this.#counts[bin++]!;
    if (this.#binning === "integers") return bin + FIRST_INTEGER;
    const [lower, upper] = bin < FIRST_POSITIVE
      ? [-edge(FIRST_POSITIVE - bin), -edge(FIRST_POSITIVE - 1 - bin)]
      : [edge(bin - FIRST_POSITIVE), edge(bin - FIRST_POSITIVE + 1)];
    return lower + (upper - lower) * (rank - before + 0.5) / this.#counts[bin]!;
  }

  /** The counts without long stretches of zeros. */
  runs(): HistogramRun[] {
    const runs: number[][] = [];
    let last = -Infinity;
    for (let bin = 0; bin < this.#counts.length; bin++) {
      const count = this.#counts[bin]!;
      if (count === 0) continue;
      const gap = bin - last - 1;
      const run = runs.at(-1);
      if (run !== undefined && gap <= LONGEST_GAP) run.push(...Array<number>(gap).fill(0), count);
      else runs.push([bin, count]);
      last = bin;
    }
    return runs;
  }
}

/** The smallest magnitude that falls into a cell of `float32` binning. */
function edge(cell: number): number {
  const bits = Math.min(cell << DROPPED_BITS, LARGEST_FINITE_BITS);
  return new Float32Array(Uint32Array.of(bits).buffer)[0]!;
}
