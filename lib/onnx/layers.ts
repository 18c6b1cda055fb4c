/**
 * Layers that networks share: operators together with their parameters.
 *
 * A layer takes the name of its module as stored on disk (such as
 * `segformer.encoder.block.0.1.attention.self.query`), makes the parameters below it (`.weight`,
 * `.bias`, …) and names its nodes after the module's last part, in the current scope of the graph.
 *
 * @module
 */
import { type NdArray, ndarray } from "../array/mod.ts";
import type { Dim, Shape } from "./dims.ts";
import { withGradient } from "./gradients.ts";
import { expandTo } from "./gradients/rule.ts";
import type { Graph } from "./graph.ts";
import { GraphError } from "./operator.ts";
import type { Initializer, Value } from "./value.ts";

const ZEROS: Initializer = { kind: "constant", value: 0 };
const ONES: Initializer = { kind: "constant", value: 1 };

/** Options of layers that multiply by a weight. */
export interface WeightOptions {
  /** False for a layer without `.bias`; true where left out. */
  readonly bias?: boolean;
  /**
   * How the weight is drawn before training, with a bias of zeros; where left out, weight and bias
   * are uniform within 1/√fan-in, which is PyTorch's default.
   */
  readonly init?: Initializer;
}

/** Options of {@linkcode conv2d}. */
export interface Conv2dOptions extends WeightOptions {
  /** Extent of the square kernel. */
  readonly kernel: number;
  /** Step of the kernel; 1 where left out. */
  readonly stride?: number;
  /** Zeros on each side; 0 where left out. */
  readonly padding?: number;
  /** Distance of the kernel's taps; 1 where left out. */
  readonly dilation?: number;
  /** Groups of channels that do not see each other; 1 where left out. */
  readonly groups?: number;
}

/** The last part of a module's name, together with its number: `layer_norm.0`, `query`. */
function lastPart(name: string): string {
  return /[^.]+(\.\d+)*$/.exec(name)?.[0] ?? name;
}

/** The number of channels on an axis, which has to be known to make parameters for it. */
function channels(x: Value, axis: number): number {
  const extent = x.shape.at(axis);
  if (typeof extent === "number") return extent;
  throw new GraphError(
    `Axis ${axis} of "${x.name}" has no known extent: shape is ${x.shape.join("x")}`,
  );
}

function weightAndBias(
  graph: Graph,
  name: string,
  shape: readonly number[],
  x: Value,
  { bias = true, init }: WeightOptions,
): Value[] {
  const fanIn = shape.slice(1).reduce((product, extent) => product * extent, 1);
  const uniform: Initializer = { kind: "uniform", bound: 1 / Math.sqrt(fanIn) };
  const weight = graph.parameter(`${name}.weight`, x.dtype, shape, { init: init ?? uniform });
  if (!bias) return [weight];
  const biasInit = init === undefined ? uniform : ZEROS;
  return [weight, graph.parameter(`${name}.bias`, x.dtype, [shape[0]!], { init: biasInit })];
}

/**
 * Product with a weight (features, C) over the last axis, plus a bias.
 *
 * @param graph The graph.
 * @param x Values of shape (…, C).
 * @param name Module name of `.weight` and `.bias`.
 * @param features Extent of the last axis of the result.
 * @param options Bias and initialisation.
 * @returns Values of shape (…, features).
 */
export function linear(
  graph: Graph,
  x: Value,
  name: string,
  features: number,
  options: WeightOptions = {},
): Value {
  return graph.scope(lastPart(name), () => {
    const inputs = channels(x, -1);
    const parameters = weightAndBias(graph, name, [features, inputs], x, options);
    const rows = x.shape.length === 2 ? x : graph.op("Reshape", [x, [-1, inputs]]);
    const product = graph.op("Gemm", [rows, ...parameters], { transB: true });
    return x.shape.length === 2
      ? product
      : reshape(graph, product, [...x.shape.slice(0, -1), features]);
  });
}

/**
 * Two-dimensional convolution.
 *
 * @param graph The graph.
 * @param x Values of shape (N, C, H, W).
 * @param name Module name of `.weight` (features, C/groups, kernel, kernel) and `.bias`.
 * @param features Channels of the result.
 * @param options Kernel, stride, padding, dilation, groups, bias and initialisation.
 * @returns Values of shape (N, features, H', W').
 */
export function conv2d(
  graph: Graph,
  x: Value,
  name: string,
  features: number,
  options: Conv2dOptions,
): Value {
  const { kernel, stride = 1, padding = 0, dilation = 1, groups = 1 } = options;
  return graph.scope(lastPart(name), () => {
    const shape = [features, channels(x, 1) / groups, kernel, kernel];
    const parameters = weightAndBias(graph, name, shape, x, options);
    return graph.op("Conv", [x, ...parameters], {
      strides: [stride, stride],
      pads: [padding, padding, padding, padding],
      dilations: [dilation, dilation],
      group: groups,
    });
  });
}

