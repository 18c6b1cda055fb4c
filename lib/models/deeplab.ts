/**
 * DeepLabV3+ and DeepLabV3: dilated convolutions keep a ResNet's resolution, and parallel ones of several rates
 * (atrous spatial pyramid pooling, ASPP) see context at several scales.
 *
 * Chen, Papandreou, Schroff, Adam: "Rethinking Atrous Convolution for Semantic Image Segmentation", 2017,
 * https://arxiv.org/abs/1706.05587 (V3); Chen, Zhu, Papandreou, Schroff, Adam: "Encoder-Decoder with Atrous
 * Separable Convolution for Semantic Image Segmentation", ECCV 2018, https://arxiv.org/abs/1802.02611 (V3+).
 *
 * DeepLabV3+ has the structure and the names of segmentation-models-pytorch's `DeepLabV3Plus`, with the
 * paper's rates (6, 12, 18 at output stride 16, twice that at 8); `separable: false` makes every convolution of the
 * decoder plain. DeepLabV3 is torchvision's `deeplabv3_resnet50`: rates 12, 24, 36 at output stride 8, and in
 * training a second classifier on the third stage.
 *
 * @module
 */
import * as v from "valibot";
import { conv2d, type Conv2dOptions, type Value } from "../onnx/mod.ts";
import { defineFamily, positive, positives, probability } from "./family.ts";
import type { Forward } from "./forward.ts";
import { concatChannels, convNormRelu, dropChannels, mapShape, resize } from "./layers.ts";
import {
  RESNET_ENTRIES,
  type ResnetConfig,
  resnetEncoder,
  resnetParts,
  RESNETS,
  resnetStride,
} from "./resnet.ts";

/** Settings of both. */
interface PyramidConfig extends ResnetConfig {
  /** Pixels of the image for each element of the encoder's last map. */
  readonly output_stride: 8 | 16;
  /** Dilations of the parallel convolutions. */
  readonly atrous_rates: readonly number[];
  /** Channels of the decoder. */
  readonly decoder_size: number;
  /** Dropout of channels after the pyramid. */
  readonly classifier_dropout_prob: number;
}

/** Settings of DeepLabV3+. */
export interface DeeplabV3PlusConfig extends PyramidConfig {
  /** Convolutions of the decoder: depthwise and pointwise, or plain. */
  readonly separable: boolean;
  /** Channels that the low-level features are reduced to. */
  readonly low_level_size: number;
}

/** Settings of DeepLabV3. */
export interface DeeplabV3Config extends PyramidConfig {
  /** Train a second classifier on the third stage. */
  readonly use_auxiliary_head: boolean;
  /** Factor to its loss. */
  readonly auxiliary_loss_weight: number;
}

const PYRAMID_ENTRIES = {
  ...RESNET_ENTRIES,
  decoder_size: v.optional(positive, 256),
} as const;

/** A 3×3 convolution, plain or in two steps: each channel on its own, then a product. */
function spatialConv(
  forward: Forward,
  x: Value,
  { conv, norm }: { readonly conv: string; readonly norm: string },
  features: number,
  { separable, dilation = 1 }: { readonly separable: boolean; readonly dilation?: number },
): Value {
  const window: Conv2dOptions = { kernel: 3, padding: dilation, dilation, bias: false };
  if (!separable) return convNormRelu(forward, x, { conv, norm }, features, window);
  const groups = mapShape(x)[1];
  const mixed = conv2d(forward.graph, x, `${conv}.0`, groups, { ...window, groups });
  return convNormRelu(forward, mixed, { conv: `${conv}.1`, norm }, features, { kernel: 1 });
}

