/**
 * The form of an optimizer: operators that compute the next parameters from flat vectors.
 *
 * @module
 */
import type { Graph, Value } from "../onnx/mod.ts";

/** What an update works on: vectors of one length, and scalars that hold for this step. */
export interface UpdateInputs {
  /** Parameters. */
  readonly parameters: Value;
  /** Their gradients, before they are clipped. */
  readonly gradients: Value;
  /** What gradients are to be multiplied by, a scalar: clipping, and a mean over batches. */
  readonly gradientFactor: Value;
  /** The optimizer's state by name. */
  readonly slots: Readonly<Record<string, Value>>;
  /** Learning rate of these parameters, a scalar. */
  readonly learningRate: Value;
  /** Weight decay of these parameters. */
  readonly weightDecay: number;
  /** The scalars of {@linkcode Optimizer.scalars} by name. */
  readonly scalars: Readonly<Record<string, Value>>;
}

/** What an update gives. */
export interface UpdateOutputs {
  /** Parameters of the next step. */
  readonly parameters: Value;
  /** State of the next step by name. */
  readonly slots: Readonly<Record<string, Value>>;
}

/** An optimizer. */
export interface Optimizer {
  /** Names of the state that it keeps: vectors like the parameters, zeros at first. */
  readonly slots: readonly string[];
  /** Names of the numbers that it needs anew at every step. */
  readonly scalarNames: readonly string[];
  /**
   * The numbers of one step.
   *
   * @param step Number of the step, counted from 1.
   * @param momentum Momentum of this step where a schedule moves it (AdamW: the first beta).
   */
  scalars(step: number, momentum?: number): Readonly<Record<string, number>>;
  /**
   * Add the update to a graph.
   *
   * @param graph The graph.
   * @param inputs Vectors and scalars.
   */
  update(graph: Graph, inputs: UpdateInputs): UpdateOutputs;
}
