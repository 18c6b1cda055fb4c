/**
 * Small graphs of every operator of the table, for the tests that compare us with others: ONNX
 * Runtime's shapes, `onnx.checker`, gradients. The compiler refuses a table without a row for each.
 */
import { type DataType, Graph, type OperatorName, type Shape, type Value } from "swath";

/** Adds one node (and what it needs) to a graph, and returns the outputs to look at. */
export type Sample = (graph: Graph) => Value | readonly Value[];

/** A fresh float32 input. */
function x(graph: Graph, ...shape: Shape): Value {
  return typed(graph, "float32", shape);
}

/** A fresh input of any type. */
function typed(graph: Graph, dtype: DataType, shape: Shape): Value {
  return graph.input(`x${graph.inputs.length}`, dtype, shape);
}

const unary = (kind: "Neg" | "Abs" | "Sign" | "Sqrt" | "Exp" | "Log" | "Erf" | "Reciprocal") => [
  (g: Graph) => g.op(kind, [x(g, "batch", 3)]),
  (g: Graph) => g.op(kind, [x(g)]),
];

const activation = (
  kind: "Sin" | "Cos" | "Floor" | "Ceil" | "Identity" | "Relu" | "Sigmoid" | "Tanh" | "Softplus",
) => [(g: Graph) => g.op(kind, [x(g, "batch", 3, 4)])];

const binary = (kind: "Add" | "Sub" | "Mul" | "Div" | "Pow") => [
  (g: Graph) => g.op(kind, [x(g, "batch", 3, 1), x(g, 3, 4)]),
  (g: Graph) => g.op(kind, [x(g, "batch", 3), 2]),
];

const variadic = (kind: "Min" | "Max") => [
  (g: Graph) => g.op(kind, [x(g, "batch", 3), x(g, 3), 0.5]),
];

const comparison = (kind: "Equal" | "Greater" | "Less" | "GreaterOrEqual" | "LessOrEqual") => [
  (g: Graph) => g.op(kind, [x(g, "batch", 1, 4), x(g, 3, 1)]),
  (g: Graph) => g.op(kind, [typed(g, "int64", [4]), 1]),
];

const logical = (kind: "And" | "Or") => [
  (g: Graph) => g.op(kind, [typed(g, "bool", ["batch", 4]), typed(g, "bool", [4])]),
];

const reduction = (
  kind:
    | "ReduceSum"
    | "ReduceMean"
    | "ReduceMax"
    | "ReduceMin"
    | "ReduceProd"
    | "ReduceL1"
    | "ReduceL2"
    | "ReduceSumSquare"
    | "ReduceLogSumExp",
) => [
  (g: Graph) => g.op(kind, [x(g, "batch", 3, 4)]),
  (g: Graph) => g.op(kind, [x(g, "batch", 3, 4), [0, -1]], { keepdims: false }),
  (g: Graph) => g.op(kind, [x(g, "batch", 3, 4), [1]]),
  (g: Graph) => g.op(kind, [x(g, "batch", 3)], { noopWithEmptyAxes: true }),
];

const argument = (kind: "ArgMax" | "ArgMin") => [
  (g: Graph) => g.op(kind, [x(g, "batch", 3, 4)], { axis: 1 }),
  (g: Graph) => g.op(kind, [x(g, "batch", 3, 4)], { axis: -1, keepdims: false }),
  (g: Graph) => g.op(kind, [x(g, "batch", 3)], { selectLastIndex: true }),
];

const softmax = (kind: "Softmax" | "LogSoftmax") => [
  (g: Graph) => g.op(kind, [x(g, "batch", 3, 4)]),
  (g: Graph) => g.op(kind, [x(g, "batch", 3, 4)], { axis: 1 }),
];

const globalPool = (kind: "GlobalAveragePool" | "GlobalMaxPool") => [
  (g: Graph) => g.op(kind, [x(g, "batch", 3, 4, 5)]),
];

const indices = {
  dtype: "int64",
  shape: [2, 2],
  data: new BigInt64Array([0n, 1n, 1n, 0n]),
} as const;

