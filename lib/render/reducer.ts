/**
 * Pictures of rasters that are larger than the picture: pixels come in any order, and are averaged, or vote
 * for their class, in memory that depends on the size of the picture alone.
 *
 * @module
 */
import { type NdArray, ndarray } from "../array/mod.ts";
import { IGNORE_LABEL } from "../classes/mod.ts";

/** How several pixels become one. */
export type Reduction = "average" | "vote";

/** What is reduced, and to what. */
export interface ReducerOptions {
  /** Columns of the area. */
  readonly width: number;
  /** Rows of the area. */
  readonly height: number;
  /** Columns of the picture, at most those of the area. */
  readonly columns: number;
  /** Rows of the picture, at most those of the area. */
  readonly rows: number;
  /** Bands; a vote has one. */
  readonly bands: number;
  /** Mean of the pixels, or the class that most of them have. */
  readonly reduction: Reduction;
  /**
   * Where the area begins on the pixels that come, in pixels of them; they need not be whole. 0 where left
   * out.
   */
  readonly offset?: { readonly x: number; readonly y: number };
}

/** Pixels of a picture. */
export interface ReducedPixels {
  /** Shape (bands, rows, columns): float32 for averages, and uint8 classes for votes, 255 without data. */
  readonly image: NdArray<"float32" | "uint8">;
  /** Shape (rows, columns): 1 where any pixel had data. */
  readonly valid: NdArray<"uint8">;
}

/**
 * Makes a small picture of many pixels.
 *
 * A vote is Boyer and Moore's (1981): right wherever one class has most of the pixels, and one of those that
 * are there otherwise. It takes no memory for each class.
 */
export class Reducer {
  readonly #options: ReducerOptions;
  /** Sums of averages, or the class that leads. */
  readonly #sums: Float64Array;
  readonly #leaders: Uint8Array;
  /** Pixels that were added, or the lead of the class. */
  readonly #counts: Int32Array;
  readonly #seen: Uint8Array;

  /**
   * Begin a picture.
   *
   * @param options What is reduced, and to what.
   */
  constructor(options: ReducerOptions) {
    const { columns, rows, bands, reduction } = options;
    const size = columns * rows;
    this.#options = options;
    this.#sums = new Float64Array(reduction === "average" ? size * bands : 0);
    this.#leaders = new Uint8Array(reduction === "vote" ? size : 0);
    this.#counts = new Int32Array(size);
    this.#seen = new Uint8Array(size);
  }

  /**
   * Add pixels. What lies outside the area is passed over.
   *
   * @param image Shape (bands, h, w).
   * @param valid Shape (h, w), 1 = data; all where left out.
   * @param x Column of the first pixel.
   * @param y Row of the first pixel.
   * @param core Part of the image that counts, in its own pixels; all where left out.
   */
  add(
    image: NdArray,
    valid: NdArray<"uint8"> | undefined,
    x: number,
    y: number,
    core?: {
      readonly x: number;
      readonly y: number;
      readonly width: number;
      readonly height: number;
    },
  ): void {
    const [, height, width] = image.shape as [number, number, number];
    const { columns, rows } = this.#options;
    const part = core ?? { x: 0, y: 0, width, height };
    const targets = this.#targets(x + part.x, part.width, "x");
    const lines = this.#targets(y + part.y, part.height, "y");
    const add = this.#options.reduction === "vote" ? this.#vote.bind(this) : this.#sum.bind(this);
    const data = numbersOf(image.data);
    for (let row = 0; row < part.height; row++) {
      const line = lines[row]!;
      if (line < 0 || line >= rows) continue;
      const from = (part.y + row) * width + part.x;
      add(data, valid?.data, from, width * height, targets, line * columns);
    }
  }

  /** The picture. */
  finish(): ReducedPixels {
    const { columns, rows, bands, reduction } = this.#options;
    const size = columns * rows;
    const valid = ndarray("uint8", [rows, columns], this.#seen.slice());
    if (reduction === "vote") {
      const classes = this.#leaders.map((leader, index) =>
        this.#seen[index] === 1 ? leader : IGNORE_LABEL
      );
      return { image: ndarray("uint8", [1, rows, columns], new Uint8Array(classes)), valid };
    }
    const image = ndarray("float32", [bands, rows, columns]);
    for (let band = 0; band < bands; band++) {
      for (let index = 0; index < size; index++) {
        const count = this.#counts[index]!;
        if (count > 0) image.data[band * size + index] = this.#sums[band * size + index]! / count;
      }
    }
    return { image, valid };
  }

  /** The column or row of the picture that each pixel falls into; -1 outside. */
  #targets(start: number, count: number, axis: "x" | "y"): Int32Array {
    const { width, height, columns, rows, offset = { x: 0, y: 0 } } = this.#options;
    const [extent, size] = axis === "x" ? [width, columns] : [height, rows];
    return Int32Array.from({ length: count }, (_, index) => {
      const place = Math.floor((start + index + 0.5 - offset[axis]) * size / extent);
      return place < 0 || place >= size ? -1 : place;
    });
  }

  #sum(
    data: ArrayLike<number>,
    valid: Uint8Array | undefined,
    from: number,
    plane: number,
    targets: Int32Array,
    line: number,
  ): void {
    const { bands, columns, rows } = this.#options;
    const size = columns * rows;
    for (let column = 0; column < targets.length; column++) {
      if (targets[column]! < 0 || valid?.[from + column] === 0) continue;
      const target = line + targets[column]!;
      this.#counts[target]!++;
      this.#seen[target] = 1;
      for (let band = 0; band < bands; band++) {
        this.#sums[band * size + target]! += data[band * plane + from + column]!;
      }
    }
  }

  #vote(
    data: ArrayLike<number>,
    valid: Uint8Array | undefined,
    from: number,
    _plane: number,
    targets: Int32Array,
    line: number,
  ): void {
    const [leaders, leads] = [this.#leaders, this.#counts];
    for (let column = 0; column < targets.length; column++) {
      if (targets[column]! < 0 || valid?.[from + column] === 0) continue;
      const target = line + targets[column]!;
      const value = data[from + column]!;
      // What is no class, and the ignore label, is no data.
      if (!(value >= 0 && value < IGNORE_LABEL)) continue;
      this.#seen[target] = 1;
      if (leads[target] === 0) {
        leaders[target] = value;
        leads[target] = 1;
      } else if (leaders[target] === value) leads[target]!++;
      else leads[target]!--;
    }
  }
}

function numbersOf(data: NdArray["data"]): ArrayLike<number> {
  return data instanceof BigInt64Array || data instanceof BigUint64Array
    ? Float64Array.from(data, Number)
    : data;
}
