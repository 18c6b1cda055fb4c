/**
 * Attention U-Net: gates decide which pixels of a skip pass to the decoder.
 *
 * Oktay et al.: "Attention U-Net: Learning Where to Look for the Pancreas", MIDL 2018,
 * https://arxiv.org/abs/1804.03999. Sizes and details, which the paper leaves open, are those of the
 * widespread implementation https://github.com/LeeJunHyun/Image_Segmentation: 34.88 M parameters, maps
 * enlarged by repetition and a 3×3 convolution, biases before normalization.
 *
 * @module
 */
import * as v from "valibot";
import { conv2d, type Value } from "../onnx/mod.ts";
import { defineFamily, positives } from "./family.ts";
import type { Forward } from "./forward.ts";
import {
  concatChannels,
  convNorm,
  convNormRelu,
  heNormal,
  mapShape,
  repeatPixels,
} from "./layers.ts";
import type { NamedShape } from "./network.ts";
import { doubleConv, unetEncoder, unetParts } from "./unet.ts";

/** Settings. */
export interface AttentionUnetConfig {
  /** Channels at each resolution, the finest first; the last one is the bottleneck. */
  readonly hidden_sizes: readonly number[];
}

const DOUBLE_CONV = { batchNorm: true, bias: true };

/**
 * Additive attention: σ(ψ(ReLU(W_g·g + W_x·x))), one number a pixel, times the skip.
 *
 * @param forward Where operators are added.
 * @param gating The decoder's map g.
 * @param skip The encoder's map x, of the same size.
 * @param name Module name.
 */
function attentionGate(forward: Forward, gating: Value, skip: Value, name: string): Value {
  const { graph } = forward;
  const width = mapShape(skip)[1] / 2;
  const project = (x: Value, part: string, features: number) =>
    convNorm(forward, x, { conv: `${name}.${part}`, norm: `${name}.${part}_norm` }, features, {
      kernel: 1,
      bias: true,
    });
  return graph.scope("gate", () => {
    const sum = graph.op("Add", [project(gating, "g", width), project(skip, "x", width)]);
    const weights = graph.op("Sigmoid", [project(graph.op("Relu", [sum]), "psi", 1)]);
    return graph.op("Mul", [skip, weights]);
  });
}

/** The expanding path. */
function attentionDecoder(forward: Forward, maps: readonly Value[]): Value {
  const { graph } = forward;
  return maps.slice(0, -1).reverse().reduce(
    (coarse, skip, step) =>
      graph.scope(`decoder/block.${step}`, () => {
        const name = `decoder.${step}`;
        const [, features] = mapShape(skip);
        const repeated = repeatPixels(graph, coarse, 2);
        const up = convNormRelu(
          forward,
          repeated,
          { conv: `${name}.up`, norm: `${name}.up_norm` },
          features,
          { kernel: 3, padding: 1, bias: true, init: heNormal(9 * mapShape(coarse)[1]) },
        );
        const gated = attentionGate(forward, up, skip, `${name}.gate`);
        return doubleConv(forward, concatChannels(graph, [gated, up]), name, features, DOUBLE_CONV);
      }),
    maps.at(-1)!,
  );
}

const DOUBLE_CONV_LAYERS: Readonly<Record<string, string>> = {
  0: "conv1",
  1: "norm1",
  3: "conv2",
  4: "norm2",
};
const GATE_LAYERS: Readonly<Record<string, string>> = {
  "W_g.0": "g",
  "W_g.1": "g_norm",
  "W_x.0": "x",
  "W_x.1": "x_norm",
  "psi.0": "psi",
  "psi.1": "psi_norm",
};

/** Names of LeeJunHyun's implementation, which has 5 levels. */
function checkpointTensor({ name, shape }: NamedShape): NamedShape | null {
  const [, module, level, layer, part] = /^(\w+?)(\d)\.(.+)\.(\w+)$/.exec(name) ?? [];
  const step = `decoder.${5 - Number(level)}`;
  const renamed = (() => {
    if (name.startsWith("Conv_1x1.")) return name.replace("Conv_1x1", "classifier");
    switch (module) {
      case "Conv":
        return `encoder.${Number(level) - 1}.${DOUBLE_CONV_LAYERS[layer!.slice(5)]}.${part}`;
      case "Up_conv":
        return `${step}.${DOUBLE_CONV_LAYERS[layer!.slice(5)]}.${part}`;
      case "Up":
        return `${step}.${layer === "up.1" ? "up" : "up_norm"}.${part}`;
      case "Att":
        return `${step}.gate.${GATE_LAYERS[layer!]}.${part}`;
      default:
        return null;
    }
  })();
  return renamed === null ? null : { name: renamed, shape };
}

/** The family. */
export const ATTENTION_UNET = defineFamily<AttentionUnetConfig>({
  name: "attention_unet",
  title: "Attention U-Net",
  paper: "Oktay et al. 2018, https://arxiv.org/abs/1804.03999",
  architecture: "AttentionUNetForSemanticSegmentation",
  schema: v.object({ hidden_sizes: v.optional(positives, [64, 128, 256, 512, 1024]) }),
  variants: {
    base: {},
    small: { hidden_sizes: [32, 64, 128, 256, 512] },
  },
  network: ({ hidden_sizes }, { classes }) => ({
    stride: 1,
    multiple: 2 ** (hidden_sizes.length - 1),
    inputWeight: "encoder.0.conv1.weight",
    encoderPrefix: "encoder.",
    checkpointTensor,
    build(forward, x) {
      const maps = unetEncoder(forward, x, hidden_sizes, DOUBLE_CONV);
      const map = attentionDecoder(forward, maps);
      return conv2d(forward.graph, map, "classifier", classes, { kernel: 1 });
    },
    parts: unetParts(hidden_sizes),
  }),
});
