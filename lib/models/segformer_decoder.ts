/**
 * SegFormer's decoder, which puts together the feature maps of any encoder: the all-MLP decoder of Xie et al.
 * 2021, https://arxiv.org/abs/2105.15203, section 3.2, under transformers' names.
 *
 * @module
 */
import {
  type Graph,
  type Initializer,
  interpolationMatrix,
  reshape,
  transposedMatrix,
  type Value,
} from "../onnx/mod.ts";
import type { Forward } from "./forward.ts";
import type { NetworkPart } from "./network.ts";
import type { SegformerConfig } from "./segformer_config.ts";
import { segformerTrainingHead } from "./segformer_training_head.ts";

/** Epsilon of the batch normalization. */
const BATCH_NORM_EPSILON = 1e-5;
/**
 * Elements of the map that are worked on at a time, so that they stay in the processor's cache: the map is
 * cut by channels.
 */
const CHUNK_ELEMENTS = 2 ** 20;

const ZEROS: Initializer = { kind: "constant", value: 0 };
const ONES: Initializer = { kind: "constant", value: 1 };

/** A feature map as tokens. */
export interface Tokens {
  /** Shape (batch, height · width, channels). */
  readonly value: Value;
  /** Rows of the map. */
  readonly height: number;
  /** Columns of the map. */
  readonly width: number;
  /** True where the value has the shape (batch, channels, height · width) instead. */
  readonly channelsFirst?: boolean;
}

/** Sizes of the decoder. */
export type DecoderConfig = Pick<
  SegformerConfig,
  "hidden_sizes" | "decoder_hidden_size" | "classifier_dropout_prob" | "initializer_range"
>;

/**
 * The product of a matrix with every token.
 *
 * @param graph The graph.
 * @param matrix Shape (features, channels).
 * @param tokens The feature map.
 * @returns Shape (batch, features, height · width).
 */
export function projectTokens(graph: Graph, matrix: Value, tokens: Tokens): Value {
  return tokens.channelsFirst
    ? graph.op("MatMul", [matrix, tokens.value])
    : graph.op("FusedMatMul", [matrix, tokens.value], { transB: true });
}

/** The decoder's parts and the prefixes of their parameters. */
export function decoderPartsOf(stages: number): NetworkPart[] {
  return [
    ...Array.from({ length: stages }, (_, stage) => ({
      name: `projection ${stage + 1}`,
      prefixes: [`decode_head.linear_c.${stage}.`],
    })),
    { name: "fusion", prefixes: ["decode_head.linear_fuse.", "decode_head.batch_norm."] },
    { name: "classifier", prefixes: ["decode_head.classifier."] },
  ];
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
  config: DecoderConfig,
  classes: number,
): DecoderParameters {
  const width = config.decoder_hidden_size;
  const stages = config.hidden_sizes.length;
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
 * @param features Feature maps, the finest first.
 * @param config Sizes.
 * @param classes Number of classes K.
 * @returns Logits (batch, K, rows and columns of the finest map).
 */
export function segformerDecodeHead(
  { graph, training }: Forward,
  features: readonly Tokens[],
  config: DecoderConfig,
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
    Math.ceil((width * height * columns) / CHUNK_ELEMENTS),
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
        projectTokens(graph, rows(matrices[stage]!), features[stage]!);
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