/** Every operator, each in the forms that swath relies on. */
export const OPERATOR_SAMPLES: Readonly<Record<OperatorName, readonly Sample[]>> = {
  Add: [...binary("Add"), (g) => g.op("Add", [typed(g, "int64", ["batch"]), 3])],
  Sub: binary("Sub"),
  Mul: binary("Mul"),
  Div: binary("Div"),
  Pow: binary("Pow"),
  Min: variadic("Min"),
  Max: variadic("Max"),
  Neg: unary("Neg"),
  Abs: unary("Abs"),
  Sign: unary("Sign"),
  Sqrt: unary("Sqrt"),
  Exp: unary("Exp"),
  Log: unary("Log"),
  Erf: unary("Erf"),
  Reciprocal: unary("Reciprocal"),
  Sin: activation("Sin"),
  Cos: activation("Cos"),
  Floor: activation("Floor"),
  Ceil: activation("Ceil"),
  Identity: activation("Identity"),
  Relu: activation("Relu"),
  Sigmoid: activation("Sigmoid"),
  Tanh: activation("Tanh"),
  Softplus: activation("Softplus"),
  LeakyRelu: [(g) => g.op("LeakyRelu", [x(g, "batch", 3)], { alpha: 0.2 })],
  Elu: [(g) => g.op("Elu", [x(g, "batch", 3)])],
  HardSigmoid: [(g) => g.op("HardSigmoid", [x(g, "batch", 3)], { alpha: 0.4, beta: 0.3 })],
  Gelu: [
    (g) => g.op("Gelu", [x(g, "batch", 3)]),
    (g) => g.op("Gelu", [x(g, "batch", 3)], { approximate: "tanh" }),
  ],
  Clip: [
    (g) => g.op("Clip", [x(g, "batch", 3), 0, 1]),
    (g) => g.op("Clip", [x(g, "batch", 3), null, 1]),
  ],
  Equal: comparison("Equal"),
  Greater: comparison("Greater"),
  Less: comparison("Less"),
  GreaterOrEqual: comparison("GreaterOrEqual"),
  LessOrEqual: comparison("LessOrEqual"),
  And: logical("And"),
  Or: logical("Or"),
  Not: [(g) => g.op("Not", [typed(g, "bool", ["batch", 2])])],
  IsNaN: [(g) => g.op("IsNaN", [x(g, "batch", 2)])],
  Where: [(g) => g.op("Where", [typed(g, "bool", ["batch", 1, 4]), x(g, 3, 1), 0])],
  Cast: [
    (g) => g.op("Cast", [x(g, "batch", 3)], { to: "float16" }),
    (g) => g.op("Cast", [typed(g, "uint16", ["batch", 3])], { to: "float32" }),
    (g) => g.op("Cast", [typed(g, "bool", ["batch"])], { to: "int64" }),
  ],

  MatMul: [
    (g) => g.op("MatMul", [x(g, "batch", 3, 4), x(g, 4, 5)]),
    (g) => g.op("MatMul", [x(g, 3, 4), x(g, "batch", 2, 4, 5)]),
    (g) => g.op("MatMul", [x(g, "batch", 4), x(g, 4)]),
    (g) => g.op("MatMul", [x(g, 4), x(g, 4)]),
  ],
  Gemm: [
    (g) => g.op("Gemm", [x(g, "batch", 4), x(g, 5, 4), x(g, 5)], { transB: true }),
    (g) => g.op("Gemm", [x(g, 4, 3), x(g, 4, 5)], { transA: true, alpha: 0.5 }),
    (g) => g.op("Gemm", [x(g, 3, 4), x(g, 4, 5), x(g, 3, 1)], { beta: 2 }),
  ],
  FusedMatMul: [
    (g) => g.op("FusedMatMul", [x(g, "batch", 4, 3), x(g, "batch", 4, 5)], { transA: true }),
    (g) => g.op("FusedMatMul", [x(g, "batch", 2, 3, 4), x(g, "batch", 2, 5, 4)], { transB: true }),
    (g) => g.op("FusedMatMul", [x(g, 6, 4), x(g, "batch", 5, 4)], { transB: true, alpha: 0.5 }),
    (g) => g.op("FusedMatMul", [x(g, "batch", 4, 3), x(g, 5, 4)], { transA: true, transB: true }),
  ],
  Einsum: [(g) => g.op("Einsum", [x(g, "batch", 3, 4), x(g, 5, 4)], { equation: "bnc,dc->bdn" })],
  MultiHeadAttention: [
    (g) =>
      g.op("MultiHeadAttention", [x(g, "batch", 6, 8), x(g, "batch", 3, 8), x(g, "batch", 3, 8)], {
        numHeads: 2,
      }),
    (g) => {
      const tokens = x(g, "batch", 6, 8);
      return g.op("MultiHeadAttention", [tokens, tokens, tokens], { numHeads: 1, scale: 0.5 });
    },
  ],

  Conv: [
    (g) =>
      g.op("Conv", [x(g, "batch", 3, 9, 8), x(g, 5, 3, 3, 3), x(g, 5)], {
        strides: [2, 2],
        pads: [1, 1, 1, 1],
      }),
    (g) => g.op("Conv", [x(g, "batch", 4, 7, 7), x(g, 4, 1, 3, 3)], { group: 4 }),
    (g) => g.op("Conv", [x(g, 1, 2, 9, 9), x(g, 6, 2, 2, 3)], { dilations: [2, 3] }),
    (g) => g.op("Conv", [x(g, 1, 2, 9), x(g, 6, 2, 4)], { pads: [0, 1], strides: [3] }),
    (g) =>
      g.op("Conv", [x(g, "batch", 3, "height", "width"), x(g, 5, 3, 3, 3)], { strides: [2, 2] }),
  ],
  ReorderInput: [
    (g) => {
      const blocked = g.op("ReorderInput", [x(g, "batch", 32, 4, 5)]);
      return g.op("ReorderOutput", [blocked], { channels: 32 });
    },
    (g) => {
      const blocked = g.op("ReorderInput", [x(g, "batch", 4, 5, 16)], { channelsLast: true });
      return g.op("ReorderOutput", [blocked], { channels: 16 });
    },
  ],
  ReorderOutput: [
    (g) => {
      const blocked = g.op("ReorderInput", [x(g, 1, 16, 3, 2)]);
      return g.op("ReorderOutput", [g.op("Relu", [blocked])], { channels: 16 });
    },
    (g) => {
      const blocked = g.op("ReorderInput", [x(g, 2, 32, 3, 2)]);
      return g.op("ReorderOutput", [blocked], { channels: 32, channelsLast: true });
    },
  ],
  BlockedConv: [
    (g) => {
      const image = g.op("ReorderInput", [x(g, "batch", 32, 5, 6)]);
      const weight = g.op("ReorderInput", [x(g, 1, 32, 3, 2)]);
      const y = g.op(
        "BlockedConv",
        [image, g.op("Reshape", [weight, [32, 1, 3, 2]]), x(g, 32)],
        { group: 32, pads: [1, 0, 1, 1], strides: [1, 2], dilations: [2, 1] },
      );
      return g.op("ReorderOutput", [y], { channels: 32 });
    },
  ],
  BlockedGlobalAveragePool: [
    (g) => {
      const pooled = g.op("BlockedGlobalAveragePool", [g.op("ReorderInput", [x(g, 2, 32, 3, 2)])]);
      return g.op("ReorderOutput", [pooled], { channels: 32 });
    },
  ],
  ConvTranspose: [
    (g) => g.op("ConvTranspose", [x(g, "batch", 3, 4, 5), x(g, 3, 2, 3, 3), x(g, 2)]),
    (g) =>
      g.op("ConvTranspose", [x(g, "batch", 4, 4, 5), x(g, 4, 2, 3, 3)], {
        strides: [2, 2],
        pads: [1, 1, 1, 1],
        outputPadding: [1, 0],
        group: 2,
      }),
  ],
  MaxPool: [
    (g) => g.op("MaxPool", [x(g, "batch", 3, 8, 7)], { kernelShape: [2, 2], strides: [2, 2] }),
    (g) =>
      g.ops("MaxPool", 2, [x(g, "batch", 3, 8, 7)], {
        kernelShape: [3, 3],
        strides: [2, 2],
        pads: [1, 1, 1, 1],
      }),
    (g) =>
      g.op("MaxPool", [x(g, "batch", 3, 8, 7)], {
        kernelShape: [2, 2],
        strides: [2, 2],
        ceilMode: true,
      }),
    (g) => g.op("MaxPool", [x(g, "batch", 3, 8, 9)], { kernelShape: [2, 2], dilations: [2, 3] }),
  ],
  AveragePool: [
    (g) => g.op("AveragePool", [x(g, "batch", 3, 8, 7)], { kernelShape: [2, 3] }),
    (g) =>
      g.op("AveragePool", [x(g, "batch", 3, 7, 7)], {
        kernelShape: [3, 3],
        strides: [2, 2],
        pads: [1, 1, 0, 0],
        ceilMode: true,
        countIncludePad: true,
      }),
  ],
  GlobalAveragePool: globalPool("GlobalAveragePool"),
  GlobalMaxPool: globalPool("GlobalMaxPool"),
  Resize: [
    (g) =>
      g.op("Resize", [x(g, 1, 3, 4, 4), null, g.constant([1, 1, 2, 2.5])], {
        mode: "linear",
      }),
    (g) => g.op("Resize", [x(g, "batch", 3, 4, 4), null, g.constant([1, 1, 2, 3])]),
    (g) =>
      g.op("Resize", [x(g, 1, 3, 4, 4), null, null, [1, 3, 7, 9]], {
        mode: "cubic",
        coordinateTransformationMode: "align_corners",
      }),
    (g) => {
      const like = x(g, "batch", 8, 6, 6);
      const image = x(g, "batch", 3, 4, 4);
      const sizes = g.op("Concat", [
        g.op("Shape", [image], { end: 2 }),
        g.op("Shape", [like], { start: 2 }),
      ], { axis: 0 });
      return g.op("Resize", [image, null, null, sizes], { mode: "linear" });
    },
  ],
  DepthToSpace: [
    (g) => g.op("DepthToSpace", [x(g, "batch", 8, 3, 4)], { blocksize: 2 }),
    (g) => g.op("DepthToSpace", [x(g, "batch", 8, 3, 4)], { blocksize: 2, mode: "CRD" }),
  ],
  SpaceToDepth: [(g) => g.op("SpaceToDepth", [x(g, "batch", 2, 4, 6)], { blocksize: 2 })],

  Softmax: softmax("Softmax"),
  LogSoftmax: softmax("LogSoftmax"),
  LayerNormalization: [
    (g) => g.op("LayerNormalization", [x(g, "batch", 5, 4), x(g, 4), x(g, 4)]),
    (g) => g.ops("LayerNormalization", 3, [x(g, "batch", 5, 4), x(g, 4), x(g, 4)]),
    (g) =>
      g.op("LayerNormalization", [x(g, "batch", 5, 4), x(g, 5, 4)], { axis: 1, epsilon: 1e-6 }),
  ],
  BatchNormalization: [
    (g) => g.op("BatchNormalization", [x(g, "batch", 3, 4, 4), x(g, 3), x(g, 3), x(g, 3), x(g, 3)]),
    (g) =>
      g.ops(
        "BatchNormalization",
        3,
        [x(g, "batch", 3, 4, 4), x(g, 3), x(g, 3), x(g, 3), x(g, 3)],
        { trainingMode: true, momentum: 0.8 },
      ),
  ],
  GroupNormalization: [
    (g) => g.op("GroupNormalization", [x(g, "batch", 6, 4, 4), x(g, 6), x(g, 6)], { numGroups: 3 }),
  ],
  InstanceNormalization: [
    (g) => g.op("InstanceNormalization", [x(g, "batch", 3, 4, 4), x(g, 3), x(g, 3)]),
  ],

  ReduceSum: reduction("ReduceSum"),
  ReduceMean: reduction("ReduceMean"),
  ReduceMax: reduction("ReduceMax"),
  ReduceMin: reduction("ReduceMin"),
  ReduceProd: reduction("ReduceProd"),
  ReduceL1: reduction("ReduceL1"),
  ReduceL2: reduction("ReduceL2"),
  ReduceSumSquare: reduction("ReduceSumSquare"),
  ReduceLogSumExp: reduction("ReduceLogSumExp"),
  ArgMax: argument("ArgMax"),
  ArgMin: argument("ArgMin"),
  TopK: [
    (g) => g.ops("TopK", 2, [x(g, "batch", 5), [3]]),
    (g) => g.ops("TopK", 2, [x(g, 5, "batch"), [5]], { axis: 0, largest: false, sorted: true }),
  ],
  CumSum: [
    (g) => g.op("CumSum", [x(g, "batch", 5), g.constant(1, "int64")]),
    (g) =>
      g.op("CumSum", [x(g, "batch", 5), g.constant(-1, "int64")], {
        exclusive: true,
        reverse: true,
      }),
  ],

  Reshape: [
    (g) => g.op("Reshape", [x(g, "batch", 3, 4), [0, -1]]),
    (g) => g.op("Reshape", [x(g, "batch", 3, 4), [-1, 4]]),
    (g) => g.op("Reshape", [g.op("Reshape", [x(g, "batch", 3, 4), [-1, 4]]), [-1, 3, 2, 2]]),
    (g) => g.op("Reshape", [x(g, 2, 3, 4), [6, 4]]),
  ],
  Transpose: [
    (g) => g.op("Transpose", [x(g, "batch", 3, 4)], { perm: [0, 2, 1] }),
    (g) => g.op("Transpose", [x(g, "batch", 3, 4)]),
  ],
  Flatten: [
    (g) => g.op("Flatten", [x(g, "batch", 3, 4)]),
    (g) => g.op("Flatten", [x(g, "batch", 3, 4)], { axis: 2 }),
    (g) => g.op("Flatten", [x(g, "batch", 3, 4)], { axis: 0 }),
  ],
  Squeeze: [
    (g) => g.op("Squeeze", [x(g, "batch", 1, 4, 1), [1, -1]]),
    (g) => g.op("Squeeze", [x(g, 1, 3, 1)]),
  ],
  Unsqueeze: [(g) => g.op("Unsqueeze", [x(g, "batch", 4), [0, -1]])],
  Expand: [
    (g) => g.op("Expand", [x(g, 3, 1), [2, 1, 4]]),
    (g) => g.op("Expand", [x(g, 1, 4), g.op("Shape", [x(g, "batch", 4)])]),
  ],
  Tile: [(g) => g.op("Tile", [x(g, "batch", 3), [2, 1]])],
  Concat: [
    (g) => g.op("Concat", [x(g, "batch", 3), x(g, "batch", 4)], { axis: 1 }),
    (g) => g.op("Concat", [x(g, 2, 3), x(g, 4, 3)], { axis: 0 }),
  ],
  Split: [
    (g) => g.ops("Split", 3, [x(g, "batch", 7)], { axis: 1 }),
    (g) => g.ops("Split", 2, [x(g, "batch", 7), [3, 4]], { axis: -1 }),
  ],
  Slice: [
    (g) => g.op("Slice", [x(g, "batch", 9), [1], [8], [1], [3]]),
    (g) => g.op("Slice", [x(g, "batch", 9), [-1], [-1000], [-1], [-2]]),
    (g) => g.op("Slice", [x(g, 5, 9), [1, -3], [1000, -1]]),
    (g) => g.op("Slice", [x(g, 5, 9), [4], [2], [0]]),
  ],
  Pad: [
    (g) => g.op("Pad", [x(g, "batch", 3, 4), [0, 0, 1, 0, 2, 3]]),
    (g) => g.op("Pad", [x(g, "batch", 4), [1, 2], 7, [-1]]),
    (g) => g.op("Pad", [x(g, 3, 4), [1, 1, 1, 1]], { mode: "reflect" }),
    (g) => g.op("Pad", [x(g, 3, 4), [-1, 0, 0, 1]], { mode: "edge" }),
  ],
  Gather: [
    (g) => g.op("Gather", [x(g, "batch", 4), g.constant([1, 0, 3], "int64")], { axis: 1 }),
    (g) => g.op("Gather", [x(g, 4, "batch"), g.constant(2, "int64")]),
    (g) => g.op("Gather", [x(g, 4, 3), indices], { axis: -1 }),
  ],
  GatherElements: [(g) => g.op("GatherElements", [x(g, 3, 2), indices])],
  ScatterElements: [
    (g) => g.op("ScatterElements", [x(g, 3, 4), indices, x(g, 2, 2)], { axis: 1 }),
    (g) => g.op("ScatterElements", [x(g, 3, 4), indices, x(g, 2, 2)], { reduction: "add" }),
  ],
  ScatterND: [
    (g) => g.op("ScatterND", [x(g, 3, 4), indices, x(g, 2)]),
    (g) => g.op("ScatterND", [x(g, 3, 4, 5), indices, x(g, 2, 5)], { reduction: "add" }),
  ],
  OneHot: [
    (g) =>
      g.op("OneHot", [typed(g, "int64", ["batch", 3]), g.constant(4, "int64"), g.constant([0, 1])]),
    (g) =>
      g.op(
        "OneHot",
        [typed(g, "int64", ["batch", 3]), g.constant(4, "int64"), g.constant([0, 1])],
        { axis: 1 },
      ),
  ],
  Shape: [
    (g) => g.op("Shape", [x(g, "batch", 3, 4)]),
    (g) => g.op("Shape", [x(g, "batch", 3, 4)], { start: 1, end: -1 }),
  ],
  Range: [(g) => g.op("Range", [g.constant(2), g.constant(9), g.constant(3)])],
};
