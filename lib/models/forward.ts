/**
 * The forward pass under construction: the graph, and whether it is for inference or for training.
 *
 * @module
 */
import type { Graph } from "../onnx/mod.ts";

/** What a network adds its operators to. */
export interface Forward {
  /** The graph. */
  readonly graph: Graph;
  /**
   * False: weights are constants, so that linear maps in a row may be folded into one, and fused
   * operators without a gradient are used. True: operators that can be differentiated only.
   */
  readonly training: boolean;
}
