/**
 * How often each true class was mapped as each class: all that the scores need, in exact integers
 * that can be added up over patches, scenes and machines.
 *
 * @module
 */
import { formatShape, type NdArray } from "../array/mod.ts";
import { IGNORE_LABEL } from "../classes/mod.ts";
import { InputError } from "../errors.ts";
import { encodeLabels, type LabelCodes } from "./label_codes.ts";

/** Options of {@linkcode ConfusionMatrix}. */
export interface ConfusionMatrixOptions {
  /**
   * Pixels with this label are left out: {@linkcode IGNORE_LABEL} by default, null for none. Where it
   * is the number of a class, that class has no truth and takes no part in means, while predicting it
   * for another class is still an error of that class, as in torchmetrics.
   */
  readonly ignoreLabel?: number | null;
}

/** Where labels come from, for errors. */
export interface LabelPlace {
  /** File or sample. */
  readonly source: string;
  /** Column of the first pixel there; 0 where left out. */
  readonly x?: number;
  /** Row of the first pixel there; 0 where left out. */
  readonly y?: number;
}

/** Pixels that are not in the matrix, by reason. */
export interface LeftOut {
  /** Pixels without data. */
  invalid: number;
  /** Pixels with data whose label is the ignore label. */
  ignored: number;
  /** Pixels of a class whose prediction is the ignore label, such as nodata of a map. */
  unpredicted: number;
}

/** Most classes of one matrix; it has their square of counts. */
const MOST_CLASSES = 4096;

/** Pixels counted at once in 32 bits. */
const CHUNK = 2 ** 31;

/**
 * Confusion matrix of K classes.
 *
 * Counts are integers in float64, exact up to 2⁵³−1 (9·10¹⁵) pixels; more are refused.
 *
 * @example
 * ```ts
 * import { ConfusionMatrix, ndarray } from "swath";
 *
 * const matrix = new ConfusionMatrix(2);
 * const truth = ndarray("uint8", [2, 2], new Uint8Array([0, 1, 1, 255]));
 * const prediction = ndarray("uint8", [2, 2], new Uint8Array([0, 1, 0, 0]));
 * matrix.update(truth, prediction, null, { source: "example" });
 * if (matrix.count(1, 0) !== 1 || matrix.leftOut.ignored !== 1) throw new Error("miscounted");
 * ```
 */
export class ConfusionMatrix {
  /** Number of classes K. */
  readonly classCount: number;
  /** Label that is left out; null for none. */
  readonly ignoreLabel: number | null;
  /** K×K counts, row by row: a row is a true class, a column a predicted one. */
  readonly counts: Float64Array<ArrayBuffer>;
  /** Pixels that were given but are not in the matrix. */
  readonly leftOut: LeftOut = { invalid: 0, ignored: 0, unpredicted: 0 };
  /** Counts of one chunk by code, with a row and a column each for the ignore label and for no class. */
  readonly #chunk: Uint32Array;

  /**
   * Begin with no pixels.
   *
   * @param classCount Number of classes, 1 to 4096.
   * @param options Which label is left out.
   * @throws {InputError} If there are too many classes.
   */
  constructor(classCount: number, options: ConfusionMatrixOptions = {}) {
    if (!Number.isInteger(classCount) || classCount < 1 || classCount > MOST_CLASSES) {
      throw new InputError(
        `Cannot score ${classCount} classes as a confusion matrix has 1 to ${MOST_CLASSES}`,
      );
    }
    this.classCount = classCount;
    this.ignoreLabel = options.ignoreLabel === undefined ? IGNORE_LABEL : options.ignoreLabel;
    this.counts = new Float64Array(classCount ** 2);
    this.#chunk = new Uint32Array((classCount + 2) ** 2);
  }

  /** Pixels in the matrix. */
  get pixels(): number {
    let pixels = 0;
    for (let index = 0; index < this.counts.length; index++) pixels += this.counts[index]!;
    return pixels;
  }

