/**
 * Cross-entropy of labels at full resolution and logits at the network's stride.
 *
 * The bilinear upsampling to the labels' size is part of the loss, so that the logits at full resolution, the
 * largest map of the whole step, never exist.
 *
 * @module
 */
import { InputError } from "../errors.ts";
import type { Graph, Value } from "../onnx/mod.ts";
import { checkClassWeights, type Loss, type PixelLossOptions } from "./loss.ts";
import {
  labelWeights,
  type PixelBand,
  type PixelMaps,
  pixelMaps,
  pixelShares,
} from "./pixel_bands.ts";

/** Options of {@linkcode crossEntropy}. */
export interface CrossEntropyOptions extends PixelLossOptions {
  /**
   * Share ε of the target that is spread over all classes (Szegedy et al., 2016): the label's class has
   * 1 − ε + ε/K, each other ε/K; 0 where left out.
   */
  readonly labelSmoothing?: number;
}

/**
 * Cross-entropy as PyTorch's `CrossEntropyLoss` has it after bilinear upsampling
 * (align_corners=False): Σ weight · −log p / Σ weight over the pixels that count. A batch without any gives
 * 0, and gradients of 0. Labels that are no class do not count either.
 *
 * @param options Class weights, label smoothing and the label to ignore.
 * @returns The loss.
 * @throws {InputError} If a weight is negative or not a number, or smoothing is not from 0 to 1.
 *
 * @example
 * ```ts
 * import { createSession, crossEntropy, Graph, ndarray } from "swath";
 *
 * const graph = new Graph("loss");
 * const logits = graph.input("logits", "float32", [1, 2, 1, 1]);
 * const labels = graph.input("labels", "uint8", [1, 4, 4]);
 * graph.output("loss", crossEntropy()(graph, { logits, labels }));
 * const session = await createSession(graph, { device: "cpu" });
 * const feeds = { logits: ndarray("float32", [1, 2, 1, 1]), labels: ndarray("uint8", [1, 4, 4]) };
 * const { loss } = await session.run(feeds);
 * await session.release();
 * if (Math.abs(Number(loss?.data[0]) - Math.LN2) > 1e-6) throw new Error("two equal logits");
 * ```
 */
export function crossEntropy(options: CrossEntropyOptions = {}): Loss {
  const { ignoreIndex = 255, classWeights, labelSmoothing = 0 } = options;
  checkClassWeights(classWeights);
  if (!(labelSmoothing >= 0 && labelSmoothing <= 1)) {
    throw new InputError(
      `Cannot smooth labels by ${labelSmoothing}: expected a number from 0 to 1`,
    );
  }
  return (graph, inputs) => {
    const maps = pixelMaps(graph, inputs);
    const weights = labelWeights(graph, maps, ignoreIndex, classWeights);
    const shares = pixelShares(graph, weights);
    const ofLabel = maps.sum((band) => {
      const share = band.part(shares);
      const terms = graph.op("Mul", [share, band.negativeLogLikelihood()]);
      return graph.op("ReduceSum", [terms], { keepdims: false });
    });
    if (labelSmoothing === 0) return ofLabel;
    const counted = labelWeights(graph, maps, ignoreIndex);
    const total = graph.op("ReduceSum", [weights], { keepdims: false });
    // A batch of classes that weigh nothing has no mean.
    const scale = graph.op("Where", [
      graph.op("Greater", [total, 0]),
      graph.op("Div", [labelSmoothing / maps.classes, total]),
      0,
    ]);
    const ofAll = smoothTerms(graph, maps, counted, classWeights);
    return graph.op("Add", [
      graph.op("Mul", [ofLabel, 1 - labelSmoothing]),
      graph.op("Mul", [ofAll, scale]),
    ]);
  };
}

/** Σ over pixels that count and classes of weight · −log p. */
function smoothTerms(
  graph: Graph,
  maps: PixelMaps,
  counted: Value,
  classWeights: readonly number[] | undefined,
): Value {
  const { classes } = maps;
  const weights = classWeights ?? Array<number>(classes).fill(1);
  const sum = weights.reduce((sum, weight) => sum + weight, 0);
  const column = graph.op("Reshape", [graph.constant(weights), [classes, 1, 1]]);
  const terms = (band: PixelBand) => {
    const logTotal = graph.op("Mul", [graph.op("Log", [band.total()]), sum]);
    const logits = band.sumOfClasses(graph.op("Mul", [band.centered(), column]));
    return graph.op("Mul", [band.part(counted), graph.op("Sub", [logTotal, logits])]);
  };
  return maps.sum((band) => graph.op("ReduceSum", [terms(band)], { keepdims: false }));
}
