/** Gradients of convolution, pooling and resampling. @module */
import { ndarray } from "../../array/mod.ts";
import type { Value } from "../value.ts";
import { applyAlongAxis, resizeMatrix, transposed } from "../axis_matrix.ts";
import { type GradientContext, type GradientRule, type GradientRules } from "./rule.ts";

/** A window that slides over spatial axes, as nodes have it. */
interface Window {
  readonly kernelShape: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly pads: readonly number[];
}

type ConvolutionContext = GradientContext<"Conv" | "ConvTranspose">;

const ones = (count: number) => new Array<number>(count).fill(1);
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
const all = (list: readonly number[], value: number) => list.every((item) => item === value);

/** True if the window is a single element at a time: the convolution is a matrix product. */
function isPointwise({ kernelShape, strides, pads }: Window): boolean {
  return all(kernelShape, 1) && all(strides, 1) && all(pads, 0);
}

/**
 * Gradient of the weight of a convolution from `image` (N, C, …) to `map` (N, D, …): a convolution again,
 * of the image with the map's gradient as the kernel, in which batch and channels change places and
 * strides and dilations do.
 */
function weightGradient(
  c: ConvolutionContext,
  image: Value,
  map: Value,
  weight: Value,
  window: Window,
  group: number,
): Value {
  const [batch, channels, ...extents] = c.extents(image) as [number, number, ...number[]];
  const [, features, ...places] = c.extents(map) as [number, number, ...number[]];
  const rank = extents.length;
  if (all(window.kernelShape, 1) && all(window.pads, 0) && group === 1) {
    const axes = range(2, 2 + rank);
    const read = all(window.strides, 1)
      ? image
      : c.op("Slice", [image, axes.map(() => 0), extents, axes, window.strides]);
    const rows = (value: Value, count: number) => c.op("Reshape", [value, [batch, count, -1]]);
    const products = c.op("FusedMatMul", [rows(map, features), rows(read, channels)], {
      transB: true,
    });
    const sum = c.op("ReduceSum", [products, [0]], { keepdims: false });
    return c.reshapeLike(batch === 1 ? products : sum, weight);
  }
  if (group === 1 && rank === 2 && all(window.strides, 1)) {
    const count = batch * places.reduce((a, b) => a * b);
    const unfolded = channels * window.kernelShape.reduce((a, b) => a * b) * count;
    const isSmall = count < MANY_PLACES * Math.max(channels, features) &&
      unfolded <= UNFOLDED_ELEMENTS;
    const gradient = isSmall ? unfoldedWeightGradient : shiftedWeightGradient;
    return gradient(c, image, map, weight, window);
  }
  const size = channels / group;
  const parts = c.op("Reshape", [image, [batch, group, size, ...extents]]);
  const swapped = c.permute(parts, [2, 1, 0, ...range(3, 3 + rank)]);
  const kernel = c.permute(map, [1, 0, ...range(2, 2 + rank)]);
  // Padding at the end that no window reached would only give taps beyond the kernel.
  const unreached = extents.map((extent, i) => {
    const reach = window.dilations[i]! * (window.kernelShape[i]! - 1) + 1;
    const end = (places[i]! - 1) * window.strides[i]! + reach;
    return extent + window.pads[i]! + window.pads[i + rank]! - end;
  });
  const pads = window.pads.map((pad, i) =>
    i < rank ? pad : Math.max(0, pad - unreached[i - rank]!)
  );
  const products = c.op(
    "Conv",
    [c.op("Reshape", [swapped, [size, group * batch, ...extents]]), kernel],
    { strides: window.dilations, dilations: window.strides, pads, group },
  );
  // So would what the stride left over of the image itself.
  const beyond = products.shape.slice(2).some((dim, i) => dim !== window.kernelShape[i]);
  const taps = beyond
    ? c.op("Slice", [products, range(0, rank).map(() => 0), window.kernelShape, range(2, 2 + rank)])
    : products;
  if (places.length !== rank) c.fail("image and map differ in rank");
  return c.permute(taps, [1, 0, ...range(2, 2 + rank)]);
}

/** Where a map has fewer places than this for every channel, putting taps in order costs more than copying images. */
const MANY_PLACES = 4;

/** Elements of all shifted images up to which they are put on top of one another. */
const UNFOLDED_ELEMENTS = 2 ** 24;

