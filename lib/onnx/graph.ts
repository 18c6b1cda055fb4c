/**
 * The graph builder. Networks are functions that add operators to a {@linkcode Graph}; shapes and
 * element types are inferred and checked as operators are added.
 *
 * @module
 */
import { createHash } from "node:crypto";
import {
  bytesOf,
  type DataType,
  formatShape,
  type NdArray,
  ndarray,
  TYPED_ARRAY_CONSTRUCTORS,
} from "../array/mod.ts";
import { isAllReduce, markAllReduce } from "./all_reduce.ts";
import type { Shape } from "./dims.ts";
import { type AttributeValue, GraphError, Inference, type Operator } from "./operator.ts";
import {
  type GivenAttributes,
  type OperatorName,
  OPERATORS,
  type ResolvedAttributes,
} from "./operators.ts";
import type { Initializer, Node, Value } from "./value.ts";

/**
 * What an operator takes as an input: a value; null for an optional input that is left out; a number,
 * which becomes a scalar of the element type of the first value that is not bool; a list of integers, which becomes an
 * int64 vector (shapes, axes, …); or an array, which becomes a constant.
 */
export type Operand = Value | NdArray | number | readonly number[] | null;

/** Attributes as the last argument: none, or one that may be left out unless some are required. */
export type AttributeArguments<K extends OperatorName> = keyof GivenAttributes<K> extends never ? []
  : Record<never, never> extends GivenAttributes<K> ? [attributes?: GivenAttributes<K>]
  : [attributes: GivenAttributes<K>];

/** A list of `N` values. */
export type Values<N extends number, T extends readonly Value[] = []> = number extends N ? Value[]
  : T["length"] extends N ? T
  : Values<N, readonly [...T, Value]>;

/** Options of {@linkcode Graph.parameter}. */
export interface ParameterOptions {
  /** How its elements are drawn before training; zeros where left out. */
  readonly init?: Initializer;
  /** False for what an optimizer must not touch, such as running statistics; true where left out. */
  readonly trainable?: boolean;
}

/**
 * A network under construction: values, and the nodes that compute them in an order in which they
 * can run.
 *
 * Values and nodes are immutable, except that {@linkcode Graph.outputOf} may add an optional output
 * to a node. Nothing is ever removed; what leads to no output is left out by the encoder.
 *
 * @example
 * ```ts
 * import { Graph } from "swath";
 *
 * const graph = new Graph("classifier");
 * const x = graph.input("x", "float32", ["batch", 32]);
 * const y = graph.scope("head", () => {
 *   const weight = graph.parameter("head.weight", "float32", [10, 32]);
 *   return graph.op("Gemm", [x, weight], { transB: true });
 * });
 * graph.output("logits", y);
 * if (y.shape.join() !== "batch,10") throw new Error("shape inference");
 * ```
 */
export class Graph {
  /** Name of the graph. */
  readonly name: string;
  readonly #nodes: Node[] = [];
  readonly #inputs: Value[] = [];
  readonly #parameters = new Map<string, Value>();
  readonly #constants = new Map<string, Value>();
  readonly #outputs = new Map<string, Value>();
  /** Every value of this graph by name. */
  readonly #values = new Map<string, Value>();
  readonly #nodeNames = new Map<string, number>();
  #scope = "";

  /** Start an empty graph. */
  constructor(name: string) {
    this.name = name;
  }

  /** Nodes in the order in which they were added, which is an order in which they can run. */
  get nodes(): readonly Node[] {
    return this.#nodes;
  }

  /** Inputs in order; parameters are not among them. */
  get inputs(): readonly Value[] {
    return this.#inputs;
  }

  /** Parameters by name, in order. */
  get parameters(): ReadonlyMap<string, Value> {
    return this.#parameters;
  }

