/**
 * Running statistics of one band.
 *
 * @module
 */
import type { NdArray } from "../array/mod.ts";
import { type Binning, type HistogramRun, ValueHistogram } from "./value_histogram.ts";

/** Count, range and moments; `squares` is the sum of squared distances from the mean. */
export interface Moments {
  readonly count: number;
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  readonly squares: number;
}

const NO_VALUES: Moments = { count: 0, min: Infinity, max: -Infinity, mean: 0, squares: 0 };

/** What is kept of one band. */
export class BandAccumulator {
  /** NaN and infinite values in pixels with data. */
  nonFinite = 0;
  readonly #binning: Binning;
  readonly #histogram: ValueHistogram;
  /** Of `float32` binning only: the counts of `integers` give them exactly. */
  #moments = NO_VALUES;

  constructor(binning: Binning, histogram = new ValueHistogram(binning)) {
    this.#binning = binning;
    this.#histogram = histogram;
  }

  /** Restore from what was written; null if the counts do not belong to the moments. */
  static restore(
    binning: Binning,
    moments: Moments,
    nonFinite: number,
    runs: readonly HistogramRun[],
  ): BandAccumulator | null {
    const histogram = ValueHistogram.fromRuns(binning, runs);
    if (histogram === null || histogram.total !== moments.count) return null;
    const accumulator = new BandAccumulator(binning, histogram);
    accumulator.nonFinite = nonFinite;
    accumulator.#moments = moments.count === 0 ? NO_VALUES : moments;
    return accumulator;
  }

  /** Add the values of a plane where `mask` is not 0. */
  add(plane: NdArray["data"], mask: Uint8Array | null): void {
    if (this.#binning === "integers") {
      this.#histogram.addIntegers(plane as Uint16Array, mask);
      return;
    }
    const { values, nonFinite } = selectFinite(plane, mask);
    this.nonFinite += nonFinite;
    this.#histogram.addNumbers(values);
    this.#moments = mergeMoments(this.#moments, momentsOf(values));
  }

  /** Add another band's values, of the same binning. */
  merge(other: BandAccumulator): void {
    this.nonFinite += other.nonFinite;
    this.#histogram.merge(other.#histogram);
    this.#moments = mergeMoments(this.#moments, other.#moments);
  }

  /** Count, range and moments of all values so far. */
  moments(): Moments {
    return this.#binning === "integers" ? momentsOfCounts(this.#histogram) : this.#moments;
  }

  /** Counts of the values. */
  runs(): HistogramRun[] {
    return this.#histogram.runs();
  }

  /** A percentile of one or more values, by linear interpolation as NumPy does. */
  percentile(percent: number, { count, min, max }: Moments): number {
    const position = (count - 1) * percent / 100;
    const valueAt = (rank: number) => {
      if (rank === 0) return min;
      if (rank === count - 1) return max;
      return Math.min(max, Math.max(min, this.#histogram.valueAt(rank)));
    };
    const lower = valueAt(Math.floor(position));
    const upper = valueAt(Math.ceil(position));
    return lower + (upper - lower) * (position - Math.floor(position));
  }
}

/** The finite values among those that `mask` does not leave out. */
function selectFinite(plane: NdArray["data"], mask: Uint8Array | null) {
  const values = new Float64Array(plane.length);
  let count = 0;
  let nonFinite = 0;
  for (let i = 0; i < plane.length; i++) {
    if (mask !== null && mask[i] === 0) continue;
    const value = Number(plane[i]);
    if (Number.isFinite(value)) values[count++] = value;
    else nonFinite++;
  }
  return { values: values.subarray(0, count), nonFinite };
}

/** In two passes over the values, which float64 carries well for the size of a patch. */
function momentsOf(values: Float64Array): Moments {
  const count = values.length;
  if (count === 0) return NO_VALUES;
  let sum = 0;
  let min = Infinity;
  let max = -Infinity;
  for (let i = 0; i < count; i++) {
    const value = values[i]!;
    sum += value;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  const mean = sum / count;
  let squares = 0;
  for (let i = 0; i < count; i++) squares += (values[i]! - mean) ** 2;
  return { count, min, max, mean, squares };
}

function momentsOfCounts(histogram: ValueHistogram): Moments {
  let count = 0;
  let sum = 0;
  let min = Infinity;
  let max = -Infinity;
  for (const [value, times] of histogram.integers()) {
    count += times;
    sum += value * times;
    min = Math.min(min, value);
    max = value;
  }
  if (count === 0) return NO_VALUES;
  const mean = sum / count;
  let squares = 0;
  for (const [value, times] of histogram.integers()) squares += (value - mean) ** 2 * times;
  return { count, min, max, mean, squares };
}

/** Chan, Golub and LeVeque (1979), equations 2.1. */
function mergeMoments(a: Moments, b: Moments): Moments {
  if (a.count === 0) return b;
  if (b.count === 0) return a;
  const count = a.count + b.count;
  const distance = b.mean - a.mean;
  return {
    count,
    min: Math.min(a.min, b.min),
    max: Math.max(a.max, b.max),
    mean: a.mean + distance * b.count / count,
    squares: a.squares + b.squares + distance ** 2 * a.count * b.count / count,
  };
}
