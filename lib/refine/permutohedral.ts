/**
 * Gaussian filtering in many dimensions on the permutohedral lattice: Adams, Baek and Davis, "Fast
 * high-dimensional filtering using the permutohedral lattice" (2010).
 *
 * Values are spread to the corners of the simplex that each point lies in, blurred along the lattice's axes, and
 * gathered again. The lattice's own blur and the interpolation together come near a Gaussian of standard deviation 1,
 * up to a factor, at a cost linear in the number of points.
 *
 * @module
 */

/** Filters values at points by how near other points are. */
export interface PointFilter {
  /** Number of points N. */
  readonly points: number;
  /**
   * Σ over all points j of k(i, j) · value(j), the point itself among them.
   *
   * @param values N rows of `size` numbers.
   * @param size Numbers of a point.
   * @returns As many.
   */
  filter(values: Float32Array, size: number): Float32Array<ArrayBuffer>;
}

/** Slots of the hash table for each key that it holds, at least. */
const SLOTS_PER_KEY = 2;

/** Points of a lattice, found by their coordinates. */
class LatticeTable {
  readonly #dimensions: number;
  #keys: Int32Array<ArrayBuffer>;
  #slots: Int32Array<ArrayBuffer>;
  size = 0;

  constructor(dimensions: number) {
    this.#dimensions = dimensions;
    this.#keys = new Int32Array(1024 * dimensions);
    this.#slots = new Int32Array(1024 * SLOTS_PER_KEY).fill(-1);
  }

  keyOf(index: number): Int32Array {
    return this.#keys.subarray(index * this.#dimensions, (index + 1) * this.#dimensions);
  }