/**
 * The same for a two-dimensional convolution with stride 1, of a small map with many channels: one product of the map's
 * gradient with the image shifted for every tap. The image is padded and its lines laid end to end, so that a shift
 * is one cut; as lines of the gradient end in zeros, what a shift carries into the next line does not count.
 */
function unfoldedWeightGradient(
  c: ConvolutionContext,
  image: Value,
  map: Value,
  weight: Value,
  { kernelShape, dilations, pads }: Window,
): Value {
  const [batch, channels, height, width] = c.extents(image) as [number, number, number, number];
  const [, features, rows, columns] = c.extents(map) as [number, number, number, number];
  const [top, left, bottom, right] = pads as [number, number, number, number];
  const line = width + left + right;
  const places = rows * line;
  /** Channels first, so that products sum over the batch too. */
  const linesOf = (value: Value, count: number, length: number) => {
    const lines = c.op("Reshape", [value, [batch, count, length]]);
    return c.permute(lines, [1, 0, 2]);
  };
  // One more line, as the last shift begins within a line and ends beyond the last one.
  const padded = c.op("Pad", [image, [top, left, bottom + 1, right], 0, [2, 3]]);
  const lines = linesOf(padded, channels, (height + top + bottom + 1) * line);
  const ended = c.op("Pad", [map, [0, line - columns], 0, [3]]);
  const gradient = c.op("Reshape", [linesOf(ended, features, places), [features, batch * places]]);
  const shifts = product(kernelShape.map((extent) => range(0, extent))).map(([y, x]) => {
    const start = y! * dilations[0]! * line + x! * dilations[1]!;
    return c.op("Unsqueeze", [c.op("Slice", [lines, [start], [start + places], [2]]), [1]]);
  });
  const unfolded = c.op("Reshape", [
    c.op("Concat", shifts, { axis: 1 }),
    [channels * shifts.length, batch * places],
  ]);
  return c.reshapeLike(c.op("FusedMatMul", [gradient, unfolded], { transB: true }), weight);
}

/** All combinations of one element of each list, in lexicographic order. */
function product(lists: readonly (readonly number[])[]): number[][] {
  return lists.reduce<number[][]>(
    (combinations, list) => combinations.flatMap((head) => list.map((item) => [...head, item])),
    [[]],
  );
}

/**
 * The same for a two-dimensional convolution with stride 1: products of the map's gradient with the image, for which
 * a convolution with so large a kernel has too few columns. Of each tap's shift, the part down is the gradient's and
 * the part across is the image's: all gradients shifted down, on top of one another, are multiplied with one image
 * shifted across after the other. Less is copied than if the image was shifted for every tap, and the products
 * are larger.
 */
function shiftedWeightGradient(
  c: ConvolutionContext,
  image: Value,
  map: Value,
  weight: Value,
  { kernelShape, dilations, pads }: Window,
): Value {
  const [batch, channels, height, width] = c.extents(image) as [number, number, number, number];
  const [, features, rows, columns] = c.extents(map) as [number, number, number, number];
  const [top, left] = pads as [number, number];
  const [tall, wide] = kernelShape as [number, number];
  /** Rows that the windows reach. */
  const reach = rows + dilations[0]! * (tall - 1);
  /** Channels first, so that products sum over the batch too. */
  const channelsFirst = (value: Value) => c.permute(value, [1, 0, 2, 3]);
  const places = batch * reach * columns;
  const first = channelsFirst(image);
  const shiftedDown = c.op("Reshape", [
    stackShifted(c, channelsFirst(map), tall, dilations[0]!),
    [features * tall, places],
  ]);
  const products = range(0, wide).map((tap) => {
    const start = tap * dilations[1]!;
    // Padded where a window reaches beyond the image, and cut where none does.
    const ends = [top, left - start, reach - height - top, start + columns - width - left];
    const across = c.op("Pad", [first, ends, 0, [2, 3]]);
    const lines = c.op("Reshape", [across, [channels, places]]);
    const product = c.op("FusedMatMul", [shiftedDown, lines], { transB: true });
    return c.op("Reshape", [product, [features, tall, channels, 1]]);
  });
  const taps = wide === 1 ? products[0]! : c.op("Concat", products, { axis: 3 });
  return c.reshapeLike(c.permute(taps, [0, 2, 1, 3]), weight);
}

/**
 * Maps (D, N, H, W), each shifted down by 0, 1, … times a number of rows among rows of zeros: what belongs to
 * (D, count, N, H + (count − 1)·step, W), in one vector a channel. A row of zeros at the end of one copy is one at the
 * beginning of the next.
 */
