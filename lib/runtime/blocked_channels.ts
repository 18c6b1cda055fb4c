/**
 * Convolutions of the CPU in blocked channels, and what lies between them. ONNX Runtime does so itself where weights
 * are constants, which those of a training are not.
 *
 * @module
 */
import {
  CHANNEL_BLOCK,
  constantIntegers,
  type Expansion,
  type Expansions,
  type Graph,
  isOperator,
  type Node,
  type OperatorName,
  sameShape,
  type Shape,
  type Value,
} from "../onnx/mod.ts";

/** Channels of an image up to which it is convolved as it is, whatever the size of blocks. */
const FEW_CHANNELS = 7;

/** Elements of each kernel up to which as many as are computed at a time stay in the processor's cache. */
const CACHED_KERNEL = 4096;

/** Operators that do the same to elements wherever they lie. */
const ELEMENTWISE = ["Add", "Sub", "Mul", "Erf", "Exp", "Gelu", "HardSigmoid", "Relu"] as const;

type Image = readonly [batch: number, channels: number, height: number, width: number];

/**
 * Convolutions in blocked channels:
 *
 * - Depthwise ones are three times as fast as in plain channels, and ten times where the kernel is as large as the map,
 *   as in the gradient of a weight.
 * - Those from few channels, such as the gradients of the weights of strided convolutions, which have the batch for
 *   channels, are up to twice as fast, and share their work among threads.
 * - Pointwise ones, which are products, are faster than products that read a matrix transposed. They are blocked where
 *   they lead to depthwise ones, or from them, so that nothing is put in another order between them.
 * - Sums over the pixels of these, which are the gradients of weights, are pointwise convolutions of pixels.
 *
 * Elementwise operators and sums over pixels follow their inputs. Every value is there in plain channels too: what
 * nothing reads is left out when the graph is encoded.
 *
 * @param graph The graph that will be expanded.
 */
export function blockedChannels(graph: Graph): Expansions {
  const before = valuesBeforeDepthwise(graph);
  const blocks = new Blocks();
  const elementwise: Expansion<OperatorName> = (result, node, inputs) => {
    const blocked = inputs.map((input) => isScalar(input) ? input : blocks.computed(input));
    const image = blocked.find((input) => input !== null && !isScalar(input));
    if (!image || blocked.some((input) => input === null || !isScalarOr(input, image))) return null;
    return [blocks.plain(result, result.repeat(node, blocked)[0]!, node.outputs[0]!.shape)];
  };
  return {
    Conv: (result, node, inputs) => {
      const [x, weight, bias] = inputs as [Value, Value, Value?];
      if (!isImage(x.shape) || !isImage(weight.shape) || x.dtype !== "float32") return null;
      const [features, channels, height, width] = weight.shape;
      if (features % CHANNEL_BLOCK !== 0) return null;
      const { group } = node.attributes;
      const isFromFew = group === 1 && channels <= FEW_CHANNELS &&
        channels * height * width <= CACHED_KERNEL;
      const follows = isPointwise(node) && channels % CHANNEL_BLOCK === 0 &&
        (before.has(node.outputs[0]!) || blocks.computed(x) !== null);
      if (!isDepthwise(node) && !isFromFew && !follows) return null;
      const images = isFromFew ? x : reshaped(result, blocks.of(result, x, x.shape), x.shape);
      // A block of kernels lies as a block of the channels of an image does.
      const kernels = blocks.of(result, weight, [1, features, channels * height, width]);
      const y = result.op("BlockedConv", [
        images,
        reshaped(result, kernels, weight.shape),
        ...(bias ? [bias] : []),
      ], node.attributes);
      return [blocks.plain(result, y, y.shape)];
    },
    FusedMatMul: (result, { attributes: { alpha, transA, transB } }, [a, b]) =>
      alpha === 1 && !transA && transB
        ? sumOverPixels(result, blocks, a!, b!) ?? sumOverPixels(result, blocks, b!, a!, true)
        : null,
    Transpose: (result, node, [x]) => {
      const perm = node.attributes.perm.join();
      if (perm === "0,2,3,1" || perm === "0,3,1,2") return turnImages(result, x!, perm);
      const image = perm === "0,2,1" ? blocks.computed(x!) : null;
      if (image === null) return null;
      const [batch, channels, height, width] = image.shape as Image;
      if (!sameShape(x!.shape, [batch, channels, height * width])) return null;
      const pixels = result.op("ReorderOutput", [image], { channels, channelsLast: true });
      return [result.op("Reshape", [pixels, [batch, height * width, channels]])];
    },
    ReduceSum: (result, node, [x, axes]) => {
      const image = axes && constantIntegers(axes)?.join() === "0,2,3" ? blocks.computed(x!) : null;
      if (image === null || !sameShape(image.shape, x!.shape)) return null;
      const [batch, channels, height, width] = image.shape as Image;
      const means = result.op("BlockedGlobalAveragePool", [image]);
      const sums = result.op("Mul", [means, height * width]);
      const ofAll = batch === 1 ? sums : result.op("ReduceSum", [
        result.op("Reshape", [sums, [batch, channels]]),
        [0],
      ]);
      return [result.op("Reshape", [ofAll, node.outputs[0]!.shape as readonly number[]])];
    },
    ...Object.fromEntries(ELEMENTWISE.map((operator) => [operator, elementwise])),
  };
}

