/**
 * Noise that is a function of (seed, x, y), so that any part of a scene can be made on its own.
 *
 * Value noise after Perlin ("An image synthesizer", SIGGRAPH 1985) for terrain and texture; jittered
 * Voronoi cells after Worley ("A cellular texture basis function", SIGGRAPH 1996) for what people
 * divide: districts, roads, towns. Only operations that IEEE 754 rounds exactly are used (no sine,
 * no logarithm): the same seed gives the same bytes on every machine.
 *
 * @module
 */

const WORD = 0x1_0000_0000;

/**
 * 32 random bits of a lattice point: two rounds of multiplication and shift with the constants of
 * Wellons' search for low bias ("Prospecting for hash functions", 2018).
 */
export function hash(seed: number, x: number, y: number): number {
  let bits = seed ^ Math.imul(x, 0x9e3779b1) ^ Math.imul(y, 0x85ebca77);
  bits = Math.imul(bits ^ (bits >>> 16), 0x7feb352d);
  bits = Math.imul(bits ^ (bits >>> 15), 0x846ca68b);
  return (bits ^ (bits >>> 16)) >>> 0;
}

/** A number of [0, 1) of a lattice point. */
export function random(seed: number, x: number, y = 0): number {
  return hash(seed, x, y) / WORD;
}

/**
 * A random number of mean 0 and variance 1, nearly normal: the sum of the four bytes of one hash
 * (Irwin and Hall), which never leaves ±3.46.
 */
export function nearlyNormal(seed: number, x: number, y: number): number {
  const bits = hash(seed, x, y);
  const sum = (bits & 255) + ((bits >>> 8) & 255) + ((bits >>> 16) & 255) + (bits >>> 24);
  return (sum - 510) * NORMAL_SCALE;
}

/** Four bytes have variance 4 · (256² − 1) / 12. */
const NORMAL_SCALE = 1 / Math.sqrt((4 * (256 * 256 - 1)) / 12);

/** Smooth step from 0 at `from` to 1 at `to`. */
export function smoothStep(from: number, to: number, value: number): number {
  const t = Math.min(1, Math.max(0, (value - from) / (to - from)));
  return t * t * (3 - 2 * t);
}

/** Sums of value noise over several cell sizes, the amplitude in proportion to the size. */
export class FractalNoise {
  readonly #seed: number;
  readonly #cells: readonly number[];
  readonly #total: number;

  /**
   * @param seed 32 bits.
   * @param cells Sizes of the lattices in pixels, largest first.
   */
  constructor(seed: number, cells: readonly number[]) {
    this.#seed = seed;
    this.#cells = cells;
    this.#total = cells.reduce((sum, cell) => sum + cell, 0);
  }

  /**
   * The noise of a row.
   *
   * @param x First column.
   * @param y Row.
   * @param out Filled with values of [0, 1) around one half.
   */
  fillRow(x: number, y: number, out: Float32Array): void {
    out.fill(0);
    this.#cells.forEach((cell, octave) => {
      const seed = hash(this.#seed, octave, 0);
      const amplitude = cell / this.#total;
      const row = Math.floor(y / cell);
      const down = fade(y / cell - row);
      const lattice = (column: number) => {
        const upper = random(seed, column, row);
        return amplitude * (upper + (random(seed, column, row + 1) - upper) * down);
      };
      let column = Math.floor(x / cell);
      let left = lattice(column);
      let right = lattice(column + 1);
      for (let index = 0; index < out.length; index++) {
        const position = (x + index) / cell;
        if (position >= column + 1) {
          column++;
          left = right;
          right = lattice(column + 1);
        }
        out[index]! += left + (right - left) * fade(position - column);
      }
    });
  }
}

function fade(t: number): number {
  return t * t * (3 - 2 * t);
}

/** Where the nearest points of a {@linkcode VoronoiCells} lie, seen from one pixel. */
export interface VoronoiHit {
  /** Random bits of the cell. */
  id: number;
  /** Random bits of the edge to the second nearest cell: the same from both sides. */
  edgeId: number;
  /** Pixels to that edge. */
  edge: number;
  /** Columns from the cell's point. */
  dx: number;
  /** Rows from the cell's point. */
  dy: number;
}

/** How far a point may move from the middle of its square: more makes slivers. */
const JITTER = 0.7;

/** A division of the plane: one point in every square of a lattice, each pixel to the nearest. */
export class VoronoiCells {
  /** The answer of the last {@linkcode locate}; overwritten by the next. */
  readonly hit: VoronoiHit = { id: 0, edgeId: 0, edge: 0, dx: 0, dy: 0 };
  readonly #seed: number;
  readonly #size: number;
  /** Points of the 3×3 squares around the last pixel. */
  readonly #pointX = new Float64Array(9);
  readonly #pointY = new Float64Array(9);
  readonly #ids = new Uint32Array(9);
  #column = NaN;
  #row = NaN;

  /**
   * @param seed 32 bits.
   * @param size Side of the lattice's squares in pixels.
   */
  constructor(seed: number, size: number) {
    this.#seed = seed;
    this.#size = size;
  }

  /** Find the cell of a position, in pixels. */
  locate(x: number, y: number): VoronoiHit {
    const column = Math.floor(x / this.#size);
    const row = Math.floor(y / this.#size);
    if (column !== this.#column || row !== this.#row) this.#collect(column, row);
    let first = 0;
    let second = 0;
    let nearest = Infinity;
    let next = Infinity;
    for (let index = 0; index < 9; index++) {
      const dx = x - this.#pointX[index]!;
      const dy = y - this.#pointY[index]!;
      const distance = dx * dx + dy * dy;
      if (distance < nearest) {
        next = nearest;
        second = first;
        nearest = distance;
        first = index;
      } else if (distance < next) {
        next = distance;
        second = index;
      }
    }
    const apartX = this.#pointX[first]! - this.#pointX[second]!;
    const apartY = this.#pointY[first]! - this.#pointY[second]!;
    const { hit } = this;
    hit.id = this.#ids[first]!;
    hit.edgeId = (this.#ids[first]! ^ this.#ids[second]!) >>> 0;
    hit.edge = (next - nearest) / (2 * Math.sqrt(apartX * apartX + apartY * apartY));
    hit.dx = x - this.#pointX[first]!;
    hit.dy = y - this.#pointY[first]!;
    return hit;
  }

  #collect(column: number, row: number): void {
    this.#column = column;
    this.#row = row;
    for (let index = 0; index < 9; index++) {
      const cellX = column - 1 + index % 3;
      const cellY = row - 1 + Math.floor(index / 3);
      const id = hash(this.#seed, cellX, cellY);
      this.#ids[index] = id;
      this.#pointX[index] = this.#size * (cellX + 0.5 + JITTER * (random(id, 1) - 0.5));
      this.#pointY[index] = this.#size * (cellY + 0.5 + JITTER * (random(id, 2) - 0.5));
    }
  }
}

/** A unit vector from random bits, without sine: a point of the disc, drawn again until it is one. */
export function randomDirection(seed: number): readonly [x: number, y: number] {
  for (let attempt = 0;; attempt++) {
    const x = 2 * random(seed, attempt, 1) - 1;
    const y = 2 * random(seed, attempt, 2) - 1;
    const length = Math.sqrt(x * x + y * y);
    if (length > 0.1 && length <= 1) return [x / length, y / length];
  }
}
