/**
 * A reference evaluator of graphs: double precision, plain loops, no optimization. It is what gradients
 * are tested against, where finite differences in single precision would tell little.
 *
 * @module
 */
import { type DataType, elementCount, formatShape, type NdArray, ndarray } from "../array/mod.ts";
import { evaluateDim } from "./dims.ts";
import { CONVOLUTION_KERNELS } from "./evaluate/convolution.ts";
import { ELEMENTWISE_KERNELS } from "./evaluate/elementwise.ts";
import { LAYOUT_KERNELS } from "./evaluate/layout.ts";
import { NORMALIZATION_KERNELS } from "./evaluate/normalization.ts";
import { PRODUCT_KERNELS } from "./evaluate/products.ts";
import { REDUCTION_KERNELS } from "./evaluate/reduction.ts";
import type { Kernel, Tensor } from "./evaluate/tensor.ts";
import type { Graph } from "./graph.ts";
import { GraphError, Inference } from "./operator.ts";
import { type OperatorName, OPERATORS } from "./operators.ts";
import type { Node, Value } from "./value.ts";

const KERNELS = {
  ...ELEMENTWISE_KERNELS,
  ...PRODUCT_KERNELS,
  ...CONVOLUTION_KERNELS,
  ...NORMALIZATION_KERNELS,
  ...REDUCTION_KERNELS,
  ...LAYOUT_KERNELS,
} as unknown as Readonly<Record<OperatorName, Kernel<OperatorName>>>;

/**
 * Compute values of a graph in double precision, whatever its element types; integers are exact up to 2⁵³.
 *
 * @param graph The graph.
 * @param feeds An array for every input and parameter that the values depend on, by name.
 * @param values What to compute.
 * @returns The values in order; float64.
 * @throws {GraphError} If an array is missing or has another shape.
 *
 * @example
 * ```ts
 * import { evaluateGraph, Graph, ndarray } from "swath";
 *
 * const graph = new Graph("sum");
 * const x = graph.input("x", "float32", [3]);
 * const feeds = { x: ndarray("float32", [3], new Float32Array([1, 2, 3])) };
 * const [sum] = evaluateGraph(graph, feeds, [graph.op("ReduceSum", [x])]);
 * if (sum?.data[0] !== 6) throw new Error("1 + 2 + 3");
 * ```
 */
export function evaluateGraph(
  graph: Graph,
  feeds: Readonly<Record<string, NdArray>>,
  values: readonly Value[],
): NdArray<"float64">[] {
  const known = new Map<Value, Tensor>();
  for (const value of [...graph.inputs, ...graph.parameters.values()]) {
    const array = feeds[value.name];
    if (array !== undefined) known.set(value, toTensor(array));
  }
  for (const value of graph.constants) {
    if (value.producer.kind === "constant") known.set(value, toTensor(value.producer.array));
  }
  for (const node of neededNodes(graph, values)) {
    for (const [index, output] of evaluateNode(node, known).entries()) {
      const value = node.outputs[index];
      if (value !== undefined) known.set(value, output);
    }
  }
  return values.map((value) => {
    const { shape, data } = read(known, value);
    return ndarray("float64", shape, new Float64Array(data));
  });
}

function toTensor(array: NdArray): Tensor {
  return { shape: array.shape, data: Float64Array.from(array.data as ArrayLike<number>, Number) };
}

function read(known: ReadonlyMap<Value, Tensor>, value: Value): Tensor {
  const tensor = known.get(value);
  if (tensor === undefined) throw new GraphError(`Cannot evaluate "${value.name}": it is not fed`);
  return tensor;
}

function neededNodes(graph: Graph, values: readonly Value[]): Node[] {
  const needed = new Set<Value>(values);
  const nodes = graph.nodes.toReversed().filter((node) => {
    if (!node.outputs.some((output) => needed.has(output))) return false;
    for (const input of node.inputs) if (input !== null) needed.add(input);
    return true;
  });
  return nodes.reverse();
}

function evaluateNode(node: Node, known: ReadonlyMap<Value, Tensor>): readonly Tensor[] {
  const inputs = node.inputs.map((input) => input === null ? null : read(known, input));
  const outputShapes = shapesOf(node, inputs);
  const outputs = KERNELS[node.operator]({ inputs, attributes: node.attributes, outputShapes });
  for (const [index, shape] of outputShapes.entries()) {
    const output = outputs[index];
    if (output === undefined || elementCount(shape) !== output.data.length) {
      throw new GraphError(
        `${node.operator} "${node.name}": output ${index} must be ${formatShape(shape)}: ` +
          `current is ${formatShape(output?.shape ?? [])}`,
      );
    }
  }
  return outputs;
}

/** Shapes of the outputs for the shapes that are there: inference once more, without symbols. */
function shapesOf(node: Node, inputs: readonly (Tensor | null)[]): (readonly number[])[] {
  const row = OPERATORS[node.operator];
  const values = node.inputs.map((value, index) => {
    const tensor = inputs[index];
    if (!value || !tensor) return null;
    const constant = value.dtype === "int64"
      ? { kind: "constant", array: integers(tensor) } as const
      : value.producer;
    return { ...value, shape: tensor.shape, producer: constant };
  });
  const signature = { operator: node.operator, name: node.name, inputNames: row.inputs };
  const count = node.outputs.length;
  const context = new Inference(signature, values, node.attributes as never, count);
  return row.infer(context).slice(0, count).map(({ shape }) =>
    shape.map((dim) => evaluateDim(dim, {}) ?? context.fail(`extent ${dim} is not known`))
  );
}

function integers({ shape, data }: Tensor): NdArray<Extract<DataType, "int64">> {
  return ndarray(
    "int64",
    shape,
    BigInt64Array.from(data, (element) => BigInt(Math.trunc(element))),
  );
}
