/**
 * VGG with 16 layers as an encoder, its fully connected layers as convolutions.
 *
 * Simonyan, Zisserman: "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015,
 * https://arxiv.org/abs/1409.1556. Names of parameters are those of torchvision's `vgg16` and, with batch
 * normalization, `vgg16_bn`; `fc6` and `fc7`, there `classifier.0` and `classifier.3`, have the paper's names.
 *
 * @module
 */
import * as v from "valibot";
import { InputError } from "../errors.ts";
import type { Value } from "../onnx/mod.ts";
import { positive, positives, probability } from "./family.ts";
import type { Forward } from "./forward.ts";
import { convNormRelu, dropChannels, heNormal, mapShape, maxPool } from "./layers.ts";
import type { NamedShape, NetworkPart } from "./network.ts";

/** Extent of the kernel of `fc6`: torchvision pools to this size before its fully connected layers. */
const FC6_KERNEL = 7;

/** Settings of the encoder, to be spread into a schema. */
export const VGG_ENTRIES = {
  depths: v.optional(positives, [2, 2, 3, 3, 3]),
  hidden_sizes: v.optional(positives, [64, 128, 256, 512, 512]),
  strides: v.optional(positives, [2, 2, 2, 2, 2]),
  batch_norm: v.optional(v.boolean(), false),
  fc_size: v.optional(positive, 4096),
  classifier_dropout_prob: v.optional(probability, 0.5),
} as const;

/** Settings of the encoder. */
export interface VggConfig {
  /** Convolutions of each stage. */
  readonly depths: readonly number[];
  /** Channels of each stage. */
  readonly hidden_sizes: readonly number[];
  /** By how much each stage's pooling reduces the map; 1 for no pooling, for objects of a few pixels. */
  readonly strides: readonly number[];
  /** Normalize after each convolution. */
  readonly batch_norm: boolean;
  /** Channels of `fc6` and `fc7`. */
  readonly fc_size: number;
  /** Dropout of channels after `fc6` and `fc7`. */
  readonly classifier_dropout_prob: number;
}

/**
 * The encoder.
 *
 * @param forward Where operators are added.
 * @param x Normalized bands (N, bands, H, W).
 * @param config Sizes.
 * @param prefix Prefix of all names, such as `encoder.`.
 * @returns What each stage's pooling gives, at strides 2, 4, …, and what `fc7` makes of the last.
 * @throws {InputError} If lists do not have one entry a stage.
 */
export function vggEncoder(
  forward: Forward,
  x: Value,
  config: VggConfig,
  prefix: string,
): { readonly pools: Value[]; readonly fc7: Value } {
  const { graph } = forward;
  const { depths, hidden_sizes, strides } = config;
  if (depths.length !== hidden_sizes.length || strides.length !== hidden_sizes.length) {
    throw new InputError(
      `Cannot build VGG as "depths", "hidden_sizes" and "strides" must have one entry a stage: ` +
        `they have ${depths.length}, ${hidden_sizes.length} and ${strides.length}`,
    );
  }
  let map = x;
  const stages = layerNames(config);
  const pools = config.hidden_sizes.map((size, stage) =>
    graph.scope(`encoder/block.${stage}`, () => {
      for (const { conv, norm } of stages[stage]!) {
        const names = {
          conv: `${prefix}features.${conv}`,
          norm: norm === null ? null : `${prefix}features.${norm}`,
        };
        const init = heNormal(9 * mapShape(map)[1]);
        map = convNormRelu(forward, map, names, size, { kernel: 3, padding: 1, bias: true, init });
      }
      const stride = config.strides[stage]!;
      if (stride > 1) map = maxPool(graph, map, stride, stride);
      const [, channels, height, width] = mapShape(map);
      forward.onFeature?.(`pool ${stage + 1}`, [channels, height, width]);
      return map;
    })
  );
  const fc7 = graph.scope("encoder", () =>
    ["fc6", "fc7"].reduce((map, name, index) => {
      const kernel = index === 0 ? FC6_KERNEL : 1;
      const init = heNormal(kernel ** 2 * mapShape(map)[1]);
      const padding = (kernel - 1) / 2;
      const names = { conv: `${prefix}${name}`, norm: null };
      const active = convNormRelu(forward, map, names, config.fc_size, { kernel, padding, init });
      return dropChannels(forward, active, `${name}.dropout`, config.classifier_dropout_prob);
    }, map));
  const [, channels, height, width] = mapShape(fc7);
  forward.onFeature?.("fc7", [channels, height, width]);
  return { pools, fc7 };
}

/** The encoder's stages and the prefixes of their parameters. */
export function vggParts(config: VggConfig, prefix: string): NetworkPart[] {
  return [
    ...layerNames(config).map((layers, stage) => ({
      name: `stage ${stage + 1}`,
      prefixes: layers.flatMap(({ conv, norm }) =>
        [conv, ...(norm === null ? [] : [norm])].map((index) => `${prefix}features.${index}.`)
      ),
    })),
    { name: "fc6", prefixes: [`${prefix}fc6.`] },
    { name: "fc7", prefixes: [`${prefix}fc7.`] },
  ];
}

/** Numbers of the layers of each stage in torchvision's list, in which ReLU and pooling have theirs too. */
function layerNames({ depths, batch_norm }: VggConfig) {
  let next = 0;
  return depths.map((depth) => {
    const layers = Array.from({ length: depth }, () => {
      const conv = next;
      next += batch_norm ? 3 : 2;
      return { conv, norm: batch_norm ? conv + 1 : null };
    });
    next++;
    return layers;
  });
}

/**
 * The parameter of the encoder that a tensor of torchvision's `vgg16`, or of the original Caffe model as
 * https://github.com/wkentaro/pytorch-fcn has it, is.
 *
 * @param tensor Name and shape in the checkpoint.
 * @param config Sizes.
 * @param prefix Prefix of the encoder's names.
 */
export function vggCheckpointTensor(
  { name, shape }: NamedShape,
  config: VggConfig,
  prefix: string,
): NamedShape | null {
  const [, layer, part] = /^classifier\.([03])\.(weight|bias)$/.exec(name) ?? [];
  if (layer !== undefined && part !== undefined) {
    const [features = 0, inputs = 0] = shape;
    const kernel = layer === "0" ? FC6_KERNEL : 1;
    return {
      name: `${prefix}${layer === "0" ? "fc6" : "fc7"}.${part}`,
      shape: part === "bias" ? shape : [features, inputs / kernel ** 2, kernel, kernel],
    };
  }
  const [, stage, index, kind] = /^conv(\d)_(\d)\.(weight|bias)$/.exec(name) ?? [];
  const conv = layerNames(config)[Number(stage) - 1]?.[Number(index) - 1]?.conv;
  if (conv !== undefined) return { name: `${prefix}features.${conv}.${kind}`, shape };
  return /^fc[67]\./.test(name) ? { name: prefix + name, shape } : null;
}
