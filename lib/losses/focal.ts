/**
 * Focal loss: Lin et al., "Focal loss for dense object detection" (2017), over the softmax of several classes.
 *
 * @module
 */
import { checkSetting } from "./class_overlap.ts";
import { checkClassWeights, type Loss, type PixelLossOptions } from "./loss.ts";
import { labelWeights, pixelMaps, pixelShares } from "./pixel_bands.ts";

/** Options of {@linkcode focalLoss}. */
export interface FocalOptions extends PixelLossOptions {
  /** Factor of the whole loss; 0.25 where left out. Classes are weighed by `classWeights`. */
  readonly alpha?: number;
  /** Exponent of 1 − p, which makes pixels count less that are right already; 2 where left out. */
  readonly gamma?: number;
}

/** Smallest 1 − p of which a power has a slope. */
const SMALLEST = 1e-12;

/**
 * Σ weight · α (1 − p)^γ · −log p / Σ weight over the pixels that count, p being the probability of the pixel's
 * label. A batch without any gives 0.
 *
 * @param options Factor, exponent, class weights and the label to ignore.
 * @returns The loss.
 * @throws {InputError} If a setting or weight is negative or not a number.
 */
export function focalLoss(options: FocalOptions = {}): Loss {
  const { ignoreIndex = 255, classWeights, alpha = 0.25, gamma = 2 } = options;
  checkSetting("focal", "alpha", alpha);
  checkSetting("focal", "gamma", gamma);
  checkClassWeights(classWeights);
  return (graph, inputs) => {
    const maps = pixelMaps(graph, inputs);
    const shares = pixelShares(graph, labelWeights(graph, maps, ignoreIndex, classWeights));
    const sum = maps.sum((band) => {
      const crossEntropy = graph.op("Mul", [band.part(shares), band.negativeLogLikelihood()]);
      if (gamma === 0) return graph.op("ReduceSum", [crossEntropy], { keepdims: false });
      // The sum of the other classes keeps digits that 1 − p would lose.
      const misses = graph.op("Sub", [1, band.hits()]);
      const others = band.sumOfClasses(graph.op("Mul", [band.probabilities(), misses]));
      const doubt = graph.op("Pow", [graph.op("Max", [others, SMALLEST]), gamma]);
      return graph.op("ReduceSum", [graph.op("Mul", [doubt, crossEntropy])], { keepdims: false });
    });
    return graph.op("Mul", [sum, alpha]);
  };
}
