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
 * - The Mix-FFN leaves its first product channel-first and enters the second one channel-first, so
 *   that no transposition is needed around the depthwise convolution.
 *
 * @module
 */
import { InputError } from "../errors.ts";
import {
  conv2d,
  type Graph,
  type Initializer,
  interpolationMatrix,
  layerNorm,
  linear,
  reshape,
  softmaxAttention,
  transposedMatrix,
  type Value,
} from "../onnx/mod.ts";
import type { Forward } from "./forward.ts";
import { defaultLabelNames, labelConfig, labelNames } from "./labels.ts";
import { decoderMultiplyAdds, encoderMultiplyAdds, stageSizes } from "./segformer_cost.ts";
import type {
  FeatureShape,
  Network,
  NetworkConfig,
  NetworkFamily,
  NetworkPart,
} from "./network.ts";
import {
  parseSegformerConfig,
  SEGFORMER_VARIANTS,
  type SegformerConfig,
} from "./segformer_config.ts";
import { segformerTrainingHead } from "./segformer_training_head.ts";

/** Epsilon of every layer normalization: PyTorch's default, whatever `layer_norm_eps` says. */
const LAYER_NORM_EPSILON = 1e-5;
/** Epsilon of the decoder's batch normalization. */
const BATCH_NORM_EPSILON = 1e-5;
/**
 * Elements of the decoder's map that are worked on at a time, so that they stay in the processor's cache:
 * the map is cut by channels.
 */
const DECODER_CHUNK_ELEMENTS = 2 ** 20;

const ZEROS: Initializer = { kind: "constant", value: 0 };
const ONES: Initializer = { kind: "constant", value: 1 };

/** transformers' classes of the two models. */
const ARCHITECTURES: Readonly<Record<Network["task"], string>> = {
  segmentation: "SegformerForSemanticSegmentation",
  classification: "SegformerForImageClassification",
};

