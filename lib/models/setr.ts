/**
 * SETR: a Vision Transformer whose tokens are a feature map, and three decoders.
 *
 * Zheng et al.: "Rethinking Semantic Segmentation from a Sequence-to-Sequence Perspective with Transformers", CVPR
 * 2021, https://arxiv.org/abs/2012.15840.
 * - Naive: a product, a classifier, and bilinear enlargement of the scores: output stride 16.
 * - PUP (progressive upsampling): four 3×3 convolutions, each followed by enlargement to twice the size. The
 *   classifier is linear and commutes with the last enlargement, which is left to whoever reads the logits:
 *   output stride 2, and the same result.
 * - MLA (multi-level aggregation): maps of four depths are added up from the last to the first, convolved, enlarged
 *   four times and classified together: output stride 4. The classifier commutes with the enlargement, so that
 *   scores are enlarged in the place of features.
 *
 * The authors train with further classifiers on intermediate blocks; `use_auxiliary_head` adds them at every
 * quarter of the depth but the last.
 *
 * @module
 */
import * as v from "valibot";
import { InputError } from "../errors.ts";
import { conv2d, type Value } from "../onnx/mod.ts";
import { defineFamily, positive, probability } from "./family.ts";
import type { Forward } from "./forward.ts";
import { concatChannels, convNormRelu, dropChannels, mapShape, resize } from "./layers.ts";
import type { NetworkPart } from "./network.ts";
import {
  VIT_ENTRIES,
  type VitConfig,
  vitEncoder,
  type VitFeatures,
  vitMap,
  vitParts,
  VITS,
} from "./vit.ts";

/** Settings. */
export interface SetrConfig extends VitConfig {
  /** How tokens become scores. */
  readonly decoder: "naive" | "pup" | "mla";
  /** Channels of the decoder. */
  readonly decoder_size: number;
  /** Channels of MLA's maps before they are put together. */
  readonly mla_size: number;
  /** Dropout of channels before the classifier. */
  readonly classifier_dropout_prob: number;
  /** Train further classifiers on intermediate blocks. */
  readonly use_auxiliary_head: boolean;
  /** Factor to their losses. */
  readonly auxiliary_loss_weight: number;
}

const PREFIX = "vit.";
/** Depths that MLA reads. */
const LEVELS = 4;
/** By how much MLA enlarges. */
const MLA_FACTOR = 4;

/** Numbers of the blocks at each quarter of the depth, counted from 0. */
function quarters({ num_hidden_layers }: SetrConfig): number[] {
  return Array.from(
    { length: LEVELS },
    (_, level) => Math.max(1, Math.round(num_hidden_layers * (level + 1) / LEVELS)) - 1,
  );
}

/** The map of the last block, as transformers' `last_hidden_state` is. */
function lastMap({ graph }: Forward, features: VitFeatures, config: SetrConfig): Value {
  const last = features.hidden.length - 1;
  return vitMap(graph, features, last, `${PREFIX}layernorm`, config.layer_norm_eps);
}

/** Dropout and classifier. */
function classify(forward: Forward, x: Value, config: SetrConfig, classes: number): Value {
  const kept = dropChannels(forward, x, "decode_head.dropout", config.classifier_dropout_prob);
  return conv2d(forward.graph, kept, "decode_head.classifier", classes, { kernel: 1 });
}

function decodeNaive(
  forward: Forward,
  features: VitFeatures,
  config: SetrConfig,
  classes: number,
): Value {
  const map = lastMap(forward, features, config);
  const names = { conv: "decode_head.convs.0", norm: "decode_head.norms.0" };
  const mixed = convNormRelu(forward, map, names, config.decoder_size, { kernel: 1 });
  return classify(forward, mixed, config, classes);
}

function decodePup(
  forward: Forward,
  features: VitFeatures,
  config: SetrConfig,
  classes: number,
): Value {
  let map = lastMap(forward, features, config);
  for (let step = 0; step < pupSteps(config); step++) {
    if (step > 0) {
      const [, , height, width] = mapShape(map);
      map = resize(forward.graph, map, [2 * height, 2 * width]);
    }
    const names = { conv: `decode_head.convs.${step}`, norm: `decode_head.norms.${step}` };
    map = convNormRelu(forward, map, names, config.decoder_size, { kernel: 3, padding: 1 });
  }
  return classify(forward, map, config, classes);
}

function decodeMla(
  forward: Forward,
  features: VitFeatures,
  config: SetrConfig,
  classes: number,
): Value {
  const { graph } = forward;
  const name = (level: number) => `decode_head.levels.${level}`;
  const layers = quarters(config);
  const projected = layers.map((layer, level) => {
    const map = level === LEVELS - 1
      ? lastMap(forward, features, config)
      : vitMap(graph, features, layer, `${name(level)}.layernorm`, config.layer_norm_eps);
    const names = { conv: `${name(level)}.projection`, norm: `${name(level)}.projection_norm` };
    return convNormRelu(forward, map, names, config.decoder_size, { kernel: 1 });
  });
  let sum: Value | null = null;
  const maps = projected.toReversed().map((map, index) => {
    const level = LEVELS - 1 - index;
    sum = sum === null ? map : graph.op("Add", [sum, map]);
    return [["fusion", config.decoder_size], ["conv1", config.mla_size], [
      "conv2",
      config.mla_size,
    ]].reduce<Value>((x, [part, size]) =>
      convNormRelu(
        forward,
        x,
        { conv: `${name(level)}.${part}`, norm: `${name(level)}.${part}_norm` },
        size as number,
        { kernel: 3, padding: 1 },
      ), sum);
  });
  const scores = classify(forward, concatChannels(graph, maps), config, classes);
  const [, , height, width] = mapShape(scores);
  return resize(graph, scores, [MLA_FACTOR * height, MLA_FACTOR * width]);
}

