/** Clipping of gradients by their global norm. @module */
import type { Graph, Value } from "../onnx/mod.ts";

/** Added to the norm, as PyTorch's `clip_grad_norm_` does. */
const EPSILON = 1e-6;

/**
 * The factor that brings gradients to at most a norm.
 *
 * @param graph The graph.
 * @param norm Their norm, a scalar.
 * @param limit The largest norm, a scalar; infinite to leave gradients as they are.
 * @returns A scalar of at most 1.
 */
export function clipFactor(graph: Graph, norm: Value, limit: Value): Value {
  return graph.op("Min", [graph.op("Div", [limit, graph.op("Add", [norm, EPSILON])]), 1]);
}