  /** Number of a point; −1 if it is not there and not to be made. */
  find(key: Int32Array, create: boolean): number {
    const d = this.#dimensions;
    if (create && (this.size + 1) * SLOTS_PER_KEY > this.#slots.length) this.#grow();
    const mask = this.#slots.length - 1;
    let slot = this.#hash(key, 0) & mask;
    while (this.#slots[slot] !== -1) {
      const from = this.#slots[slot]! * d;
      let same = true;
      for (let i = 0; i < d && same; i++) same = this.#keys[from + i] === key[i];
      if (same) return this.#slots[slot]!;
      slot = (slot + 1) & mask;
    }
    if (!create) return -1;
    this.#slots[slot] = this.size;
    this.#keys.set(key, this.size * d);
    return this.size++;
  }

  #hash(keys: Int32Array, from: number): number {
    let hash = 0;
    for (let i = 0; i < this.#dimensions; i++) {
      hash = Math.imul(hash + keys[from + i]!, 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    return hash >>> 0;
  }

  #grow(): void {
    const keys = new Int32Array(2 * this.#keys.length);
    keys.set(this.#keys);
    this.#keys = keys;
    this.#slots = new Int32Array(2 * this.#slots.length).fill(-1);
    const mask = this.#slots.length - 1;
    for (let index = 0; index < this.size; index++) {
      let slot = this.#hash(keys, index * this.#dimensions) & mask;
      while (this.#slots[slot] !== -1) slot = (slot + 1) & mask;
      this.#slots[slot] = index;
    }
  }
}

/**
 * Build the lattice of some points.
 *
 * @param features Coordinates in units of the Gaussian's standard deviation: N rows of d numbers.
 * @param dimensions Number of coordinates d.
 */
export function permutohedralFilter(features: Float32Array, dimensions: number): PointFilter {
  const d = dimensions;
  const points = features.length / d;
  const table = new LatticeTable(d);
  const offsets = new Int32Array(points * (d + 1));
  const weights = new Float32Array(points * (d + 1));
  embed(features, d, table, offsets, weights);
  const neighbours = neighboursOf(table, d);
  const corners = table.size;
  const alpha = 1 / (1 + 2 ** -d);
  return {
    points,
    filter(values, size) {
      // The first row is that of all points that are not there.
      let lattice = new Float32Array((corners + 1) * size);
      for (let point = 0; point < points; point++) {
        for (let corner = 0; corner <= d; corner++) {
          const weight = weights[point * (d + 1) + corner]!;
          const to = (offsets[point * (d + 1) + corner]! + 1) * size;
          for (let k = 0; k < size; k++) lattice[to + k]! += weight * values[point * size + k]!;
        }
      }
      let blurred = new Float32Array(lattice.length);
      for (let axis = 0; axis <= d; axis++) {
        for (let index = 0; index < corners; index++) {
          const pair = 2 * (axis * corners + index);
          const [a, b] = [(neighbours[pair]! + 1) * size, (neighbours[pair + 1]! + 1) * size];
          const own = (index + 1) * size;
          for (let k = 0; k < size; k++) {
            blurred[own + k] = lattice[own + k]! + 0.5 * (lattice[a + k]! + lattice[b + k]!);
          }
        }
        [lattice, blurred] = [blurred, lattice];
      }
      const result = new Float32Array(points * size);
      for (let point = 0; point < points; point++) {
        for (let corner = 0; corner <= d; corner++) {
          const weight = alpha * weights[point * (d + 1) + corner]!;
          const from = (offsets[point * (d + 1) + corner]! + 1) * size;
          for (let k = 0; k < size; k++) result[point * size + k]! += weight * lattice[from + k]!;
        }
      }
      return result;
    },
  };
}

/** Find the simplex of each point, and its barycentric coordinates there. */
function embed(
  features: Float32Array,
  d: number,
  table: LatticeTable,
  offsets: Int32Array,
  weights: Float32Array,
): void {
  // So scaled, the lattice's blur has the variance of the Gaussian.
  const deviation = Math.sqrt(2 / 3) * (d + 1);
  const scales = Float64Array.from(
    { length: d },
    (_, i) => deviation / Math.sqrt((i + 2) * (i + 1)),
  );
  const elevated = new Float64Array(d + 1);
  const nearest = new Int32Array(d + 1);
  const rank = new Int32Array(d + 1);
  const barycentric = new Float64Array(d + 2);
  const key = new Int32Array(d);
  const points = features.length / d;
  for (let point = 0; point < points; point++) {
    let sum = 0;
    for (let j = d; j > 0; j--) {
      const coordinate = features[point * d + j - 1]! * scales[j - 1]!;
      elevated[j] = sum - j * coordinate;
      sum += coordinate;
    }
    elevated[0] = sum;
    // The nearest point of the lattice whose coordinates are all multiples of d + 1.
    let shift = 0;
    for (let i = 0; i <= d; i++) {
      const multiple = Math.round(elevated[i]! / (d + 1));
      nearest[i] = multiple * (d + 1);
      shift += multiple;
    }
    // The order of the differences to it says in which simplex the point is.
    rank.fill(0);
    for (let i = 0; i < d; i++) {
      const difference = elevated[i]! - nearest[i]!;
      for (let j = i + 1; j <= d; j++) {
        if (difference < elevated[j]! - nearest[j]!) rank[i]!++;
        else rank[j]!++;
      }
    }
    for (let i = 0; i <= d; i++) {
      rank[i]! += shift;
      if (rank[i]! < 0) {
        rank[i]! += d + 1;
        nearest[i]! += d + 1;
      } else if (rank[i]! > d) {
        rank[i]! -= d + 1;
        nearest[i]! -= d + 1;
      }
    }
    barycentric.fill(0);
    for (let i = 0; i <= d; i++) {
      const part = (elevated[i]! - nearest[i]!) / (d + 1);
      barycentric[d - rank[i]!]! += part;
      barycentric[d - rank[i]! + 1]! -= part;
    }
    barycentric[0]! += 1 + barycentric[d + 1]!;
    for (let corner = 0; corner <= d; corner++) {
      for (let i = 0; i < d; i++) {
        const isBelow = rank[i]! <= d - corner;
        key[i] = nearest[i]! + (isBelow ? corner : corner - (d + 1));
      }
      offsets[point * (d + 1) + corner] = table.find(key, true);
      weights[point * (d + 1) + corner] = barycentric[corner]!;
    }
  }
}

/** Both neighbours of each point along each of the d + 1 axes; −1 where there is none. */
function neighboursOf(table: LatticeTable, d: number): Int32Array {
  const corners = table.size;
  const neighbours = new Int32Array(2 * (d + 1) * corners);
  const [below, above] = [new Int32Array(d), new Int32Array(d)];
  for (let axis = 0; axis <= d; axis++) {
    for (let index = 0; index < corners; index++) {
      const key = table.keyOf(index);
      for (let i = 0; i < d; i++) {
        below[i] = key[i]! - 1;
        above[i] = key[i]! + 1;
      }
      if (axis < d) {
        below[axis] = key[axis]! + d;
        above[axis] = key[axis]! - d;
      }
      const pair = 2 * (axis * corners + index);
      neighbours[pair] = table.find(below, false);
      neighbours[pair + 1] = table.find(above, false);
    }
  }
  return neighbours;
}

/**
 * The Gaussian itself, of all pairs of points: what the lattice is measured by, for some thousand points at most.
 *
 * @param features Coordinates in units of the Gaussian's standard deviation: N rows of d numbers.
 * @param dimensions Number of coordinates d.
 */
export function exactFilter(features: Float32Array, dimensions: number): PointFilter {
  const points = features.length / dimensions;
  return {
    points,
    filter(values, size) {
      const sums = new Float64Array(points * size);
      for (let i = 0; i < points; i++) {
        for (let j = 0; j <= i; j++) {
          let distance = 0;
          for (let c = 0; c < dimensions; c++) {
            const step = features[i * dimensions + c]! - features[j * dimensions + c]!;
            distance += step * step;
          }
          const weight = Math.exp(-distance / 2);
          for (let k = 0; k < size; k++) {
            sums[i * size + k]! += weight * values[j * size + k]!;
            if (i !== j) sums[j * size + k]! += weight * values[i * size + k]!;
          }
        }
      }
      return Float32Array.from(sums);
    },
  };
}
