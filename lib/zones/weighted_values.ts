/**
 * Values with weights, for medians and percentiles.
 *
 * @module
 */

const FIRST_LENGTH = 64;

/** How percentiles are read off; see {@linkcode WeightedValues.quantiles}. */
export type PercentileRule = "weighted" | "plain";

/**
 * Collects values with their weights. Equal values are put together; beyond a limit, so are neighbours
 * in the order of values, so that memory is bounded and percentiles are off by as much as a few
 * values' share of the whole.
 */
export class WeightedValues {
  #values = new Float64Array(FIRST_LENGTH);
  #weights = new Float64Array(FIRST_LENGTH);
  #length = 0;
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

  /** Add the value of a pixel. */
  add(value: number, weight: number): void {
    if (this.#length === this.#values.length) this.#makeRoom();
    this.#values[this.#length] = value;
    this.#weights[this.#length++] = weight;
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
    this.#compact();
    if (this.#length === 0) return shares.map(() => NaN);
    return rule === "weighted" ? this.#weighted(shares) : this.#plain(shares);
  }

  #weighted(shares: readonly number[]): number[] {
    const count = this.#length;
    const places = new Float64Array(count);
    let total = 0;
    for (let i = 0; i < count; i++) {
      places[i] = i * this.#weights[i]! + (count - 1) * total;
      total += this.#weights[i]!;
    }
    return shares.map((share) => {
      const place = share * total * (count - 1);
      const right = firstAbove(places, place);
      const left = Math.max(0, right - 1);
      const value = this.#values[left]!;
      if (right === count) return value;
      const part = (place - places[left]!) / (places[right]! - places[left]!);
      return value + part * (this.#values[right]! - value);
    });
  }

  #plain(shares: readonly number[]): number[] {
    const ends = new Float64Array(this.#length);
    let total = 0;
    for (let i = 0; i < this.#length; i++) ends[i] = total += this.#weights[i]!;
    const at = (index: number) =>
      this.#values[Math.min(this.#length - 1, firstAbove(ends, index))]!;
    return shares.map((share) => {
      const place = share * (total - 1);
      const [low, high] = [at(Math.floor(place)), at(Math.ceil(place))];
      return low + (place - Math.floor(place)) * (high - low);
    });
  }

  #makeRoom(): void {
    this.#compact();
    if (this.#length > this.#limit / 2) this.#merge();
    if (this.#length <= this.#values.length / 2) return;
    const size = Math.min(this.#limit, this.#values.length * 2);
    if (size <= this.#values.length) return;
    const larger = (from: Float64Array) => {
      const to = new Float64Array(size);
      to.set(from.subarray(0, this.#length));
      return to;
    };
    this.#values = larger(this.#values);
    this.#weights = larger(this.#weights);
  }

  /** Sort, and put equal values together. */
  #compact(): void {
    const [values, weights] = [this.#values, this.#weights];
    const order = Uint32Array.from({ length: this.#length }, (_, i) => i)
      .sort((a, b) => values[a]! - values[b]!);
    const [sorted, sortedWeights] = [
      new Float64Array(values.length),
      new Float64Array(values.length),
    ];
    let last = -1;
    for (const index of order) {
      if (last < 0 || sorted[last] !== values[index]) sorted[++last] = values[index]!;
      sortedWeights[last]! += weights[index]!;
    }
    [this.#values, this.#weights] = [sorted, sortedWeights];
    this.#length = last + 1;
  }

  /** Put neighbours together until half of the room is free; the heavier one's value stays. */
  #merge(): void {
    const [values, weights] = [this.#values, this.#weights];
    let total = 0;
    for (let i = 0; i < this.#length; i++) total += weights[i]!;
    const most = total / (this.#limit / 4);
    let last = -1;
    let heaviest = 0;
    for (let i = 0; i < this.#length; i++) {
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
    this.#merged ||= last + 1 < this.#length;
    this.#length = last + 1;
  }
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
