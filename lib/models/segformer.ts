/**
 * SegFormer: a hierarchical transformer (Mix Transformer, MiT) with an all-MLP decoder.
 *
 * Xie, Wang, Yu, Anandkumar, Alvarez, Luo: "SegFormer: Simple and Efficient Design for Semantic
 * Segmentation with Transformers", NeurIPS 2021, https://arxiv.org/abs/2105.15203. Arithmetic and names
 * of parameters are those of transformers' `SegformerForSemanticSegmentation` as it stores them.
 *
 * Differences in form, not in result:
 * - The decoder is folded. `linear_fuse` is a 1×1 convolution over the concatenation of upsampled maps; it
 *   commutes with bilinear upsampling, and a product over a concatenation is a sum of products. Each
 *   stage is therefore projected at its own resolution and only the sum is taken at H/4. At
 *   inference `linear_c`, its slice of `linear_fuse` and the batch norm are one matrix a stage.
 * - Sequence reduction (kernel = stride) is space-to-depth and one product.
 * - The Mix-FFN's products are pointwise convolutions, so that a device can keep the layout that it
 *   convolves fastest in through all three of its layers.
 *
 * @module
 */
import { InputError } from "../errors.ts";
import {
  conv2d,
  type Graph,
  type Initializer,
  layerNorm,
  linear,
  reshape,
  softmaxAttention,
  type Value,
} from "../onnx/mod.ts";
import type { Forward } from "./forward.ts";
import { defaultLabelNames, labelConfig, labelNames } from "./labels.ts";
import { decoderMultiplyAdds, encoderMultiplyAdds, stageSizes } from "./segformer_cost.ts";
import type { Network, NetworkConfig, NetworkFamily, NetworkPart } from "./network.ts";
import {
  parseSegformerConfig,
  SEGFORMER_VARIANTS,
  type SegformerConfig,
} from "./segformer_config.ts";
import { decoderPartsOf, segformerDecodeHead, type Tokens } from "./segformer_decoder.ts";

/** Epsilon of every layer normalization: PyTorch's default, whatever `layer_norm_eps` says. */
const LAYER_NORM_EPSILON = 1e-5;

const ZEROS: Initializer = { kind: "constant", value: 0 };

/** transformers' classes of the two models. */
const ARCHITECTURES: Readonly<Record<Network["task"], string>> = {
  segmentation: "SegformerForSemanticSegmentation",
  classification: "SegformerForImageClassification",
};

/** The family. */
export const SEGFORMER: NetworkFamily = {
  name: "segformer",
  title: "SegFormer",
  paper: "Xie et al. 2021, https://arxiv.org/abs/2105.15203",
  variants: Object.keys(SEGFORMER_VARIANTS),
  variantConfig(variant, { bands, classes }) {
    return {
      architectures: [ARCHITECTURES.segmentation],
      model_type: "segformer",
      ...parseSegformerConfig({ ...SEGFORMER_VARIANTS[variant], num_channels: bands }),
      ...labelConfig(defaultLabelNames(classes)),
    };
  },
  changeConfig(config, { bands, classes, task }) {
    return {
      ...config,
      ...(task !== undefined && { architectures: [ARCHITECTURES[task]] }),
      ...(bands !== undefined && { num_channels: bands }),
      ...(classes !== undefined && labelConfig(defaultLabelNames(classes))),
    };
  },
  fromConfig: segformerFromConfig,
};