/** A feature map as tokens. */
export interface Tokens {
  /** Shape (batch, height · width, channels). */
  readonly value: Value;
  /** Rows of the map. */
  readonly height: number;
  /** Columns of the map. */
  readonly width: number;
}

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
  const stages = config.num_encoder_blocks;
  const classifies = Array.isArray(json.architectures) &&
    json.architectures.includes(ARCHITECTURES.classification);
  const common = {
    family: "segformer",
    bands: config.num_channels,
    classes,
    multiple: config.strides.reduce((product, stride) => product * stride, 1),
    inputWeight: "segformer.encoder.patch_embeddings.0.proj.weight",
    encoderPrefix: "segformer.",
    featureShapes: (height: number, width: number) =>
      stageSizes(config, height, width).map(([rows, columns], stage): FeatureShape => ({
        name: `stage ${stage + 1}`,
        shape: [config.hidden_sizes[stage]!, rows, columns],
      })),
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
      decoderMultiplyAdds(config, height, width, classes),
    parts: [
      ...stageParts,
      ...Array.from({ length: stages }, (_, stage): NetworkPart => ({
        name: `projection ${stage + 1}`,
        prefixes: [`decode_head.linear_c.${stage}.`],
      })),
      { name: "fusion", prefixes: ["decode_head.linear_fuse.", "decode_head.batch_norm."] },
      { name: "classifier", prefixes: ["decode_head.classifier."] },
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
    const [batch, , height, width] = embedded.shape as [string | number, number, number, number];
    const rows = reshape(graph, embedded, [batch, channels, height * width]);
    const value = graph.op("Transpose", [rows], { perm: [0, 2, 1] });
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

/** Product, 3×3 depthwise convolution, activation, product; channel-first between the products. */
function mixFeedForward(
  { graph }: Forward,
  { value, height, width }: Tokens,
  config: SegformerConfig,
  stage: number,
  name: string,
): Value {
  const channels = config.hidden_sizes[stage]!;
  const hidden = Math.floor(channels * config.mlp_ratios[stage]!);
  const init: Initializer = { kind: "normal", std: config.initializer_range };
  const parameter = (part: string, shape: number[], how: Initializer = init) =>
    graph.parameter(`${name}.${part}`, "float32", shape, { init: how });
  const [batch] = value.shape as [string | number];
  const wide = graph.op("Add", [
    graph.op("FusedMatMul", [parameter("dense1.weight", [hidden, channels]), value], {
      transB: true,
    }),
    graph.op("Reshape", [parameter("dense1.bias", [hidden], ZEROS), [hidden, 1]]),
  ]);
  const map = reshape(graph, wide, [batch, hidden, height, width]);
  const mixed = conv2d(graph, map, `${name}.dwconv.dwconv`, hidden, {
    kernel: 3,
    padding: 1,
    groups: hidden,
    init,
  });
  const active = graph.op(config.hidden_act === "relu" ? "Relu" : "Gelu", [mixed]);
  const rows = reshape(graph, active, [batch, hidden, height * width]);
  return graph.op("Add", [
    graph.op("FusedMatMul", [rows, parameter("dense2.weight", [channels, hidden])], {
      transA: true,
      transB: true,
    }),
    parameter("dense2.bias", [channels], ZEROS),
  ]);
}

/** Tokens as a map (batch, channels, height, width). */
function toMap(graph: Graph, { value, height, width }: Tokens): Value {
  const [batch, , channels] = value.shape as [string | number, number, number];
  const rows = graph.op("Transpose", [value], { perm: [0, 2, 1] });
  return reshape(graph, rows, [batch, channels, height, width]);
}

/** Parameters of the decoder. */
export interface DecoderParameters {
  /** (D, Ci) and (D), one a stage. */
  readonly projections: readonly { readonly weight: Value; readonly bias: Value }[];
  /** (D, stages · D): slices in reverse order of the stages. */
  readonly fuse: Value;
  /** Scale of the batch normalization (D). */
  readonly gamma: Value;
  /** Its shift (D). */
  readonly beta: Value;
  /** Its running mean (D). */
  readonly mean: Value;
  /** Its running variance (D). */
  readonly variance: Value;
  /** (classes, D). */
  readonly classifier: Value;
  /** (classes). */
  readonly classifierBias: Value;
}

function decoderParameters(
  graph: Graph,
  config: SegformerConfig,
  classes: number,
): DecoderParameters {
  const width = config.decoder_hidden_size;
  const stages = config.num_encoder_blocks;
  const init: Initializer = { kind: "normal", std: config.initializer_range };
  const parameter = (name: string, shape: number[], how: Initializer, trainable = true) =>
    graph.parameter(`decode_head.${name}`, "float32", shape, { init: how, trainable });
  const projections = config.hidden_sizes.map((channels, stage) => ({
    weight: parameter(`linear_c.${stage}.proj.weight`, [width, channels], init),
    bias: parameter(`linear_c.${stage}.proj.bias`, [width], ZEROS),
  }));
  const fuse = parameter("linear_fuse.weight", [width, stages * width, 1, 1], init);
  const batchNorm = {
    gamma: parameter("batch_norm.weight", [width], ONES),
    beta: parameter("batch_norm.bias", [width], ZEROS),
    mean: parameter("batch_norm.running_mean", [width], ZEROS, false),
    variance: parameter("batch_norm.running_var", [width], ONES, false),
  };
  const classifier = parameter("classifier.weight", [classes, width, 1, 1], init);
  return {
    projections,
    fuse: graph.op("Reshape", [fuse, [width, stages * width]]),
    ...batchNorm,
    classifier: graph.op("Reshape", [classifier, [classes, width]]),
    classifierBias: parameter("classifier.bias", [classes], ZEROS),
  };
}

/**
 * The all-MLP decoder at inference: one matrix a stage, one sum at H/4, ReLU, classifier.
 *
 * Maps of the coarser stages are resampled along rows first; then, side by side, one product with
 * their stacked column matrices resamples and adds them up at once. The wide map is cut by channels into
 * pieces that stay in cache, whose shares of the logits are added.
 *
 * @param forward Where operators are added.
 * @param features What {@linkcode segformerEncoder} returns.
 * @param config Sizes.
 * @param classes Number of classes K.
 * @returns Logits (batch, K, H/4, W/4).
 */
export function segformerDecodeHead(
  { graph, training }: Forward,
  features: readonly Tokens[],
  config: SegformerConfig,
  classes: number,
): Value {
  const width = config.decoder_hidden_size;
  const parameters = decoderParameters(graph, config, classes);
  if (training) {
    return segformerTrainingHead(graph, training, features, parameters, config, classes);
  }
  const { projections, fuse, gamma, beta, mean, variance, classifier, classifierBias } = parameters;
  const [finest] = features as [Tokens];
  const { height, width: columns } = finest;
  const [batch] = finest.value.shape as [string | number];

  const deviation = graph.op("Sqrt", [graph.op("Add", [variance, BATCH_NORM_EPSILON])]);
  const scale = graph.op("Div", [gamma, deviation]);
  const scaleColumn = graph.op("Reshape", [scale, [width, 1]]);
  let offset: Value = graph.op("Sub", [beta, graph.op("Mul", [mean, scale])]);
  const matrices = projections.map(({ weight, bias }, stage) => {
    const slot = projections.length - 1 - stage;
    const slice = graph.op("Slice", [fuse, [slot * width], [(slot + 1) * width], [1]]);
    const scaled = graph.op("Mul", [slice, scaleColumn]);
    const shift = graph.op("MatMul", [scaled, graph.op("Reshape", [bias, [width, 1]])]);
    offset = graph.op("Add", [offset, graph.op("Reshape", [shift, [width]])]);
    return graph.op("MatMul", [scaled, weight]);
  });
  const offsetColumn = graph.op("Reshape", [offset, [width, 1]]);

  const pieces = Math.min(
    width,
    Math.ceil((width * height * columns) / DECODER_CHUNK_ELEMENTS),
  );
  let logits: Value | null = null;
  for (let piece = 0; piece < pieces; piece++) {
    const from = Math.round(piece * width / pieces);
    const to = Math.round((piece + 1) * width / pieces);
    const share = graph.scope(pieces === 1 ? "" : `channels.${piece}`, () => {
      const rows = (value: Value, axis = 0) =>
        pieces === 1 ? value : graph.op("Slice", [value, [from], [to], [axis]]);
      const size = to - from;
      const project = (stage: number) =>
        graph.op("FusedMatMul", [rows(matrices[stage]!), features[stage]!.value], {
          transB: true,
        });
      let sum = graph.op("Add", [project(0), rows(offsetColumn)]);
      const coarse = features.slice(1).map((tokens, i) => {
        const map = reshape(graph, project(i + 1), [batch, size, tokens.height, tokens.width]);
        return tokens.height === height
          ? map
          : graph.op("MatMul", [interpolationMatrix(tokens.height, height), map]);
      });
      if (coarse.length > 0) {
        const sideBySide = coarse.length === 1
          ? coarse[0]!
          : graph.op("Concat", coarse, { axis: 3 });
        const stacked = graph.op(
          "Concat",
          features.slice(1).map((tokens) =>
            graph.constant(transposedMatrix(interpolationMatrix(tokens.width, columns)))
          ),
          { axis: 0 },
        );
        const resampled = graph.op("MatMul", [sideBySide, stacked]);
        sum = graph.op("Add", [
          sum,
          reshape(graph, resampled, [batch, size, height * columns]),
        ]);
      }
      return graph.op("MatMul", [rows(classifier, 1), graph.op("Relu", [sum])]);
    });
    logits = logits === null ? share : graph.op("Add", [logits, share]);
  }
  const biased = graph.op("Add", [
    logits!,
    graph.op("Reshape", [classifierBias, [classes, 1]]),
  ]);
  return reshape(graph, biased, [batch, classes, height, columns]);
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