/** ASPP: a product, convolutions of several rates and the mean of the image, put together by a product. */
function pyramid(
  forward: Forward,
  x: Value,
  name: string,
  { atrous_rates, decoder_size, classifier_dropout_prob }: PyramidConfig,
  separable: boolean,
): Value {
  const { graph } = forward;
  const pointwise = (map: Value, conv: string, norm: string) =>
    convNormRelu(forward, map, { conv, norm }, decoder_size, { kernel: 1 });
  return graph.scope("pyramid", () => {
    const branch = (index: number) => `${name}.convs.${index}`;
    const rates = atrous_rates.map((dilation, i) => {
      const names = { conv: `${branch(i + 1)}.0`, norm: `${branch(i + 1)}.1` };
      return spatialConv(forward, x, names, decoder_size, { separable, dilation });
    });
    const last = branch(atrous_rates.length + 1);
    const pooled = graph.op("GlobalAveragePool", [x]);
    const [, , height, width] = mapShape(x);
    const image = graph.op("Expand", [
      pointwise(pooled, `${last}.1`, `${last}.2`),
      [1, 1, height, width],
    ]);
    const all = concatChannels(graph, [
      pointwise(x, `${branch(0)}.0`, `${branch(0)}.1`),
      ...rates,
      image,
    ]);
    const fused = pointwise(all, `${name}.project.0`, `${name}.project.1`);
    return dropChannels(forward, fused, `${name}.dropout`, classifier_dropout_prob);
  });
}

/** Decoder of DeepLabV3+: the pyramid, enlarged, beside what the first stage saw. */
function decodeV3Plus(
  forward: Forward,
  features: readonly Value[],
  config: DeeplabV3PlusConfig,
  classes: number,
): Value {
  const { graph } = forward;
  const { separable, decoder_size, low_level_size } = config;
  const context = spatialConv(
    forward,
    pyramid(forward, features.at(-1)!, "decoder.aspp.0", config, separable),
    { conv: "decoder.aspp.1", norm: "decoder.aspp.2" },
    decoder_size,
    { separable },
  );
  const [, , height, width] = mapShape(features[0]!);
  const low = convNormRelu(
    forward,
    features[0]!,
    { conv: "decoder.block1.0", norm: "decoder.block1.1" },
    low_level_size,
    { kernel: 1 },
  );
  const both = concatChannels(graph, [resize(graph, context, [height, width], true), low]);
  const names = { conv: "decoder.block2.0", norm: "decoder.block2.1" };
  const fused = spatialConv(forward, both, names, decoder_size, { separable });
  return conv2d(graph, fused, "segmentation_head.0", classes, { kernel: 1 });
}

/** torchvision's head: the pyramid, a convolution, scores. */
function decodeV3(forward: Forward, x: Value, config: DeeplabV3Config, classes: number): Value {
  const context = pyramid(forward, x, "classifier.0", config, false);
  const names = { conv: "classifier.1", norm: "classifier.2" };
  const window = { kernel: 3, padding: 1 };
  const fused = convNormRelu(forward, context, names, config.decoder_size, window);
  return conv2d(forward.graph, fused, "classifier.4", classes, { kernel: 1 });
}

/** torchvision's FCN head on an intermediate map. */
function auxiliaryHead(
  forward: Forward,
  x: Value,
  { classifier_dropout_prob }: DeeplabV3Config,
  classes: number,
): Value {
  const names = { conv: "aux_classifier.0", norm: "aux_classifier.1" };
  const width = Math.max(1, Math.floor(mapShape(x)[1] / 4));
  const map = convNormRelu(forward, x, names, width, { kernel: 3, padding: 1 });
  const kept = dropChannels(forward, map, "aux_classifier.dropout", classifier_dropout_prob);
  return conv2d(forward.graph, kept, "aux_classifier.4", classes, { kernel: 1 });
}

