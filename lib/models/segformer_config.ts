/**
 * Configuration of SegFormer under transformers' names (`SegformerConfig`), and the published variants.
 *
 * @module
 */
import * as v from "valibot";
import { InputError } from "../errors.ts";

const positive = v.pipe(v.number(), v.integer(), v.minValue(1));
const positives = v.array(positive);
const rate = v.pipe(v.number(), v.minValue(0), v.maxValue(1));

const SCHEMA = v.object({
  num_channels: v.optional(positive, 3),
  num_encoder_blocks: v.optional(positive, 4),
  depths: v.optional(positives, [2, 2, 2, 2]),
  sr_ratios: v.optional(positives, [8, 4, 2, 1]),
  hidden_sizes: v.optional(positives, [32, 64, 160, 256]),
  patch_sizes: v.optional(positives, [7, 3, 3, 3]),
  strides: v.optional(positives, [4, 2, 2, 2]),
  num_attention_heads: v.optional(positives, [1, 2, 5, 8]),
  mlp_ratios: v.optional(v.array(v.pipe(v.number(), v.gtValue(0))), [4, 4, 4, 4]),
  hidden_act: v.optional(v.picklist(["gelu", "relu"]), "gelu"),
  hidden_dropout_prob: v.optional(rate, 0),
  attention_probs_dropout_prob: v.optional(rate, 0),
  classifier_dropout_prob: v.optional(rate, 0.1),
  initializer_range: v.optional(v.pipe(v.number(), v.minValue(0)), 0.02),
  drop_path_rate: v.optional(rate, 0.1),
  layer_norm_eps: v.optional(v.pipe(v.number(), v.gtValue(0)), 1e-6),
  decoder_hidden_size: v.optional(positive, 256),
  semantic_loss_ignore_index: v.optional(v.pipe(v.number(), v.integer()), 255),
});

/**
 * SegFormer's configuration under transformers' names. Lists have one entry a stage.
 * `layer_norm_eps` is kept but not used: transformers' layer normalizations all have 1e-5.
 */
export interface SegformerConfig {
  /** Bands of the input. */
  readonly num_channels: number;
  /** Number of stages. */
  readonly num_encoder_blocks: number;
  /** Transformer blocks of each stage. */
  readonly depths: readonly number[];
  /** Sequence reduction of keys and values: kernel and stride of its convolution. */
  readonly sr_ratios: readonly number[];
  /** Channels of each stage. */
  readonly hidden_sizes: readonly number[];
  /** Kernel of each stage's patch embedding. */
  readonly patch_sizes: readonly number[];
  /** Stride of each stage's patch embedding. */
  readonly strides: readonly number[];
  /** Attention heads of each stage. */
  readonly num_attention_heads: readonly number[];
  /** Hidden channels of the Mix-FFN as a multiple of the stage's channels. */
  readonly mlp_ratios: readonly number[];
  /** Activation of the Mix-FFN. */
  readonly hidden_act: "gelu" | "relu";
  /** Dropout in the Mix-FFN and after attention. */
  readonly hidden_dropout_prob: number;
  /** Dropout of attention weights. */
  readonly attention_probs_dropout_prob: number;
  /** Dropout before the classifier. */
  readonly classifier_dropout_prob: number;
  /** Standard deviation of new weights. */
  readonly initializer_range: number;
  /** Stochastic depth of the last block; it grows linearly from 0. */
  readonly drop_path_rate: number;
  /** Kept for transformers; not used by it. */
  readonly layer_norm_eps: number;
  /** Channels of the decoder. */
  readonly decoder_hidden_size: number;
  /** Label left out of the loss. */
  readonly semantic_loss_ignore_index: number;
}

/** Sizes of the published variants: Xie et al. 2021, tables 6 and 7, as transformers has them. */
export const SEGFORMER_VARIANTS: Readonly<Record<string, Partial<SegformerConfig>>> = {
  b0: { depths: [2, 2, 2, 2], hidden_sizes: [32, 64, 160, 256], decoder_hidden_size: 256 },
  b1: { depths: [2, 2, 2, 2], hidden_sizes: [64, 128, 320, 512], decoder_hidden_size: 256 },
  b2: { depths: [3, 4, 6, 3], hidden_sizes: [64, 128, 320, 512], decoder_hidden_size: 768 },
  b3: { depths: [3, 4, 18, 3], hidden_sizes: [64, 128, 320, 512], decoder_hidden_size: 768 },
  b4: { depths: [3, 8, 27, 3], hidden_sizes: [64, 128, 320, 512], decoder_hidden_size: 768 },
  b5: { depths: [3, 6, 40, 3], hidden_sizes: [64, 128, 320, 512], decoder_hidden_size: 768 },
};

/**
 * Check a configuration and fill in transformers' defaults.
 *
 * @param json The content of `config.json`, or a part of it.
 * @returns The configuration.
 * @throws {InputError} If a value has the wrong type, or lists do not have one entry a stage, or heads do not
 * divide channels.
 */
export function parseSegformerConfig(json: Readonly<Record<string, unknown>>): SegformerConfig {
  const result = v.safeParse(SCHEMA, json);
  if (!result.success) {
    const [issue] = result.issues;
    throw new InputError(
      `Cannot build SegFormer as "${v.getDotPath(issue) ?? "config"}" is wrong: ${issue.message}`,
    );
  }
  const config: SegformerConfig = result.output;
  const stages = config.num_encoder_blocks;
  for (const key of STAGE_LISTS) {
    const list = config[key];
    if (list.length !== stages) {
      throw new InputError(
        `Cannot build SegFormer as "${key}" must have ${stages} entries, one a stage: ` +
          `current value is [${list.join(", ")}]`,
      );
    }
  }
  for (let stage = 0; stage < stages; stage++) {
    const channels = config.hidden_sizes[stage]!;
    const heads = config.num_attention_heads[stage]!;
    if (channels % heads !== 0) {
      throw new InputError(
        `Cannot build SegFormer as ${channels} channels of stage ${stage} do not divide into ${heads} heads`,
      );
    }
  }
  return config;
}

const STAGE_LISTS = [
  "depths",
  "sr_ratios",
  "hidden_sizes",
  "patch_sizes",
  "strides",
  "num_attention_heads",
  "mlp_ratios",
] as const;
