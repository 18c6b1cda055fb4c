/**
 * Values with weights, for medians and percentiles.
 *
 * @module
 */

/** How percentiles are read off; see {@linkcode WeightedValues.quantiles}. */
export type PercentileRule = "weighted" | "plain";

/** Values that wait to be sorted at least. */
const LEAST_WAITING = 1024;

/** Values in order, each once, with the weight of all pixels that have it. */
interface SortedValues {
  readonly values: Float64Array<ArrayBuffer>;
  readonly weights: Float64Array<ArrayBuffer>;
  readonly length: number;
}

/**
 * Collects values with their weights. Equal values are put together; beyond a limit, so are neighbours
 * in the order of values, so that memory is bounded and percentiles are off by as much as a few
 * values' share of the whole.
 */
export class WeightedValues {
  #sorted: SortedValues = {
    values: new Float64Array(0),
    weights: new Float64Array(0),
    length: 0,
  };
  /** Values of whole pixels, which are most of them and are sorted without their weight. */
  #whole = new Float64Array(LEAST_WAITING);
  #wholeCount = 0;
  #parts: [value: number, weight: number][] = [];
  #merged = false;
  readonly #limit: number;

  /** @param limit Most values that are held. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** True where values that differ were put together. */
  get merged(): boolean {
    return this.#merged;
  }

  /** Add a value. */
  add(value: number, weight: number): void {
    if (weight === 1) {
      if (this.#wholeCount === this.#whole.length) this.#sort();
      this.#whole[this.#wholeCount++] = value;
    } else {
      if (this.#parts.length >= this.#whole.length) this.#sort();
      this.#parts.push([value, weight]);
    }
  }

  /**
   * Percentiles.
   *
   * @param shares From 0 to 1.
   * @param rule `weighted` as exactextract's `quantile` (weighted_quantiles.cpp): of the n different
   * values in order, the i-th stands at i w_i + (n − 1) (w_0 + … + w_(i−1)), and what lies between is
   * interpolated. `plain` as NumPy's `percentile`: between all values, each as often as its weight
   * says, which must be whole.
   * @returns The values; NaN where there are none.
   */
  quantiles(shares: readonly number[], rule: PercentileRule): number[] {
    this.#sort();
    const { length } = this.#sorted;
    if (length === 0) return shares.map(() => NaN);
    return rule === "weighted"
      ? weightedQuantiles(this.#sorted, shares)
      : plainQuantiles(this.#sorted, shares);
  }

  /** Sort what waits into the others. */
  #sort(): void {
    const whole = this.#whole.subarray(0, this.#wholeCount).sort();
    const parts = this.#parts.sort(([a], [b]) => a - b);
    if (whole.length > 0) this.#mergeIn(whole, (i) => whole[i]!, () => 1);
    if (parts.length > 0) this.#mergeIn(parts, (i) => parts[i]![0], (i) => parts[i]![1]);
    this.#wholeCount = 0;
    this.#parts = [];
    if (this.#sorted.length > this.#limit / 2) this.#coarsen();
    // As many may wait as there are, so that sorting them in is worth the while.
    const room = Math.min(this.#limit / 2, Math.max(LEAST_WAITING, this.#sorted.length));
    if (room > 2 * this.#whole.length) this.#whole = new Float64Array(room);
  }

  #mergeIn(
    added: { readonly length: number },
    valueAt: (i: number) => number,
    weightAt: (i: number) => number,
  ): void {
    const { values: old, weights: oldWeights, length: oldLength } = this.#sorted;
    const values = new Float64Array(oldLength + added.length);
    const weights = new Float64Array(values.length);
    let [i, j, last] = [0, 0, -1];
    while (i < oldLength || j < added.length) {
      const takeOld = j >= added.length || (i < oldLength && old[i]! <= valueAt(j));
      const [value, weight] = takeOld ? [old[i]!, oldWeights[i++]!] : [valueAt(j), weightAt(j++)];
      if (last < 0 || values[last] !== value) values[++last] = value;
      weights[last]! += weight;
    }
    const length = last + 1;
    this.#sorted = { values: values.slice(0, length), weights: weights.slice(0, length), length };
  }

  /** Put neighbours together until a quarter of the limit is left; the heavier one's value stays. */
  #coarsen(): void {
    const { values, weights, length } = this.#sorted;
    let total = 0;
    for (let i = 0; i < length; i++) total += weights[i]!;
    const most = total / (this.#limit / 4);
    let last = -1;
    let heaviest = 0;
    for (let i = 0; i < length; i++) {
      const [value, weight] = [values[i]!, weights[i]!];
      if (last >= 0 && weights[last]! + weight <= most) {
        weights[last]! += weight;
        if (weight > heaviest) values[last] = value;
        heaviest = Math.max(heaviest, weight);
      } else {
        last++;
        [values[last], weights[last]] = [value, weight];
        heaviest = weight;
      }
    }
    this.#merged ||= last + 1 < length;
    this.#sorted = {
      values: values.slice(0, last + 1),
      weights: weights.slice(0, last + 1),
      length: last + 1,
    };
  }
}

/**
 * Collects whole numbers with their weights: a table of weights by number, for rasters of 8 and 16
 * bits, whose pixels have few different values.
 */
export class WeightedIntegers {
  #first = 0;
  #weights = new Float64Array(0);
  /** Values are never put together. */
  readonly merged = false;

  /** Add a value. */
  add(value: number, weight: number): void {
    const at = value - this.#first;
    if (at >= 0 && at < this.#weights.length) this.#weights[at]! += weight;
    else {
      this.#makeRoom(value);
      this.#weights[value - this.#first]! += weight;
    }
  }

  /** Percentiles; see {@linkcode WeightedValues.quantiles}. */
  quantiles(shares: readonly number[], rule: PercentileRule): number[] {
    const there: number[] = [];
    this.#weights.forEach((weight, i) => {
      if (weight > 0) there.push(i);
    });
    if (there.length === 0) return shares.map(() => NaN);
    const sorted: SortedValues = {
      values: Float64Array.from(there, (i) => i + this.#first),
      weights: Float64Array.from(there, (i) => this.#weights[i]!),
      length: there.length,
    };
    return rule === "weighted" ? weightedQuantiles(sorted, shares) : plainQuantiles(sorted, shares);
  }

  /** Widen the table, by half of what it has at the side where it is short. */
  #makeRoom(value: number): void {
    const { length } = this.#weights;
    const spare = 32 + (length >> 1);
    const first = length === 0
      ? value - 16
      : Math.min(this.#first, value < this.#first ? value - spare : value);
    const end = length === 0
      ? value + 16
      : Math.max(this.#first + length, value >= this.#first + length ? value + 1 + spare : 0);
    const wider = new Float64Array(end - first);
    wider.set(this.#weights, length === 0 ? 0 : this.#first - first);
    this.#first = first;
    this.#weights = wider;
  }
}

function weightedQuantiles(
  { values, weights, length }: SortedValues,
  shares: readonly number[],
): number[] {
  const places = new Float64Array(length);
  let total = 0;
  for (let i = 0; i < length; i++) {
    places[i] = i * weights[i]! + (length - 1) * total;
    total += weights[i]!;
  }
  return shares.map((share) => {
    const place = share * total * (length - 1);
    const right = firstAbove(places, place);
    const left = Math.max(0, right - 1);
    const value = values[left]!;
    if (right === length) return value;
    const part = (place - places[left]!) / (places[right]! - places[left]!);
    return value + part * (values[right]! - value);
  });
}

function plainQuantiles(
  { values, weights, length }: SortedValues,
  shares: readonly number[],
): number[] {
  const ends = new Float64Array(length);
  let total = 0;
  for (let i = 0; i < length; i++) ends[i] = total += weights[i]!;
  const at = (index: number) => values[Math.min(length - 1, firstAbove(ends, index))]!;
  return shares.map((share) => {
    const place = share * (total - 1);
    const [low, high] = [at(Math.floor(place)), at(Math.ceil(place))];
    return low + (place - Math.floor(place)) * (high - low);
  });
}

/** Index of the first number above another; the length where there is none. */
function firstAbove(sorted: Float64Array, value: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! > value) high = middle;
    else low = middle + 1;
  }
  return low;
}
