/**
 * Activations computed once more instead of kept: Chen, Xu, Zhang and Guestrin, "Training deep nets with
 * sublinear memory cost" (2016), https://arxiv.org/abs/1604.06174.
 *
 * @module
 */
import type { Graph } from "../graph.ts";
import { isOperator, type Node, type Value } from "../value.ts";
import { normalProbability } from "./elementwise.ts";

/** The part that a node belongs to, whose activations are computed again as one; null to keep them. */
export type RecomputedPart = (node: Node) => string | null;

/**
 * Copies of nodes for the backward pass, which depend on the gradient that arrives at their part: they can
 * neither run before it nor be merged with the originals.
 */
export class Recomputation {
  readonly #graph: Graph;
  readonly #partOf: RecomputedPart;
  readonly #members = new Map<string, Node[]>();
  readonly #copies = new Map<string, ReadonlyMap<Node, Node>>();
  /** What stands for values in the backward pass, outside of parts. */
  readonly #values = new Map<Value, Value>();

  /** Group the nodes of a graph, in order. */
  constructor(graph: Graph, nodes: readonly Node[], partOf: RecomputedPart) {
    this.#graph = graph;
    this.#partOf = partOf;
    for (const node of nodes) {
      const part = partOf(node);
      if (part !== null) this.#members.set(part, [...this.#members.get(part) ?? [], node]);
    }
  }

  /**
   * The node that the backward pass reads instead of a node of the forward pass.
   *
   * @param node The node.
   * @param gradient A gradient that arrives at its part.
   */
  copyOf(node: Node, gradient: Value): Node {
    const part = this.#partOf(node);
    if (part === null) return this.#readingAgain(node, gradient);
    let copies = this.#copies.get(part);
    if (copies === undefined) {
      copies = this.#copyPart(this.#members.get(part)!, gradient);
      this.#copies.set(part, copies);
    }
    return copies.get(node)!;
  }

  /**
   * The value that the backward pass reads instead of a value of the forward pass.
   *
   * @param value The value.
   * @param reader The node whose gradient reads it; values of other parts are kept.
   * @param gradient A gradient that arrives at its part.
   */
  valueOf(value: Value, reader: Node, gradient: Value): Value {
    if (value.producer.kind !== "node") return value;
    const { node, index } = value.producer;
    const part = this.#partOf(node);
    if (part === null || part !== this.#partOf(reader)) return value;
    return this.copyOf(node, gradient).outputs[index]!;
  }

  /** The node, reading outputs of activation functions that are computed again. */
  #readingAgain(node: Node, gradient: Value): Node {
    const inputs = node.inputs.map((input) => input === null ? null : this.#again(input, gradient));
    return inputs.some((input, i) => input !== node.inputs[i]) ? { ...node, inputs } : node;
  }

  /**
   * The same elements from what is kept anyway: Gelu's gradient needs its input alone, so that its output is computed
   * again in a pass or two, instead of keeping it for the product that follows.
   */
  #again(value: Value, gradient: Value): Value {
    if (value.producer.kind !== "node") return value;
    const known = this.#values.get(value);
    if (known !== undefined) return known;
    const { node } = value.producer;
    let copy = value;
    if (isExactGelu(node)) {
      copy = this.#geluAgain(node);
    } else if (node.operator === "Gelu") {
      copy = this.#copyPart([node], gradient).get(node)!.outputs[0]!;
    } else if (node.operator === "Reshape") {
      const [source, shape] = node.inputs as [Value, Value];
      const again = this.#again(source, gradient);
      if (again !== source) copy = this.#graph.copy(node, [again, shape]).outputs[0]!;
    }
    this.#values.set(value, copy);
    return copy;
  }

  /** x·Φ(x), whose gradient needs Φ(x) anyway. */
  #geluAgain({ scope, inputs }: Node): Value {
    const x = inputs[0]!;
    return this.#graph.scope(
      `recompute/${scope}`,
      () => this.#graph.op("Mul", [x, normalProbability(this.#graph, x)]),
    );
  }

  #copyPart(nodes: readonly Node[], gradient: Value): Map<Node, Node> {
    const graph = this.#graph;
    const one = graph.op("Slice", [graph.op("Reshape", [gradient, [-1]]), [0], [1], [0]]);
    const nothing = graph.op("Mul", [one, 0]);
    const values = new Map<Value, Value>();
    const copied = (value: Value): Value => {
      const known = values.get(value);
      if (known !== undefined) return known;
      const arrives = value.producer.kind === "node" && value.dtype === gradient.dtype;
      const copy = arrives ? graph.op("Add", [value, nothing]) : value;
      values.set(value, copy);
      return copy;
    };
    return new Map(nodes.map((node) => {
      const inputs = node.inputs.map((input) => input === null ? null : copied(input));
      const copy = graph.scope(`recompute/${node.scope}`, () => graph.copy(node, inputs));
      for (const [i, output] of node.outputs.entries()) values.set(output, copy.outputs[i]!);
      return [node, copy];
    }));
  }
}

function isExactGelu(node: Node): boolean {
  return isOperator(node, "Gelu") && node.attributes.approximate === "none";
}
