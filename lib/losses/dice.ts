/**
 * Dice loss: Milletari et al., "V-Net" (2016), for several classes.
 *
 * @module
 */
import { checkSetting, classOverlap, meanOfClasses } from "./class_overlap.ts";
import type { ClassLossOptions, Loss } from "./loss.ts";
import { pixelMaps } from "./pixel_bands.ts";

/** Options of {@linkcode diceLoss}. */
export interface DiceOptions extends ClassLossOptions {
  /** Added to both sides of the fraction; 1e-6 where left out. */
  readonly smooth?: number;
}

/**
 * One minus the Dice coefficient of softmax probabilities p and one-hot labels y,
 * (2 Σ p·y + smooth) / (Σ p + Σ y + smooth), summed over all pixels of the batch that count; the mean over
 * classes.
 *
 * A class that no label of the batch has is left out of the mean, unless `classes` is `all`: then its loss is about 1
 * as soon as it is predicted anywhere. A batch without labels gives 0.
 *
 * @param options Smoothing, classes and the label to ignore.
 * @returns The loss.
 * @throws {InputError} If `smooth` is negative or not a number.
 */
export function diceLoss(options: DiceOptions = {}): Loss {
  const { ignoreIndex = 255, smooth = 1e-6, classes = "present" } = options;
  checkSetting("Dice", "smooth", smooth);
  return (graph, inputs) => {
    const { both, predicted, labelled } = classOverlap(
      graph,
      pixelMaps(graph, inputs),
      ignoreIndex,
    );
    const coefficient = graph.op("Div", [
      graph.op("Add", [graph.op("Mul", [both, 2]), smooth]),
      // Labels and predictions of a class may both be without a pixel.
      graph.op("Max", [graph.op("Add", [graph.op("Add", [predicted, labelled]), smooth]), 1e-12]),
    ]);
    return meanOfClasses(graph, graph.op("Sub", [1, coefficient]), labelled, classes);
  };
}