/** Options of {@linkcode convTranspose2d}. */
export interface ConvTranspose2dOptions extends WeightOptions {
  /** Extent of the square kernel. */
  readonly kernel: number;
  /** By how much the map grows. */
  readonly stride: number;
  /** Elements taken off each side; 0 where left out. */
  readonly padding?: number;
}

/**
 * Two-dimensional transposed convolution. Where the kernel is the stride, places do not overlap: it is one product
 * and a rearrangement, which is several times faster than `ConvTranspose`.
 *
 * @param graph The graph.
 * @param x Values of shape (N, C, H, W).
 * @param name Module name of `.weight` (C, features, kernel, kernel) and `.bias`.
 * @param features Channels of the result.
 * @param options Kernel, stride, padding, bias and initialisation.
 * @returns Values of shape (N, features, (H − 1)·stride + kernel − 2·padding, …).
 */
export function convTranspose2d(
  graph: Graph,
  x: Value,
  name: string,
  features: number,
  { kernel, stride, padding = 0, bias = true, init }: ConvTranspose2dOptions,
): Value {
  return graph.scope(lastPart(name), () => {
    const inputs = channels(x, 1);
    // PyTorch takes the weight's second axis for the fan-in.
    const uniform: Initializer = { kind: "uniform", bound: 1 / (kernel * Math.sqrt(features)) };
    const shape = [inputs, features, kernel, kernel];
    const weight = graph.parameter(`${name}.weight`, x.dtype, shape, { init: init ?? uniform });
    const offset = bias
      ? graph.parameter(`${name}.bias`, x.dtype, [features], {
        init: init === undefined ? uniform : ZEROS,
      })
      : null;
    if (kernel !== stride || padding !== 0) {
      return graph.op("ConvTranspose", [x, weight, ...(offset === null ? [] : [offset])], {
        strides: [stride, stride],
        pads: [padding, padding, padding, padding],
      });
    }
    const [batch, , height, width] = x.shape as [Dim, Dim, number, number];
    const depth = features * kernel * kernel;
    const pixels = reshape(graph, x, [batch, inputs, height * width]);
    const matrix = graph.op("Reshape", [weight, [inputs, depth]]);
    const product = graph.op("FusedMatMul", [matrix, pixels], { transA: true });
    const cells = reshape(graph, product, [batch, depth, height, width]);
    const map = graph.op("DepthToSpace", [cells], { blocksize: kernel, mode: "CRD" });
    return offset === null
      ? map
      : graph.op("Add", [map, graph.op("Reshape", [offset, [features, 1, 1]])]);
  });
}

/**
 * Normalization over the last axis.
 *
 * @param graph The graph.
 * @param x Values of shape (…, C).
 * @param name Module name of `.weight` and `.bias`.
 * @param epsilon Added to the variance.
 */
export function layerNorm(graph: Graph, x: Value, name: string, epsilon = 1e-5): Value {
  return graph.scope(lastPart(name), () => {
    const shape = [channels(x, -1)];
    const weight = graph.parameter(`${name}.weight`, x.dtype, shape, { init: ONES });
    const bias = graph.parameter(`${name}.bias`, x.dtype, shape, { init: ZEROS });
    return graph.op("LayerNormalization", [x, weight, bias], { epsilon });
  });
}

/**
 * Batch normalization with the running statistics, as at inference.
 *
 * @param graph The graph.
 * @param x Values of shape (N, C, …).
 * @param name Module name of `.weight`, `.bias`, `.running_mean` and `.running_var`.
 * @param epsilon Added to the variance.
 */
export function batchNorm(graph: Graph, x: Value, name: string, epsilon = 1e-5): Value {
  return graph.scope(lastPart(name), () => {
    const shape = [channels(x, 1)];
    const parameter = (part: string, init: Initializer, trainable: boolean) =>
      graph.parameter(`${name}.${part}`, x.dtype, shape, { init, trainable });
    return graph.op("BatchNormalization", [
      x,
      parameter("weight", ONES, true),
      parameter("bias", ZEROS, true),
      parameter("running_mean", ZEROS, false),
      parameter("running_var", ONES, false),
    ], { epsilon });
  });
}

/**
 * Softmax attention of several heads, `MultiHeadAttention` in operators that have gradients.
 *
 * @param graph The graph.
 * @param query Values of shape (B, L, C).
 * @param key Values of shape (B, S, C).
 * @param value Values of shape (B, S, D).
 * @param heads Number of heads, which divides C and D.
 * @param scale Factor to the scores; 1/√(C / heads) where left out.
 * @returns Values of shape (B, L, D).
 */
