/**
 * Reverse-mode differentiation of graphs: one table of rules, which emit operators into the same
 * graph, and one walk.
 *
 * @module
 */
import type { DataType } from "../array/mod.ts";
import { sameShape, type Shape } from "./dims.ts";
import type { Graph } from "./graph.ts";
import { CONVOLUTION_GRADIENTS } from "./gradients/convolution.ts";
import { ELEMENTWISE_GRADIENTS } from "./gradients/elementwise.ts";
import { LAYOUT_GRADIENTS } from "./gradients/layout.ts";
import { NORMALIZATION_GRADIENTS } from "./gradients/normalization.ts";
import { PRODUCT_GRADIENTS } from "./gradients/products.ts";
import { REDUCTION_GRADIENTS } from "./gradients/reduction.ts";
import { Recomputation, type RecomputedPart } from "./gradients/recompute.ts";
import { expandTo, GradientContext, type GradientRule, sumTo } from "./gradients/rule.ts";
import { GraphError } from "./operator.ts";
import type { OperatorName } from "./operators.ts";
import type { Node, Value } from "./value.ts";

/** Rules by operator. */
const GRADIENTS: Readonly<Partial<Record<OperatorName, GradientRule<OperatorName>>>> = {
  ...ELEMENTWISE_GRADIENTS,
  ...PRODUCT_GRADIENTS,
  ...CONVOLUTION_GRADIENTS,
  ...NORMALIZATION_GRADIENTS,
  ...REDUCTION_GRADIENTS,
  ...LAYOUT_GRADIENTS,
} as Partial<Record<OperatorName, GradientRule<OperatorName>>>;

/** Operators whose inputs are broadcast to the shape of the output, and whose rules count on it. */
const BROADCASTING: ReadonlySet<string> = new Set([
  ...Object.keys(ELEMENTWISE_GRADIENTS),
  "Expand",
]);

const FLOATING: ReadonlySet<DataType> = new Set(["float16", "float32", "float64"]);

/** Values that count as constants. */
const STOPPED = new WeakSet<Value>();

/**
 * Declare a value a constant for differentiation: no gradient passes through it.
 *
 * @param value The value.
 * @returns The same value.
 */
export function stopGradient(value: Value): Value {
  STOPPED.add(value);
  return value;
}

/** A value computed by several nodes whose gradient is given as a whole. */
interface Composite {
  readonly inputs: readonly Value[];
  readonly gradient: CompositeGradient;
}

/**
 * Gradients of the inputs of several nodes, from that of their result.
 *
 * @param dy Gradient of the result, in its shape.
 * @param read What stands for a value of the forward pass in the backward pass: the value itself, or its copy where
 * it is computed again.
 * @returns The gradient of each input, in its shape.
 */
export type CompositeGradient = (dy: Value, read: (value: Value) => Value) => readonly Value[];

/** Results by value. */
const COMPOSITES = new WeakMap<Value, Composite>();

/**
 * Declare how a value computed by several nodes is differentiated as a whole, where that takes less than the
 * gradient of each. Nothing outside of these nodes may read what they compute on the way.
 *
 * @param value The result.
 * @param inputs The values that it is computed from.
 * @param gradient Their gradients.
 * @returns The same value.
 */
export function withGradient(
  value: Value,
  inputs: readonly Value[],
  gradient: CompositeGradient,
): Value {
  COMPOSITES.set(value, { inputs, gradient });
  return value;
}

/** True if the operator can be differentiated. */
export function hasGradient(operator: OperatorName): boolean {
  return operator in GRADIENTS;
}

/** Options of {@linkcode differentiate}. */
export interface DifferentiateOptions {
  /**
   * Parts of the network whose activations are computed again by the backward pass instead of kept: the
   * part's name for each node, or null. What enters a part is kept.
   */
  readonly recompute?: RecomputedPart;
}

/**
 * Add to a graph what computes the gradient of a scalar.
 *
 * Only nodes on a way from a wanted value to the loss are visited; what is frozen costs nothing.
 * Integer and boolean values end a way: indices and comparisons have no gradient.
 *
 * @param graph The graph. Nodes are added under `gradient/` and the path of the node that they belong to.
 * @param loss A floating-point scalar.
 * @param wrt The values whose gradients are wanted.
 * @param options What to compute again instead of keeping it.
 * @returns The gradient of each wanted value, in its shape; zeros where the loss does not depend on it.
 * @throws {GraphError} If the loss is not a scalar, or an operator on the way has no gradient.
 *
 * @example
 * ```ts
 * import { createSession, differentiate, Graph, ndarray } from "swath";
 *
 * const graph = new Graph("square");
 * const x = graph.input("x", "float32", []);
 * graph.output("slope", differentiate(graph, graph.op("Mul", [x, x]), [x]).get(x)!);
 * const session = await createSession(graph, { device: "cpu" });
 * const { slope } = await session.run({ x: ndarray("float32", [], new Float32Array([3])) });
 * await session.release();
 * if (slope?.data[0] !== 6) throw new Error("2x");
 * ```
 */
