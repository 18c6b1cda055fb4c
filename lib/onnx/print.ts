/**
 * Graphs as text, for people and for golden tests: one line a node, indented by module path.
 *
 * @module
 */
import { formatShape, type NdArray } from "../array/mod.ts";
import { givenAttributes } from "./encode.ts";
import { type Graph, reachable } from "./graph.ts";
import { OPERATORS } from "./operators.ts";
import type { Node, Value } from "./value.ts";

/** Constants of at most this many elements are written out. */
const MAX_LISTED_ELEMENTS = 16;

/**
 * A graph as text. Values are numbered in the order in which they are computed; small constants
 * stand where they are used; nodes that lead to no output are left out.
 *
 * @param graph The graph.
 * @returns Lines, each ended by a line feed.
 *
 * @example
 * ```ts
 * import { Graph, printGraph } from "swath";
 *
 * const graph = new Graph("double");
 * graph.output("y", graph.op("Mul", [graph.input("x", "float32", ["n"]), 2]));
 * const text = `graph double
 *   input x: float32 n
 *   %0: float32 n = Mul(x, 2)
 *   output y = %0
 * `;
 * if (printGraph(graph) !== text) throw new Error(printGraph(graph));
 * ```
 */
export function printGraph(graph: Graph): string {
  const { nodes, parameters } = reachable(graph);
  const numbers = new Map<Value, string>();
  const reference = (value: Value | null): string => {
    if (value === null) return "_";
    if (value.producer.kind === "constant") return printConstant(value.producer.array);
    return numbers.get(value) ?? value.name;
  };
  const lines = [`graph ${graph.name}`];
  for (const value of graph.inputs) lines.push(`  input ${typed(value.name, value)}`);
  for (const value of parameters) {
    const { producer } = value;
    const kind = producer.kind === "parameter" && !producer.trainable ? "buffer" : "parameter";
    lines.push(`  ${kind} ${typed(value.name, value)}`);
  }
  let path: readonly string[] = [];
  for (const node of nodes) {
    const next = node.scope === "" ? [] : node.scope.split("/");
    let common = 0;
    while (common < path.length && path[common] === next[common]) common++;
    for (let depth = common; depth < next.length; depth++) {
      lines.push(`${indent(depth)}${next[depth]}:`);
    }
    path = next;
    const outputs = node.outputs.map((value) => {
      numbers.set(value, `%${numbers.size}`);
      return typed(numbers.get(value)!, value);
    });
    lines.push(`${indent(path.length)}${outputs.join(", ")} = ${printCall(node, reference)}`);
  }
  for (const [name, value] of graph.outputs) lines.push(`  output ${name} = ${reference(value)}`);
  return lines.join("\n") + "\n";
}

function indent(depth: number): string {
  return "  ".repeat(depth + 1);
}

function typed(name: string, { dtype, shape }: Value): string {
  return `${name}: ${dtype} ${formatShape(shape)}`;
}

function printCall(node: Node, reference: (value: Value | null) => string): string {
  const { domain } = OPERATORS[node.operator];
  const name = domain === "" ? node.operator : `${domain}.${node.operator}`;
  const attributes = givenAttributes(node).map(([key, value]) =>
    `${key}=${Array.isArray(value) ? `[${value.join(", ")}]` : value}`
  );
  const call = `${name}(${node.inputs.map(reference).join(", ")})`;
  return [call, ...attributes].join(" ");
}

function printConstant(array: NdArray): string {
  const { dtype, shape, data } = array;
  if (data.length > MAX_LISTED_ELEMENTS) return `constant<${dtype} ${formatShape(shape)}>`;
  const elements = Array.from(data, String).join(", ");
  return shape.length === 0 ? elements : `[${elements}]`;
}
