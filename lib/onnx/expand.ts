/**
 * Copies of graphs with something else in places: operators told in others, for a runtime that lacks some or
 * computes them wrongly; parameters that are parts of vectors.
 *
 * @module
 */
import { Graph } from "./graph.ts";
import type { OperatorName } from "./operators.ts";
import type { Node, Value } from "./value.ts";

/**
 * Adds what computes a node's outputs to a graph.
 *
 * @param graph Where to add it; the scope is the node's.
 * @param node The node of the original graph, for its attributes.
 * @param inputs The node's inputs in `graph`.
 * @returns The node's outputs in `graph`; null to keep the node as it is.
 */
export type Expansion<K extends OperatorName> = (
  graph: Graph,
  node: Node<K>,
  inputs: readonly (Value | null)[],
) => readonly Value[] | null;

/** Expansions by operator. */
export type Expansions = { readonly [K in OperatorName]?: Expansion<K> };

/**
 * The same function with some of its operators told in others. Inputs, parameters and outputs keep their
 * names and order.
 *
 * @param graph The graph, which stays as it is.
 * @param expansions What to put in the place of operators.
 * @returns The new graph; `graph` itself where it has none of these operators.
 */
export function expandOperators(graph: Graph, expansions: Expansions): Graph {
  if (!graph.nodes.some(({ operator }) => operator in expansions)) return graph;
  return copyGraph(graph, copyParameter, (result, node, inputs) => {
    // The table's key says which node it is for, which the compiler cannot follow.
    const expand = expansions[node.operator] as Expansion<OperatorName> | undefined;
    return expand?.(result, node, inputs) ?? result.repeat(node, inputs);
  });
}

/**
 * The same function with other values in the place of its parameters. Inputs and outputs keep their names.
 *
 * @param graph The graph, which stays as it is.
 * @param replace Adds what stands for a parameter to the new graph, which has the inputs already.
 */
export function replaceParameters(
  graph: Graph,
  replace: (result: Graph, parameter: Value) => Value,
): Graph {
  return copyGraph(graph, replace, (result, node, inputs) => result.repeat(node, inputs));
}

function copyParameter(result: Graph, { name, dtype, shape, producer }: Value): Value {
  if (producer.kind !== "parameter") throw new Error(`internal: "${name}" is no parameter`);
  return result.parameter(name, dtype, shape as readonly number[], producer);
}

/** A new graph whose parameters and nodes are made by functions. */
function copyGraph(
  graph: Graph,
  makeParameter: (result: Graph, parameter: Value) => Value,
  makeNode: (result: Graph, node: Node, inputs: readonly (Value | null)[]) => readonly Value[],
): Graph {
  const result = new Graph(graph.name);
  const copies = new Map<Value, Value>();
  for (const value of graph.inputs) {
    copies.set(value, result.input(value.name, value.dtype, value.shape));
  }
  for (const value of graph.parameters.values()) copies.set(value, makeParameter(result, value));
  const copyOf = (value: Value): Value => {
    const known = copies.get(value);
    if (known !== undefined) return known;
    const { producer } = value;
    if (producer.kind !== "constant") throw new Error(`internal: "${value.name}" comes too late`);
    const copy = result.constant(producer.array);
    copies.set(value, copy);
    return copy;
  };
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((input) => input === null ? null : copyOf(input));
    const outputs = result.scope(node.scope, () => makeNode(result, node, inputs));
    for (const [index, output] of node.outputs.entries()) copies.set(output, outputs[index]!);
  }
  for (const [name, value] of graph.outputs) result.output(name, copyOf(value));
  return result;
}