export function differentiate(
  graph: Graph,
  loss: Value,
  wrt: readonly Value[],
  options: DifferentiateOptions = {},
): Map<Value, Value> {
  if (loss.shape.length !== 0 || !FLOATING.has(loss.dtype)) {
    throw new GraphError(
      `Cannot differentiate "${loss.name}" as it is not a floating-point scalar: ` +
        `it is ${loss.dtype} ${loss.shape.join("x") || "scalar"}`,
    );
  }
  const nodes = [...graph.nodes];
  const dependent = dependentValues(nodes, wrt);
  const gradients = new Map<Value, Value>();
  const wanted = new Set(wrt);
  const recomputation = new Recomputation(graph, nodes, options.recompute ?? (() => null));
  graph.scope("gradient", () => {
    if (dependent.has(loss)) gradients.set(loss, graph.constant(1, loss.dtype));
    for (const node of nodes.reverse()) {
      const received = node.outputs.map((output) => gradients.get(output) ?? null);
      const arrived = received.find((gradient) => gradient !== null);
      if (arrived === undefined) continue;
      const composite = COMPOSITES.get(node.outputs[0]!);
      graph.scope(node.scope, () => {
        const passed = composite === undefined
          ? inputGradients(
            graph,
            node,
            recomputation.copyOf(node, arrived),
            received,
            dependent,
          )
          : compositeGradients(
            composite,
            expandTo(graph, arrived, node.outputs[0]!),
            (value) => recomputation.valueOf(value, node, arrived),
            dependent,
          );
        for (const [input, gradient] of passed) {
          const sum = gradients.get(input);
          gradients.set(input, sum === undefined ? gradient : graph.op("Add", [sum, gradient]));
        }
      });
      // Gradients of what is computed on the way are used up.
      for (const output of node.outputs) if (!wanted.has(output)) gradients.delete(output);
    }
  });
  return new Map(wrt.map((value) => {
    const gradient = gradients.get(value) ?? graph.constant(0, value.dtype);
    return [value, graph.scope("gradient", () => expandTo(graph, gradient, value))];
  }));
}

/** The values through which the wanted ones lead on: where gradients pass. */
function dependentValues(nodes: readonly Node[], wrt: readonly Value[]): Set<Value> {
  const dependent = new Set<Value>(wrt.filter((value) => FLOATING.has(value.dtype)));
  for (const node of nodes) {
    if (!node.inputs.some((input) => input !== null && dependent.has(input))) continue;
    for (const output of node.outputs) {
      if (FLOATING.has(output.dtype) && !STOPPED.has(output)) dependent.add(output);
    }
  }
  return dependent;
}

/**
 * Gradients of the inputs of one node that lead on to a wanted value.
 *
 * @param source The node whose inputs and outputs the rule reads: the node itself or a copy.
 */
function* inputGradients(
  graph: Graph,
  node: Node,
  source: Node,
  received: readonly (Value | null)[],
  dependent: ReadonlySet<Value>,
): Generator<[Value, Value]> {
  const rule = GRADIENTS[node.operator];
  if (rule === undefined) {
    throw new GraphError(
      `Cannot differentiate ${node.operator} "${node.name}" as the operator has no gradient`,
    );
  }
  const extra = received.findIndex((gradient, index) => index > 0 && gradient !== null);
  if (extra > 0 && node.operator !== "Split") {
    throw new GraphError(
      `Cannot differentiate ${node.operator} "${node.name}" through its output ${extra}`,
    );
  }
  const context = new GradientContext(graph, source, received);
  for (const [index, gradient] of rule(context).entries()) {
    const input = node.inputs[index] ?? null;
    if (gradient === null || input === null || !dependent.has(input)) continue;
    yield [input, fit(graph, node, gradient(), input)];
  }
}

/** Gradients of the inputs of a composite that lead on to a wanted value. */
function* compositeGradients(
  { inputs, gradient }: Composite,
  dy: Value,
  read: (value: Value) => Value,
  dependent: ReadonlySet<Value>,
): Generator<[Value, Value]> {
  for (const [index, value] of gradient(dy, read).entries()) {
    if (dependent.has(inputs[index]!)) yield [inputs[index]!, value];
  }
}

/** A rule's gradient summed over the axes along which the input was broadcast. */
function fit(graph: Graph, node: Node, gradient: Value, input: Value): Value {
  const output = node.outputs[0]!;
  const broadcast = BROADCASTING.has(node.operator) && !sameShape(input.shape, output.shape);
  const whole = broadcast ? expandTo(graph, gradient, output) : gradient;
  return broadcastsTo(whole.shape, input.shape) ? whole : sumTo(graph, whole, input);
}

/** True if elements of the first shape stand for those of the second by broadcasting. */
function broadcastsTo(shape: Shape, target: Shape): boolean {
  const lead = target.length - shape.length;
  return lead >= 0 && shape.every((dim, axis) => dim === 1 || dim === target[axis + lead]);
}