  /** Constants in order. */
  get constants(): readonly Value[] {
    return [...this.#constants.values()];
  }

  /** Outputs by name, in order. */
  get outputs(): ReadonlyMap<string, Value> {
    return this.#outputs;
  }

  /** The current module path, such as `encoder/block.0.1`; empty at the top. */
  get currentScope(): string {
    return this.#scope;
  }

  /**
   * Add an input, which is fed at every run.
   *
   * @param name Its name.
   * @param dtype Element type.
   * @param shape Extents; symbols such as `"batch"` where the number is known at run time.
   */
  input(name: string, dtype: DataType, shape: Shape): Value {
    const value = this.#addValue({ name, dtype, shape, producer: { kind: "input" } });
    this.#inputs.push(value);
    return value;
  }

  /**
   * Add a named weight. Its elements are given to the encoder, or fed like an input.
   *
   * @param name Its name on disk, such as `segformer.encoder.patch_embeddings.0.proj.weight`.
   * @param dtype Element type.
   * @param shape Extents.
   * @param options How it is drawn, and whether it is trained.
   * @throws {GraphError} If the name is taken.
   */
  parameter(
    name: string,
    dtype: DataType,
    shape: readonly number[],
    options: ParameterOptions = {},
  ): Value {
    const { init = { kind: "constant", value: 0 }, trainable = true } = options;
    const producer = { kind: "parameter", trainable, init } as const;
    const value = this.#addValue({ name, dtype, shape, producer });
    this.#parameters.set(name, value);
    return value;
  }

  /**
   * A constant; equal ones (element type, shape and bytes) are the same value.
   *
   * @param data The array, kept without a copy: do not change it afterwards. A number is a scalar, a
   * list a vector.
   * @param dtype Element type of numbers and lists; float32 where left out.
   */
  constant(data: NdArray | number | readonly number[], dtype: DataType = "float32"): Value {
    const array = isNdArray(data) ? data : fromNumbers(data, dtype);
    const digest = createHash("sha256").update(bytesOf(array)).digest("base64");
    const key = `${array.dtype}[${array.shape.join()}]${digest}`;
    const known = this.#constants.get(key);
    if (known !== undefined) return known;
    const value = this.#addValue({
      name: `constant.${this.#constants.size}`,
      dtype: array.dtype,
      shape: array.shape,
      producer: { kind: "constant", array },
    });
    this.#constants.set(key, value);
    return value;
  }

  /**
   * Build a part of the network under a module path: nodes that `build` adds are named below it.
   *
   * @param path One or more path components, appended to the current path.
   * @param build Adds the nodes.
   * @returns What `build` returns.
   */
  scope<T>(path: string, build: () => T): T {
    const outer = this.#scope;
    this.#scope = outer === "" || path === "" ? outer + path : `${outer}/${path}`;
    try {
      return build();
    } finally {
      this.#scope = outer;
    }
  }

  /**
   * Add an operator of which the first output is wanted.
   *
   * @param kind Name of the operator.
   * @param inputs Inputs in the operator's order.
   * @param attributes Attributes in camelCase; what is left out has the standard's default.
   * @returns The first output. Optional ones can be had later with {@linkcode Graph.outputOf}.
   * @throws {GraphError} If inputs and attributes do not go together.
   */
  op<K extends OperatorName>(
    kind: K,
    inputs: readonly Operand[],
    ...attributes: AttributeArguments<K>
  ): Value {
    return this.#add(kind, 1, inputs, attributes[0]).outputs[0]!;
  }

  /**
   * Add an operator with several outputs.
   *
   * @param kind Name of the operator.
   * @param count Number of outputs.
   * @param inputs Inputs in the operator's order.
   * @param attributes Attributes in camelCase; what is left out has the standard's default.
   * @returns As many outputs as were asked for, in the operator's order.
   * @throws {GraphError} If inputs and attributes do not go together.
   */
  ops<K extends OperatorName, N extends number>(
    kind: K,
    count: N,
    inputs: readonly Operand[],
    ...attributes: AttributeArguments<K>
  ): Values<N> {
    return [...this.#add(kind, count, inputs, attributes[0]).outputs] as Values<N>;
  }

  /**
   * Add a node like one of another graph.
   *
   * @param node The other node, which gives operator, attributes and number of outputs.
   * @param inputs Inputs in the operator's order.
   * @returns The outputs in the operator's order.
   * @throws {GraphError} If inputs and attributes do not go together.
   */
  repeat(node: Node, inputs: readonly Operand[]): readonly Value[] {
    return this.#add(node.operator, node.outputs.length, inputs, node.attributes).outputs;
  }

  /**
   * Add a node like another one on other inputs, with as many outputs.
   *
   * @param node The node.
   * @param inputs Inputs in the operator's order.
   * @returns The new node.
   * @throws {GraphError} If the inputs do not go together.
   */
  copy(node: Node, inputs: readonly (Value | null)[]): Node {
    const copy = this.#add(node.operator, node.outputs.length, inputs, node.attributes);
    if (isAllReduce(node)) markAllReduce(copy);
    return copy;
  }

  /**
   * An output of a node that is already in the graph; an optional one that was left out, such as the
   * mean of a layer normalization that its gradient needs, is added to the node.
   *
   * @param node The node.
   * @param index Which of the operator's outputs.
   * @throws {GraphError} If the operator has no such output.
   */
  outputOf(node: Node, index: number): Value {
    const outputs = node.outputs as Value[];
    if (outputs.length <= index) {
      const types = this.#infer(node, index + 1);
      while (outputs.length <= index) {
        outputs.push(this.#outputValue(node, outputs.length, types[outputs.length]!));
      }
    }
    return outputs[index]!;
  }

  /**
   * Make a value an output of the graph.
   *
   * @param name Name of the output.
   * @param value Its value.
   * @throws {GraphError} If the name is taken.
   */
  output(name: string, value: Value): void {
    this.#checkOwner(value);
    const taken = this.#values.get(name);
    if (this.#outputs.has(name) || (taken !== undefined && taken !== value)) {
      throw new GraphError(`Cannot name an output "${name}" as the name is taken`);
    }
    // An output is a node's output under another name; whatever else it is passes through a node.
    const renamable = value.producer.kind === "node" &&
      ![...this.#outputs.values()].includes(value);
    this.#outputs.set(name, renamable ? value : this.op("Identity", [value]));
  }

  #add<K extends OperatorName>(
    kind: K,
    count: number,
    operands: readonly Operand[],
    given: object = {},
  ): Node {
    const name = this.#nodeName(kind);
    const row = OPERATORS[kind];
    const inputs = this.#inputsOf(operands);
    while (inputs.at(-1) === null) inputs.pop();
    const attributes: Record<string, AttributeValue | undefined> = {};
    for (const [attribute, spec] of Object.entries(row.attributes)) {
      attributes[attribute] = (given as typeof attributes)[attribute] ?? spec.default;
    }
    const signature = { operator: kind, name, inputNames: row.inputs };
    const context = new Inference(signature, inputs, attributes, count);
    checkArity(row, context);
    Object.assign(attributes, row.resolve?.(context));
    const node: Node<K> = {
      operator: kind,
      name,
      scope: this.#scope,
      inputs,
      attributes: attributes as ResolvedAttributes<K>,
      outputs: [],
    };
    const outputs = node.outputs as Value[];
    const types = this.#infer(node as unknown as Node, count);
    for (let index = 0; index < count; index++) {
      outputs.push(this.#outputValue(node as unknown as Node, index, types[index]!));
    }
    this.#nodes.push(node as unknown as Node);
    return node as unknown as Node;
  }

  #infer(node: Node, count: number) {
    const row = OPERATORS[node.operator];
    const signature = { operator: node.operator, name: node.name, inputNames: row.inputs };
    const context = new Inference(signature, node.inputs, node.attributes as never, count);
    if (count > row.outputs.length && !row.outputs.at(-1)!.endsWith("...")) {
      context.fail(`at most ${row.outputs.length} outputs can be asked for: current is ${count}`);
    }
    return row.infer(context);
  }

  #outputValue(node: Node, index: number, { dtype, shape }: { dtype: DataType; shape: Shape }) {
    const label = OPERATORS[node.operator].outputs[index]?.replace("?", "");
    const suffix = index === 0 ? "" : `:${label ?? index}`;
    return this.#addValue({
      name: node.name + suffix,
      dtype,
      shape,
      producer: { kind: "node", node, index },
    });
  }

  #inputsOf(operands: readonly Operand[]): (Value | null)[] {
    const first = operands.filter(isValue).find((value) => value.dtype !== "bool");
    return operands.map((operand) => {
      if (operand === null) return null;
      if (typeof operand === "number") return this.constant(operand, first?.dtype);
      if (isValue(operand)) {
        this.#checkOwner(operand);
        return operand;
      }
      if (isNdArray(operand)) return this.constant(operand);
      return this.constant(operand, "int64");
    });
  }

  #nodeName(kind: string): string {
    const base = this.#scope === "" ? kind : `${this.#scope}/${kind}`;
    const count = this.#nodeNames.get(base) ?? 0;
    this.#nodeNames.set(base, count + 1);
    return count === 0 ? base : `${base}_${count}`;
  }

  #addValue(value: Value): Value {
    if (value.name === "") throw new GraphError("Cannot add a value without a name");
    if (this.#values.has(value.name)) {
      throw new GraphError(
        `Cannot add "${value.name}" (${value.dtype} ${
          formatShape(value.shape)
        }) as the name is taken`,
      );
    }
    this.#values.set(value.name, value);
    return value;
  }

  #checkOwner(value: Value): void {
    if (this.#values.get(value.name) !== value) {
      throw new GraphError(`"${value.name}" is not a value of graph "${this.name}"`);
    }
  }
}

