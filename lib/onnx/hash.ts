/**
 * A fingerprint of a graph, by which a refactoring shows that it builds the same network.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { bytesOf } from "../array/mod.ts";
import { givenAttributes } from "./encode.ts";
import { type Graph, reachable } from "./graph.ts";
import { OPERATORS } from "./operators.ts";
import type { Value } from "./value.ts";

/**
 * Hash of what a graph computes: operators in order, attributes, shapes, constants, and the names of
 * inputs, parameters and outputs. Names of nodes and elements of parameters do not count.
 *
 * @param graph The graph.
 * @returns SHA-256 in hexadecimal.
 */
export function hashGraph(graph: Graph): string {
  const hash = createHash("sha256");
  const line = (...words: unknown[]) => hash.update(JSON.stringify(words) + "\n");
  const { nodes, parameters, constants } = reachable(graph);
  const numbers = new Map<Value, number>();
  const number = (value: Value) => numbers.set(value, numbers.size);
  for (const value of [...graph.inputs, ...parameters]) {
    const { producer, name, dtype, shape } = value;
    const trainable = producer.kind === "parameter" && producer.trainable;
    line(producer.kind, trainable, name, dtype, shape);
    number(value);
  }
  for (const value of constants) {
    if (value.producer.kind !== "constant") continue;
    const { array } = value.producer;
    line("constant", array.dtype, array.shape);
    hash.update(bytesOf(array));
    number(value);
  }
  for (const node of nodes) {
    line(
      OPERATORS[node.operator].domain,
      node.operator,
      node.inputs.map((value) => value === null ? null : numbers.get(value)),
      givenAttributes(node).sort(([a], [b]) => a < b ? -1 : 1),
      node.outputs.map(({ dtype, shape }) => [dtype, shape]),
    );
    node.outputs.forEach(number);
  }
  for (const [name, value] of graph.outputs) line("output", name, numbers.get(value));
  return hash.digest("hex");
}
