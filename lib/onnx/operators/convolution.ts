/** Convolution, pooling and resampling over spatial axes; tensors are (N, C, spatial…). @module */
import {
  choice,
  flag,
  float,
  type Inference,
  int,
  ints,
  operator,
  requiredInt,
  requiredInts,
  type TensorType,
} from "../operator.ts";
import { type Dim, divideDims, mapDim, multiplyDims, type Shape } from "../dims.ts";
import { knownElements } from "../known_elements.ts";

/** Attributes of a window that slides over spatial axes, each with one entry an axis. */
interface Window {
  readonly kernelShape: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Begin of every axis, then end of every axis. */
  readonly pads: readonly number[];
}

/** Ones for strides and dilations and zeros for pads, where left out. */
function resolveWindow(
  context: Inference<Partial<Window>>,
  kernelShape: readonly number[],
): Window {
  const rank = kernelShape.length;
  const { strides, dilations, pads } = context.attributes;
  return {
    kernelShape,
    strides: strides ?? new Array(rank).fill(1),
    dilations: dilations ?? new Array(rank).fill(1),
    pads: pads ?? new Array(2 * rank).fill(0),
  };
}

/** Spatial extents of a weight of shape (M, C/group, kernel…). */
function kernelOf(context: Inference<{ readonly kernelShape?: readonly number[] }>): number[] {
  const kernel = context.input(1).shape.slice(2);
  if (!kernel.every((dim) => typeof dim === "number")) {
    return context.fail("the kernel's extents must be numbers");
  }
  const given = context.attributes.kernelShape;
  if (given !== undefined && given.join() !== kernel.join()) {
    context.fail(`kernelShape is [${given.join(", ")}]`);
  }
  return kernel;
}

function checkWindow(context: Inference<Window>, rank: number): void {
  const { kernelShape, strides, dilations, pads } = context.attributes;
  if (rank < 1) context.fail("there must be at least one spatial axis");
  for (
    const [name, list, length] of [
      ["kernelShape", kernelShape, rank],
      ["strides", strides, rank],
      ["dilations", dilations, rank],
      ["pads", pads, 2 * rank],
    ] as const
  ) {
    if (list.length !== length) {
      context.fail(`${name} must have ${length} entries: current is [${list.join(", ")}]`);
    }
  }
}

/** Number of places of the window along each spatial axis. */
function slide(context: Inference<Window>, spatial: readonly Dim[], ceilMode: boolean): Dim[] {
  const { kernelShape, strides, dilations, pads } = context.attributes;
  checkWindow(context, spatial.length);
  return spatial.map((dim, i) => {
    const reach = dilations[i]! * (kernelShape[i]! - 1) + 1;
    const padding = pads[i]! + pads[i + spatial.length]!;
    const stride = strides[i]!;
    return mapDim(dim, (extent) => {
      const room = extent + padding - reach;
      if (room < 0) {
        context.fail(`a window of ${reach} does not fit the padded extent ${extent + padding}`);
      }
      if (!ceilMode) return Math.floor(room / stride) + 1;
      const places = Math.ceil(room / stride) + 1;
      // A window that would start in the padding at the end is left out.
      return (places - 1) * stride >= extent + pads[i]! ? places - 1 : places;
    }, (symbol) => `${ceilMode ? "ceil" : "floor"}((${symbol}+${padding - reach})/${stride})+1`);
  });
}

function inferConv(context: Inference<Window & { readonly group: number }>): TensorType[] {
  const dtype = context.sameType(0, 1, 2);
  const { shape } = context.input(0);
  const weight = context.input(1).shape;
  const { group } = context.attributes;
  if (shape.length < 3 || weight.length !== shape.length) {
    context.fail("X and W must have the same rank, at least 3");
  }
  if (shape[1] !== multiplyDims([weight[1]!, group])) {
    context.fail(`X must have ${multiplyDims([weight[1]!, group])} channels (group ${group})`);
  }
  if (divideDims(weight[0]!, group) === null) {
    context.fail(`group ${group} does not divide the ${weight[0]} output channels`);
  }
  context.expectShape(2, [weight[0]!], "(one number an output channel)");
  return [{ dtype, shape: [shape[0]!, weight[0]!, ...slide(context, shape.slice(2), false)] }];
}