/** The network of a configuration: the segmentation model, or the encoder with its ImageNet classifier. */
function segformerFromConfig(json: NetworkConfig): Network {
  const config = parseSegformerConfig(json);
  const classes = labelNames(json).length;
  const classifies = Array.isArray(json.architectures) &&
    json.architectures.includes(ARCHITECTURES.classification);
  const common = {
    family: "segformer",
    bands: config.num_channels,
    classes,
    multiple: config.strides.reduce((product, stride) => product * stride, 1),
    inputWeight: "segformer.encoder.patch_embeddings.0.proj.weight",
    encoderPrefix: "segformer.",
  };
  const encode = (forward: Forward, x: Value) =>
    forward.graph.scope("encoder", () => segformerEncoder(forward, x, config));
  const stageParts = config.hidden_sizes.map((_, stage): NetworkPart => ({
    name: `stage ${stage + 1}`,
    prefixes: ["patch_embeddings", "block", "layer_norm"].map((part) =>
      `segformer.encoder.${part}.${stage}.`
    ),
  }));
  if (classifies) {
    return {
      ...common,
      task: "classification",
      stride: common.multiple,
      build: (forward, x) => {
        const features = encode(forward, x);
        return segformerClassifier(forward, features.at(-1)!, classes);
      },
      multiplyAdds: (height, width) =>
        encoderMultiplyAdds(config, height, width) + config.hidden_sizes.at(-1)! * classes,
      parts: [...stageParts, { name: "classifier", prefixes: ["classifier."] }],
    };
  }
  return {
    ...common,
    task: "segmentation",
    stride: config.strides[0]!,
    build: (forward, x) => {
      const features = encode(forward, x);
      return forward.graph.scope(
        "decoder",
        () => segformerDecodeHead(forward, features, config, classes),
      );
    },
    multiplyAdds: (height, width) =>
      encoderMultiplyAdds(config, height, width) +
      decoderMultiplyAdds(config, stageSizes(config, height, width), classes),
    parts: [
      ...stageParts,
      ...decoderPartsOf(config.num_encoder_blocks),
    ],
  };
}

/**
 * The Mix Transformer encoder.
 *
 * @param forward Where operators are added.
 * @param x Normalized bands (batch, num_channels, H, W); H and W multiples of the product of all strides.
 * @param config Sizes.
 * @param prefix Name of the encoder's module.
 * @returns Feature maps as tokens (batch, Hi·Wi, Ci), one a stage, at H/4, H/8, H/16 and H/32.
 */
export function segformerEncoder(
  forward: Forward,
  x: Value,
  config: SegformerConfig,
  prefix = "segformer.encoder",
): Tokens[] {
  const { graph } = forward;
  if (forward.training) checkDropout(config);
  const features: Tokens[] = [];
  let map = x;
  for (let stage = 0; stage < config.num_encoder_blocks; stage++) {
    const tokens = graph.scope(`stage.${stage}`, () => {
      let tokens = patchEmbedding(forward, map, config, stage, prefix);
      for (let block = 0; block < config.depths[stage]!; block++) {
        const name = `${prefix}.block.${stage}.${block}`;
        tokens = graph.scope(
          `block.${block}`,
          () =>
            transformerBlock(
              forward,
              tokens,
              config,
              stage,
              name,
              dropPathRate(config, stage, block),
            ),
        );
      }
      const norm = `${prefix}.layer_norm.${stage}`;
      return { ...tokens, value: layerNorm(graph, tokens.value, norm, LAYER_NORM_EPSILON) };
    });
    features.push(tokens);
    forward.onFeature?.(`stage ${stage + 1}`, [
      config.hidden_sizes[stage]!,
      tokens.height,
      tokens.width,
    ]);
    if (stage + 1 < config.num_encoder_blocks) map = toMap(graph, tokens);
  }
  return features;
}

/** Refuse what training would leave out in silence; no published variant has it. */
function checkDropout(config: SegformerConfig): void {
  for (const key of ["hidden_dropout_prob", "attention_probs_dropout_prob"] as const) {
    if (config[key] > 0) {
      throw new InputError(
        `Cannot train SegFormer with "${key}" as only drop path and the classifier's dropout are ` +
          `supported: current value is ${config[key]}, expected 0`,
      );
    }
  }
}

