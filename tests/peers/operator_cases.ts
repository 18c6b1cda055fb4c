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

const unary = (operator: Unary, torch: string, positive = false): OperatorCase => ({
  operator,
  shapes: { x: [2, 3, 4] },
  build: (g, x) => g.op(operator, [x!]),
  torch,
  positive,
});

const binary = (operator: "Add" | "Sub" | "Mul" | "Div" | "Max" | "Min", torch: string) => ({
  operator,
  shapes: { a: [2, 1, 4], b: [3, 1] },
  build: (g: Graph, a?: Value, b?: Value) => g.op(operator, [a!, b!]),
  torch,
  positive: true,
});

type Reduction =
  | "ReduceSum"
  | "ReduceMean"
  | "ReduceMax"
  | "ReduceMin"
  | "ReduceL1"
  | "ReduceL2"
  | "ReduceSumSquare"
  | "ReduceLogSumExp";

const reduction = (operator: Reduction, torch: string): OperatorCase => ({
  operator,
  shapes: { x: [2, 3, 4] },
  build: (g, x) => g.op(operator, [x!, [0, 2]], { keepdims: false }),
  torch,
});

const places = ndarray("int64", [2, 2], new BigInt64Array([1n, 0n, 3n, 1n]));

/** All cases. */
export const OPERATOR_CASES: readonly OperatorCase[] = [
  unary("Neg", "-x"),
  unary("Abs", "x.abs()"),
  unary("Sqrt", "x.sqrt()", true),
  unary("Exp", "x.exp()"),
  unary("Log", "x.log()", true),
  unary("Erf", "torch.erf(x)"),
  unary("Reciprocal", "x.reciprocal()", true),
  unary("Sin", "x.sin()"),
  unary("Cos", "x.cos()"),
  unary("Sigmoid", "torch.sigmoid(x)"),
  unary("Tanh", "torch.tanh(x)"),
  unary("Relu", "F.relu(x)"),
  unary("Softplus", "F.softplus(x)"),
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
  binary("Add", "a + b"),
  binary("Sub", "a - b"),
  binary("Mul", "a * b"),
  binary("Div", "a / b"),
  binary("Max", "torch.maximum(a, b)"),
  binary("Min", "torch.minimum(a, b)"),
  {
    operator: "Pow",
    shapes: { a: [2, 3], b: [3] },
    build: (g, a, b) => g.op("Pow", [a!, b!]),
    torch: "a ** b",
    positive: true,
  },
  {
    operator: "Where",
    shapes: { a: [2, 1], b: [1, 3] },
    build: (g, a, b) => g.op("Where", [g.op("Greater", [a!, b!]), a!, b!]),
    torch: "torch.where(a > b, a, b)",
  },
  reduction("ReduceSum", "x.sum((0, 2))"),
  reduction("ReduceMean", "x.mean((0, 2))"),
  reduction("ReduceMax", "x.amax((0, 2))"),
  reduction("ReduceMin", "x.amin((0, 2))"),
  reduction("ReduceL1", "x.abs().sum((0, 2))"),
  reduction("ReduceL2", "x.square().sum((0, 2)).sqrt()"),
  reduction("ReduceSumSquare", "x.square().sum((0, 2))"),
  reduction("ReduceLogSumExp", "x.logsumexp((0, 2))"),
  {
    operator: "ReduceProd",
    shapes: { x: [3, 4] },
    build: (g, x) => g.op("ReduceProd", [x!, [1]], { keepdims: false }),
    torch: "x.prod(1)",
  },
  {
    operator: "TopK",
    shapes: { x: [2, 6] },
    build: (g, x) => g.ops("TopK", 2, [x!, [4]])[0],
    torch: "x.topk(4).values",
  },
  {
    operator: "CumSum",
    shapes: { x: [2, 5] },
    build: (g, x) => g.op("CumSum", [x!, g.constant(1, "int64")]),
    torch: "x.cumsum(1)",
  },
  {
    operator: "MatMul",
    shapes: { a: [2, 3, 4], b: [4, 5] },
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
  {
    operator: "Conv",
    shapes: { x: [2, 3, 9, 8], w: [5, 3, 3, 3], b: [5] },
    build: (g, x, w, b) => g.op("Conv", [x!, w!, b!], { strides: [2, 2], pads: [1, 1, 1, 1] }),
    torch: "F.conv2d(x, w, b, stride=2, padding=1)",
  },
  {
    operator: "Conv",
    shapes: { x: [2, 4, 7, 7], w: [4, 1, 3, 3], b: [4] },
    build: (g, x, w, b) => g.op("Conv", [x!, w!, b!], { group: 4, pads: [1, 1, 1, 1] }),
    torch: "F.conv2d(x, w, b, padding=1, groups=4)",
  },
  {
    operator: "Conv",
    shapes: { x: [1, 4, 9, 9], w: [6, 2, 3, 2] },
    build: (g, x, w) => g.op("Conv", [x!, w!], { group: 2, dilations: [2, 3], pads: [2, 1, 2, 1] }),
    torch: "F.conv2d(x, w, padding=(2, 1), dilation=(2, 3), groups=2)",
  },
  {
    operator: "ConvTranspose",
    shapes: { x: [2, 4, 4, 5], w: [4, 2, 3, 3], b: [4] },
    build: (g, x, w, b) =>
      g.op("ConvTranspose", [x!, w!, b!], {
        strides: [2, 2],
        pads: [1, 1, 1, 1],
        outputPadding: [1, 0],
        group: 2,
      }),
    torch: "F.conv_transpose2d(x, w, b, stride=2, padding=1, output_padding=(1, 0), groups=2)",
  },
  {
    operator: "MaxPool",
    shapes: { x: [2, 3, 8, 7] },
    build: (g, x) =>
      g.op("MaxPool", [x!], { kernelShape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }),
    torch: "F.max_pool2d(x, 3, stride=2, padding=1)",
  },
  {
    operator: "AveragePool",
    shapes: { x: [2, 3, 8, 7] },
    build: (g, x) =>
      g.op("AveragePool", [x!], { kernelShape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }),
    torch: "F.avg_pool2d(x, 3, stride=2, padding=1, count_include_pad=False)",
  },
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
  {
    operator: "Resize",
    shapes: { x: [1, 2, 4, 5] },
    build: (g, x) => g.op("Resize", [x!, null, null, [1, 2, 7, 13]], { mode: "linear" }),
    torch: 'F.interpolate(x, size=(7, 13), mode="bilinear", align_corners=False)',
  },
  {
    operator: "Resize",
    shapes: { x: [1, 2, 4, 5] },
    build: (g, x) =>
      g.op("Resize", [x!, null, null, [1, 2, 9, 3]], {
        mode: "linear",
        coordinateTransformationMode: "align_corners",
      }),
    torch: 'F.interpolate(x, size=(9, 3), mode="bilinear", align_corners=True)',
  },
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