function stackShifted(c: ConvolutionContext, maps: Value, count: number, step: number): Value {
  const [channels, batch, rows, columns] = c.extents(maps) as [number, number, number, number];
  const gap = (count - 1) * step;
  const length = (batch * (rows + gap) - gap) * columns;
  // Between images too, but not behind the last one.
  const apart = batch === 1 ? maps : c.op("Pad", [maps, [0, gap], 0, [2]]);
  const lines = c.op("Reshape", [apart, [channels, -1]]);
  const line = batch === 1 ? lines : c.op("Slice", [lines, [0], [length], [1]]);
  if (count === 1) return line;
  const zero = c.graph.constant(0, maps.dtype);
  const zeros = c.op("Expand", [zero, [channels, (gap + step) * columns]]);
  const parts = range(0, 2 * count - 1).map((i) => i % 2 === 0 ? line : zeros);
  return c.op("Concat", parts, { axis: 1 });
}

/** Attributes of the transposed convolution that leads from `places` back to exactly `extents`. */
function transposedWindow(window: Window, places: readonly number[], extents: readonly number[]) {
  const rank = extents.length;
  const pads = [...window.pads];
  const outputPadding = extents.map((extent, i) => {
    const reach = window.dilations[i]! * (window.kernelShape[i]! - 1) + 1;
    const covered = (places[i]! - 1) * window.strides[i]! + reach - pads[i]! - pads[i + rank]!;
    // With ceilMode, the last window reaches beyond the padding.
    if (covered > extent) pads[i + rank]! += covered - extent;
    return Math.max(0, extent - covered);
  });
  return { strides: window.strides, dilations: window.dilations, pads, outputPadding };
}

/** Padding of the convolution with stride 1 that leads back from the map to the image. */
function mirroredPads({ kernelShape, dilations, pads }: Window): number[] {
  const rank = kernelShape.length;
  return pads.map((pad, i) => dilations[i % rank]! * (kernelShape[i % rank]! - 1) - pad);
}

/** Gradient of the image of a convolution. */
function imageGradient(
  c: ConvolutionContext,
  map: Value,
  weight: Value,
  image: Value,
  window: Window,
  group: number,
) {
  const [, channels, ...extents] = c.extents(image) as [number, number, ...number[]];
  const [, features, ...places] = c.extents(map) as [number, number, ...number[]];
  const rank = extents.length;
  if (isPointwise(window) && group === 1) {
    const matrix = c.op("Reshape", [weight, [features, channels]]);
    const turned = c.op("Transpose", [matrix], { perm: [1, 0] });
    const kernel = c.op("Reshape", [turned, [channels, features, ...ones(rank)]]);
    return c.op("Conv", [map, kernel]);
  }
  const { kernelShape, dilations } = window;
  const mirrored = mirroredPads(window);
  const isConv = group === 1 && all(window.strides, 1) && mirrored.every((pad) => pad >= 0);
  // The kernel of a small map is turned around in more time than the map is transposed in.
  if (!isConv || places.reduce((a, b) => a * b) < features) {
    const attributes = { ...transposedWindow(window, places, extents), group };
    return c.op("ConvTranspose", [map, weight], attributes);
  }
  // With stride 1: a convolution with the kernel turned around and channels exchanged.
  const turned = turnedKernel(c, weight, kernelShape);
  const kernel = c.permute(turned, [1, 0, ...range(2, 2 + rank)]);
  return c.op("Conv", [map, kernel], { dilations, pads: mirrored, group });
}

/** A kernel with its taps in reverse order: by a product, which is faster than cutting backwards. */
function turnedKernel(c: ConvolutionContext, weight: Value, kernelShape: readonly number[]): Value {
  const taps = kernelShape.reduce((product, extent) => product * extent, 1);
  const rows = c.op("Reshape", [weight, [-1, taps]]);
  const matrix = c.op("Reshape", [c.graph.constant(reversal(taps), weight.dtype), [taps, taps]]);
  const turned = c.op("MatMul", [rows, matrix]);
  return c.reshapeLike(turned, weight);
}

/** Elements of the matrix that reverses as many numbers. */
function reversal(count: number): number[] {
  return range(0, count * count).map((i) =>
    Math.floor(i / count) + i % count === count - 1 ? 1 : 0
  );
}

