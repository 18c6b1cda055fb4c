/**
 * How much of the ground a class takes in the truth and in the map, and whether a network has given
 * up on it: a rare class that is hardly predicted any more costs little accuracy, so no mean shows it.
 *
 * @module
 */
import type { ConfusionMatrix } from "./confusion_matrix.ts";

/**
 * Shares of a class that differ by more than this factor are a collapse: its predicted share is under
 * 1/20, or over 20 times, its share of the truth.
 */
export const COLLAPSE_FACTOR = 20;

/** Shares of the scored pixels that have a class. */
export interface PositiveRate {
  /** Share of the truth; null without pixels. */
  readonly truth: number | null;
  /** Share of the prediction; null without pixels. */
  readonly prediction: number | null;
  /** Predicted share over true share; null where the class has no truth. */
  readonly ratio: number | null;
  /**
   * `vanished`: in the truth, never predicted. `scarce`: predicted under 1/20 of its true share.
   * `everywhere`: all pixels predicted as it, though some are not. `rampant`: predicted over 20 times
   * its true share. Null where none of these.
   */
  readonly collapse: "vanished" | "scarce" | "everywhere" | "rampant" | null;
}

/**
 * The positive rate of a class.
 *
 * @param matrix The counts.
 * @param index Class number.
 * @returns Its shares, and whether the prediction of it has collapsed.
 *
 * @example
 * ```ts
 * import { ConfusionMatrix, positiveRate } from "swath";
 *
 * const matrix = new ConfusionMatrix(2);
 * matrix.counts.set([90, 0, 10, 0]);
 * if (positiveRate(matrix, 1).collapse !== "vanished") throw new Error("not noticed");
 * ```
 */
export function positiveRate(matrix: ConfusionMatrix, index: number): PositiveRate {
  const { pixels } = matrix;
  if (pixels === 0) return { truth: null, prediction: null, ratio: null, collapse: null };
  let support = 0;
  let predicted = 0;
  for (let other = 0; other < matrix.classCount; other++) {
    support += matrix.count(index, other);
    predicted += matrix.count(other, index);
  }
  const ratio = support === 0 ? null : predicted / support;
  const collapse = () => {
    if (predicted === pixels && support < pixels) return "everywhere";
    if (ratio === null) return null;
    if (ratio === 0) return "vanished";
    if (ratio < 1 / COLLAPSE_FACTOR) return "scarce";
    return ratio > COLLAPSE_FACTOR ? "rampant" : null;
  };
  return {
    truth: support / pixels,
    prediction: predicted / pixels,
    ratio,
    collapse: collapse(),
  };
}