/** Overlapping patch embedding: a strided convolution, then layer normalization over channels. */
function patchEmbedding(
  { graph }: Forward,
  map: Value,
  config: SegformerConfig,
  stage: number,
  prefix: string,
): Tokens {
  const name = `${prefix}.patch_embeddings.${stage}`;
  const kernel = config.patch_sizes[stage]!;
  const channels = config.hidden_sizes[stage]!;
  return graph.scope("patch_embedding", () => {
    const embedded = conv2d(graph, map, `${name}.proj`, channels, {
      kernel,
      stride: config.strides[stage]!,
      padding: Math.floor(kernel / 2),
      init: { kind: "normal", std: config.initializer_range },
    });
    const [, , height, width] = embedded.shape as [string | number, number, number, number];
    const value = toTokens(graph, embedded);
    const normalized = layerNorm(graph, value, `${name}.layer_norm`, LAYER_NORM_EPSILON);
    return { value: normalized, height, width };
  });
}

/** How often a block's branches are dropped: from 0 at the first block linearly to `drop_path_rate`. */
function dropPathRate(config: SegformerConfig, stage: number, block: number): number {
  const before = config.depths.slice(0, stage).reduce((sum, depth) => sum + depth, 0);
  const blocks = config.depths.reduce((sum, depth) => sum + depth, 0);
  return blocks === 1 ? 0 : config.drop_path_rate * (before + block) / (blocks - 1);
}

/** Efficient self-attention and Mix-FFN, each with a residual connection. */
function transformerBlock(
  forward: Forward,
  tokens: Tokens,
  config: SegformerConfig,
  stage: number,
  name: string,
  dropRate: number,
): Tokens {
  const { graph, training } = forward;
  const norm = (value: Value, part: string) =>
    layerNorm(graph, value, `${name}.${part}`, LAYER_NORM_EPSILON);
  const batch = tokens.value.shape[0] as number;
  // Stochastic depth: Huang et al. 2016, https://arxiv.org/abs/1603.09382.
  const dropPath = (branch: Value, part: string) =>
    !training || dropRate === 0 ? branch : graph.op("Mul", [
      branch,
      training.mask(`${name}.drop_path.${part}`, [batch, 1, 1], dropRate),
    ]);
  const attended = graph.scope("attention", () => {
    const normalized = { ...tokens, value: norm(tokens.value, "layer_norm_1") };
    const branch = selfAttention(forward, normalized, config, stage, `${name}.attention`);
    return dropPath(branch, "attention");
  });
  const middle = graph.op("Add", [tokens.value, attended]);
  const mixed = graph.scope("mlp", () => {
    const normalized = { ...tokens, value: norm(middle, "layer_norm_2") };
    const branch = mixFeedForward(forward, normalized, config, stage, `${name}.mlp`);
    return dropPath(branch, "mlp");
  });
  return { ...tokens, value: graph.op("Add", [middle, mixed]) };
}

/** Self-attention whose keys and values are reduced by `sr_ratios` in each direction. */
function selfAttention(
  forward: Forward,
  tokens: Tokens,
  config: SegformerConfig,
  stage: number,
  name: string,
): Value {
  const { graph } = forward;
  const channels = config.hidden_sizes[stage]!;
  const heads = config.num_attention_heads[stage]!;
  const ratio = config.sr_ratios[stage]!;
  const init: Initializer = { kind: "normal", std: config.initializer_range };
  const project = (value: Value, part: string) =>
    linear(graph, value, `${name}.${part}`, channels, { init });
  const query = project(tokens.value, "self.query");
  const source = ratio === 1
    ? tokens.value
    : sequenceReduction(graph, tokens, channels, ratio, `${name}.self`, init);
  const key = project(source, "self.key");
  const value = project(source, "self.value");
  const attended = forward.training
    ? softmaxAttention(graph, query, key, value, heads)
    : graph.op("MultiHeadAttention", [query, key, value], { numHeads: heads });
  return project(attended, "output.dense");
}