export function softmaxAttention(
  graph: Graph,
  query: Value,
  key: Value,
  value: Value,
  heads: number,
  scale = 1 / Math.sqrt(channels(query, -1) / heads),
): Value {
  const split = (x: Value) => {
    const [batch, length] = x.shape as [Dim, Dim];
    const width = channels(x, -1) / heads;
    return heads === 1
      ? reshape(graph, x, [batch, 1, length, width])
      : graph.op("Transpose", [reshape(graph, x, [batch, length, heads, width])], {
        perm: [0, 2, 1, 3],
      });
  };
  const [q, k, v] = [split(query), split(key), split(value)];
  const scores = graph.op("FusedMatMul", [q, k], { transB: true, alpha: scale });
  const weights = graph.op("Softmax", [scores], { axis: -1 });
  const mixed = graph.op("MatMul", [weights, v]);
  withGradient(mixed, [q, k, v], (dy, read) => {
    const given = {
      q: read(q),
      k: read(k),
      v: read(v),
      weights: read(weights),
      mixed: read(mixed),
    };
    return attentionGradients(graph, given, dy, scale);
  });
  const joined = heads === 1 ? mixed : graph.op("Transpose", [mixed], { perm: [0, 2, 1, 3] });
  const [batch, tokens] = query.shape as [Dim, Dim];
  return reshape(graph, joined, [batch, tokens, channels(value, -1)]);
}

/**
 * Gradients of query, key and value. Of a softmax P of scores S, dS = P ∘ (dP − Σ P ∘ dP), a sum over keys; with
 * O = P·V and dP = dO·Vᵀ it is Σ dO ∘ O over channels (Dao et al. 2022, https://arxiv.org/abs/2205.14135, appendix
 * B.4). As one more channel of dO, whose value is 1, it is taken off by the same product, so that maps as large as
 * the scores are passed over once.
 */
function attentionGradients(
  graph: Graph,
  { q, k, v, weights, mixed }: Readonly<Record<"q" | "k" | "v" | "weights" | "mixed", Value>>,
  dy: Value,
  scale: number,
): Value[] {
  const sums = graph.op("ReduceSum", [graph.op("Mul", [dy, mixed]), [-1]]);
  const ones = expandTo(
    graph,
    graph.constant(1, v.dtype),
    graph.op("ReduceSum", [v, [3]]),
  );
  const left = graph.op("Concat", [dy, graph.op("Neg", [sums])], { axis: 3 });
  const right = graph.op("Concat", [v, ones], { axis: 3 });
  const centered = graph.op("FusedMatMul", [left, right], { transB: true, alpha: scale });
  const dscores = graph.op("Mul", [weights, centered]);
  return [
    graph.op("MatMul", [dscores, k]),
    graph.op("FusedMatMul", [dscores, q], { transA: true }),
    graph.op("FusedMatMul", [weights, dy], { transA: true }),
  ];
}

/**
 * The same elements in another shape, which may hold symbols.
 *
 * @param graph The graph.
 * @param x The values.
 * @param shape The new shape; one extent may be -1, to be inferred. A symbolic extent must stand on
 * the axis where `x` has it, or be the only one to infer.
 * @throws {GraphError} If more than one extent would have to be inferred.
 */
export function reshape(graph: Graph, x: Value, shape: Shape): Value {
  const target = shape.map((dim, axis) =>
    typeof dim === "number" ? dim : dim === x.shape[axis] ? 0 : -1
  );
  if (target.filter((dim) => dim === -1).length > 1) {
    throw new GraphError(
      `Cannot reshape "${x.name}" from ${x.shape.join("x")} to ${shape.join("x")} ` +
        "as more than one extent would be inferred",
    );
  }
  return graph.op("Reshape", [x, target]);
}

/**
 * The matrix that resamples an axis bilinearly, as PyTorch's `interpolate(mode="bilinear",
 * align_corners=False)` does: `y = matrix · x`.
 *
 * @param from Extent of the axis before.
 * @param to Extent of the axis after.
 * @returns Shape (to, from), float32; each row sums to 1.
 */
export function interpolationMatrix(from: number, to: number): NdArray<"float32"> {
  const matrix = ndarray("float32", [to, from]);
  for (let row = 0; row < to; row++) {
    const position = Math.max((row + 0.5) * from / to - 0.5, 0);
    const before = Math.min(Math.floor(position), from - 1);
    const after = Math.min(before + 1, from - 1);
    const weight = position - before;
    matrix.data[row * from + before]! += 1 - weight;
    matrix.data[row * from + after]! += weight;
  }
  return matrix;
}

/** Rows and columns of a matrix exchanged. */
export function transposedMatrix(matrix: NdArray<"float32">): NdArray<"float32"> {
  const [rows, columns] = matrix.shape as [number, number];
  const result = ndarray("float32", [columns, rows]);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      result.data[column * rows + row] = matrix.data[row * columns + column]!;
    }
  }
  return result;
}

/**
 * Bilinear resampling (align_corners=False) as two products with small matrices, which is faster
 * than `Resize` and whose gradient is two products again.
 *
 * @param graph The graph.
 * @param x Values of shape (N, C, H, W), float32.
 * @param size The new height and width.
 * @returns Values of shape (N, C, height, width).
 */
export function resizeBilinear(
  graph: Graph,
  x: Value,
  [height, width]: readonly [height: number, width: number],
): Value {
  const columns = width === channels(x, 3)
    ? x
    : graph.op("MatMul", [x, transposedMatrix(interpolationMatrix(channels(x, 3), width))]);
  return height === channels(x, 2)
    ? columns
    : graph.op("MatMul", [interpolationMatrix(channels(x, 2), height), columns]);
}
