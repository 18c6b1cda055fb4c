/**
 * Statistics of the bands of scenes, in one pass over patches and in float64.
 *
 * @module
 */
import * as v from "valibot";
import {
  type DataType,
  formatShape,
  type NdArray,
  TYPED_ARRAY_CONSTRUCTORS,
} from "../array/mod.ts";
import { InputError } from "../errors.ts";
import { countSchema, DOCUMENT_VERSION, parseDocument } from "../json_document.ts";
import type { BandInfo } from "../raster/mod.ts";
import { abbreviateList } from "../text/mod.ts";
import { BandAccumulator, type Moments } from "./band_accumulator.ts";
import { binningOf } from "./value_histogram.ts";

/** Statistics of one band, in the numbers that the file stores. */
export interface BandSummary extends BandInfo {
  /** Values counted: those of pixels with data that are finite. */
  readonly count: number;
  /** NaN and infinite values in pixels with data, left out. */
  readonly nonFinite: number;
  /** Smallest value; null without values, as are the others. */
  readonly min: number | null;
  /** Largest value. */
  readonly max: number | null;
  /** Mean. */
  readonly mean: number | null;
  /** Standard deviation of the values themselves (divisor n). */
  readonly std: number | null;
}

/** Statistics of a band as they are written. */
export interface BandDocument extends BandSummary {
  /** Some percentiles, for readers; null without values. */
  readonly percentiles: Readonly<Record<string, number | null>>;
  /** Runs of counts, each the number of its first bin and then the counts from there on. */
  readonly histogram: readonly (readonly number[])[];
}

/** Statistics as they are written. */
export interface StatisticsDocument {
  /** Version of the format. */
  readonly swath: number;
  /** Tells statistics from other files of swath. */
  readonly type: "statistics";
  /** What the numbers mean, in words. */
  readonly conventions: string;
  /** Element type of the images. */
  readonly dtype: DataType;
  /** Bands in order. */
  readonly bands: readonly BandDocument[];
}

const CONVENTIONS = "Values are stored numbers of pixels with data, physical = stored * scale + " +
  "offset; std has divisor n; a run of the histogram is the number of its first bin and then counts; " +
  "bins hold one value each for 8- and 16-bit integers, the first being -32768, and what shares the " +
  "first 19 bits of its sorted float32 form for other types";

/** The percentiles that are written out; any other is to be had from the histogram. */
const WRITTEN_PERCENTILES = [1, 2, 5, 10, 25, 50, 75, 90, 95, 98, 99];

const finiteOrNull = v.nullable(v.pipe(v.number(), v.finite()));
const schema = v.object({
  dtype: v.picklist(Object.keys(TYPED_ARRAY_CONSTRUCTORS) as DataType[]),
  bands: v.pipe(
    v.array(v.object({
      name: v.string(),
      scale: v.pipe(v.number(), v.finite()),
      offset: v.pipe(v.number(), v.finite()),
      count: countSchema,
      nonFinite: countSchema,
      min: finiteOrNull,
      max: finiteOrNull,
      mean: finiteOrNull,
      std: finiteOrNull,
      histogram: v.array(v.pipe(v.array(countSchema), v.minLength(2))),
    })),
    v.minLength(1),
  ),
});

/**
 * Statistics of bands that grow patch by patch and add up.
 *
 * Only pixels with data count. Mean and standard deviation are in float64, merged as Chan, Golub and
 * LeVeque (1979) do; those of 8- and 16-bit integers come from exact counts. Percentiles are exact
 * for 8- and 16-bit integers, and within 0.1 % of the value for other types.
 *
 * @example
 * ```ts
 * import { BandStatistics, ndarray } from "swath";
 *
 * const statistics = new BandStatistics([{ name: "B04", scale: 0.0001, offset: 0 }], "uint16");
 * const valid = ndarray("uint8", [1, 4], new Uint8Array([1, 1, 1, 0]));
 * statistics.add(ndarray("uint16", [1, 1, 4], new Uint16Array([100, 200, 300, 0])), valid);
 * const [red] = statistics.summaries();
 * if (red?.mean !== 200 || statistics.percentile(0, 50) !== 200) throw new Error("wrong statistics");
 * ```
 */
export class BandStatistics {
  /** The bands that are counted. */
  readonly bands: readonly BandInfo[];
  /** Element type of the images. */
  readonly dtype: DataType;
  readonly #accumulators: readonly BandAccumulator[];

  /**
   * Begin with no pixels.
   *
   * @param bands Bands of the images to come.
   * @param dtype Their element type.
   */
  constructor(bands: readonly BandInfo[], dtype: DataType) {
    this.bands = bands.map(({ name, scale, offset }) => ({ name, scale, offset }));
    this.dtype = dtype;
    this.#accumulators = bands.map(() => new BandAccumulator(binningOf(dtype)));
  }

