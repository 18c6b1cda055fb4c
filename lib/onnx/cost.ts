/**
 * What a graph costs: multiply-adds of its products and convolutions, sizes of outputs, and numbers
 * of parameters, by node and by module.
 *
 * @module
 */
import { elementCount } from "../array/mod.ts";
import { evaluateDim } from "./dims.ts";
import { type Graph, reachable } from "./graph.ts";
import { GraphError } from "./operator.ts";
import { isOperator, type Node, type Value } from "./value.ts";

/** Cost of one node. */
export interface NodeCost {
  /** The node. */
  readonly node: Node;
  /** Products that are summed up; 0 for operators other than products and convolutions. */
  readonly multiplyAdds: number;
  /** Elements of all outputs together. */
  readonly outputElements: number;
}

/** Cost of the nodes under one module path. */
export interface ModuleCost {
  /** Number of nodes. */
  readonly nodes: number;
  /** Sum over the nodes. */
  readonly multiplyAdds: number;
  /** Sum over the nodes. */
  readonly outputElements: number;
}

/**
 * Cost of each node that leads to an output, in order.
 *
 * @param graph The graph.
 * @param symbols Numbers for symbolic extents, such as `{ batch: 1 }`.
 * @throws {GraphError} If a symbol has no number.
 */
export function nodeCosts(
  graph: Graph,
  symbols: Readonly<Record<string, number>> = {},
): NodeCost[] {
  const shapeOf = (value: Value) =>
    value.shape.map((dim) =>
      evaluateDim(dim, symbols) ??
        fail(`Cannot tell the cost of "${value.name}" as the extent ${dim} has no number`)
    );
  const elements = (value: Value) => elementCount(shapeOf(value));
  return reachable(graph).nodes.map((node) => ({
    node,
    multiplyAdds: multiplyAdds(node, shapeOf),
    outputElements: node.outputs.reduce((sum, value) => sum + elements(value), 0),
  }));
}

/**
 * Costs added up by module path; the whole graph is under `""`.
 *
 * @param graph The graph.
 * @param symbols Numbers for symbolic extents, such as `{ batch: 1 }`.
 * @throws {GraphError} If a symbol has no number.
 */
export function moduleCosts(
  graph: Graph,
  symbols: Readonly<Record<string, number>> = {},
): Map<string, ModuleCost> {
  const modules = new Map<string, ModuleCost>();
  for (const { node, multiplyAdds, outputElements } of nodeCosts(graph, symbols)) {
    for (const path of prefixes(node.scope, "/")) {
      const sum = modules.get(path) ?? { nodes: 0, multiplyAdds: 0, outputElements: 0 };
      modules.set(path, {
        nodes: sum.nodes + 1,
        multiplyAdds: sum.multiplyAdds + multiplyAdds,
        outputElements: sum.outputElements + outputElements,
      });
    }
  }
  return modules;
}

/**
 * Numbers of trainable elements by module, as the parameters' dotted names tell; the whole graph is
 * under `""`, a single parameter under its full name. Running statistics do not count.
 *
 * @param graph The graph.
 */
export function parameterCounts(graph: Graph): Map<string, number> {
  const counts = new Map<string, number>([["", 0]]);
  for (const { name, shape, producer } of graph.parameters.values()) {
    if (producer.kind !== "parameter" || !producer.trainable) continue;
    const count = elementCount(shape as readonly number[]);
    for (const path of prefixes(name, ".")) counts.set(path, (counts.get(path) ?? 0) + count);
  }
  return counts;
}

/** `""`, `a`, `a.b`, … for the path `a.b.…`. */
function prefixes(path: string, separator: string): string[] {
  if (path === "") return [""];
  const parts = path.split(separator);
  return ["", ...parts.map((_, i) => parts.slice(0, i + 1).join(separator))];
}

function multiplyAdds(node: Node, shapeOf: (value: Value) => number[]): number {
  const input = (index: number) => shapeOf(node.inputs[index]!);
  const outputs = elementCount(shapeOf(node.outputs[0]!));
  if (isOperator(node, "Conv") || isOperator(node, "BlockedConv")) {
    return outputs * elementCount(input(1).slice(1));
  }
  if (isOperator(node, "ConvTranspose")) {
    return elementCount(input(0)) * elementCount(input(1).slice(1));
  }
  if (isOperator(node, "Gemm") || isOperator(node, "FusedMatMul")) {
    return outputs * input(0).at(node.attributes.transA ? -2 : -1)!;
  }
  if (isOperator(node, "MatMul")) return outputs * input(0).at(-1)!;
  if (isOperator(node, "MultiHeadAttention")) {
    const [batch, queries, channels] = input(0) as [number, number, number];
    const [, keys, valueChannels] = input(2) as [number, number, number];
    return batch * queries * keys * (channels + valueChannels);
  }
  return 0;
}

function fail(message: string): never {
  throw new GraphError(message);
}