function inferConvTranspose(
  context: Inference<
    Window & { readonly group: number; readonly outputPadding: readonly number[] }
  >,
): TensorType[] {
  const dtype = context.sameType(0, 1, 2);
  const { shape } = context.input(0);
  const weight = context.input(1).shape;
  const { group, kernelShape, strides, dilations, pads, outputPadding } = context.attributes;
  if (shape.length < 3 || weight.length !== shape.length) {
    context.fail("X and W must have the same rank, at least 3");
  }
  if (shape[1] !== weight[0] || divideDims(weight[0]!, group) === null) {
    context.fail(`X must have ${weight[0]} channels in ${group} groups`);
  }
  const rank = shape.length - 2;
  checkWindow(context, rank);
  if (outputPadding.length !== rank) context.fail(`outputPadding must have ${rank} entries`);
  const channels = multiplyDims([weight[1]!, group]);
  context.expectShape(2, [channels], "(one number an output channel)");
  const spatial = shape.slice(2).map((dim, i) => {
    const extra = dilations[i]! * (kernelShape[i]! - 1) + 1 + outputPadding[i]! - pads[i]! -
      pads[i + rank]!;
    return mapDim(
      dim,
      (extent) => strides[i]! * (extent - 1) + extra,
      (symbol) => `${strides[i]}*(${symbol}-1)+${extra}`,
    );
  });
  return [{ dtype, shape: [shape[0]!, channels, ...spatial] }];
}

function inferPool(context: Inference<Window & { readonly ceilMode: boolean }>): TensorType[] {
  const { dtype, shape } = context.input(0);
  const [batch, channels, ...spatial] = shape;
  if (batch === undefined || channels === undefined) return context.fail("X must be (N, C, …)");
  const output = [batch, channels, ...slide(context, spatial, context.attributes.ceilMode)];
  return [{ dtype, shape: output }, { dtype: "int64", shape: output }];
}

function inferGlobalPool(context: Inference<unknown>): TensorType[] {
  const { dtype, shape } = context.input(0);
  if (shape.length < 3) context.fail("X must be (N, C, spatial…)");
  return [{ dtype, shape: shape.map((dim, axis) => axis < 2 ? dim : 1) }];
}

const globalPool = () => operator({ inputs: "X", infer: inferGlobalPool });

function inferResize(context: Inference<unknown>): TensorType[] {
  const { dtype, shape } = context.input(0);
  const scales = context.optional(2);
  const sizes = context.optional(3);
  if ((scales === null) === (sizes === null)) context.fail("give either scales or sizes");
  if (sizes !== null) {
    const known = knownElements(sizes) ?? context.fail("sizes must be a constant");
    if (known.length !== shape.length) context.fail(`sizes must have ${shape.length} entries`);
    return [{ dtype, shape: known }];
  }
  const { producer } = scales!;
  if (producer.kind !== "constant") return context.fail("scales must be a constant");
  const factors = Array.from(producer.array.data, Number);
  if (factors.length !== shape.length) context.fail(`scales must have ${shape.length} entries`);
  const scaled = shape.map((dim, axis) => {
    const factor = factors[axis]!;
    if (factor === 1) return dim;
    return mapDim(dim, (n) => Math.floor(n * factor), (symbol) => `floor(${symbol}*${factor})`);
  });
  return [{ dtype, shape: scaled }];
}

const rearrange = (
  context: Inference<{ readonly blocksize: number }>,
  toDepth: boolean,
): TensorType[] => {
  const { dtype, shape } = context.input(0);
  const { blocksize } = context.attributes;
  const [batch, channels, height, width] = shape;
  if (
    batch === undefined || channels === undefined || height === undefined || width === undefined
  ) {
    return context.fail("X must be (N, C, H, W)");
  }
  const area = blocksize * blocksize;
  const divided = (dim: Dim, by: number) =>
    divideDims(dim, by) ?? context.fail(`${dim} is not a multiple of ${by}`);
  return [{
    dtype,
    shape: toDepth
      ? [
        batch,
        multiplyDims([channels, area]),
        divided(height, blocksize),
        divided(width, blocksize),
      ]
      : [
        batch,
        divided(channels, area),
        multiplyDims([height, blocksize]),
        multiplyDims([width, blocksize]),
      ],
  }];
};

const WINDOW = { kernelShape: ints(), strides: ints(1), dilations: ints(1), pads: ints(0) };
const POOL = { ...WINDOW, kernelShape: requiredInts(), ceilMode: flag(false) };

/** ONNX Runtime's own operators in blocked channels, which it otherwise puts in for those of constant weights. */
const BLOCKED = { domain: "com.microsoft.nchwc" } as const;

/** Blocks of channels, of whatever size, divide a multiple of this. */
export const CHANNEL_BLOCK = 16;

/** Refuse what is no image with whole blocks of channels, as (N, C, H, W). */
function checkBlocks(context: Inference<unknown>, shape: Shape): void {
  const channels = shape[1];
  if (shape.length !== 4 || typeof channels !== "number" || channels % CHANNEL_BLOCK !== 0) {
    context.fail(`X must be (N, C, H, W) with C a multiple of ${CHANNEL_BLOCK}`);
  }
}