  /**
   * Read back what {@linkcode BandStatistics.toJSON} wrote.
   *
   * @param text The JSON text.
   * @param source File that it comes from, for errors.
   * @throws {InputError} If it is not such a file.
   */
  static parse(text: string, source: string): BandStatistics {
    const { dtype, bands } = parseDocument(schema, text, "statistics", source);
    const statistics = new BandStatistics(bands, dtype);
    const binning = binningOf(dtype);
    const accumulators = bands.map(({ name, count, nonFinite, min, max, mean, std, histogram }) => {
      const moments = {
        count,
        min: min ?? Infinity,
        max: max ?? -Infinity,
        mean: mean ?? 0,
        squares: (std ?? 0) ** 2 * count,
      };
      const restored = BandAccumulator.restore(binning, moments, nonFinite, histogram);
      if (restored !== null) return restored;
      throw new InputError(
        `Cannot read statistics from ${
          JSON.stringify(source)
        }: the histogram of band ${name} does not hold its ${count} values`,
      );
    });
    accumulators.forEach((added, index) => statistics.#accumulators[index]!.merge(added));
    return statistics;
  }

  /**
   * Add the pixels of an image.
   *
   * @param image Shape (C, H, W).
   * @param valid Shape (H, W): 0 leaves a pixel out; null where all have data.
   * @throws {RangeError} If a shape or the element type is not what was announced.
   */
  add(image: NdArray, valid: NdArray<"uint8"> | null): void {
    const [bandCount, height, width] = image.shape;
    const pixels = (height ?? 0) * (width ?? 0);
    if (
      image.shape.length !== 3 || bandCount !== this.bands.length || image.dtype !== this.dtype ||
      (valid !== null && valid.data.length !== pixels)
    ) {
      throw new RangeError(
        `internal: an image of ${image.dtype} ${formatShape(image.shape)} with valid pixels ${
          formatShape(valid?.shape ?? [])
        } cannot be added to statistics of ${this.#describe()}`,
      );
    }
    this.#accumulators.forEach((accumulator, band) => {
      const plane = image.data.subarray(band * pixels, (band + 1) * pixels);
      accumulator.add(plane, valid?.data ?? null);
    });
  }

  /**
   * Add the statistics of other pixels of the same bands.
   *
   * @throws {InputError} If bands, scales or element types differ.
   */
  merge(other: BandStatistics): void {
    const difference = this.bands.length === other.bands.length && this.dtype === other.dtype
      ? this.bands.find((band, index) => {
        const { name, scale, offset } = other.bands[index]!;
        return name !== band.name || scale !== band.scale || offset !== band.offset;
      })
      : this.bands[0];
    if (difference !== undefined) {
      throw new InputError(
        `Cannot add up statistics of ${this.#describe()} and statistics of ${other.#describe()}`,
      );
    }
    this.#accumulators.forEach((accumulator, index) => {
      accumulator.merge(other.#accumulators[index]!);
    });
  }

  /** Statistics of each band. */
  summaries(): BandSummary[] {
    return this.bands.map((band, index) => {
      const accumulator = this.#accumulators[index]!;
      return { ...band, ...summaryOf(accumulator.moments(), accumulator.nonFinite) };
    });
  }

  /**
   * A percentile of a band, between two values by linear interpolation as NumPy does.
   *
   * @param index Zero-based band.
   * @param percent 0 to 100.
   * @returns The percentile in stored numbers; null without values.
   */
  percentile(index: number, percent: number): number | null {
    const accumulator = this.#accumulators[index]!;
    const moments = accumulator.moments();
    return moments.count === 0 ? null : accumulator.percentile(percent, moments);
  }

  /** The statistics as an object for `JSON.stringify`, with all that it takes to add to them. */
  toJSON(): StatisticsDocument {
    return {
      swath: DOCUMENT_VERSION,
      type: "statistics",
      conventions: CONVENTIONS,
      dtype: this.dtype,
      bands: this.bands.map((band, index) => {
        const accumulator = this.#accumulators[index]!;
        const moments = accumulator.moments();
        const percentile = (percent: number) =>
          moments.count === 0 ? null : accumulator.percentile(percent, moments);
        return {
          ...band,
          ...summaryOf(moments, accumulator.nonFinite),
          percentiles: Object.fromEntries(
            WRITTEN_PERCENTILES.map((percent) => [percent, percentile(percent)]),
          ),
          histogram: accumulator.runs(),
        };
      }),
    };
  }

  #describe(): string {
    const bands = this.bands.map(({ name, scale, offset }) =>
      scale === 1 && offset === 0 ? name : `${name}*${scale}${offset < 0 ? "" : "+"}${offset}`
    );
    return `${this.dtype} bands ${abbreviateList(bands)}`;
  }
}

function summaryOf({ count, min, max, mean, squares }: Moments, nonFinite: number) {
  const values = count === 0
    ? { min: null, max: null, mean: null, std: null }
    : { min, max, mean, std: Math.sqrt(squares / count) };
  return { count, nonFinite, ...values };
}
