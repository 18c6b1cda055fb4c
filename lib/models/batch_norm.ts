/**
 * Batch normalization by the batch's own statistics, as in training.
 *
 * @module
 */
import { allReduce, type Graph, GraphError, type Value } from "../onnx/mod.ts";
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
  const processes = training.normalizedOver ?? 1;
  return graph.scope("batch_norm", () => {
    const move = (running: Value, current: Value, share: number) =>
      graph.op("Add", [
        graph.op("Mul", [running, 1 - RUNNING_SHARE]),
        graph.op("Mul", [current, share]),
      ]);
    const all = count * processes;
    const unbiased = RUNNING_SHARE * all / Math.max(1, all - 1);
    if (processes > 1) {
      const shared = normalizeTogether(graph, x, { gamma, beta, mean, variance }, {
        processes,
        epsilon,
      });
      training.updateStatistic(mean, move(mean, shared.mean, RUNNING_SHARE));
      training.updateStatistic(variance, move(variance, shared.variance, unbiased));
      return shared.y;
    }
    // With momentum 0, the outputs are the statistics of the batch. ONNX Runtime writes them over the
    // inputs that they would replace, so these must not be the parameters themselves.
    const scratch = (running: Value) => graph.op("Mul", [running, 0]);
    const [y, batchMean, batchVariance] = graph.ops(
      "BatchNormalization",
      3,
      [x, gamma, beta, scratch(mean), scratch(variance)],
      { epsilon, momentum: 0, trainingMode: true },
    );
    training.updateStatistic(mean, move(mean, batchMean, RUNNING_SHARE));
    training.updateStatistic(variance, move(variance, batchVariance, unbiased));
    return y;
  });
}

/**
 * Normalize by the statistics of several processes' parts of a batch, all of the same size.
 *
 * Each process has the mean and variance of its part. The variance of all is the mean of the variances and the variance of
 * the means; the latter is taken about the running mean, near which they lie, as a difference of squares
 * would else lose digits.
 */
function normalizeTogether(
  graph: Graph,
  x: Value,
  { gamma, beta, mean: running }: BatchNormParameters,
  { processes, epsilon }: { readonly processes: number; readonly epsilon: number },
): { readonly y: Value; readonly mean: Value; readonly variance: Value } {
  const [channels] = running.shape as [number];
  const axes = x.shape.map((_, axis) => axis).filter((axis) => axis !== 1);
  const column = [1, channels, ...axes.slice(1).map(() => 1)];
  const square = (value: Value) => graph.op("Mul", [value, value]);
  const shift = graph.op("Reshape", [running, column]);
  const own = graph.op("ReduceMean", [x, axes]);
  const offset = graph.op("Sub", [own, shift]);
  const ownVariance = graph.op("ReduceMean", [square(graph.op("Sub", [x, own])), axes]);
  const parts = graph.op("Concat", [offset, square(offset), ownVariance], { axis: 0 });
  const means = graph.op("Mul", [allReduce(graph, parts), 1 / processes]);
  const [meanOffset, meanSquare, meanVariance] = graph.ops("Split", 3, [means], { axis: 0 });
  const spread = graph.op("Sub", [meanSquare, square(meanOffset)]);
  const variance = graph.op("Add", [meanVariance, spread]);
  const mean = graph.op("Add", [meanOffset, shift]);
  const scale = graph.op("Div", [
    graph.op("Reshape", [gamma, column]),
    graph.op("Sqrt", [graph.op("Add", [variance, epsilon])]),
  ]);
  const y = graph.op("Add", [
    graph.op("Mul", [graph.op("Sub", [x, mean]), scale]),
    graph.op("Reshape", [beta, column]),
  ]);
  const flat = (value: Value) => graph.op("Reshape", [value, [channels]]);
  return { y, mean: flat(mean), variance: flat(variance) };
}