  /** Pixels of a true class that were mapped as a class. */
  count(truth: number, prediction: number): number {
    return this.counts[truth * this.classCount + prediction]!;
  }

  /**
   * Add the pixels of a patch.
   *
   * @param truth True labels, any shape and element type.
   * @param prediction Predicted labels, same shape.
   * @param valid Same shape: 0 leaves a pixel out; null where all have data.
   * @param place Where the labels come from.
   * @throws {InputError} If shapes differ, or a pixel with data has a label or prediction that is
   * neither a class nor the ignore label: the message has the value and the first position.
   */
  update(truth: NdArray, prediction: NdArray, valid: NdArray | null, place: LabelPlace): void {
    requireSameShape(truth, prediction, "predictions", place);
    if (valid !== null) requireSameShape(truth, valid, "valid pixels", place);
    const rows = encodeLabels(truth, this.classCount, this.ignoreLabel);
    // Predicting a class is a prediction, even where the truth of that class is left out.
    const missing = this.#isClass(this.ignoreLabel) ? null : this.ignoreLabel;
    const columns = encodeLabels(prediction, this.classCount, missing);
    const mask = valid === null ? null : bytesOfMask(valid);
    const total = truth.data.length;
    for (let start = 0; start < total; start += CHUNK) {
      const end = Math.min(total, start + CHUNK);
      this.#chunk.fill(0);
      countPairs(this.#chunk, this.classCount + 2, rows, columns, mask, start, end);
      this.#refuseUnknownLabels(truth, prediction, mask, place);
      this.#addChunk(end - start);
    }
    this.#refuseInexactCounts();
  }

  /**
   * Add the counts of another matrix.
   *
   * @throws {InputError} If the number of classes or the ignore label differs.
   */
  merge(other: ConfusionMatrix): void {
    if (other.classCount !== this.classCount || other.ignoreLabel !== this.ignoreLabel) {
      throw new InputError(
        `Cannot add up scores of ${describe(this)} and scores of ${describe(other)}`,
      );
    }
    other.counts.forEach((count, index) => this.counts[index]! += count);
    this.leftOut.invalid += other.leftOut.invalid;
    this.leftOut.ignored += other.leftOut.ignored;
    this.leftOut.unpredicted += other.leftOut.unpredicted;
    this.#refuseInexactCounts();
  }

  /** One more than the highest class in truth or prediction; at least 1. */
  usedClassCount(): number {
    for (let highest = this.classCount - 1; highest > 0; highest--) {
      for (let other = 0; other <= highest; other++) {
        if (this.count(highest, other) > 0 || this.count(other, highest) > 0) return highest + 1;
      }
    }
    return 1;
  }

  /**
   * The same counts for more classes, or for fewer where the rest are not in use.
   *
   * @param classCount Number of classes, not under {@linkcode ConfusionMatrix.usedClassCount}.
   * @returns A new matrix.
   */
  withClassCount(classCount: number): ConfusionMatrix {
    const used = this.usedClassCount();
    if (classCount < used) {
      throw new RangeError(`internal: ${used} classes do not fit a matrix of ${classCount}`);
    }
    const resized = new ConfusionMatrix(classCount, { ignoreLabel: this.ignoreLabel });
    for (let truth = 0; truth < used; truth++) {
      const row = this.counts.subarray(truth * this.classCount, truth * this.classCount + used);
      resized.counts.set(row, truth * classCount);
    }
    Object.assign(resized.leftOut, this.leftOut);
    return resized;
  }

  #isClass(label: number | null): boolean {
    return Number.isInteger(label) && label! >= 0 && label! < this.classCount;
  }

