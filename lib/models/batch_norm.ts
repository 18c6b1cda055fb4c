/**
 * Batch normalization by the batch's own statistics, as in training.
 *
 * @module
 */
import { type Graph, GraphError, type Value } from "../onnx/mod.ts";
import type { Training } from "./forward.ts";

/** Share of the batch's statistics in the new running ones: PyTorch's default. */
const RUNNING_SHARE = 0.1;

/** Parameters of a batch normalization, each (channels). */
export interface BatchNormParameters {
  /** Scale. */
  readonly gamma: Value;
  /** Shift. */
  readonly beta: Value;
  /** Running mean. */
  readonly mean: Value;
  /** Running variance. */
  readonly variance: Value;
}

/**
 * Normalize each channel over batch and space, and move the running statistics as PyTorch does: by a
 * tenth towards the batch's, of which the variance is the unbiased one.
 *
 * @param graph The graph.
 * @param training Takes the running statistics' next values.
 * @param x Values of shape (N, C, …), with known extents.
 * @param parameters Scale, shift and running statistics.
 * @param epsilon Added to the variance.
 * @returns Values of the same shape.
 */
export function batchNormTraining(
  graph: Graph,
  training: Training,
  x: Value,
  { gamma, beta, mean, variance }: BatchNormParameters,
  epsilon: number,
): Value {
  const count = x.shape.filter((_, axis) => axis !== 1).reduce<number>((product, extent) => {
    if (typeof extent === "number") return product * extent;
    throw new GraphError(`Cannot train batch normalization over the unknown extent ${extent}`);
  }, 1);
  return graph.scope("batch_norm", () => {
    // With momentum 0, the outputs are the statistics of the batch. ONNX Runtime writes them over the
    // inputs that they would replace, so these must not be the parameters themselves.
    const scratch = (running: Value) => graph.op("Mul", [running, 0]);
    const [y, batchMean, batchVariance] = graph.ops(
      "BatchNormalization",
      3,
      [x, gamma, beta, scratch(mean), scratch(variance)],
      { epsilon, momentum: 0, trainingMode: true },
    );
    const move = (running: Value, current: Value, share: number) =>
      graph.op("Add", [
        graph.op("Mul", [running, 1 - RUNNING_SHARE]),
        graph.op("Mul", [current, share]),
      ]);
    training.updateStatistic(mean, move(mean, batchMean, RUNNING_SHARE));
    const unbiased = RUNNING_SHARE * count / Math.max(1, count - 1);
    training.updateStatistic(variance, move(variance, batchVariance, unbiased));
    return y;
  });
}
