/**
 * U-Net: an encoder and a decoder of double convolutions with skips between them.
 *
 * Ronneberger, Fischer, Brox: "U-Net: Convolutional Networks for Biomedical Image Segmentation", MICCAI
 * 2015, https://arxiv.org/abs/1505.04597. Convolutions are padded, so that skips need no cropping, and
 * followed by batch normalization, as has become usual; `original` has neither normalization nor, for it,
 * convolutions without bias, and the paper's 31.03 M parameters.
 *
 * @module
 */
import * as v from "valibot";
import { conv2d, convTranspose2d, type Value } from "../onnx/mod.ts";
import { defineFamily, positives } from "./family.ts";
import type { Forward } from "./forward.ts";
import { concatChannels, convNormRelu, heNormal, mapShape, maxPool, resize } from "./layers.ts";
import type { NamedShape, NetworkPart } from "./network.ts";

/** Settings. */
export interface UnetConfig {
  /** Channels at each resolution, the finest first; the last one is the bottleneck. */
  readonly hidden_sizes: readonly number[];
  /** Normalize after each convolution. */
  readonly batch_norm: boolean;
  /** How maps are enlarged: by 2×2 transposed convolutions, or bilinearly. */
  readonly upsampling: "transposed" | "bilinear";
}

const BASE_SIZES = [64, 128, 256, 512, 1024];

/**
 * Two 3×3 convolutions, each with normalization and ReLU.
 *
 * @param forward Where operators are added.
 * @param x Values of shape (N, C, H, W).
 * @param name Module name of `conv1`, `norm1`, `conv2`, `norm2`.
 * @param features Channels of the result.
 * @param options Whether to normalize, and whether convolutions have biases nevertheless.
 */
export function doubleConv(
  forward: Forward,
  x: Value,
  name: string,
  features: number,
  { batchNorm, bias = !batchNorm }: { readonly batchNorm: boolean; readonly bias?: boolean },
): Value {
  return [1, 2].reduce((map, index) => {
    const names = {
      conv: `${name}.conv${index}`,
      norm: batchNorm ? `${name}.norm${index}` : null,
    };
    const init = heNormal(9 * mapShape(map)[1]);
    return convNormRelu(forward, map, names, features, { kernel: 3, padding: 1, bias, init });
  }, x);
}

/**
 * The contracting path.
 *
 * @param forward Where operators are added.
 * @param x Normalized bands (N, bands, H, W).
 * @param sizes Channels at each resolution.
 * @param options As for {@linkcode doubleConv}.
 * @returns Maps at strides 1, 2, 4, …
 */
export function unetEncoder(
  forward: Forward,
  x: Value,
  sizes: readonly number[],
  options: { readonly batchNorm: boolean; readonly bias?: boolean },
): Value[] {
  const { graph } = forward;
  let map = x;
  return sizes.map((size, level) =>
    graph.scope(`encoder/block.${level}`, () => {
      const finer = level === 0 ? map : maxPool(graph, map, 2, 2);
      map = doubleConv(forward, finer, `encoder.${level}`, size, options);
      const [, channels, height, width] = mapShape(map);
      forward.onFeature?.(`level ${level + 1}`, [channels, height, width]);
      return map;
    })
  );
}

/** Parts of a network that has levels. */
export function unetParts(sizes: readonly number[]): NetworkPart[] {
  return [
    ...sizes.map((_, level) => ({ name: `level ${level + 1}`, prefixes: [`encoder.${level}.`] })),
    ...sizes.slice(1).map((_, step) => ({
      name: `level ${sizes.length - 1 - step} up`,
      prefixes: [`decoder.${step}.`],
    })),
    { name: "classifier", prefixes: ["classifier."] },
  ];
}

/** The expanding path: enlarge, put beside the skip, convolve twice. */
function unetDecoder(forward: Forward, maps: readonly Value[], config: UnetConfig): Value {
  const { graph } = forward;
  return maps.slice(0, -1).reverse().reduce(
    (coarse, skip, step) =>
      graph.scope(`decoder/block.${step}`, () => {
        const [, features, height, width] = mapShape(skip);
        const up = config.upsampling === "bilinear"
          ? resize(graph, coarse, [height, width])
          : convTranspose2d(graph, coarse, `decoder.${step}.up`, features, {
            kernel: 2,
            stride: 2,
          });
        const both = concatChannels(graph, [skip, up]);
        return doubleConv(forward, both, `decoder.${step}`, features, {
          batchNorm: config.batch_norm,
        });
      }),
    maps.at(-1)!,
  );
}

/** Names of the widespread implementation https://github.com/milesial/Pytorch-UNet. */
function checkpointTensor({ name, shape }: NamedShape): NamedShape | null {
  const parts =
    /^(?:(inc)|down(\d)\.maxpool_conv\.1|up(\d)(?:\.conv)?)\.(?:double_conv\.(\d)|(up))\.(\w+)$/
      .exec(name);
  if (parts === null) {
    return name.startsWith("outc.conv.")
      ? { name: name.replace("outc.conv", "classifier"), shape }
      : null;
  }
  const [, inc, down, up, layer, transposed, part] = parts;
  const module = inc ? "encoder.0" : down ? `encoder.${down}` : `decoder.${Number(up) - 1}`;
  const layers: Readonly<Record<string, string>> = {
    0: "conv1",
    1: "norm1",
    3: "conv2",
    4: "norm2",
  };
  return { name: `${module}.${transposed ?? layers[layer!]}.${part}`, shape };
}

/** The family. */
export const UNET = defineFamily<UnetConfig>({
  name: "unet",
  title: "U-Net",
  paper: "Ronneberger et al. 2015, https://arxiv.org/abs/1505.04597",
  architecture: "UNetForSemanticSegmentation",
  schema: v.object({
    hidden_sizes: v.optional(positives, BASE_SIZES),
    batch_norm: v.optional(v.boolean(), true),
    upsampling: v.optional(v.picklist(["transposed", "bilinear"]), "transposed"),
  }),
  variants: {
    base: {},
    small: { hidden_sizes: [32, 64, 128, 256, 512] },
    bilinear: { upsampling: "bilinear" },
    original: { batch_norm: false },
  },
  network: (config, { classes }) => ({
    stride: 1,
    multiple: 2 ** (config.hidden_sizes.length - 1),
    inputWeight: "encoder.0.conv1.weight",
    encoderPrefix: "encoder.",
    checkpointTensor,
    build(forward, x) {
      const maps = unetEncoder(forward, x, config.hidden_sizes, { batchNorm: config.batch_norm });
      const map = unetDecoder(forward, maps, config);
      return conv2d(forward.graph, map, "classifier", classes, { kernel: 1 });
    },
    parts: unetParts(config.hidden_sizes),
  }),
});