  #addChunk(pixels: number): void {
    const size = this.classCount + 2;
    const ignore = this.classCount;
    let seen = 0;
    for (let truth = 0; truth <= ignore; truth++) {
      for (let prediction = 0; prediction < size; prediction++) {
        const count = this.#chunk[truth * size + prediction]!;
        seen += count;
        if (truth === ignore) this.leftOut.ignored += count;
        else if (prediction === ignore) this.leftOut.unpredicted += count;
        else if (count > 0) this.counts[truth * this.classCount + prediction]! += count;
      }
    }
    this.leftOut.invalid += pixels - seen;
  }

  /** Only labels in pixels that count: an ignored pixel may hold any prediction. */
  #refuseUnknownLabels(
    truth: NdArray,
    prediction: NdArray,
    mask: Uint8Array | null,
    place: LabelPlace,
  ): void {
    const size = this.classCount + 2;
    const unknown = size - 1;
    const sum = (index: (other: number) => number, end: number) => {
      let pixels = 0;
      for (let other = 0; other < end; other++) pixels += this.#chunk[index(other)]!;
      return pixels;
    };
    if (sum((prediction) => unknown * size + prediction, size) > 0) {
      throw this.#unknownLabel("label", truth, null, mask, place);
    }
    if (sum((truth) => truth * size + unknown, this.classCount) > 0) {
      throw this.#unknownLabel("prediction", prediction, truth, mask, place);
    }
  }

  #unknownLabel(
    what: string,
    labels: NdArray,
    truth: NdArray | null,
    mask: Uint8Array | null,
    place: LabelPlace,
  ): InputError {
    const known = (label: number) => label === this.ignoreLabel || this.#isClass(label);
    const index = labels.data.findIndex((label: number | bigint, index: number) =>
      mask?.[index] !== 0 && !known(Number(label)) &&
      (truth === null || Number(truth.data[index]) !== this.ignoreLabel)
    );
    const width = labels.shape.at(-1) ?? 1;
    const row = Math.floor(index / width) + (place.y ?? 0);
    const column = index % width + (place.x ?? 0);
    return new InputError(
      `Cannot score "${place.source}" as the ${what} is ${
        labels.data[index]
      } at row ${row}, column ${column}: expected ${describe(this)}`,
    );
  }

  #refuseInexactCounts(): void {
    if (this.pixels > Number.MAX_SAFE_INTEGER) {
      throw new InputError("Cannot count more than 2^53 - 1 pixels exactly");
    }
  }
}

/** The inner loop: no branches, two small tables, one store a pixel. */
function countPairs(
  counts: Uint32Array,
  size: number,
  truth: LabelCodes,
  prediction: LabelCodes,
  mask: Uint8Array | null,
  start: number,
  end: number,
): void {
  const rows = truth.values;
  const columns = prediction.values;
  const rowStart = truth.codeOf.map((code) => code * size);
  const columnOf = prediction.codeOf;
  if (mask === null) {
    for (let i = start; i < end; i++) counts[rowStart[rows[i]!]! + columnOf[columns[i]!]!]!++;
    return;
  }
  const weights = new Uint8Array(256).fill(1);
  weights[0] = 0;
  for (let i = start; i < end; i++) {
    counts[rowStart[rows[i]!]! + columnOf[columns[i]!]!]! += weights[mask[i]!]!;
  }
}

function bytesOfMask(valid: NdArray): Uint8Array {
  if (valid.data instanceof Uint8Array) return valid.data;
  throw new TypeError(`internal: valid pixels are ${valid.dtype}, expected uint8`);
}

function requireSameShape(truth: NdArray, other: NdArray, what: string, place: LabelPlace): void {
  const expected = formatShape(truth.shape);
  const found = formatShape(other.shape);
  if (expected !== found) {
    throw new InputError(
      `Cannot score "${place.source}" as its labels have shape ${expected} and its ${what} ${found}`,
    );
  }
}

function describe(matrix: ConfusionMatrix): string {
  const { classCount, ignoreLabel } = matrix;
  const classes = classCount === 1
    ? "1 class (0)"
    : `${classCount} classes (0 to ${classCount - 1})`;
  return ignoreLabel === null ? `${classes}` : `${classes} with ignore label ${ignoreLabel}`;
}
