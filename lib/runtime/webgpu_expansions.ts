/**
 * Operators that ONNX Runtime 1.30's WebGPU provider lacks or gets wrong, in operators that it has.
 *
 * @module
 */
import { type Expansion, type Expansions, softmaxAttention, type Value } from "../onnx/mod.ts";

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

/** What to put in the place of these operators on WebGPU. */
export const WEBGPU_EXPANSIONS: Expansions = {
  MultiHeadAttention: multiHeadAttention,
  BatchNormalization: batchNormalization,
};