/** A convolution whose kernel is its stride: space-to-depth and one product. */
function sequenceReduction(
  graph: Graph,
  { value, height, width }: Tokens,
  channels: number,
  ratio: number,
  name: string,
  init: Initializer,
): Value {
  return graph.scope("sequence_reduction", () => {
    const [batch] = value.shape as [string | number];
    const [rows, columns] = [Math.floor(height / ratio), Math.floor(width / ratio)];
    const whole = rows * ratio === height && columns * ratio === width
      ? reshape(graph, value, [batch, rows, ratio, columns, ratio, channels])
      : graph.op("Reshape", [
        graph.op("Slice", [
          reshape(graph, value, [batch, height, width, channels]),
          [0, 0],
          [rows * ratio, columns * ratio],
          [1, 2],
        ]),
        [0, rows, ratio, columns, ratio, channels],
      ]);
    const cells = graph.op("Transpose", [whole], { perm: [0, 1, 3, 2, 4, 5] });
    const depth = ratio * ratio * channels;
    const flat = graph.op("Reshape", [cells, [-1, depth]]);
    const weight = graph.parameter(`${name}.sr.weight`, "float32", [
      channels,
      channels,
      ratio,
      ratio,
    ], { init });
    const bias = graph.parameter(`${name}.sr.bias`, "float32", [channels], { init: ZEROS });
    // The kernel is laid out as the cells are: row, column, channel.
    const taps = graph.op("Transpose", [weight], { perm: [0, 2, 3, 1] });
    const matrix = graph.op("Reshape", [taps, [channels, depth]]);
    const product = graph.op("Gemm", [flat, matrix, bias], { transB: true });
    const reduced = graph.op("Reshape", [product, [-1, rows * columns, channels]]);
    return layerNorm(graph, reduced, `${name}.layer_norm`, LAYER_NORM_EPSILON);
  });
}

/** Product, 3×3 depthwise convolution, activation, product: convolutions of a map, the products pointwise ones. */
function mixFeedForward(
  { graph }: Forward,
  tokens: Tokens,
  config: SegformerConfig,
  stage: number,
  name: string,
): Value {
  const channels = config.hidden_sizes[stage]!;
  const hidden = Math.floor(channels * config.mlp_ratios[stage]!);
  const init: Initializer = { kind: "normal", std: config.initializer_range };
  const pointwise = (x: Value, part: string, inputs: number, features: number) => {
    const parameter = (kind: string, shape: number[], how: Initializer) =>
      graph.parameter(`${name}.${part}.${kind}`, "float32", shape, { init: how });
    const kernel = graph.op("Reshape", [
      parameter("weight", [features, inputs], init),
      [features, inputs, 1, 1],
    ]);
    return graph.op("Conv", [x, kernel, parameter("bias", [features], ZEROS)]);
  };
  const wide = pointwise(toMap(graph, tokens), "dense1", channels, hidden);
  const mixed = conv2d(graph, wide, `${name}.dwconv.dwconv`, hidden, {
    kernel: 3,
    padding: 1,
    groups: hidden,
    init,
  });
  const active = graph.op(config.hidden_act === "relu" ? "Relu" : "Gelu", [mixed]);
  return toTokens(graph, pointwise(active, "dense2", hidden, channels));
}

/** A map (batch, channels, height, width) as tokens (batch, height · width, channels). */
function toTokens(graph: Graph, map: Value): Value {
  const [batch, channels, height, width] = map.shape as [string | number, number, number, number];
  const rows = reshape(graph, map, [batch, channels, height * width]);
  return graph.op("Transpose", [rows], { perm: [0, 2, 1] });
}

/** Tokens as a map (batch, channels, height, width). */
function toMap(graph: Graph, { value, height, width }: Tokens): Value {
  const [batch, , channels] = value.shape as [string | number, number, number];
  const rows = graph.op("Transpose", [value], { perm: [0, 2, 1] });
  return reshape(graph, rows, [batch, channels, height, width]);
}

/**
 * The ImageNet classifier on the encoder: the mean of the last stage's tokens, and one linear layer.
 *
 * @param forward Where operators are added.
 * @param last Tokens of the last stage.
 * @param classes Number of classes K.
 * @returns Logits (batch, K).
 */
export function segformerClassifier({ graph }: Forward, last: Tokens, classes: number): Value {
  const pooled = graph.op("ReduceMean", [last.value, [1]], { keepdims: false });
  return linear(graph, pooled, "classifier", classes);
}
