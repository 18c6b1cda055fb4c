/** Operators beside the PyTorch functions that they stand for. */
import { type Graph, ndarray, type OperatorName, type Value } from "swath";

/** One operator in one form. */
export interface OperatorCase {
  /** The operator. */
  readonly operator: OperatorName;
  /** Shapes of the inputs, which have gradients. */
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  /** The operator on the inputs in order. */
  readonly build: (graph: Graph, ...inputs: Value[]) => Value;
  /** The same in PyTorch, by the inputs' names. */
  readonly torch: string;
  /** Elements are positive; else of both signs. */
  readonly positive?: boolean;
}

type Unary =
  | "Neg"
  | "Abs"
  | "Sqrt"
  | "Exp"
  | "Log"
  | "Erf"
  | "Reciprocal"
  | "Sin"
  | "Cos"
  | "Sigmoid"
  | "Tanh"
  | "Relu"
  | "Softplus";

/** Shapes of every number of axes. */
const SHAPES: readonly (readonly number[])[] = [[], [5], [2, 3, 4], [1, 2, 3, 1, 2]];

const unary = (operator: Unary, torch: string, positive = false): OperatorCase[] =>
  SHAPES.map((shape) => ({
    operator,
    shapes: { x: shape },
    build: (g, x) => g.op(operator, [x!]),
    torch,
    positive,
  }));

/** Two shapes that are broadcast against one another, each way. */
const PAIRS: readonly (readonly [a: readonly number[], b: readonly number[]])[] = [
  [[2, 3, 4], [2, 3, 4]],
  [[2, 1, 4], [3, 1]],
  [[4], [2, 3, 4]],
  [[2, 3], []],
];

type Binary = "Add" | "Sub" | "Mul" | "Div" | "Max" | "Min" | "Pow";

const binary = (operator: Binary, torch: string): OperatorCase[] =>
  PAIRS.map(([a, b]) => ({
    operator,
    shapes: { a, b },
    build: (g, a, b) => g.op(operator, [a!, b!]),
    torch,
    positive: true,
  }));

type Reduction =
  | "ReduceSum"
  | "ReduceMean"
  | "ReduceMax"
  | "ReduceMin"
  | "ReduceL1"
  | "ReduceL2"
  | "ReduceSumSquare"
  | "ReduceLogSumExp";

/** `torch` in terms of `dim`, the axes. */
const reduction = (operator: Reduction, torch: (dim: string) => string): OperatorCase[] =>
  ([[[5], [0]], [[2, 3, 4], [0, 2]], [[2, 3, 4], [-1]], [[2, 3, 2, 2], [1, 2, 3]]] as const).map(
    ([shape, axes]) => ({
      operator,
      shapes: { x: shape },
      build: (g, x) => g.op(operator, [x!, axes], { keepdims: false }),
      torch: torch(`(${axes.join()},)`),
    }),
  );

