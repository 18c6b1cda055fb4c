/**
 * A graph cut into stages at the sums over processes that it asks for, so that they can be made between two of
 * them.
 *
 * @module
 */
import { isAllReduce } from "./all_reduce.ts";
import { Graph } from "./graph.ts";
import { GraphError } from "./operator.ts";
import type { Node, Value } from "./value.ts";

/** A stage: a graph whose inputs are those of the whole, or outputs of stages before it. */
export interface Stage {
  /** The graph. */
  readonly graph: Graph;
  /** Names of outputs that later stages take as inputs; they are no outputs of the whole. */
  readonly carried: readonly string[];
  /** Names of outputs that are to be summed over all processes before the next stage runs. */
  readonly summed: readonly string[];
}

/** How a value of the whole graph is known between stages. */
const CARRIED = "carried/";
const SUMMED = "summed/";

/**
 * Cut a graph where it asks for a sum over processes; each node is in the first stage in which it can
 * run. What leads to no output is left out.
 *
 * @param graph The graph, with known extents where it is cut.
 * @returns The stages in order; a single one where the graph asks for no sum.
 * @throws {GraphError} If a sum is asked for of what is no float32.
 */
export function cutIntoStages(graph: Graph): Stage[] {
  const nodes = neededNodes(graph);
  const stageOf = new Map<Node, number>();
  const arrival = (value: Value): number => {
    if (value.producer.kind !== "node") return 0;
    const { node } = value.producer;
    return stageOf.get(node)! + (isAllReduce(node) ? 1 : 0);
  };
  for (const node of nodes) {
    stageOf.set(node, Math.max(0, ...presentInputs(node).map(arrival)));
  }
  const outputs = [...graph.outputs.values()].map(arrival);
  const count = Math.max(0, ...stageOf.values(), ...outputs) + 1;
  const builders = Array.from({ length: count }, (_, i) => new StageBuilder(graph, i));
  for (const node of nodes) builders[stageOf.get(node)!]!.add(node, builders);
  for (const [name, value] of graph.outputs) {
    const { producer } = value;
    // A sum is made when its stage is over, so that the next one hands it on.
    const stage = producer.kind === "node" ? arrival(value) : 0;
    builders[stage]!.output(name, value, builders);
  }
  return builders.map((builder) => builder.finish());
}

class StageBuilder {
  readonly #index: number;
  readonly #graph: Graph;
  /** Values of the whole graph as this stage has them. */
  readonly #values = new Map<Value, Value>();
  readonly #carried = new Map<Value, string>();
  readonly #summed = new Map<Value, string>();

  constructor(whole: Graph, index: number) {
    this.#index = index;
    this.#graph = new Graph(`${whole.name}.${index}`);
  }

  add(node: Node, builders: readonly StageBuilder[]): void {
    const inputs = node.inputs.map((input) => input && this.#value(input, builders));
    if (isAllReduce(node)) return this.#sum(node, inputs[0]!);
    const made = this.#graph.scope(node.scope, () => this.#graph.repeat(node, inputs));
    node.outputs.forEach((output, i) => this.#values.set(output, made[i]!));
  }

  output(name: string, value: Value, builders: readonly StageBuilder[]): void {
    this.#graph.output(name, this.#value(value, builders));
  }

  finish(): Stage {
    // Carried values are named last: an output of the whole keeps its own name and place.
    for (const [value, name] of this.#summed) this.#graph.output(name, this.#identity(value));
    for (const [value, name] of this.#carried) this.#graph.output(name, value);
    return {
      graph: this.#graph,
      carried: [...this.#carried.values()],
      summed: [...this.#summed.values()],
    };
  }

  /** Sums are made in place, where nothing else may need the number before. */
  #identity(value: Value): Value {
    return this.#graph.op("Identity", [value]);
  }

  #sum(node: Node, value: Value): void {
    if (value.dtype !== "float32") {
      throw new GraphError(`Cannot sum "${node.name}" over processes as it is ${value.dtype}`);
    }
    this.#summed.set(value, SUMMED + node.outputs[0]!.name);
  }

  /** A value of the whole graph in this one. */
  #value(value: Value, builders: readonly StageBuilder[]): Value {
    const known = this.#values.get(value);
    if (known !== undefined) return known;
    const made = this.#make(value, builders);
    this.#values.set(value, made);
    return made;
  }

  #make(value: Value, builders: readonly StageBuilder[]): Value {
    const { producer, name, dtype, shape } = value;
    switch (producer.kind) {
      case "constant":
        return this.#graph.constant(producer.array);
      case "input":
        return this.#graph.input(name, dtype, shape);
      case "parameter":
        return this.#graph.parameter(name, dtype, shape as readonly number[], {
          init: producer.init,
          trainable: producer.trainable,
        });
      case "node": {
        if (isAllReduce(producer.node)) return this.#graph.input(SUMMED + name, dtype, shape);
        const before = builders.find((other) => other.#values.has(value));
        if (before === undefined || before.#index >= this.#index) {
          throw new GraphError(`"${name}" is needed before it is computed`);
        }
        return this.#graph.input(before.#carry(value), dtype, shape);
      }
    }
  }

  #carry(value: Value): string {
    const own = this.#values.get(value)!;
    const name = CARRIED + value.name;
    this.#carried.set(own, name);
    return name;
  }
}

function presentInputs(node: Node): Value[] {
  return node.inputs.filter((input) => input !== null);
}

/** Nodes that lead to an output, in order. */
function neededNodes(graph: Graph): Node[] {
  const needed = new Set<Node>();
  const add = (value: Value) => {
    if (value.producer.kind === "node") needed.add(value.producer.node);
  };
  for (const value of graph.outputs.values()) add(value);
  for (const node of [...graph.nodes].reverse()) {
    if (needed.has(node)) presentInputs(node).forEach(add);
  }
  return graph.nodes.filter((node) => needed.has(node));
}