/**
 * Gradients of image and weight of a depthwise convolution with stride 1: depthwise convolutions again, of the map's
 * gradient with the kernel turned around, and of the image with the map's gradient as the kernel. Of several images,
 * each has its channels for itself, over which is summed then.
 */
function depthwiseGradients(c: GradientContext<"Conv">, pads: readonly number[]) {
  const { kernelShape, dilations, pads: given, group } = c.attributes;
  const [image, weight] = [c.input(0), c.input(1)];
  const [batch, channels, ...extents] = c.extents(image) as [number, number, ...number[]];
  const [, , ...places] = c.extents(c.dy);
  return [
    () => {
      const turned = turnedKernel(c, weight, kernelShape);
      return c.op("Conv", [c.dy, turned], { dilations, pads, group });
    },
    () => {
      const planes = batch * channels;
      const images = c.op("Reshape", [image, [1, planes, ...extents]]);
      const kernels = c.op("Reshape", [c.dy, [planes, 1, ...places]]);
      const taps = c.op("Conv", [images, kernels], {
        strides: dilations,
        pads: given,
        group: planes,
      });
      const ofEach = c.op("Reshape", [taps, [batch, channels, 1, ...kernelShape]]);
      return c.reshapeLike(batch === 1 ? taps : c.op("ReduceSum", [ofEach, [0]]), weight);
    },
  ];
}

const biasGradient = (c: ConvolutionContext) =>
  c.op("ReduceSum", [c.dy, [0, ...range(2, c.dy.shape.length)]], { keepdims: false });

const conv: GradientRule<"Conv"> = (c) => {
  const window = { ...c.attributes };
  const [x, weight] = [c.input(0), c.input(1)];
  const context = c as unknown as ConvolutionContext;
  const pads = mirroredPads(window);
  const isDepthwise = weight.shape[1] === 1 && weight.shape[0] === window.group &&
    x.shape[1] === window.group;
  const [image, kernel] = isDepthwise && all(window.strides, 1) && pads.every((pad) => pad >= 0)
    ? depthwiseGradients(c, pads)
    : [
      () => imageGradient(context, c.dy, weight, x, window, window.group),
      () => weightGradient(context, x, c.dy, weight, window, window.group),
    ];
  return [image!, kernel!, () => biasGradient(context)];
};

/** The image of a transposed convolution is the map of the convolution, and the other way round. */
const convTranspose: GradientRule<"ConvTranspose"> = (c) => {
  const { strides, dilations, pads, group } = c.attributes;
  const [x, weight] = [c.input(0), c.input(1)];
  const context = c as unknown as ConvolutionContext;
  return [
    () => {
      const gradient = c.op("Conv", [c.dy, weight], { strides, dilations, pads, group });
      const [, , ...extents] = c.extents(x);
      const axes = range(2, 2 + extents.length);
      const beyond = extents.some((extent, i) => extent !== gradient.shape[i + 2]);
      return beyond ? c.op("Slice", [gradient, axes.map(() => 0), extents, axes]) : gradient;
    },
    () => weightGradient(context, c.dy, x, weight, c.attributes, group),
    () => biasGradient(context),
  ];
};

/** Each window's gradient goes to the element that was the largest. */
const maxPool: GradientRule<"MaxPool"> = (c) => [() => {
  const x = c.input(0);
  const count = c.count(x, [...x.shape.keys()]);
  const zeros = c.op("Expand", [c.graph.constant(0, x.dtype), [count]]);
  const flat = (value: Value) => c.op("Reshape", [value, [-1]]);
  const scattered = c.op("ScatterElements", [zeros, flat(c.output(1)), flat(c.dy)], {
    reduction: "add",
  });
  return c.reshapeLike(scattered, x);
}];

/** Each window's gradient is spread over its elements. */
const averagePool: GradientRule<"AveragePool"> = (c) => [() => {
  const x = c.input(0);
  const [batch, channels, ...extents] = c.extents(x) as [number, number, ...number[]];
  const [, , ...places] = c.extents(c.dy);
  const window: Window = c.attributes;
  const counts = windowCounts(window, extents, places, c.attributes.countIncludePad);
  const share = c.op("Div", [c.dy, c.graph.constant(counts, x.dtype)]);
  const planes = c.op("Reshape", [share, [batch * channels, 1, ...places]]);
  const kernelSize = window.kernelShape.reduce((product, extent) => product * extent, 1);
  const kernel = c.op("Reshape", [
    c.graph.constant(ones(kernelSize), x.dtype),
    [1, 1, ...window.kernelShape],
  ]);
  const spread = c.op(
    "ConvTranspose",
    [planes, kernel],
    transposedWindow(window, places, extents),
  );
  return c.reshapeLike(spread, x);
}];