/** Forms of a convolution: shapes and attributes, and the arguments of `F.conv2d` that say the same. */
const CONVOLUTIONS: readonly (readonly [
  x: readonly number[],
  w: readonly number[],
  attributes: {
    readonly strides?: readonly number[];
    readonly pads?: readonly number[];
    readonly dilations?: readonly number[];
    readonly group?: number;
  },
  torch: string,
])[] = [
  [[2, 3, 9, 8], [5, 3, 3, 3], { strides: [2, 2], pads: [1, 1, 1, 1] }, "stride=2, padding=1"],
  [[2, 3, 11, 13], [4, 3, 7, 7], { strides: [4, 4], pads: [3, 3, 3, 3] }, "stride=4, padding=3"],
  [[2, 3, 6, 5], [4, 3, 1, 1], {}, "stride=1"],
  [[2, 3, 7, 6], [4, 3, 1, 1], { strides: [2, 2] }, "stride=2"],
  [[1, 3, 8, 8], [4, 3, 2, 2], { strides: [2, 2] }, "stride=2"],
  [[2, 4, 7, 7], [4, 1, 3, 3], { group: 4, pads: [1, 1, 1, 1] }, "padding=1, groups=4"],
  [
    [2, 4, 9, 7],
    [4, 1, 5, 5],
    { group: 4, strides: [2, 2], pads: [2, 2, 2, 2] },
    "stride=2, padding=2, groups=4",
  ],
  [
    [1, 3, 9, 9],
    [6, 1, 3, 3],
    { group: 3, pads: [1, 1, 1, 1] },
    "padding=1, groups=3",
  ],
  [
    [2, 4, 9, 9],
    [4, 1, 3, 3],
    { group: 4, dilations: [3, 3], pads: [3, 3, 3, 3] },
    "padding=3, dilation=3, groups=4",
  ],
  [
    [1, 4, 9, 9],
    [6, 2, 3, 2],
    { group: 2, dilations: [2, 3], pads: [2, 1, 2, 1] },
    "padding=(2, 1), dilation=(2, 3), groups=2",
  ],
  [
    [2, 3, 9, 9],
    [2, 3, 3, 3],
    { dilations: [6, 6], pads: [6, 6, 6, 6] },
    "padding=6, dilation=6",
  ],
  [[2, 3, 5, 8], [2, 3, 1, 7], { pads: [0, 3, 0, 3] }, "padding=(0, 3)"],
  // Fewer places than features: the map of the gradient is transposed.
  [[2, 3, 3, 4], [16, 3, 3, 3], { pads: [1, 1, 1, 1] }, "padding=1"],
  // So large that weights get their gradients tap by tap.
  [[2, 8, 42, 42], [2, 8, 15, 15], { pads: [7, 7, 7, 7] }, "padding=7"],
  [[2, 3, 33, 35], [4, 3, 3, 3], { pads: [1, 1, 1, 1] }, "padding=1"],
  [[1, 2, 40, 37], [3, 2, 5, 2], {}, ""],
  [
    [2, 2, 36, 40],
    [3, 2, 3, 4],
    { dilations: [4, 2], pads: [4, 3, 4, 3] },
    "padding=(4, 3), dilation=(4, 2)",
  ],
];

const convolutions = CONVOLUTIONS.flatMap(([x, w, attributes, torch]): OperatorCase[] => [
  {
    operator: "Conv",
    shapes: { x, w, b: [w[0]!] },
    build: (g, x, w, b) => g.op("Conv", [x!, w!, b!], attributes),
    torch: `F.conv2d(x, w, b, ${torch})`,
  },
]);

/** The same of transposed convolutions. */
const TRANSPOSED: readonly (readonly [
  x: readonly number[],
  w: readonly number[],
  attributes: {
    readonly strides?: readonly number[];
    readonly pads?: readonly number[];
    readonly dilations?: readonly number[];
    readonly outputPadding?: readonly number[];
    readonly group?: number;
  },
  torch: string,
])[] = [
  [[2, 3, 4, 5], [3, 4, 2, 2], { strides: [2, 2] }, "stride=2"],
  [[2, 3, 4, 5], [3, 2, 4, 4], { strides: [2, 2], pads: [1, 1, 1, 1] }, "stride=2, padding=1"],
  [[2, 3, 4, 5], [3, 2, 3, 3], {}, "stride=1"],
  [[2, 3, 4, 5], [3, 2, 3, 3], { dilations: [2, 1] }, "dilation=(2, 1)"],
  [
    [2, 4, 4, 5],
    [4, 2, 3, 3],
    { strides: [2, 2], pads: [1, 1, 1, 1], outputPadding: [1, 0], group: 2 },
    "stride=2, padding=1, output_padding=(1, 0), groups=2",
  ],
  [
    [2, 4, 3, 3],
    [4, 1, 4, 4],
    { strides: [2, 2], pads: [1, 1, 1, 1], group: 4 },
    "stride=2, padding=1, groups=4",
  ],
];

const transposedConvolutions = TRANSPOSED.map(([x, w, attributes, torch]): OperatorCase => ({
  operator: "ConvTranspose",
  shapes: { x, w, b: [w[1]! * (attributes.group ?? 1)] },
  build: (g, x, w, b) => g.op("ConvTranspose", [x!, w!, b!], attributes),
  torch: `F.conv_transpose2d(x, w, b, ${torch})`,
}));

