/**
 * Statistics of the values of a band in zones.
 *
 * @module
 */
import type { Runs } from "./run_store.ts";
import { type PercentileRule, WeightedIntegers, WeightedValues } from "./weighted_values.ts";

/** Values that are held for percentiles, over all zones together. */
const VALUE_BUDGET = 1 << 24;
/** Values that are held for each zone at least. */
const LEAST_VALUES = 1 << 12;

/** Zones that have a table of values each, of 512 KiB at most. */
const MOST_TABLES = 2000;

/** Statistics of a zone; each pixel counts by the share that the zone covers. */
export interface ValueStatistics {
  /** Pixels with data. */
  readonly count: number;
  /** Smallest value; null without pixels, as are the others. */
  readonly min: number | null;
  /** Largest value. */
  readonly max: number | null;
  /** Mean. */
  readonly mean: number | null;
  /** Standard deviation of the population. */
  readonly std: number | null;
  /** Sum of values, times share. */
  readonly sum: number;
  /** Percentiles, in the order they were asked for. */
  readonly percentiles: readonly (number | null)[];
  /** Pixels without data. */
  readonly missingPixels: number;
  /** Square metres with data. */
  readonly area: number;
  /** True where percentiles are not exact, as too many different values came. */
  readonly approximate: boolean;
}

/** Numbers of a zone. */
const SLOTS = 8;
const SLOT = {
  weight: 0,
  min: 1,
  max: 2,
  origin: 3,
  sum: 4,
  squares: 5,
  missing: 6,
  area: 7,
} as const;

/** Collects values in zones as the rows of a raster come. */
export class ValueCollector {
  #numbers = new Float64Array(0);
  readonly #values: (WeightedValues | WeightedIntegers | undefined)[] = [];
  readonly #pixelAreas: number | Float64Array;
  readonly #percentiles: readonly number[];
  readonly #rule: PercentileRule;
  readonly #limit: number;
  /** Whether each zone may have a table of the values of 16 bits. */
  readonly #tables: boolean;

  /**
   * Begin with nothing.
   *
   * @param zones How many zones there are.
   * @param pixelAreas Square metres of a pixel, by row or everywhere.
   * @param percentiles Wanted, from 0 to 100.
   * @param rule How percentiles are read off.
   * @param budget Values that are held, over all zones together.
   */
  constructor(
    zones: number,
    pixelAreas: number | Float64Array,
    percentiles: readonly number[],
    rule: PercentileRule,
    budget = VALUE_BUDGET,
  ) {
    this.#pixelAreas = pixelAreas;
    this.#percentiles = percentiles;
    this.#rule = rule;
    this.#tables = zones <= MOST_TABLES;
    this.#limit = Math.max(LEAST_VALUES, Math.floor(budget / Math.max(1, zones)));
  }

  /**
   * Add the pixels of a strip of rows.
   *
   * @param runs Where the zones are.
   * @param data Values of the strip, row by row.
   * @param valid 1 where there is data.
   * @param top First row of the strip.
   * @param width Columns.
   */
  add(
    runs: Runs,
    data: ArrayLike<number>,
    valid: Uint8Array,
    top: number,
    width: number,
  ): void {
    const { count, fields, shares } = runs;
    const wantsValues = this.#percentiles.length > 0;
    for (let i = 0; i < count; i++) {
      const zone = fields[4 * i]!;
      const row = fields[4 * i + 1]!;
      const start = (row - top) * width;
      const from = start + fields[4 * i + 2]!;
      const to = start + fields[4 * i + 3]!;
      const ground = typeof this.#pixelAreas === "number"
        ? this.#pixelAreas
        : this.#pixelAreas[row]!;
      this.#addRun(this.#slots(zone), data, valid, from, to, shares[i]!, ground);
      if (wantsValues) this.#keepRun(zone, data, valid, from, to, shares[i]!);
    }
  }

  #addRun(
    at: number,
    data: ArrayLike<number>,
    valid: Uint8Array,
    from: number,
    to: number,
    share: number,
    ground: number,
  ): void {
    const numbers = this.#numbers;
    let [min, max] = [numbers[at + SLOT.min]!, numbers[at + SLOT.max]!];
    let origin = numbers[at + SLOT.origin]!;
    // Differences to the first value, as squares of large values would lose their last digits.
    let [seen, sum, squares] = [0, 0, 0];
    for (let i = from; i < to; i++) {
      if (valid[i] === 0) continue;
      const value = data[i]!;
      if (min > max) origin = value;
      if (value < min) min = value;
      if (value > max) max = value;
      const difference = value - origin;
      seen++;
      sum += difference;
      squares += difference * difference;
    }
    numbers[at + SLOT.min] = min;
    numbers[at + SLOT.max] = max;
    numbers[at + SLOT.origin] = origin;
    numbers[at + SLOT.weight]! += seen * share;
    numbers[at + SLOT.sum]! += sum * share;
    numbers[at + SLOT.squares]! += squares * share;
    numbers[at + SLOT.missing]! += (to - from - seen) * share;
    numbers[at + SLOT.area]! += seen * share * ground;
  }

  #keepRun(
    zone: number,
    data: ArrayLike<number>,
    valid: Uint8Array,
    from: number,
    to: number,
    share: number,
  ): void {
    const values = this.#values[zone] ??= isSmallInteger(data) && this.#tables
      ? new WeightedIntegers()
      : new WeightedValues(this.#limit);
    for (let i = from; i < to; i++) {
      if (valid[i] !== 0) values.add(data[i]!, share);
    }
  }

  /** Where the numbers of a zone begin. */
  #slots(zone: number): number {
    const at = zone * SLOTS;
    if (at + SLOTS > this.#numbers.length) {
      const before = this.#numbers.length;
      const larger = new Float64Array(Math.max(1024, 2 * before, 2 * (at + SLOTS)));
      larger.set(this.#numbers);
      for (let i = before; i < larger.length; i += SLOTS) {
        larger[i + SLOT.min] = Infinity;
        larger[i + SLOT.max] = -Infinity;
      }
      this.#numbers = larger;
    }
    return at;
  }

  /** What was collected in a zone. */
  statistics(zone: number): ValueStatistics {
    const at = this.#slots(zone);
    const number = (slot: number) => this.#numbers[at + slot]!;
    const count = number(SLOT.weight);
    const offset = count === 0 ? 0 : number(SLOT.sum) / count;
    const variance = Math.max(0, number(SLOT.squares) / count - offset * offset);
    const values = this.#values[zone];
    const quantiles = values?.quantiles(this.#percentiles.map((p) => p / 100), this.#rule) ?? [];
    const known = (value: number) => count === 0 || Number.isNaN(value) ? null : value;
    return {
      count,
      min: known(number(SLOT.min)),
      max: known(number(SLOT.max)),
      mean: known(number(SLOT.origin) + offset),
      std: known(Math.sqrt(variance)),
      sum: number(SLOT.origin) * count + number(SLOT.sum),
      percentiles: this.#percentiles.map((_, i) => known(quantiles[i] ?? NaN)),
      missingPixels: number(SLOT.missing),
      area: number(SLOT.area),
      approximate: values?.merged ?? false,
    };
  }
}

/** Numbers of 8 or 16 bits. */
function isSmallInteger(data: ArrayLike<number>): boolean {
  return data instanceof Uint8Array || data instanceof Int8Array || data instanceof Uint16Array ||
    data instanceof Int16Array;
}
