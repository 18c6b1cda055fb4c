/**
 * ResNet as an encoder, with dilated convolutions in the place of late strides.
 *
 * He, Zhang, Ren, Sun: "Deep Residual Learning for Image Recognition", CVPR 2016,
 * https://arxiv.org/abs/1512.03385. Arithmetic (stride in the 3×3 convolution of a bottleneck) and names of
 * parameters are torchvision's; names of settings are those of transformers' `ResNetConfig`.
 *
 * @module
 */
import * as v from "valibot";
import { InputError } from "../errors.ts";
import type { Value } from "../onnx/mod.ts";
import { positive, positives } from "./family.ts";
import type { Forward } from "./forward.ts";
import { convNorm, convNormRelu, heNormal, mapShape, maxPool } from "./layers.ts";
import type { NetworkPart } from "./network.ts";

/** A bottleneck's last convolution has this many times the channels of the others. */
const EXPANSION = 4;

/** Settings of the encoder, to be spread into a schema. */
export const RESNET_ENTRIES = {
  layer_type: v.optional(v.picklist(["basic", "bottleneck"]), "bottleneck"),
  depths: v.optional(positives, [3, 4, 6, 3]),
  embedding_size: v.optional(positive, 64),
  stem_pooling: v.optional(v.boolean(), true),
  hidden_sizes: v.optional(positives, [256, 512, 1024, 2048]),
} as const;

/** Settings of the encoder. */
export interface ResnetConfig {
  /** Blocks of two 3×3 convolutions, or of 1×1, 3×3 and 1×1. */
  readonly layer_type: "basic" | "bottleneck";
  /** Blocks of each stage. */
  readonly depths: readonly number[];
  /** Channels of the stem. */
  readonly embedding_size: number;
  /** Pool after the stem's convolution; without, all strides are half as large, for objects of a few pixels. */
  readonly stem_pooling: boolean;
  /** Channels of each stage. */
  readonly hidden_sizes: readonly number[];
}

const BASIC_SIZES = [64, 128, 256, 512];
const BOTTLENECK_SIZES = [256, 512, 1024, 2048];

/** The published sizes: table 1 of the paper. */
export const RESNETS = {
  resnet18: { layer_type: "basic", depths: [2, 2, 2, 2], hidden_sizes: BASIC_SIZES },
  resnet34: { layer_type: "basic", depths: [3, 4, 6, 3], hidden_sizes: BASIC_SIZES },
  resnet50: { layer_type: "bottleneck", depths: [3, 4, 6, 3], hidden_sizes: BOTTLENECK_SIZES },
  resnet101: { layer_type: "bottleneck", depths: [3, 4, 23, 3], hidden_sizes: BOTTLENECK_SIZES },
} as const;

/** Where strides end and dilation begins. */
export interface ResnetDilation {
  /** Pixels of the image for each element of the last feature map: 8, 16 or 32. */
  readonly outputStride: number;
  /**
   * True if the first block of a dilated stage has the dilation of the stage before, as torchvision has it;
   * false if all have the stage's own.
   */
  readonly firstBlockLags: boolean;
}

/** Strides to the end, as for classification. */
export const UNDILATED: ResnetDilation = { outputStride: 32, firstBlockLags: false };

/**
 * The encoder.
 *
 * @param forward Where operators are added.
 * @param x Normalized bands (N, bands, H, W).
 * @param config Sizes.
 * @param prefix Prefix of all names, such as `encoder.`.
 * @param dilation Output stride.
 * @returns Maps of the stages, at strides 4, 8, 16 and 32 or, if that is less, the output stride; half of that
 * without pooling.
 * @throws {InputError} If lists do not have one entry a stage.
 */