/** Windows of pools, and the arguments of PyTorch's that say the same. */
const WINDOWS: readonly (readonly [
  shape: readonly number[],
  attributes: {
    readonly kernelShape: readonly number[];
    readonly strides?: readonly number[];
    readonly pads?: readonly number[];
    readonly ceilMode?: boolean;
  },
  torch: string,
])[] = [
  [[2, 3, 8, 6], { kernelShape: [2, 2], strides: [2, 2] }, "2"],
  [
    [2, 3, 8, 7],
    { kernelShape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] },
    "3, stride=2, padding=1",
  ],
  [[1, 2, 5, 5], { kernelShape: [5, 5], pads: [2, 2, 2, 2] }, "5, stride=1, padding=2"],
  [
    [2, 2, 7, 9],
    { kernelShape: [2, 3], strides: [2, 3], ceilMode: true },
    "(2, 3), ceil_mode=True",
  ],
  [[1, 2, 6, 5], { kernelShape: [3, 2], strides: [1, 2] }, "(3, 2), stride=(1, 2)"],
];

const pools = WINDOWS.flatMap(([shape, attributes, torch]): OperatorCase[] => [
  {
    operator: "MaxPool",
    shapes: { x: shape },
    build: (g, x) => g.op("MaxPool", [x!], attributes),
    torch: `F.max_pool2d(x, ${torch})`,
  },
  ...[false, true].map((countIncludePad): OperatorCase => ({
    operator: "AveragePool",
    shapes: { x: shape },
    build: (g, x) => g.op("AveragePool", [x!], { ...attributes, countIncludePad }),
    torch: `F.avg_pool2d(x, ${torch}, count_include_pad=${countIncludePad ? "True" : "False"})`,
  })),
]);

/** Bilinear and bicubic resampling, up and down, to sizes. */
const resizes = ([["linear", "bilinear"], ["cubic", "bicubic"]] as const).flatMap(([mode, peer]) =>
  ([[7, 13], [8, 10], [9, 3], [2, 2], [1, 1]] as const).flatMap(([height, width]) =>
    ([["half_pixel", "False"], ["align_corners", "True"]] as const).map((
      [coordinateTransformationMode, aligned],
    ): OperatorCase => ({
      operator: "Resize",
      shapes: { x: [2, 2, 4, 5] },
      build: (g, x) =>
        g.op("Resize", [x!, null, null, [2, 2, height, width]], {
          mode,
          coordinateTransformationMode,
          ...(mode === "cubic" && { cubicCoeffA: -0.75 }),
        }),
      torch: `F.interpolate(x, size=(${height}, ${width}), mode="${peer}", ` +
        `align_corners=${aligned})`,
    }))
  )
);

const nearest = ([[8, 10], [7, 13], [2, 3]] as const).map(([height, width]): OperatorCase => ({
  operator: "Resize",
  shapes: { x: [2, 2, 4, 5] },
  build: (g, x) =>
    g.op("Resize", [x!, null, null, [2, 2, height, width]], {
      coordinateTransformationMode: "asymmetric",
      nearestMode: "floor",
    }),
  torch: `F.interpolate(x, size=(${height}, ${width}), mode="nearest")`,
}));

const places = ndarray("int64", [2, 2], new BigInt64Array([1n, 0n, 3n, 1n]));

