/**
 * How much the labels of a batch weigh in a mean over pixels: what parts of a batch are to be multiplied by for
 * their mean to be that of the whole.
 *
 * @module
 */
import type { NdArray } from "../array/mod.ts";

/** Number of labels that uint8 can hold. */
const LABELS = 256;

/**
 * The weight of each label that uint8 can hold: that of its class; 0 where it does not count.
 *
 * @param classes Number of classes.
 * @param ignoreIndex Label that does not count.
 * @param classWeights Weight of each class; null for 1.
 */
export function labelWeights(
  classes: number,
  ignoreIndex: number,
  classWeights: readonly number[] | null,
): readonly number[] {
  return Array.from(
    { length: LABELS },
    (_, label) => label >= classes || label === ignoreIndex ? 0 : classWeights?.[label] ?? 1,
  );
}

/** Sum of the weights of all labels of a batch. */
export function weightOfLabels({ data }: NdArray<"uint8">, weights: readonly number[]): number {
  const counts = new Float64Array(LABELS);
  for (const label of data) counts[label]!++;
  return counts.reduce((sum, count, label) => sum + count * weights[label]!, 0);
}
