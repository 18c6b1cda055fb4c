/**
 * Weights of the classes in the loss.
 *
 * @module
 */
import type { LabelCounts } from "./data_set.ts";
import type { TrainConfig } from "./train_config.ts";

/** How class weights follow from the training data. */
export type ClassWeightRule = (typeof CLASS_WEIGHT_RULES)[number];

/** The rules. */
export const CLASS_WEIGHT_RULES = ["auto", "balanced"] as const;

/**
 * The weight of each class.
 *
 * `auto` is median frequency balancing (Eigen and Fergus, 2015; SegNet): the frequency of a class is its pixels over
 * all labelled pixels of the samples that have it, and its weight the median of all frequencies over its own. It
 * spares rare classes the extreme weights of inverse frequency.
 *
 * `balanced` is scikit-learn's, inverse frequency: pixels / (classes · pixels of the class), over the classes that
 * occur.
 *
 * A class that does not occur has weight 0, which no pixel ever sees.
 *
 * @param config What `class_weights` says.
 * @param counts Labels of the training data; see {@linkcode DataSet}.
 * @param classCount Number of classes.
 * @returns One weight a class; null where all count the same.
 *
 * @example
 * ```ts
 * import { classWeights } from "swath";
 *
 * const counts = { labelCounts: [900, 100], labelAreas: [1000, 1000] };
 * const weights = classWeights({ classWeights: "balanced" }, counts, 2);
 * if (weights?.[1] !== 5) throw new Error("the rare class counts five times");
 * ```
 */
export function classWeights(
  config: Pick<TrainConfig, "classWeights">,
  { labelCounts, labelAreas }: LabelCounts,
  classCount: number,
): readonly number[] | null {
  const { classWeights: given } = config;
  if (given !== "auto" && given !== "balanced") return given;
  const counts = Array.from({ length: classCount }, (_, index) => labelCounts[index] ?? 0);
  if (given === "balanced") {
    const total = counts.reduce((sum, count) => sum + count, 0);
    const occurring = counts.filter((count) => count > 0).length;
    return counts.map((count) => count === 0 ? 0 : total / (occurring * count));
  }
  const frequencies = counts.map((count, index) => count === 0 ? 0 : count / labelAreas[index]!);
  const middle = median(frequencies.filter((frequency) => frequency > 0));
  return frequencies.map((frequency) => frequency === 0 ? 0 : middle / frequency);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  return (sorted[Math.ceil(half) - 1]! + sorted[Math.floor(half)]!) / 2;
}