/** What is in blocked channels, by the plain values whose elements they are. */
class Blocks {
  readonly #blocked = new Map<Value, Value>();

  /** An image in blocked channels. */
  of(graph: Graph, value: Value, image: Image): Value {
    const source = withoutReshape(value);
    const known = this.#blocked.get(source);
    if (known && sameShape(known.shape.slice(2), image.slice(2))) return known;
    const pixels = pixelsOf(source, image);
    const [batch, channels, ...extents] = image;
    const result = pixels === null
      ? graph.op("ReorderInput", [reshaped(graph, value, image)])
      : graph.op("ReorderInput", [reshaped(graph, pixels, [batch, ...extents, channels])], {
        channelsLast: true,
      });
    this.#blocked.set(source, result);
    return result;
  }

  /** What a value was computed as, in blocked channels; null if it was in plain ones. */
  computed(value: Value | null): Value | null {
    const source = value === null ? null : withoutReshape(value);
    return source !== null && isResultOf(source, "ReorderOutput")
      ? this.#blocked.get(source) ?? null
      : null;
  }

  /** The plain value of what was computed in blocked channels. */
  plain(graph: Graph, blocked: Value, shape: Shape): Value {
    const plain = graph.op("ReorderOutput", [blocked], { channels: blocked.shape[1] as number });
    this.#blocked.set(plain, blocked);
    return reshaped(graph, plain, shape);
  }
}

/**
 * The products of two maps (batch, channels, pixels), summed over pixels: gradients of weights. As a pointwise
 * convolution that has the pixels for channels, if one map is in blocked channels, which lie as kernels do, and the
 * other one is there with channels last.
 *
 * @param map The map in blocked channels: the rows of the result.
 * @param other The other map: its columns.
 * @param isTurned True for rows and columns the other way round.
 * @returns The products of each image; null if the maps lie otherwise.
 */
function sumOverPixels(
  graph: Graph,
  blocks: Blocks,
  map: Value,
  other: Value,
  isTurned = false,
): readonly Value[] | null {
  const kernels = blocks.computed(map);
  if (kernels === null) return null;
  const [batch, rows, height, width] = kernels.shape as Image;
  const pixels = height * width;
  if (!sameShape(map.shape, [batch, rows, pixels]) || pixels % CHANNEL_BLOCK !== 0) return null;
  const columns = other.shape[1] as number;
  const lines = pixelsOf(withoutReshape(other), [batch, columns, height, width]);
  if (lines === null) return null;
  const image = reshaped(graph, lines, [1, batch * pixels, columns, 1]);
  const products = graph.op("BlockedConv", [
    graph.op("ReorderInput", [image]),
    reshaped(graph, kernels, [batch * rows, pixels, 1, 1]),
  ], { group: batch });
  const channels = batch * rows;
  const plain = graph.op("ReorderOutput", [products], { channels, channelsLast: isTurned });
  if (!isTurned) return [reshaped(graph, plain, [batch, rows, columns])];
  const turned = reshaped(graph, plain, [columns, batch, rows]);
  return [
    batch === 1
      ? reshaped(graph, turned, [1, columns, rows])
      : graph.op("Transpose", [turned], { perm: [1, 0, 2] }),
  ];
}

