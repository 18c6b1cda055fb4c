/**
 * Weights of the classes in the loss.
 *
 * @module
 */
import type { TrainConfig } from "./train_config.ts";

/**
 * The weight of each class.
 *
 * `balanced` is scikit-learn's: pixels / (classes · pixels of the class), over the classes that occur.
 * A class that does not occur has weight 0, which no pixel ever sees.
 *
 * @param config What `class_weights` says.
 * @param labelCounts Pixels with each label; see {@linkcode DataSet}.
 * @param classCount Number of classes.
 * @returns One weight a class; null where all count the same.
 *
 * @example
 * ```ts
 * import { classWeights } from "swath";
 *
 * const weights = classWeights({ classWeights: "balanced" }, [900, 100], 2);
 * if (weights?.[1] !== 5) throw new Error("the rare class counts five times");
 * ```
 */
export function classWeights(
  config: Pick<TrainConfig, "classWeights">,
  labelCounts: readonly number[],
  classCount: number,
): readonly number[] | null {
  if (config.classWeights !== "balanced") return config.classWeights;
  const counts = Array.from({ length: classCount }, (_, index) => labelCounts[index] ?? 0);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const occurring = counts.filter((count) => count > 0).length;
  return counts.map((count) => count === 0 ? 0 : total / (occurring * count));
}
