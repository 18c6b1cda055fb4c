/**
 * The Vision Transformer as an encoder, with position embeddings for images of any size.
 *
 * Dosovitskiy et al.: "An Image is Worth 16x16 Words", ICLR 2021, https://arxiv.org/abs/2010.11929. Arithmetic and
 * names of parameters and settings are those of transformers' `ViTModel` as it stores them, with
 * `interpolate_pos_encoding`.
 *
 * @module
 */
import * as v from "valibot";
import { InputError } from "../errors.ts";
import {
  applyAlongAxis,
  conv2d,
  type Graph,
  type Initializer,
  layerNorm,
  linear,
  reshape,
  resizeMatrix,
  softmaxAttention,
  type Value,
} from "../onnx/mod.ts";
import { positive, probability } from "./family.ts";
import type { Forward } from "./forward.ts";
import { mapShape } from "./layers.ts";
import type { NetworkPart } from "./network.ts";

/** Settings of the encoder, to be spread into a schema. */
export const VIT_ENTRIES = {
  hidden_size: v.optional(positive, 768),
  num_hidden_layers: v.optional(positive, 12),
  num_attention_heads: v.optional(positive, 12),
  intermediate_size: v.optional(positive, 3072),
  image_size: v.optional(positive, 224),
  patch_size: v.optional(positive, 16),
  layer_norm_eps: v.optional(v.pipe(v.number(), v.gtValue(0)), 1e-12),
  initializer_range: v.optional(v.pipe(v.number(), v.minValue(0)), 0.02),
  drop_path_rate: v.optional(probability, 0),
} as const;

/** Settings of the encoder. */
export interface VitConfig {
  /** Channels. */
  readonly hidden_size: number;
  /** Transformer blocks. */
  readonly num_hidden_layers: number;
  /** Attention heads, which divide the channels. */
  readonly num_attention_heads: number;
  /** Hidden channels of the feed-forward network. */
  readonly intermediate_size: number;
  /** Rows and columns of images that the stored position embeddings are for. */
  readonly image_size: number;
  /** Rows and columns of a patch, which becomes a token. */
  readonly patch_size: number;
  /** Added to the variance by layer normalization. */
  readonly layer_norm_eps: number;
  /** Standard deviation of new weights. */
  readonly initializer_range: number;
  /** Stochastic depth of the last block; it grows linearly from 0. */
  readonly drop_path_rate: number;
}

/** Sizes: table 1 of the paper, and tiny and small of Touvron et al. 2021, https://arxiv.org/abs/2012.12877. */
export const VITS = {
  tiny: sizes(192, 12, 3),
  small: sizes(384, 12, 6),
  base: sizes(768, 12, 12),
  large: sizes(1024, 24, 16),
} as const;

function sizes(channels: number, layers: number, heads: number) {
  return {
    hidden_size: channels,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    intermediate_size: 4 * channels,
  };
}

/** What the blocks make of an image. */
export interface VitFeatures {
  /** What each block gives, (N, 1 + rows · columns, C), class token first. */
  readonly hidden: readonly Value[];
  /** Rows of patches. */
  readonly rows: number;
  /** Columns of patches. */
  readonly columns: number;
}

/**
 * The encoder, without its last layer normalization, which {@linkcode vitMap} applies.
 *
 * @param forward Where operators are added.
 * @param x Normalized bands (N, bands, H, W); H and W multiples of the patch size.
 * @param config Sizes.
 * @param prefix Prefix of all names, such as `vit.`.
 * @throws {InputError} If heads do not divide channels, or patches the image of the position embeddings.
 */
export function vitEncoder(
  forward: Forward,
  x: Value,
  config: VitConfig,
  prefix: string,
): VitFeatures {
  checkVit(config);
  const { graph } = forward;
  const { hidden_size: channels, patch_size: patch, num_hidden_layers: layers } = config;
  const init = initOf(config);
  const [batch, , height, width] = mapShape(x);
  const [rows, columns] = [height / patch, width / patch];
  let tokens = graph.scope("embeddings", () => {
    const projection = `${prefix}embeddings.patch_embeddings.projection`;
    const map = conv2d(graph, x, projection, channels, { kernel: patch, stride: patch, init });
    const patches = graph.op("Transpose", [
      reshape(graph, map, [batch, channels, rows * columns]),
    ], { perm: [0, 2, 1] });
    // The class token, which is the same for all images, comes with its position.
    const beginning = graph.op("Pad", [patches, [0, 1, 0, 0, 0, 0]]);
    return graph.op("Add", [beginning, positions(graph, config, prefix, rows, columns)]);
  });
  const hidden = Array.from({ length: layers }, (_, layer) => {
    const name = `${prefix}encoder.layer.${layer}`;
    const rate = layers === 1 ? 0 : config.drop_path_rate * layer / (layers - 1);
    tokens = graph.scope(`block.${layer}`, () => vitBlock(forward, tokens, config, name, rate));
    forward.onFeature?.(`block ${layer + 1}`, [channels, rows, columns]);
    return tokens;
  });
  return { hidden, rows, columns };
}

/**
 * Tokens of a block, normalized and without the class token, as a map.
 *
 * @param graph The graph.
 * @param features What {@linkcode vitEncoder} returns.
 * @param layer Number of the block, counted from 0.
 * @param norm Module name of the normalization.
 * @param epsilon Added to the variance.
 * @returns Shape (N, C, rows, columns).
 */
