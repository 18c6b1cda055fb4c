/**
 * The form of a loss.
 *
 * @module
 */
import type { Graph, Value } from "../onnx/mod.ts";

/** What a loss compares. */
export interface LossInputs {
  /** Logits of shape (N, K, h, w) at the network's output stride. */
  readonly logits: Value;
  /** Labels of shape (N, H, W), uint8. */
  readonly labels: Value;
}

/**
 * Adds a loss to a graph, in operators that have gradients.
 *
 * @returns The loss, a scalar: the mean over the labels that count; 0 where none does.
 */
export type Loss = (graph: Graph, inputs: LossInputs) => Value;
