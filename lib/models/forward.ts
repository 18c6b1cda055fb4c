/**
 * The forward pass under construction: the graph, and whether it is for inference or for training.
 *
 * @module
 */
import type { Graph, Value } from "../onnx/mod.ts";

/** What a network can ask for while it is built for training. */
export interface Training {
  /**
   * A mask that is drawn anew at every step and for every element on its own: 0 with the given
   * probability, else 1 / (1 − rate), so that the mean is 1.
   *
   * @param name What is dropped, such as `decode_head.dropout`; unique in the network.
   * @param shape Extents of the mask, which broadcasts against what it is multiplied with. The first axis
   * is the samples of the batch.
   * @param rate Probability of 0, below 1.
   */
  mask(name: string, shape: readonly number[], rate: number): Value;
  /**
   * Give a statistic that is not learnt, such as a running mean, its value for the next step.
   *
   * @param parameter The parameter, which is not trainable.
   * @param next Its next value, of the same shape.
   */
  updateStatistic(parameter: Value, next: Value): void;
  /**
   * Number of processes whose parts of a batch are normalized as one batch; left out where each process'
   * part is a batch of its own.
   */
  readonly normalizedOver?: number;
  /**
   * True if a parameter stays as it is. Batch normalization with frozen parameters uses its running
   * statistics, and leaves them.
   *
   * @param parameter Name of the parameter.
   */
  isFrozen(parameter: string): boolean;
  /**
   * Add a share of the loss on logits of an intermediate map, which only training has.
   *
   * @param logits Logits (batch, classes, h, w) at any stride.
   * @param weight Factor to their loss.
   */
  addAuxiliary(logits: Value, weight: number): void;
}

/** What a network adds its operators to. */
export interface Forward {
  /** The graph. */
  readonly graph: Graph;
  /**
   * False: weights are constants, so that linear maps in a row may be folded into one, and fused
   * operators without a gradient are used. Else only operators that can be differentiated are used,
   * batches are normalized by their own statistics, and parts are dropped at random.
   */
  readonly training: Training | false;
  /**
   * Called with each feature map of the encoder as it is made.
   *
   * @param name The part that it comes from, such as `stage 1`.
   * @param shape Channels, rows and columns.
   */
  readonly onFeature?: (
    name: string,
    shape: readonly [channels: number, height: number, width: number],
  ) => void;
}