/** Refuse too few or too many inputs or outputs. */
function checkArity(row: Operator, context: Inference<unknown>): void {
  const variadic = row.inputs.at(-1)!.endsWith("...");
  if (!variadic && context.inputs.length > row.inputs.length) {
    context.fail(
      `at most ${row.inputs.length} inputs can be given: current is ${context.inputs.length}`,
    );
  }
  const required = row.inputs.filter((name) => !name.endsWith("?")).length;
  for (let index = 0; index < required; index++) context.input(index);
}

function isValue(operand: Operand): operand is Value {
  return typeof operand === "object" && operand !== null && "producer" in operand;
}

function isNdArray(operand: NdArray | number | readonly number[]): operand is NdArray {
  return typeof operand === "object" && "data" in operand;
}

function fromNumbers(data: number | readonly number[], dtype: DataType): NdArray {
  const shape = typeof data === "number" ? [] : [data.length];
  const array = ndarray(
    dtype,
    shape,
    new TYPED_ARRAY_CONSTRUCTORS[dtype](typeof data === "number" ? 1 : data.length),
  );
  const list = typeof data === "number" ? [data] : data;
  if (array.data instanceof BigInt64Array || array.data instanceof BigUint64Array) {
    array.data.set(list.map(BigInt));
  } else {
    array.data.set(list);
  }
  return array;
}

/**
 * The nodes, inputs, parameters and constants that lead to an output, in the graph's order.
 *
 * @returns The reachable part; inputs are all there, as they are the graph's contract.
 */
export function reachable(
  graph: Graph,
): { nodes: Node[]; parameters: Value[]; constants: Value[] } {
  const needed = new Set<Value>(graph.outputs.values());
  const nodes: Node[] = [];
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some((output) => needed.has(output))) continue;
    nodes.push(node);
    for (const input of node.inputs) if (input !== null) needed.add(input);
  }
  return {
    nodes: nodes.reverse(),
    parameters: [...graph.parameters.values()].filter((value) => needed.has(value)),
    constants: graph.constants.filter((value) => needed.has(value)),
  };
}