export function resnetEncoder(
  forward: Forward,
  x: Value,
  config: ResnetConfig,
  prefix: string,
  { outputStride, firstBlockLags }: ResnetDilation = UNDILATED,
): Value[] {
  checkResnet(config);
  const { graph } = forward;
  let map = graph.scope("stem", () => {
    const names = { conv: `${prefix}conv1`, norm: `${prefix}bn1` };
    const init = heNormal(config.embedding_size * 49);
    const options = { kernel: 7, stride: 2, padding: 3, init };
    const stem = convNormRelu(forward, x, names, config.embedding_size, options);
    return config.stem_pooling ? maxPool(graph, stem, 3, 2, 1) : stem;
  });
  // Output strides are those of the published network, with pooling.
  let [reached, dilation] = [4, 1];
  return config.depths.map((depth, stage) => {
    const lagging = dilation;
    let stride = stage === 0 ? 1 : 2;
    if (reached * stride > outputStride) {
      dilation *= stride;
      stride = 1;
    }
    reached *= stride;
    for (let block = 0; block < depth; block++) {
      map = graph.scope(
        `stage.${stage}/block.${block}`,
        () =>
          residualBlock(forward, map, config, stage, `${prefix}layer${stage + 1}.${block}`, {
            stride: block === 0 ? stride : 1,
            dilation: block === 0 && firstBlockLags ? lagging : dilation,
          }),
      );
    }
    const [, channels, height, width] = mapShape(map);
    forward.onFeature?.(`stage ${stage + 1}`, [channels, height, width]);
    return map;
  });
}

/**
 * Pixels of the image for each element of a map.
 *
 * @param config Sizes.
 * @param stride What it is with pooling.
 */
export function resnetStride({ stem_pooling }: ResnetConfig, stride: number): number {
  return stem_pooling ? stride : stride / 2;
}

/** The encoder's stages and the prefixes of their parameters. */
export function resnetParts({ depths }: ResnetConfig, prefix: string): NetworkPart[] {
  return [
    { name: "stem", prefixes: [`${prefix}conv1.`, `${prefix}bn1.`] },
    ...depths.map((_, stage) => ({
      name: `stage ${stage + 1}`,
      prefixes: [`${prefix}layer${stage + 1}.`],
    })),
  ];
}

/** Two or three convolutions with a way around them. */
function residualBlock(
  forward: Forward,
  x: Value,
  { layer_type, hidden_sizes }: ResnetConfig,
  stage: number,
  name: string,
  { stride, dilation }: { readonly stride: number; readonly dilation: number },
): Value {
  const channels = hidden_sizes[stage]!;
  const width = layer_type === "bottleneck" ? channels / EXPANSION : channels;
  const names = (index: number) => ({ conv: `${name}.conv${index}`, norm: `${name}.bn${index}` });
  const pointwise = (features: number, stride = 1) => ({
    kernel: 1,
    stride,
    init: heNormal(features),
  });
  const spatial = (stride: number) => ({
    kernel: 3,
    stride,
    padding: dilation,
    dilation,
    init: heNormal(width * 9),
  });
  const branch = layer_type === "basic"
    ? convNorm(
      forward,
      convNormRelu(forward, x, names(1), channels, spatial(stride)),
      names(2),
      channels,
      spatial(1),
    )
    : convNorm(
      forward,
      convNormRelu(
        forward,
        convNormRelu(forward, x, names(1), width, pointwise(width)),
        names(2),
        width,
        spatial(stride),
      ),
      names(3),
      channels,
      pointwise(channels),
    );
  const around = stride === 1 && mapShape(x)[1] === channels ? x : convNorm(
    forward,
    x,
    { conv: `${name}.downsample.0`, norm: `${name}.downsample.1` },
    channels,
    pointwise(channels, stride),
  );
  return forward.graph.op("Relu", [forward.graph.op("Add", [branch, around])]);
}

/** Refuse what is no ResNet. */
function checkResnet({ depths, hidden_sizes, layer_type }: ResnetConfig): void {
  if (depths.length !== 4 || hidden_sizes.length !== 4) {
    throw new InputError(
      `Cannot build ResNet as "depths" and "hidden_sizes" must have 4 entries, one a stage: ` +
        `current values are [${depths.join(", ")}] and [${hidden_sizes.join(", ")}]`,
    );
  }
  const odd = hidden_sizes.find((size) => size % EXPANSION !== 0);
  if (layer_type === "bottleneck" && odd !== undefined) {
    throw new InputError(
      `Cannot build ResNet as "hidden_sizes" of bottlenecks must be multiples of ${EXPANSION}: ` +
        `current value is [${hidden_sizes.join(", ")}]`,
    );
  }
}
