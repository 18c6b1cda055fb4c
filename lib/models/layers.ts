/**
 * Layers that networks share, as the forward pass under construction wants them: batch normalization by the
 * batch in training and by running statistics at inference, dropout in training alone.
 *
 * @module
 */
import { InputError } from "../errors.ts";
import {
  batchNorm as frozenBatchNorm,
  conv2d,
  type Conv2dOptions,
  type Graph,
  type Initializer,
  reshape,
  resizeBilinear,
  type Value,
} from "../onnx/mod.ts";
import { batchNormTraining } from "./batch_norm.ts";
import type { Forward } from "./forward.ts";

/** Epsilon of batch normalization: PyTorch's default. */
const BATCH_NORM_EPSILON = 1e-5;

const ZEROS: Initializer = { kind: "constant", value: 0 };
const ONES: Initializer = { kind: "constant", value: 1 };

/** A map whose shape is known but for the batch. */
export type MapShape = readonly [
  batch: string | number,
  channels: number,
  height: number,
  width: number,
];

/** Extents of a map. */
export function mapShape(x: Value): MapShape {
  return x.shape as MapShape;
}

/**
 * Normal numbers that keep the scale of what passes through ReLU: He et al. 2015,
 * https://arxiv.org/abs/1502.01852.
 *
 * @param fan Elements that each result is summed over; or, as torchvision does, results that each element has a
 * share in.
 */
export function heNormal(fan: number): Initializer {
  return { kind: "normal", std: Math.sqrt(2 / fan) };
}

/**
 * Batch normalization: by the batch in training, unless its parameters are frozen.
 *
 * @param forward Where operators are added.
 * @param x Values of shape (N, C, …).
 * @param name Module name of `.weight`, `.bias`, `.running_mean` and `.running_var`.
 * @throws {InputError} In training, if a channel has a single element.
 */
export function batchNorm(forward: Forward, x: Value, name: string): Value {
  const { graph, training } = forward;
  if (!training || training.isFrozen(`${name}.weight`)) {
    return frozenBatchNorm(graph, x, name, BATCH_NORM_EPSILON);
  }
  const isSingle = x.shape.every((extent, axis) => axis === 1 || extent === 1);
  if (isSingle && (training.normalizedOver ?? 1) === 1) {
    throw new InputError(
      `Cannot train "${name}" on a batch of one as it normalizes over the batch`,
      { hint: "Use a batch_size of 2 or more" },
    );
  }
  const shape = [mapShape(x)[1]];
  const parameter = (part: string, init: Initializer, trainable: boolean) =>
    graph.parameter(`${name}.${part}`, x.dtype, shape, { init, trainable });
  return batchNormTraining(graph, training, x, {
    gamma: parameter("weight", ONES, true),
    beta: parameter("bias", ZEROS, true),
    mean: parameter("running_mean", ZEROS, false),
    variance: parameter("running_var", ONES, false),
  }, BATCH_NORM_EPSILON);
}

/** Names of a convolution and of the batch normalization after it; null for none. */
export interface ConvNames {
  /** Module name of the convolution. */
  readonly conv: string;
  /** Module name of the normalization. */
  readonly norm: string | null;
}

/**
 * Convolution, batch normalization, and ReLU. The convolution has no bias where it is normalized, unless
 * the options say so.
 *
 * @param forward Where operators are added.
 * @param x Values of shape (N, C, H, W).
 * @param names Module names.
 * @param features Channels of the result.
 * @param options Kernel and so on.
 */
export function convNormRelu(
  forward: Forward,
  x: Value,
  names: ConvNames,
  features: number,
  options: Conv2dOptions,
): Value {
  return forward.graph.op("Relu", [convNorm(forward, x, names, features, options)]);
}

/** {@linkcode convNormRelu} without ReLU. */
export function convNorm(
  forward: Forward,
  x: Value,
  { conv, norm }: ConvNames,
  features: number,
  options: Conv2dOptions,
): Value {
  const y = conv2d(forward.graph, x, conv, features, { bias: norm === null, ...options });
  return norm === null ? y : batchNorm(forward, y, norm);
}

/**
 * Drop whole channels at random, in training: Tompson et al. 2015, https://arxiv.org/abs/1411.4280.
 *
 * @param forward Where operators are added.
 * @param x Values of shape (N, C, H, W).
 * @param name Name of the mask, unique in the network.
 * @param rate Probability of 0.
 */
export function dropChannels({ graph, training }: Forward, x: Value, name: string, rate: number) {
  if (!training || rate === 0) return x;
  const [batch, channels] = mapShape(x);
  return graph.op("Mul", [x, training.mask(name, [batch as number, channels, 1, 1], rate)]);
}

/** The largest of each window. */
export function maxPool(graph: Graph, x: Value, kernel: number, stride: number, padding = 0) {
  return graph.op("MaxPool", [x], {
    kernelShape: [kernel, kernel],
    strides: [stride, stride],
    pads: [padding, padding, padding, padding],
  });
}

/** Maps on top of one another along the channels. */
export function concatChannels(graph: Graph, maps: readonly Value[]): Value {
  return graph.op("Concat", maps, { axis: 1 });
}

/**
 * Repeat every element as a square of `factor` by `factor`: PyTorch's `Upsample(mode="nearest")`.
 *
 * @param graph The graph.
 * @param x Values of shape (N, C, H, W).
 * @param factor How often.
 */
export function repeatPixels(graph: Graph, x: Value, factor: number): Value {
  const [batch, channels, height, width] = mapShape(x);
  return graph.scope("resize", () => {
    const lines = reshape(graph, x, [batch, channels, height, 1, width, 1]);
    const repeated = graph.op("Expand", [lines, [1, 1, 1, factor, 1, factor]]);
    return reshape(graph, repeated, [batch, channels, height * factor, width * factor]);
  });
}

/** Maps above this many rows are resampled by `Resize`, below by matrices, which is faster there. */
const MATRIX_ROWS = 64;

/**
 * Resample bilinearly.
 *
 * @param graph The graph.
 * @param x Values of shape (N, C, H, W).
 * @param size The new rows and columns.
 * @param alignCorners True if the corners' centres stay where they are, else their outer edges.
 */
export function resize(
  graph: Graph,
  x: Value,
  size: readonly [height: number, width: number],
  alignCorners = false,
): Value {
  const [, , height, width] = mapShape(x);
  if (height === size[0] && width === size[1]) return x;
  return graph.scope("resize", () => {
    if (!alignCorners && size[0] <= MATRIX_ROWS) return resizeBilinear(graph, x, size);
    const scales = graph.constant([1, 1, size[0] / height, size[1] / width], "float32");
    return graph.op("Resize", [x, null, scales], {
      mode: "linear",
      coordinateTransformationMode: alignCorners ? "align_corners" : "half_pixel",
    });
  });
}