/** DeepLabV3+. */
export const DEEPLABV3PLUS = defineFamily<DeeplabV3PlusConfig>({
  name: "deeplabv3plus",
  title: "DeepLabV3+",
  paper: "Chen et al. 2018, https://arxiv.org/abs/1802.02611",
  architecture: "DeepLabV3PlusForSemanticSegmentation",
  schema: v.object({
    ...PYRAMID_ENTRIES,
    output_stride: v.optional(v.picklist([8, 16]), 16),
    atrous_rates: v.optional(positives, [6, 12, 18]),
    separable: v.optional(v.boolean(), true),
    low_level_size: v.optional(positive, 48),
    classifier_dropout_prob: v.optional(probability, 0.5),
  }),
  variants: {
    ...RESNETS,
    "resnet50-os8": { ...RESNETS.resnet50, output_stride: 8, atrous_rates: [12, 24, 36] },
    "resnet50-plain": { ...RESNETS.resnet50, separable: false },
  },
  network: (config, { classes }) => ({
    stride: resnetStride(config, 4),
    multiple: resnetStride(config, config.output_stride),
    inputWeight: "encoder.conv1.weight",
    encoderPrefix: "encoder.",
    build(forward, x) {
      const features = forward.graph.scope(
        "encoder",
        () =>
          resnetEncoder(forward, x, config, "encoder.", {
            outputStride: config.output_stride,
            firstBlockLags: false,
          }),
      );
      return forward.graph.scope("decoder", () => decodeV3Plus(forward, features, config, classes));
    },
    parts: [
      ...resnetParts(config, "encoder."),
      { name: "pyramid", prefixes: ["decoder.aspp."] },
      { name: "low-level features", prefixes: ["decoder.block1."] },
      { name: "fusion", prefixes: ["decoder.block2."] },
      { name: "classifier", prefixes: ["segmentation_head."] },
    ],
  }),
});

/** torchvision's DeepLabV3. */
export const DEEPLABV3 = defineFamily<DeeplabV3Config>({
  name: "deeplabv3",
  title: "DeepLabV3",
  paper: "Chen et al. 2017, https://arxiv.org/abs/1706.05587",
  architecture: "DeepLabV3ForSemanticSegmentation",
  schema: v.object({
    ...PYRAMID_ENTRIES,
    output_stride: v.optional(v.picklist([8, 16]), 8),
    atrous_rates: v.optional(positives, [12, 24, 36]),
    classifier_dropout_prob: v.optional(probability, 0.5),
    use_auxiliary_head: v.optional(v.boolean(), true),
    auxiliary_loss_weight: v.optional(v.pipe(v.number(), v.minValue(0)), 0.5),
  }),
  variants: { resnet50: RESNETS.resnet50, resnet101: RESNETS.resnet101 },
  network(config, { classes }) {
    return {
      stride: resnetStride(config, config.output_stride),
      multiple: resnetStride(config, config.output_stride),
      inputWeight: "backbone.conv1.weight",
      encoderPrefix: "backbone.",
      build(forward, x) {
        const features = forward.graph.scope(
          "encoder",
          () =>
            resnetEncoder(forward, x, config, "backbone.", {
              outputStride: config.output_stride,
              firstBlockLags: true,
            }),
        );
        const logits = forward.graph.scope(
          "decoder",
          () => decodeV3(forward, features[3]!, config, classes),
        );
        if (config.use_auxiliary_head) {
          // At inference nothing depends on it; its parameters belong to the model nevertheless.
          const auxiliary = forward.graph.scope(
            "auxiliary",
            () => auxiliaryHead(forward, features[2]!, config, classes),
          );
          if (forward.training) {
            forward.training.addAuxiliary(auxiliary, config.auxiliary_loss_weight);
          }
        }
        return logits;
      },
      parts: [
        ...resnetParts(config, "backbone."),
        { name: "pyramid", prefixes: ["classifier.0."] },
        { name: "fusion", prefixes: ["classifier.1.", "classifier.2."] },
        { name: "classifier", prefixes: ["classifier.4."] },
        ...(config.use_auxiliary_head
          ? [{ name: "auxiliary", prefixes: ["aux_classifier."] }]
          : []),
      ],
    };
  },
});
