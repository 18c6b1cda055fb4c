/**
 * The form of a row of the gradient table, and what rules have at hand.
 *
 * @module
 */
import { formatShape, ndarray } from "../../array/mod.ts";
import { sameShape, type Shape } from "../dims.ts";
import type { Graph, Operand } from "../graph.ts";
import { GraphError } from "../operator.ts";
import type { OperatorName, ResolvedAttributes } from "../operators.ts";
import type { Node, Value } from "../value.ts";

/**
 * The gradient of one input, emitted when it is called. Its shape is the input's, or one that
 * broadcasts to it; a rule of an elementwise operator may also return the shape of the output, over
 * which is then summed where the input was broadcast.
 */
export type InputGradient = () => Value;

/**
 * A row of the gradient table: gradients of the inputs in order, from those of the outputs. Null
 * stands for an input that no gradient passes to: indices and axes, or where the derivative is zero.
 */
export type GradientRule<K extends OperatorName> = (
  context: GradientContext<K>,
) => readonly (InputGradient | null)[];

/** What a rule sees: the node, the gradients of its outputs, and the graph to add operators to. */
export class GradientContext<K extends OperatorName = OperatorName> {
  /** The graph. */
  readonly graph: Graph;
  /** Add an operator to the graph. */
  readonly op: Graph["op"] = (kind, inputs, ...attributes) =>
    this.graph.op(kind, inputs, ...attributes);
  /** The node that is differentiated. */
  readonly node: Node<K>;
  readonly #gradients: readonly (Value | null)[];
  #whole: Value | null = null;

  /** Bundle a node with the gradients of its outputs, null for those without. */
  constructor(graph: Graph, node: Node<K>, gradients: readonly (Value | null)[]) {
    this.graph = graph;
    this.node = node;
    this.#gradients = gradients;
  }

  /** The node's attributes. */
  get attributes(): ResolvedAttributes<K> {
    return this.node.attributes;
  }

  /** An input that is there. */
  input(index: number): Value {
    const value = this.node.inputs[index];
    return value ?? this.fail(`input ${index} is missing`);
  }

  /** An input that may have been left out. */
  optional(index: number): Value | null {
    return this.node.inputs[index] ?? null;
  }

  /** An output; an optional one that was left out is added to the node. */
  output(index: number): Value {
    return this.graph.outputOf(this.node as unknown as Node, index);
  }

  /** Gradient of an output, in its shape; zeros where nothing depends on it. */
  gradient(index: number): Value {
    const output = this.output(index);
    const gradient = this.#gradients[index];
    return gradient ? expandTo(this.graph, gradient, output) : this.zerosLike(output);
  }

  /** Gradient of the first output, in its shape. */
  get dy(): Value {
    return this.#whole ??= this.gradient(0);
  }

  /** Gradient of the first output in a shape that broadcasts to it: for elementwise use. */
  get dyBroadcast(): Value {
    return this.#gradients[0] ?? this.dy;
  }

  /** Zeros of the shape and element type of a value. */
  zerosLike(value: Value): Value {
    const zero = this.graph.constant(0, value.dtype);
    return value.shape.length === 0 ? zero : expandTo(this.graph, zero, value);
  }

  /** The value's elements in the shape of another one. */
  reshapeLike(value: Value, like: Value): Value {
    if (sameShape(value.shape, like.shape)) return value;
    return this.op("Reshape", [value, shapeOperand(this.graph, like)]);
  }

  /** Extents of a value, which this rule has to know while the graph is built. */
  extents(value: Value): number[] {
    return value.shape.map((dim) =>
      typeof dim === "number"
        ? dim
        : this.fail(`its gradient needs to know the extents of ${formatShape(value.shape)}`)
    );
  }

  /** The product of the extents of some axes. */
  count(value: Value, axes: readonly number[]): number {
    const extents = this.extents({ ...value, shape: axes.map((axis) => value.shape.at(axis)!) });
    return extents.reduce((product, extent) => product * extent, 1);
  }

  /** Axes in another order; a reshape where only axes of extent 1 move. */
  permute(value: Value, perm: readonly number[]): Value {
    const shape = perm.map((axis) => value.shape[axis]!);
    const order = perm.filter((axis) => value.shape[axis] !== 1);
    if (order.every((axis, i) => i === 0 || axis > order[i - 1]!)) {
      if (sameShape(shape, value.shape)) return value;
      if (isKnown(shape)) return this.op("Reshape", [value, shape]);
    }
    return this.op("Transpose", [value], { perm });
  }

  /** Refuse the node, by operator and name. */
  fail(message: string): never {
    throw new GraphError(`${this.node.operator} "${this.node.name}": ${message}`);
  }
}

/** True if all extents are numbers. */
export function isKnown(shape: Shape): shape is readonly number[] {
  return shape.every((dim) => typeof dim === "number");
}

/** The shape of a value as an operand: a constant where it is known, else read when the graph runs. */
export function shapeOperand(graph: Graph, value: Value): Operand {
  return isKnown(value.shape) ? value.shape : graph.op("Shape", [value]);
}

/** A value of a shape that broadcasts to that of another one, in the latter's shape. */
export function expandTo(graph: Graph, value: Value, like: Value): Value {
  if (sameShape(value.shape, like.shape)) return value;
  return graph.op("Expand", [value, shapeOperand(graph, like)]);
}

/**
 * Sum over all axes but the last, where their extents are known: a product with a vector of ones, which is several
 * times faster than a reduction of rows.
 *
 * @param graph The graph.
 * @param value The values (…, C).
 * @returns Shape (C).
 */
export function sumRows(graph: Graph, value: Value): Value {
  const lead = [...value.shape.keys()].slice(0, -1);
  const width = value.shape.at(-1)!;
  if (!isKnown(value.shape) || value.dtype !== "float32") {
    return graph.op("ReduceSum", [value, lead], { keepdims: false });
  }
  const rows = value.shape.slice(0, -1).reduce((product, extent) => product * extent, 1);
  const ones = ndarray("float32", [rows], new Float32Array(rows).fill(1));
  return graph.op("MatMul", [ones, graph.op("Reshape", [value, [rows, width as number]])]);
}

/**
 * Sum of a gradient over the axes along which a value was broadcast: the inverse of broadcasting.
 *
 * @param graph The graph.
 * @param gradient Gradient in the shape of the broadcast.
 * @param like The value that was broadcast.
 */
export function sumTo(graph: Graph, gradient: Value, like: Value): Value {
  const lead = gradient.shape.length - like.shape.length;
  if (like.shape.length === 1 && lead > 0 && like.shape[0] === gradient.shape.at(-1)) {
    return sumRows(graph, gradient);
  }
  const summed = [...gradient.shape.keys()].filter((axis) =>
    gradient.shape[axis] !== 1 && (axis < lead || like.shape[axis - lead] === 1)
  );
  const sum = summed.length === 0
    ? gradient
    : graph.op("ReduceSum", [gradient, summed], { keepdims: summed.some((axis) => axis >= lead) });
  if (sameShape(sum.shape, like.shape)) return sum;
  return graph.op("Reshape", [sum, shapeOperand(graph, like)]);
}

/** Rules by operator. */
export type GradientRules = { readonly [K in OperatorName]?: GradientRule<K> };