/** (N, C, H, W), from (N, H, W, C) with `channelsLast`. */
function inferToBlocks(context: Inference<{ channelsLast: boolean }>): TensorType[] {
  const { dtype, shape } = context.input(0);
  const [batch, ...axes] = shape as [Dim, ...Dim[]];
  const inOrder = context.attributes.channelsLast
    ? [batch, ...axes.slice(-1), ...axes.slice(0, -1)]
    : shape;
  checkBlocks(context, inOrder);
  return [{ dtype, shape: inOrder }];
}

/** (N, C, H, W) as it is, or (N, H, W, C) with `channelsLast`. */
function inferFromBlocks(context: Inference<{ channelsLast: boolean }>): TensorType[] {
  const { dtype, shape } = context.input(0);
  checkBlocks(context, shape);
  const [batch, channels, ...extents] = shape as [Dim, Dim, ...Dim[]];
  return [{
    dtype,
    shape: context.attributes.channelsLast ? [batch, ...extents, channels] : shape,
  }];
}

/** Rows of convolution, pooling and resampling. */
export const CONVOLUTION = {
  Conv: operator({
    inputs: "X W B?",
    attributes: { ...WINDOW, group: int(1) },
    resolve: (context) => resolveWindow(context, kernelOf(context)),
    infer: inferConv,
  }),
  ConvTranspose: operator({
    inputs: "X W B?",
    attributes: { ...WINDOW, outputPadding: ints(0), group: int(1) },
    resolve: (context) => {
      const kernel = kernelOf(context);
      const outputPadding = context.attributes.outputPadding ?? new Array(kernel.length).fill(0);
      return { ...resolveWindow(context, kernel), outputPadding };
    },
    infer: inferConvTranspose,
  }),
  /** `Indices` are flat positions in X. */
  MaxPool: operator({
    inputs: "X",
    outputs: "Y Indices?",
    attributes: POOL,
    resolve: (context) => resolveWindow(context, context.attributes.kernelShape ?? []),
    infer: inferPool,
  }),
  AveragePool: operator({
    inputs: "X",
    attributes: { ...POOL, countIncludePad: flag(false) },
    resolve: (context) => resolveWindow(context, context.attributes.kernelShape ?? []),
    infer: (context) => inferPool(context).slice(0, 1),
  }),
  GlobalAveragePool: globalPool(),
  GlobalMaxPool: globalPool(),
  Resize: operator({
    inputs: "X roi? scales? sizes?",
    attributes: {
      mode: choice("nearest", "linear", "cubic"),
      coordinateTransformationMode: choice(
        "half_pixel",
        "half_pixel_symmetric",
        "pytorch_half_pixel",
        "align_corners",
        "asymmetric",
      ),
      nearestMode: choice("round_prefer_floor", "round_prefer_ceil", "floor", "ceil"),
      cubicCoeffA: float(-0.75),
      antialias: flag(false),
    },
    infer: inferResize,
  }),
  DepthToSpace: operator({
    inputs: "X",
    attributes: { blocksize: requiredInt(), mode: choice("DCR", "CRD") },
    infer: (context) => rearrange(context, false),
  }),
  SpaceToDepth: operator({
    inputs: "X",
    attributes: { blocksize: requiredInt() },
    infer: (context) => rearrange(context, true),
  }),
  /**
   * To blocked channels, and back: the layout in which the CPU's convolutions are fastest, with a block of channels
   * (8 or 16, as the processor has registers) side by side at each pixel. Their shapes are (N, C, H, W); what lies
   * where is the runtime's own affair. C must be a multiple of {@linkcode CHANNEL_BLOCK}. With `channelsLast`, the
   * other layout is (N, H, W, C).
   */
  ReorderInput: operator({
    ...BLOCKED,
    inputs: "X",
    attributes: { channelsLast: flag(false) },
    infer: inferToBlocks,
  }),
  ReorderOutput: operator({
    ...BLOCKED,
    inputs: "X",
    attributes: { channels: requiredInt(), channelsLast: flag(false) },
    infer: inferFromBlocks,
  }),
  /** `Conv` in blocked channels, of input, weight and output. */
  BlockedConv: operator({
    ...BLOCKED,
    onnxName: "Conv",
    inputs: "X W B?",
    attributes: { ...WINDOW, group: int(1) },
    resolve: (context) => resolveWindow(context, kernelOf(context)),
    infer: inferConv,
  }),
  /** `GlobalAveragePool` in blocked channels; of a single pixel, these are the channels in order. */
  BlockedGlobalAveragePool: operator({
    ...BLOCKED,
    onnxName: "GlobalAveragePool",
    inputs: "X",
    infer: inferGlobalPool,
  }),
};
