/**
 * SegFormer's decoder in training: batch normalization by the batch, channel dropout, gradients.
 *
 * As at inference, each stage's projection and its slice of `linear_fuse` are multiplied first, so that every
 * stage is projected once, by one small matrix, at its own resolution. This is exact in training too:
 * gradients pass through the product of the two weights.
 *
 * @module
 */
import { type NdArray, ndarray } from "../array/mod.ts";
import {
  type Graph,
  interpolationMatrix,
  reshape,
  transposedMatrix,
  type Value,
} from "../onnx/mod.ts";
import { batchNormTraining } from "./batch_norm.ts";
import type { Training } from "./forward.ts";
import {
  type DecoderConfig,
  type DecoderParameters,
  projectTokens,
  type Tokens,
} from "./segformer_decoder.ts";

/** Epsilon of the batch normalization. */
const BATCH_NORM_EPSILON = 1e-5;

/**
 * Add the decoder to a train step.
 *
 * @param graph The graph.
 * @param training Masks and running statistics.
 * @param features Feature maps, the finest first.
 * @param parameters The decoder's parameters.
 * @param config Sizes and the dropout before the classifier, which drops whole channels.
 * @param classes Number of classes K.
 * @returns Logits (batch, K, rows and columns of the finest map).
 */
export function segformerTrainingHead(
  graph: Graph,
  training: Training,
  features: readonly Tokens[],
  parameters: DecoderParameters,
  config: DecoderConfig,
  classes: number,
): Value {
  const width = config.decoder_hidden_size;
  const [{ height, width: columns, value }] = features as [Tokens];
  const batch = value.shape[0] as number;
  const sum = fuse(graph, features, parameters, width);
  const normalized = batchNormTraining(graph, training, sum, parameters, BATCH_NORM_EPSILON);
  const active = graph.op("Relu", [normalized]);
  const rows = reshape(graph, active, [batch, width, height * columns]);
  const logits = graph.op("Add", [
    graph.op("MatMul", [classifier(graph, training, parameters, config, batch), rows]),
    graph.op("Reshape", [parameters.classifierBias, [classes, 1]]),
  ]);
  return reshape(graph, logits, [batch, classes, height, columns]);
}

/** The classifier's weight, without the columns of channels that are dropped: smaller than the map by far. */
function classifier(
  graph: Graph,
  training: Training,
  { classifier: weight }: DecoderParameters,
  { decoder_hidden_size: width, classifier_dropout_prob: rate }: DecoderConfig,
  batch: number,
): Value {
  if (rate === 0) return weight;
  const mask = training.mask("decode_head.dropout", [batch, width, 1, 1], rate);
  return graph.op("Mul", [weight, reshape(graph, mask, [batch, 1, width])]);
}

/** The sum of all stages' projections, resampled to the finest: (batch, D, H/4, W/4). */
function fuse(
  graph: Graph,
  features: readonly Tokens[],
  { projections, fuse }: DecoderParameters,
  width: number,
): Value {
  const [{ height, width: columns, value }] = features as [Tokens];
  const batch = value.shape[0] as number;
  const slots = projections.length === 1
    ? [fuse]
    : graph.ops("Split", projections.length, [fuse], { axis: 1 });
  // The stages' slices stand in reverse order.
  const slices = slots.toReversed();
  const offset = projections
    .map(({ bias }, stage) =>
      graph.op("MatMul", [slices[stage]!, graph.op("Reshape", [bias, [width, 1]])])
    )
    .reduce((a, b) => graph.op("Add", [a, b]));
  const maps = features.map((_, stage) => {
    const matrix = graph.op("MatMul", [slices[stage]!, projections[stage]!.weight]);
    const projected = projectTokens(graph, matrix, features[stage]!);
    // Resampling keeps constants, so that the offset can be added where the map is smallest.
    return stage === features.length - 1 ? graph.op("Add", [projected, offset]) : projected;
  });
  const toMap = (stage: number) =>
    reshape(graph, maps[stage]!, [batch, width, features[stage]!.height, features[stage]!.width]);
  if (features.length === 1) return toMap(0);
  // All coarse stages side by side: one product resamples their columns and adds them up.
  const coarse = features.slice(1).map((tokens, i) =>
    graph.op("MatMul", [interpolationMatrix(tokens.height, height), toMap(i + 1)])
  );
  const sideBySide = coarse.length === 1 ? coarse[0]! : graph.op("Concat", coarse, { axis: 3 });
  const matrices = features.slice(1).map((tokens) =>
    transposedMatrix(interpolationMatrix(tokens.width, columns))
  );
  const resampled = graph.op("MatMul", [sideBySide, stackRows(matrices)]);
  return graph.op("Add", [toMap(0), resampled]);
}

/** Matrices with the same columns on top of one another. */
function stackRows(matrices: readonly NdArray<"float32">[]): NdArray<"float32"> {
  const columns = matrices[0]!.shape[1]!;
  const data = Float32Array.from(matrices.flatMap((matrix) => [...matrix.data]));
  return ndarray("float32", [data.length / columns, columns], data);
}
