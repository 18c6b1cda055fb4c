/**
 * Rivers that cross the scene from west to east, with islands of gravel along their banks.
 *
 * @module
 */
import { FractalNoise, hash, random } from "./noise.ts";
import { RowCache } from "./row_cache.ts";

/** Rows from one river to the next, and how far they may stray from even spacing. */
const SPACING = 780;
const STRAY = 120;

/** Rows of the first river where it does not stray; small scenes have it in their upper half. */
const FIRST = 150;

/** Rows by which bends reach to either side. */
const BEND = 150;

/** Half the width of a river in pixels: at its narrowest, and what noise adds. */
const HALF_WIDTH = { least: 2.5, range: 7 } as const;

/** How a row lies to the nearest river; index 0 is column −1. */
export interface RiverRow {
  /** Pixels to the bank; negative in the water. */
  readonly distance: Float32Array;
  /** Noise of gravel bars, around one half. */
  readonly bar: Float32Array;
}

/** One river along all columns. */
interface Course {
  readonly centre: Float32Array;
  readonly halfWidth: Float32Array;
  /** Factor from rows to distance, as the course is not level everywhere. */
  readonly slant: Float32Array;
}

/** All rivers of a scene. */
export class River {
  readonly #seed: number;
  readonly #length: number;
  readonly #courses: RowCache<Course>;
  readonly #rows: RowCache<RiverRow>;
  readonly #bars: FractalNoise;

  /**
   * @param seed 32 bits.
   * @param length Columns, one more at either side included.
   */
  constructor(seed: number, length: number) {
    this.#seed = seed;
    this.#length = length;
    this.#bars = new FractalNoise(hash(seed, 0, 1), [24, 10]);
    const create = () => ({
      centre: new Float32Array(length),
      halfWidth: new Float32Array(length),
      slant: new Float32Array(length),
    });
    this.#courses = new RowCache<Course>(
      4,
      create,
      (number, course) => this.#fillCourse(number, course),
    );
    this.#rows = new RowCache<RiverRow>(
      4,
      () => ({ distance: new Float32Array(length), bar: new Float32Array(length) }),
      (y, row) => this.#fillRow(y, row),
    );
  }

  /** Where a row lies; overwritten four rows on. */
  row(y: number): RiverRow {
    return this.#rows.get(y);
  }

  #fillRow(y: number, row: RiverRow): void {
    row.distance.fill(Infinity);
    const nearest = Math.round((y - FIRST) / SPACING);
    for (let number = nearest - 1; number <= nearest + 1; number++) {
      const { centre, halfWidth, slant } = this.#courses.get(number);
      for (let index = 0; index < this.#length; index++) {
        const away = Math.abs(y - centre[index]!) * slant[index]! - halfWidth[index]!;
        if (away < row.distance[index]!) row.distance[index] = away;
      }
    }
    this.#bars.fillRow(-1, y, row.bar);
  }

  #fillCourse(number: number, course: Course): void {
    const seed = hash(this.#seed, number, 2);
    const middle = FIRST + SPACING * number + STRAY * (random(seed, 1) - 0.5);
    new FractalNoise(seed, [240, 110, 40]).fillRow(-1, 0, course.centre);
    new FractalNoise(hash(seed, 0, 3), [120, 30]).fillRow(-1, 0, course.halfWidth);
    for (let index = 0; index < this.#length; index++) {
      course.centre[index] = middle + 2 * BEND * (course.centre[index]! - 0.5);
      course.halfWidth[index] = HALF_WIDTH.least + HALF_WIDTH.range * course.halfWidth[index]!;
    }
    for (let index = 0; index < this.#length; index++) {
      const before = course.centre[Math.max(0, index - 1)]!;
      const after = course.centre[Math.min(this.#length - 1, index + 1)]!;
      const slope = (after - before) / 2;
      course.slant[index] = 1 / Math.sqrt(1 + slope * slope);
    }
  }
}
