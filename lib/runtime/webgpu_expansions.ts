/**
 * Operators that ONNX Runtime 1.30's WebGPU provider lacks or gets wrong, in operators that it has.
 *
 * @module
 */
import {
  constantIntegers,
  expandOperators,
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

/**
 * The provider leaves products that read a matrix transposed to the CPU, with a copy there and back. A
 * transposition on the device is cheaper by far.
 */
const fusedMatMul: Expansion<"FusedMatMul"> = (graph, { attributes }, inputs) => {
  const { transA, transB, alpha } = attributes;
  const [a, b] = inputs as [Value, Value];
  if (a.shape.length < 2 || b.shape.length < 2) return null;
  const turned = (value: Value, isTransposed: boolean) => {
    if (!isTransposed) return value;
    const axes = [...value.shape.keys()];
    return graph.op("Transpose", [value], {
      perm: [...axes.slice(0, -2), axes.at(-1)!, axes.at(-2)!],
    });
  };
  const product = graph.op("MatMul", [turned(a, transA), turned(b, transB)]);
  return [alpha === 1 ? product : graph.op("Mul", [product, alpha])];
};

/** The provider lacks it. */
const sign: Expansion<"Sign"> = (graph, _, [x]) => {
  if (!x!.dtype.startsWith("float")) return null;
  const side = (operator: "Greater" | "Less") =>
    graph.op("Cast", [graph.op(operator, [x!, 0])], { to: x!.dtype });
  return [graph.op("Sub", [side("Greater"), side("Less")])];
};

/** The provider lacks it. */
const logSoftmax: Expansion<"LogSoftmax"> = (graph, { attributes: { axis } }, [x]) => {
  const centered = graph.op("Sub", [x!, graph.op("ReduceMax", [x!, [axis]])]);
  const total = graph.op("ReduceSum", [graph.op("Exp", [centered]), [axis]]);
  return [graph.op("Sub", [centered, graph.op("Log", [total])])];
};

/** The provider lacks it. */
const or: Expansion<"Or"> = (graph, _, [a, b]) => [
  graph.op("Not", [graph.op("And", [graph.op("Not", [a!]), graph.op("Not", [b!])])]),
];

/** The provider lacks it. */
const spaceToDepth: Expansion<"SpaceToDepth"> = (graph, { attributes: { blocksize } }, [x]) => {
  const [batch, channels, height, width] = x!.shape;
  if (typeof batch !== "number" || typeof channels !== "number") return null;
  if (typeof height !== "number" || typeof width !== "number") return null;
  const [rows, columns] = [height / blocksize, width / blocksize];
  const cells = graph.op("Reshape", [x!, [batch, channels, rows, blocksize, columns, blocksize]]);
  const moved = graph.op("Transpose", [cells], { perm: [0, 3, 5, 1, 2, 4] });
  return [graph.op("Reshape", [moved, [batch, channels * blocksize ** 2, rows, columns]])];
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

/** The runtime computes shapes for it on the CPU. */
const groupNormalization: Expansion<"GroupNormalization"> = (graph, { attributes }, inputs) => {
  const { numGroups, epsilon } = attributes;
  const [x, scale, bias] = inputs as [Value, Value, Value];
  const shape = x.shape.filter((dim) => typeof dim === "number");
  if (shape.length < x.shape.length) return null;
  const groups = graph.op("Reshape", [x, [0, numGroups, -1]]);
  const centered = graph.op("Sub", [groups, graph.op("ReduceMean", [groups, [2]])]);
  const variance = graph.op("ReduceMean", [graph.op("Mul", [centered, centered]), [2]]);
  const deviation = graph.op("Sqrt", [graph.op("Add", [variance, epsilon])]);
  const normalized = graph.op("Reshape", [graph.op("Div", [centered, deviation]), shape]);
  const column = (value: Value) =>
    graph.op("Reshape", [value, [-1, ...shape.slice(2).map(() => 1)]]);
  return [
    graph.op("Add", [graph.op("Mul", [normalized, column(scale)]), column(bias)]),
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

/** What to put in the place of these operators. */
const WEBGPU_EXPANSIONS: Expansions = {
  FusedMatMul: fusedMatMul,
  GroupNormalization: groupNormalization,
  LogSoftmax: logSoftmax,
  MultiHeadAttention: multiHeadAttention,
  Or: or,
  Sign: sign,
  SpaceToDepth: spaceToDepth,
  BatchNormalization: batchNormalization,
  MaxPool: maxPool,
  Pad: pad,
  Pow: pow,
  ReduceL1: magnitude,
  ReduceL2: magnitude,
  ReduceSumSquare: reductionOfOne((graph, x) => graph.op("Mul", [x, x])),
};

/**
 * The same function in operators that the WebGPU provider computes, and computes rightly.
 *
 * @param graph The graph, which stays as it is.
 */
export function expandForWebgpu(graph: Graph): Graph {
  // Attention is told in products that are told in others in turn.
  return expandOperators(expandOperators(graph, WEBGPU_EXPANSIONS), WEBGPU_EXPANSIONS);
}