/** All cases. */
export const OPERATOR_CASES: readonly OperatorCase[] = [
  ...unary("Neg", "-x"),
  ...unary("Abs", "x.abs()"),
  ...unary("Sqrt", "x.sqrt()", true),
  ...unary("Exp", "x.exp()"),
  ...unary("Log", "x.log()", true),
  ...unary("Erf", "torch.erf(x)"),
  ...unary("Reciprocal", "x.reciprocal()", true),
  ...unary("Sin", "x.sin()"),
  ...unary("Cos", "x.cos()"),
  ...unary("Sigmoid", "torch.sigmoid(x)"),
  ...unary("Tanh", "torch.tanh(x)"),
  ...unary("Relu", "F.relu(x)"),
  ...unary("Softplus", "F.softplus(x)"),
  {
    operator: "LeakyRelu",
    shapes: { x: [3, 4] },
    build: (g, x) => g.op("LeakyRelu", [x!], { alpha: 0.2 }),
    torch: "F.leaky_relu(x, 0.2)",
  },
  {
    operator: "Elu",
    shapes: { x: [3, 4] },
    build: (g, x) => g.op("Elu", [x!], { alpha: 0.7 }),
    torch: "F.elu(x, 0.7)",
  },
  {
    operator: "HardSigmoid",
    shapes: { x: [3, 4] },
    build: (g, x) => g.op("HardSigmoid", [x!], { alpha: 0.4, beta: 0.3 }),
    torch: "(0.4 * x + 0.3).clamp(0, 1)",
  },
  ...(["none", "tanh"] as const).map((approximate): OperatorCase => ({
    operator: "Gelu",
    shapes: { x: [3, 4] },
    build: (g, x) => g.op("Gelu", [x!], { approximate }),
    torch: `F.gelu(x, approximate="${approximate}")`,
  })),
  {
    operator: "Clip",
    shapes: { x: [3, 4] },
    build: (g, x) => g.op("Clip", [x!, -0.25, 0.5]),
    torch: "x.clamp(-0.25, 0.5)",
  },
  {
    operator: "Clip",
    shapes: { x: [2, 3, 4] },
    build: (g, x) => g.op("Clip", [x!, 0]),
    torch: "x.clamp(min=0)",
  },
  {
    operator: "Clip",
    shapes: { x: [3, 4] },
    build: (g, x) => {
      // Hard swish.
      const gate = g.op("Clip", [g.op("Add", [g.op("Mul", [x!, 6]), 3]), 0, 6]);
      return g.op("Mul", [x!, g.op("Mul", [gate, 1 / 6])]);
    },
    torch: "x * F.relu6(6 * x + 3) / 6",
  },
  ...binary("Add", "a + b"),
  ...binary("Sub", "a - b"),
  ...binary("Mul", "a * b"),
  ...binary("Div", "a / b"),
  ...binary("Max", "torch.maximum(a, b)"),
  ...binary("Min", "torch.minimum(a, b)"),
  ...binary("Pow", "a ** b"),
  {
    operator: "Where",
    shapes: { a: [2, 1], b: [1, 3] },
    build: (g, a, b) => g.op("Where", [g.op("Greater", [a!, b!]), a!, b!]),
    torch: "torch.where(a > b, a, b)",
  },
  {
    operator: "Where",
    shapes: { a: [2, 3, 4], b: [] },
    build: (g, a, b) => g.op("Where", [g.op("Less", [a!, 0]), a!, b!]),
    torch: "torch.where(a < 0, a, b)",
  },
  {
    operator: "Where",
    shapes: { a: [2, 3], b: [2, 3] },
    build: (g, a, b) => g.op("Where", [g.op("Greater", [a!, 0]), a!, g.op("Mul", [b!, b!])]),
    torch: "torch.where(a > 0, a, b * b)",
  },
  ...reduction("ReduceSum", (dim) => `x.sum(${dim})`),
  ...reduction("ReduceMean", (dim) => `x.mean(${dim})`),
  ...reduction("ReduceMax", (dim) => `x.amax(${dim})`),
  ...reduction("ReduceMin", (dim) => `x.amin(${dim})`),
  ...reduction("ReduceL1", (dim) => `x.abs().sum(${dim})`),
  ...reduction("ReduceL2", (dim) => `x.square().sum(${dim}).sqrt()`),
  ...reduction("ReduceSumSquare", (dim) => `x.square().sum(${dim})`),
  ...reduction("ReduceLogSumExp", (dim) => `x.logsumexp(${dim})`),
  {
    operator: "ReduceProd",
    shapes: { x: [3, 4] },
    build: (g, x) => g.op("ReduceProd", [x!, [1]], { keepdims: false }),
    torch: "x.prod(1)",
  },
  {
    operator: "ReduceProd",
    shapes: { x: [2, 3, 2] },
    build: (g, x) => g.op("ReduceProd", [x!, [0]], { keepdims: true }),
    torch: "x.prod(0, keepdim=True)",
  },
  {
    operator: "TopK",
    shapes: { x: [2, 6] },
    build: (g, x) => g.ops("TopK", 2, [x!, [4]])[0],
    torch: "x.topk(4).values",
  },
  {
    operator: "TopK",
    shapes: { x: [5, 3] },
    build: (g, x) => g.ops("TopK", 2, [x!, [5]], { axis: 0, largest: true, sorted: true })[0],
    torch: "x.sort(0, descending=True).values",
  },
  {
    operator: "TopK",
    shapes: { x: [40] },
    build: (g, x) => {
      // The Lovász extension: sorted errors weighed by a function of their order.
      const [sorted, order] = g.ops("TopK", 2, [x!, [40]]);
      return g.op("Mul", [sorted, g.op("Cast", [order], { to: "float32" })]);
    },
    torch: "(lambda s: s.values * s.indices)(x.sort(0, descending=True))",
  },
  {
    operator: "TopK",
    shapes: { x: [2, 3, 6] },
    build: (g, x) => g.ops("TopK", 2, [x!, [2]], { axis: 1, largest: false })[0],
    torch: "x.topk(2, dim=1, largest=False).values",
  },
  {
    operator: "CumSum",
    shapes: { x: [2, 5] },
    build: (g, x) => g.op("CumSum", [x!, g.constant(1, "int64")]),
    torch: "x.cumsum(1)",
  },
  {
    operator: "CumSum",
    shapes: { x: [3, 4] },
    build: (g, x) => g.op("CumSum", [x!, g.constant(0, "int64")], { reverse: true }),
    torch: "x.flip(0).cumsum(0).flip(0)",
  },
  {
    operator: "MatMul",
    shapes: { a: [2, 3, 4], b: [4, 5] },
    build: (g, a, b) => g.op("MatMul", [a!, b!]),
    torch: "a @ b",
  },
  {
    operator: "MatMul",
    shapes: { a: [3, 4], b: [2, 4, 5] },
    build: (g, a, b) => g.op("MatMul", [a!, b!]),
    torch: "a @ b",
  },
  {
    operator: "MatMul",
    shapes: { a: [4], b: [2, 4, 3] },
    build: (g, a, b) => g.op("MatMul", [a!, b!]),
    torch: "a @ b",
  },
  {
    operator: "MatMul",
    shapes: { a: [2, 3, 4], b: [4] },
    build: (g, a, b) => g.op("MatMul", [a!, b!]),
    torch: "a @ b",
  },
  {
    operator: "MatMul",
    shapes: { a: [2, 1, 3, 4], b: [5, 4, 2] },
    build: (g, a, b) => g.op("MatMul", [a!, b!]),
    torch: "a @ b",
  },
  {
    operator: "FusedMatMul",
    shapes: { a: [2, 4, 3], b: [5, 4] },
    build: (g, a, b) => g.op("FusedMatMul", [a!, b!], { transA: true, transB: true, alpha: 0.5 }),
    torch: "0.5 * a.mT @ b.mT",
  },
  ...([[false, false], [true, false], [false, true], [true, true]] as const).flatMap((
    [transA, transB],
  ): OperatorCase[] => {
    const [a, b] = [transA ? [4, 3] : [3, 4], transB ? [5, 4] : [4, 5]];
    const torch = `2 * a${transA ? ".mT" : ""} @ b${transB ? ".mT" : ""}`;
    return [
      {
        operator: "FusedMatMul",
        shapes: { a: [2, ...a], b: [2, ...b] },
        build: (g, a, b) => g.op("FusedMatMul", [a!, b!], { transA, transB, alpha: 2 }),
        torch,
      },
      {
        operator: "FusedMatMul",
        shapes: { a: [3, 1, ...a], b: [1, 2, ...b] },
        build: (g, a, b) => g.op("FusedMatMul", [a!, b!], { transA, transB, alpha: 2 }),
        torch,
      },
      {
        operator: "Gemm",
        shapes: { a, b, c: [3, 1] },
        build: (g, a, b, c) => g.op("Gemm", [a!, b!, c!], { transA, transB, alpha: 2, beta: 3 }),
        torch: `${torch} + 3 * c`,
      },
    ];
  }),
  {
    operator: "Gemm",
    shapes: { a: [6, 4], b: [5, 4], c: [5] },
    build: (g, a, b, c) => g.op("Gemm", [a!, b!, c!], { transB: true }),
    torch: "F.linear(a, b, c)",
  },
  {
    operator: "Einsum",
    shapes: { a: [2, 3, 4], b: [5, 4] },
    build: (g, a, b) => g.op("Einsum", [a!, b!], { equation: "bnc,dc->bdn" }),
    torch: 'torch.einsum("bnc,dc->bdn", a, b)',
  },
  ...convolutions,
  {
    operator: "Conv",
    shapes: { x: [2, 3, 9], w: [4, 3, 3] },
    build: (g, x, w) => g.op("Conv", [x!, w!], { strides: [2], pads: [1, 1] }),
    torch: "F.conv1d(x, w, stride=2, padding=1)",
  },
  {
    operator: "Conv",
    shapes: { x: [1, 2, 4, 5, 4], w: [3, 2, 3, 3, 3], b: [3] },
    build: (g, x, w, b) => g.op("Conv", [x!, w!, b!], { pads: [1, 1, 1, 1, 1, 1] }),
    torch: "F.conv3d(x, w, b, padding=1)",
  },
  ...transposedConvolutions,
  ...pools,
  {
    operator: "GlobalAveragePool",
    shapes: { x: [2, 3, 4, 5] },
    build: (g, x) => g.op("GlobalAveragePool", [x!]),
    torch: "F.adaptive_avg_pool2d(x, 1)",
  },
  {
    operator: "GlobalMaxPool",
    shapes: { x: [2, 3, 4, 5] },
    build: (g, x) => g.op("GlobalMaxPool", [x!]),
    torch: "F.adaptive_max_pool2d(x, 1)",
  },
  ...resizes,
  ...nearest,
  {
    operator: "Resize",
    shapes: { x: [1, 2, 4, 5] },
    build: (g, x) =>
      g.op("Resize", [x!, null, g.constant([1, 1, 2, 3])], {
        coordinateTransformationMode: "asymmetric",
        nearestMode: "floor",
      }),
    torch: 'F.interpolate(x, scale_factor=(2, 3), mode="nearest")',
  },
  {
    operator: "Resize",
    shapes: { x: [1, 2, 4, 5] },
    build: (g, x) => g.op("Resize", [x!, null, g.constant([1, 1, 2, 1.5])], { mode: "linear" }),
    torch: 'F.interpolate(x, scale_factor=(2, 1.5), mode="bilinear", align_corners=False)',
  },
  {
    operator: "DepthToSpace",
    shapes: { x: [2, 8, 3, 4] },
    build: (g, x) => g.op("DepthToSpace", [x!], { blocksize: 2, mode: "CRD" }),
    torch: "F.pixel_shuffle(x, 2)",
  },
  {
    operator: "Softmax",
    shapes: { x: [2, 3, 4] },
    build: (g, x) => g.op("Softmax", [x!], { axis: 1 }),
    torch: "x.softmax(1)",
  },
  {
    operator: "LogSoftmax",
    shapes: { x: [2, 3, 4] },
    build: (g, x) => g.op("LogSoftmax", [x!]),
    torch: "x.log_softmax(-1)",
  },
  {
    operator: "LayerNormalization",
    shapes: { x: [2, 3, 8], w: [8], b: [8] },
    build: (g, x, w, b) => g.op("LayerNormalization", [x!, w!, b!], { epsilon: 1e-5 }),
    torch: "F.layer_norm(x, (8,), w, b, 1e-5)",
  },
  {
    operator: "BatchNormalization",
    shapes: { x: [3, 4, 2, 2], w: [4], b: [4] },
    build: (g, x, w, b) => {
      const statistics = [g.constant([0, 0, 0, 0]), g.constant([1, 1, 1, 1])];
      return g.ops("BatchNormalization", 3, [x!, w!, b!, ...statistics], {
        trainingMode: true,
      })[0];
    },
    torch: "F.batch_norm(x, None, None, w, b, training=True)",
  },
  {
    operator: "BatchNormalization",
    shapes: { x: [3, 2, 2, 2], w: [2], b: [2] },
    build: (g, x, w, b) => {
      const statistics = [g.constant([0.5, -0.5]), g.constant([2, 0.25])];
      return g.op("BatchNormalization", [x!, w!, b!, ...statistics]);
    },
    torch: "F.batch_norm(x, torch.tensor([0.5, -0.5]), torch.tensor([2, 0.25]), w, b)",
  },
  {
    operator: "GroupNormalization",
    shapes: { x: [2, 6, 3, 3], w: [6], b: [6] },
    build: (g, x, w, b) => g.op("GroupNormalization", [x!, w!, b!], { numGroups: 3 }),
    torch: "F.group_norm(x, 3, w, b)",
  },
  {
    operator: "InstanceNormalization",
    shapes: { x: [2, 3, 4, 4], w: [3], b: [3] },
    build: (g, x, w, b) => g.op("InstanceNormalization", [x!, w!, b!]),
    torch: "F.instance_norm(x, weight=w, bias=b)",
  },
  {
    operator: "Reshape",
    shapes: { x: [2, 6] },
    build: (g, x) => g.op("Reshape", [x!, [3, -1]]),
    torch: "x.reshape(3, -1)",
  },
  {
    operator: "Transpose",
    shapes: { x: [2, 3, 4] },
    build: (g, x) => g.op("Transpose", [x!], { perm: [2, 0, 1] }),
    torch: "x.permute(2, 0, 1)",
  },
  {
    operator: "Expand",
    shapes: { x: [3, 1] },
    build: (g, x) => g.op("Expand", [x!, [2, 3, 4]]),
    torch: "x.expand(2, 3, 4)",
  },
  {
    operator: "Tile",
    shapes: { x: [2, 3] },
    build: (g, x) => g.op("Tile", [x!, [2, 3]]),
    torch: "x.repeat(2, 3)",
  },
  {
    operator: "Concat",
    shapes: { a: [2, 3], b: [2, 4] },
    build: (g, a, b) => g.op("Concat", [a!, b!], { axis: 1 }),
    torch: "torch.cat([a, b], 1)",
  },
  {
    operator: "Split",
    shapes: { x: [2, 7] },
    build: (g, x) => {
      const [left, right] = g.ops("Split", 2, [x!, [3, 4]], { axis: 1 });
      return g.op("MatMul", [g.op("Transpose", [left]), right]);
    },
    torch: "x[:, :3].T @ x[:, 3:]",
  },
  {
    operator: "Slice",
    shapes: { x: [4, 9] },
    build: (g, x) => g.op("Slice", [x!, [1, 1], [4, 8], [0, 1], [1, 3]]),
    torch: "x[1:4, 1:8:3]",
  },
  {
    operator: "Pad",
    shapes: { x: [1, 2, 4, 5] },
    build: (g, x) => g.op("Pad", [x!, [1, 2, 3, 1], 0, [2, 3]]),
    torch: "F.pad(x, (2, 1, 1, 3))",
  },
  ...([["reflect", "reflect"], ["edge", "replicate"], ["wrap", "circular"]] as const).map((
    [mode, peer],
  ): OperatorCase => ({
    operator: "Pad",
    shapes: { x: [1, 2, 4, 5] },
    build: (g, x) => g.op("Pad", [x!, [1, 2, 3, 1], null, [2, 3]], { mode }),
    torch: `F.pad(x, (2, 1, 1, 3), mode="${peer}")`,
  })),
  {
    operator: "Gather",
    shapes: { x: [2, 4, 3] },
    build: (g, x) => g.op("Gather", [x!, g.constant([2, 0, 2], "int64")], { axis: 1 }),
    torch: "x[:, [2, 0, 2]]",
  },
  {
    operator: "GatherElements",
    shapes: { x: [2, 4] },
    build: (g, x) => g.op("GatherElements", [x!, places], { axis: 1 }),
    torch: "x.gather(1, torch.tensor([[1, 0], [3, 1]]))",
  },
  {
    operator: "ScatterElements",
    shapes: { x: [2, 4], u: [2, 2] },
    build: (g, x, u) => g.op("ScatterElements", [x!, places, u!], { axis: 1 }),
    torch: "x.scatter(1, torch.tensor([[1, 0], [3, 1]]), u)",
  },
  {
    operator: "ScatterElements",
    shapes: { x: [2, 4], u: [2, 2] },
    build: (g, x, u) => g.op("ScatterElements", [x!, places, u!], { axis: 1, reduction: "add" }),
    torch: "x.scatter_add(1, torch.tensor([[1, 0], [3, 1]]), u)",
  },
];