/** Number of elements that each window of an average pool counts, along all axes together. */
function windowCounts(
  { kernelShape, strides, dilations, pads }: Window,
  extents: readonly number[],
  places: readonly number[],
  countIncludePad: boolean,
) {
  const rank = extents.length;
  const along = extents.map((extent, axis) => {
    const [before, after] = [pads[axis]!, pads[axis + rank]!];
    const [low, high] = countIncludePad ? [-before, extent + after] : [0, extent];
    return range(0, places[axis]!).map((place) => {
      const taps = range(0, kernelShape[axis]!).map((tap) =>
        place * strides[axis]! - before + tap * dilations[axis]!
      );
      return taps.filter((position) => position >= low && position < high).length;
    });
  });
  const counts = along.reduce<number[]>(
    (product, counts) => product.flatMap((left) => counts.map((right) => left * right)),
    [1],
  );
  return ndarray("float32", [1, 1, ...places], Float32Array.from(counts));
}

const globalAverage: GradientRule<"GlobalAveragePool" | "BlockedGlobalAveragePool"> = (c) => [
  () => c.op("Mul", [c.dy, 1 / c.count(c.input(0), range(2, c.input(0).shape.length))]),
];

/** Shared evenly by the elements that attain the maximum. */
const globalMax: GradientRule<"GlobalMaxPool"> = (c) => [() => {
  const x = c.input(0);
  const hits = c.op("Cast", [c.op("Equal", [x, c.output(0)])], { to: x.dtype });
  const ties = c.op("ReduceSum", [hits, range(2, x.shape.length)]);
  return c.op("Mul", [hits, c.op("Div", [c.dy, ties])]);
}];

/** Resampling is a product with one matrix an axis, and so is its gradient. */
const resize: GradientRule<"Resize"> = (c) => [
  () => {
    const from = c.extents(c.input(0));
    const to = c.extents(c.dy);
    const scales = c.optional(2)?.producer;
    let gradient = c.dy;
    for (const [axis, extent] of from.entries()) {
      const scale = scales?.kind === "constant" ? Number(scales.array.data[axis]) : null;
      if (extent === to[axis] && (scale ?? 1) === 1) continue;
      const matrix = resizeMatrix(extent, to[axis]!, scale, c.attributes);
      gradient = applyAlongAxis(c.graph, gradient, transposed(matrix), axis);
    }
    return gradient;
  },
  null,
  null,
  null,
];

/** (N, C·b², H, W) → (N, C, H·b, W·b) with channels of a cell last, undone. */
const depthToSpace: GradientRule<"DepthToSpace"> = (c) => [() => {
  const { blocksize, mode } = c.attributes;
  if (mode === "DCR") return c.op("SpaceToDepth", [c.dy], { blocksize });
  const [batch, depth, height, width] = c.extents(c.input(0)) as [number, number, number, number];
  const channels = depth / blocksize ** 2;
  const cells = c.op("Reshape", [c.dy, [batch, channels, height, blocksize, width, blocksize]]);
  return c.reshapeLike(c.op("Transpose", [cells], { perm: [0, 1, 3, 5, 2, 4] }), c.input(0));
}];

/** Rules of convolution, pooling and resampling. */
export const CONVOLUTION_GRADIENTS = {
  Conv: conv,
  ConvTranspose: convTranspose,
  ReorderInput: (c) => [
    () =>
      c.op("ReorderOutput", [c.dy], { ...c.attributes, channels: c.output(0).shape[1] as number }),
  ],
  ReorderOutput: (c) => [
    () => c.op("ReorderInput", [c.dy], { channelsLast: c.attributes.channelsLast }),
  ],
  MaxPool: maxPool,
  AveragePool: averagePool,
  GlobalAveragePool: globalAverage,
  BlockedGlobalAveragePool: globalAverage,
  GlobalMaxPool: globalMax,
  Resize: resize,
  DepthToSpace: depthToSpace,
  SpaceToDepth: (c) => [
    () => c.op("DepthToSpace", [c.dy], { blocksize: c.attributes.blocksize, mode: "DCR" }),
  ],
} satisfies GradientRules;