/**
 * Images with channels first or last the other way round, by way of blocked channels: the runtime moves element by
 * element, in up to three times the time, unless it is a single image.
 */
function turnImages(graph: Graph, x: Value, perm: "0,2,3,1" | "0,3,1,2"): readonly Value[] | null {
  if (!isImage(x.shape) || x.shape[0] === 1 || x.dtype !== "float32") return null;
  const isLast = perm === "0,3,1,2";
  const channels = x.shape[isLast ? 3 : 1];
  if (channels % CHANNEL_BLOCK !== 0) return null;
  const blocked = graph.op("ReorderInput", [x], { channelsLast: isLast });
  return [graph.op("ReorderOutput", [blocked], { channels, channelsLast: !isLast })];
}

/** The values that reach a depthwise convolution through elementwise operators alone. */
function valuesBeforeDepthwise(graph: Graph): Set<Value> {
  const before = new Set<Value>();
  const passing: ReadonlySet<string> = new Set([...ELEMENTWISE, "Reshape"]);
  for (const node of graph.nodes.toReversed()) {
    const passes = passing.has(node.operator) && before.has(node.outputs[0]!);
    const convolves = isOperator(node, "Conv") && isDepthwise(node) &&
      (node.outputs[0]!.shape[1] as number) % CHANNEL_BLOCK === 0;
    if (!passes && !convolves) continue;
    for (const input of node.inputs) if (input !== null) before.add(input);
  }
  return before;
}

function isDepthwise({ inputs: [x, weight], attributes: { group } }: Node<"Conv">): boolean {
  const [features, channels] = weight!.shape;
  return x!.shape.length === 4 && x!.shape[1] === group && features === group && channels === 1;
}

/** True if the kernel is a single element that goes to every pixel. */
function isPointwise({ attributes: { kernelShape, strides, pads, group } }: Node<"Conv">): boolean {
  return group === 1 && [...kernelShape, ...strides].every((extent) => extent === 1) &&
    pads.every((pad) => pad === 0);
}

/** The values of an image with channels last (batch, pixels, channels), if that is what it is the transpose of. */
function pixelsOf(source: Value, [batch, channels]: Image): Value | null {
  const { producer } = source;
  if (producer.kind !== "node" || !isOperator(producer.node, "Transpose")) return null;
  const { perm } = producer.node.attributes;
  const [x] = producer.node.inputs as [Value];
  const isTurned = perm.join() === "1,0" ? batch === 1 : perm.join() === "0,2,1";
  return isTurned && x.shape.at(-1) === channels && (x.shape.length === 2 || x.shape[0] === batch)
    ? x
    : null;
}

/** The value whose elements are told in another shape. */
function withoutReshape(value: Value): Value {
  const { producer } = value;
  return producer.kind === "node" && producer.node.operator === "Reshape"
    ? withoutReshape(producer.node.inputs[0]!)
    : value;
}

function isResultOf({ producer }: Value, operator: OperatorName): boolean {
  return producer.kind === "node" && producer.node.operator === operator;
}

function isImage(shape: Shape): shape is Image {
  return shape.length === 4 && shape.every((dim) => typeof dim === "number");
}

function isScalar(value: Value | null): boolean {
  return value !== null && value.shape.every((dim) => dim === 1);
}

function isScalarOr(value: Value, image: Value): boolean {
  return isScalar(value) || sameShape(value.shape, image.shape);
}

function reshaped(graph: Graph, value: Value, shape: Shape): Value {
  return sameShape(value.shape, shape)
    ? value
    : graph.op("Reshape", [value, shape as readonly number[]]);
}