const DECODERS = { naive: decodeNaive, pup: decodePup, mla: decodeMla } as const;

/** A classifier of an intermediate block, as Naive has it. */
function auxiliaryHead(
  forward: Forward,
  features: VitFeatures,
  layer: number,
  config: SetrConfig,
  index: number,
  classes: number,
): Value {
  const name = `auxiliary_heads.${index}`;
  const { graph } = forward;
  const map = vitMap(graph, features, layer, `${name}.layernorm`, config.layer_norm_eps);
  const names = { conv: `${name}.conv`, norm: `${name}.norm` };
  const mixed = convNormRelu(forward, map, names, config.decoder_size, { kernel: 1 });
  return conv2d(graph, mixed, `${name}.classifier`, classes, { kernel: 1 });
}

function decoderParts(config: SetrConfig): NetworkPart[] {
  const levels = Array.from({ length: LEVELS }, (_, level) => ({
    name: `level ${level + 1}`,
    prefixes: [`decode_head.levels.${level}.`],
  }));
  return [
    ...(config.decoder === "mla"
      ? levels
      : [{ name: "convolutions", prefixes: ["decode_head.convs.", "decode_head.norms."] }]),
    { name: "classifier", prefixes: ["decode_head.classifier."] },
    ...(config.use_auxiliary_head ? [{ name: "auxiliary", prefixes: ["auxiliary_heads."] }] : []),
  ];
}

const DECODER_NAMES = ["naive", "pup", "mla"] as const;

/** Output stride of each decoder. */
function strideOf({ decoder, patch_size }: SetrConfig): number {
  switch (decoder) {
    case "naive":
      return patch_size;
    case "pup":
      return 2;
    case "mla":
      return patch_size / MLA_FACTOR;
  }
}

/** Enlargements of PUP to the size of the image, 4 for patches of 16 pixels. */
function pupSteps({ patch_size }: SetrConfig): number {
  return Math.log2(patch_size);
}

/** Refuse patches whose maps cannot be enlarged to the image's size. */
function checkPatches({ decoder, patch_size }: SetrConfig): void {
  const wanted = { naive: "", pup: "a power of 2", mla: `a multiple of ${MLA_FACTOR}` }[decoder];
  const fits = {
    naive: true,
    pup: patch_size > 1 && Number.isInteger(Math.log2(patch_size)),
    mla: patch_size % MLA_FACTOR === 0,
  };
  if (fits[decoder]) return;
  throw new InputError(
    `Cannot build SETR as "patch_size" must be ${wanted}: current value is ${patch_size}`,
  );
}

/** The family. */
export const SETR = defineFamily<SetrConfig>({
  name: "setr",
  title: "SETR",
  paper: "Zheng et al. 2021, https://arxiv.org/abs/2012.15840",
  architecture: "SetrForSemanticSegmentation",
  schema: v.object({
    ...VIT_ENTRIES,
    decoder: v.optional(v.picklist(DECODER_NAMES), "naive"),
    decoder_size: v.optional(positive, 256),
    mla_size: v.optional(positive, 128),
    classifier_dropout_prob: v.optional(probability, 0),
    use_auxiliary_head: v.optional(v.boolean(), false),
    auxiliary_loss_weight: v.optional(v.pipe(v.number(), v.minValue(0)), 0.4),
  }),
  variants: Object.fromEntries(
    DECODER_NAMES.flatMap((decoder) =>
      Object.entries(VITS).map(([size, sizes]) => [`${decoder}-${size}`, { ...sizes, decoder }])
    ),
  ),
  network: (config, { classes }) => ({
    stride: strideOf(config),
    multiple: config.patch_size,
    inputWeight: `${PREFIX}embeddings.patch_embeddings.projection.weight`,
    encoderPrefix: PREFIX,
    build(forward, x) {
      checkPatches(config);
      const features = forward.graph.scope("encoder", () => vitEncoder(forward, x, config, PREFIX));
      const logits = forward.graph.scope(
        "decoder",
        () => DECODERS[config.decoder](forward, features, config, classes),
      );
      if (config.use_auxiliary_head) {
        for (const [index, layer] of quarters(config).slice(0, -1).entries()) {
          // At inference nothing depends on it; its parameters belong to the model nevertheless.
          const auxiliary = forward.graph.scope(
            `auxiliary.${index}`,
            () => auxiliaryHead(forward, features, layer, config, index, classes),
          );
          if (forward.training) {
            forward.training.addAuxiliary(auxiliary, config.auxiliary_loss_weight);
          }
        }
      }
      return logits;
    },
    parts: [...vitParts(config, PREFIX), ...decoderParts(config)],
  }),
});
