/**
 * Operators that ONNX Runtime 1.30's WebGPU provider lacks or gets wrong, in operators that it has.
 *
 * @module
 */
import {
  constantIntegers,
  type Expansion,
  type Expansions,
  type Graph,
  softmaxAttention,
  type Value,
} from "../onnx/mod.ts";

/**
 * The provider's flash attention takes shaders to run in groups of 16 or more; on devices with smaller
 * ones its result is wrong, without any error.
 */
const multiHeadAttention: Expansion<"MultiHeadAttention"> = (graph, { attributes }, inputs) => {
  const [query, key, value, ...biases] = inputs as [Value, Value, Value, ...(Value | null)[]];
  if (biases.length > 0) return null;
  return [softmaxAttention(graph, query, key, value, attributes.numHeads, attributes.scale)];
};

/** The provider knows normalization by given statistics alone. */
const batchNormalization: Expansion<"BatchNormalization"> = (graph, { attributes }, inputs) => {
  const { trainingMode, momentum, epsilon } = attributes;
  if (!trainingMode) return null;
  const [x, scale, bias, mean, variance] = inputs as [Value, Value, Value, Value, Value];
  const axes = [...x.shape.keys()].filter((axis) => axis !== 1);
  const column = (value: Value) =>
    graph.op("Reshape", [value, [-1, ...axes.slice(1).map(() => 1)]]);
  const batchMean = graph.op("ReduceMean", [x, axes]);
  const centered = graph.op("Sub", [x, batchMean]);
  const batchVariance = graph.op("ReduceMean", [graph.op("Mul", [centered, centered]), axes]);
  const deviation = graph.op("Sqrt", [graph.op("Add", [batchVariance, epsilon])]);
  const factor = graph.op("Div", [column(scale), deviation]);
  const next = (running: Value, current: Value) => {
    const vector = graph.op("Reshape", [current, [-1]]);
    return momentum === 0 ? vector : graph.op("Add", [
      graph.op("Mul", [running, momentum]),
      graph.op("Mul", [vector, 1 - momentum]),
    ]);
  };
  return [
    graph.op("Add", [graph.op("Mul", [centered, factor]), column(bias)]),
    next(mean, batchMean),
    next(variance, batchVariance),
  ];
};

/**
 * The provider has no positions of maxima. It has no double precision either, so that they are found on
 * the CPU.
 */
const maxPool: Expansion<"MaxPool"> = (graph, { attributes, outputs }, inputs) => {
  if (outputs.length === 1) return null;
  const [x] = inputs as [Value];
  const double = graph.op("Cast", [x], { to: "float64" });
  const [, indices] = graph.ops("MaxPool", 2, [double], attributes);
  return [graph.op("MaxPool", [x], attributes), indices];
};

/** The provider stumbles over broadcasting here, unless one operand is a scalar. */
const pow: Expansion<"Pow"> = (graph, node, inputs) => {
  const [base, exponent] = inputs as [Value, Value];
  const shape = node.outputs[0]!.shape;
  const known = shape.filter((dim) => typeof dim === "number");
  const spread = [base, exponent].filter((value) => value.shape.join() !== shape.join());
  if (spread.length === 0 || exponent.shape.length === 0 || known.length < shape.length) {
    return null;
  }
  const whole = (value: Value) =>
    spread.includes(value) ? graph.op("Expand", [value, known]) : value;
  return [graph.op("Pow", [whole(base), whole(exponent)])];
};

/**
 * Where the runtime moves the channels of a convolution last, it takes padding to be given for all axes.
 */
const pad: Expansion<"Pad"> = (graph, { attributes }, inputs) => {
  const [data, pads, fill = null, axes = null] = inputs as [Value, Value, Value?, Value?];
  if (axes === null) return null;
  const [amounts, padded] = [constantIntegers(pads), constantIntegers(axes)];
  if (amounts === null || padded === null) return null;
  const rank = data.shape.length;
  const whole = new Array<number>(2 * rank).fill(0);
  for (const [i, axis] of padded.entries()) {
    const place = axis < 0 ? axis + rank : axis;
    whole[place] = amounts[i]!;
    whole[place + rank] = amounts[i + padded.length]!;
  }
  return [graph.op("Pad", [data, whole, fill], attributes)];
};

/** What a reduction over no axis is, which the provider takes for the element itself. */
function reductionOfOne(
  elementwise: (graph: Graph, x: Value) => Value,
): Expansion<"ReduceL1" | "ReduceL2" | "ReduceSumSquare"> {
  return (graph, { attributes }, [x, axes]) =>
    attributes.noopWithEmptyAxes && !axes ? [elementwise(graph, x!)] : null;
}

const magnitude = reductionOfOne((graph, x) => graph.op("Abs", [x]));

/** What to put in the place of these operators on WebGPU. */
export const WEBGPU_EXPANSIONS: Expansions = {
  MultiHeadAttention: multiHeadAttention,
  BatchNormalization: batchNormalization,
  MaxPool: maxPool,
  Pad: pad,
  Pow: pow,
  ReduceL1: magnitude,
  ReduceL2: magnitude,
  ReduceSumSquare: reductionOfOne((graph, x) => graph.op("Mul", [x, x])),
};