export function vitMap(
  graph: Graph,
  { hidden, rows, columns }: VitFeatures,
  layer: number,
  norm: string,
  epsilon: number,
): Value {
  const tokens = hidden[layer]!;
  const [batch, length, channels] = tokens.shape as [string | number, number, number];
  const patches = graph.op("Slice", [tokens, [1], [length], [1]]);
  const normalized = layerNorm(graph, patches, norm, epsilon);
  const lines = graph.op("Transpose", [normalized], { perm: [0, 2, 1] });
  return reshape(graph, lines, [batch, channels, rows, columns]);
}

/** The encoder's parts and the prefixes of their parameters. */
export function vitParts({ num_hidden_layers }: VitConfig, prefix: string): NetworkPart[] {
  return [
    { name: "embeddings", prefixes: [`${prefix}embeddings.`] },
    ...Array.from({ length: num_hidden_layers }, (_, layer) => ({
      name: `block ${layer + 1}`,
      prefixes: [`${prefix}encoder.layer.${layer}.`],
    })),
    { name: "norm", prefixes: [`${prefix}layernorm.`] },
  ];
}

function initOf({ initializer_range }: VitConfig): Initializer {
  return { kind: "normal", std: initializer_range, truncated: true };
}

/** Class token and position embeddings (1, 1 + rows · columns, C), resampled bicubically to the image. */
function positions(
  graph: Graph,
  config: VitConfig,
  prefix: string,
  rows: number,
  columns: number,
): Value {
  const { hidden_size: channels, image_size, patch_size } = config;
  const stored = Math.floor(image_size / patch_size);
  const init = initOf(config);
  const parameter = (name: string, length: number) =>
    graph.parameter(`${prefix}embeddings.${name}`, "float32", [1, length, channels], { init });
  const token = parameter("cls_token", 1);
  const embeddings = parameter("position_embeddings", stored ** 2 + 1);
  const length = rows * columns;
  const own = graph.op("Pad", [token, [0, 0, 0, 0, length, 0]]);
  if (rows === stored && columns === stored) return graph.op("Add", [own, embeddings]);
  const first = graph.op("Slice", [embeddings, [0], [1], [1]]);
  const lattice = reshape(
    graph,
    graph.op("Slice", [embeddings, [1], [stored ** 2 + 1], [1]]),
    [1, stored, stored, channels],
  );
  const resampled = [rows, columns].reduce(
    (map, extent, axis) =>
      applyAlongAxis(graph, map, resizeMatrix(stored, extent, null, BICUBIC), axis + 1),
    lattice,
  );
  const all = graph.op("Concat", [first, reshape(graph, resampled, [1, length, channels])], {
    axis: 1,
  });
  return graph.op("Add", [own, all]);
}

/** How PyTorch's `interpolate` resamples with `mode="bicubic"`. */
const BICUBIC = {
  mode: "cubic",
  coordinateTransformationMode: "half_pixel",
  nearestMode: "round_prefer_floor",
  cubicCoeffA: -0.75,
  antialias: false,
} as const;

/** Self-attention and feed-forward network, each after a normalization and with a way around it. */
function vitBlock(
  forward: Forward,
  tokens: Value,
  config: VitConfig,
  name: string,
  dropRate: number,
): Value {
  const { graph, training } = forward;
  const { hidden_size: channels, num_attention_heads: heads } = config;
  const init = initOf(config);
  const project = (value: Value, part: string, features = channels) =>
    linear(graph, value, `${name}.${part}`, features, { init });
  const normalize = (value: Value, part: string) =>
    layerNorm(graph, value, `${name}.${part}`, config.layer_norm_eps);
  // Stochastic depth: Huang et al. 2016, https://arxiv.org/abs/1603.09382.
  const dropPath = (branch: Value, part: string) =>
    !training || dropRate === 0 ? branch : graph.op("Mul", [
      branch,
      training.mask(`${name}.drop_path.${part}`, [branch.shape[0] as number, 1, 1], dropRate),
    ]);
  const attended = graph.scope("attention", () => {
    const normalized = normalize(tokens, "layernorm_before");
    const [query, key, value] = ["query", "key", "value"].map((part) =>
      project(normalized, `attention.attention.${part}`)
    ) as [Value, Value, Value];
    const mixed = training
      ? softmaxAttention(graph, query, key, value, heads)
      : graph.op("MultiHeadAttention", [query, key, value], { numHeads: heads });
    return dropPath(project(mixed, "attention.output.dense"), "attention");
  });
  const middle = graph.op("Add", [tokens, attended]);
  const mixed = graph.scope("mlp", () => {
    const normalized = normalize(middle, "layernorm_after");
    const wide = graph.op("Gelu", [
      project(normalized, "intermediate.dense", config.intermediate_size),
    ]);
    return dropPath(project(wide, "output.dense"), "mlp");
  });
  return graph.op("Add", [middle, mixed]);
}

/** Refuse sizes that do not go together. */
function checkVit(config: VitConfig): void {
  const { hidden_size, num_attention_heads, image_size, patch_size } = config;
  if (hidden_size % num_attention_heads !== 0) {
    throw new InputError(
      `Cannot build ViT as ${hidden_size} channels do not divide into ${num_attention_heads} heads`,
    );
  }
  if (image_size < patch_size) {
    throw new InputError(
      `Cannot build ViT as "image_size" must be >= "patch_size": ` +
        `current values are ${image_size} and ${patch_size}`,
    );
  }
}
