/**
 * Sums over the processes that run the same graph side by side, each on its part of a batch.
 *
 * ONNX has no operator that communicates. Where a graph needs such a sum, an Identity is marked; a graph with
 * marks is run in stages, between which the sums are made (see `stages.ts`). Run whole, it computes
 * what it does in a single process, whose sum is its own number.
 *
 * @module
 */
import type { Graph } from "./graph.ts";
import type { Node, Value } from "./value.ts";

/** Outputs of identities that stand for a sum: a node with other inputs, as rules may see it, has the same. */
const MARKED = new WeakSet<readonly Value[]>();

/**
 * The sum of a value over all processes. Its gradient is such a sum too: with what each process
 * minimizes added up, a process' number has an effect in all of them.
 *
 * @param graph The graph.
 * @param value The value, float32 and of known extents.
 * @returns A value of the same shape.
 */
export function allReduce(graph: Graph, value: Value): Value {
  const sum = graph.op("Identity", [value]);
  if (sum.producer.kind === "node") markAllReduce(sum.producer.node);
  return sum;
}

/** Let an Identity stand for a sum over processes. */
export function markAllReduce(node: Node): void {
  MARKED.add(node.outputs);
}

/** True if the node stands for a sum over processes. */
export function isAllReduce(node: Node): boolean {
  return MARKED.has(node.outputs);
}
