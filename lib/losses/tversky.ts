/**
 * Tversky loss: Salehi et al., "Tversky loss function for image segmentation" (2017); with an exponent, the focal
 * Tversky loss of Abraham and Khan (2019).
 *
 * @module
 */
import { checkSetting, classOverlap, meanOfClasses } from "./class_overlap.ts";
import type { ClassLossOptions, Loss } from "./loss.ts";
import { pixelMaps } from "./pixel_bands.ts";

/** Options of {@linkcode tverskyLoss}. */
export interface TverskyOptions extends ClassLossOptions {
  /** Weight of false positives; 0.3 where left out. */
  readonly alpha?: number;
  /** Weight of false negatives; 0.7 where left out. With 0.5 each, the loss is Dice's. */
  readonly beta?: number;
  /** Exponent of each class's loss, at least 1; 1 where left out. */
  readonly gamma?: number;
  /** Added to both sides of the fraction; 1e-6 where left out. */
  readonly smooth?: number;
}

/**
 * One minus the Tversky index (TP + smooth) / (TP + α FP + β FN + smooth) with TP = Σ p·y, FP = Σ p·(1−y) and
 * FN = Σ (1−p)·y over all pixels of the batch that count, to the power of gamma; the mean over classes.
 *
 * A class that no label of the batch has is left out of the mean, unless `classes` is `all`. A batch without labels
 * gives 0.
 *
 * @param options Weights, exponent, smoothing, classes and the label to ignore.
 * @returns The loss.
 * @throws {InputError} If a setting is out of range.
 */
export function tverskyLoss(options: TverskyOptions = {}): Loss {
  const { ignoreIndex = 255, classes = "present" } = options;
  const { alpha = 0.3, beta = 0.7, gamma = 1, smooth = 1e-6 } = options;
  for (const [name, value] of Object.entries({ alpha, beta, smooth })) {
    checkSetting("Tversky", name, value);
  }
  checkSetting("Tversky", "gamma", gamma, 1);
  return (graph, inputs) => {
    const { both, predicted, labelled } = classOverlap(
      graph,
      pixelMaps(graph, inputs),
      ignoreIndex,
    );
    const falsePositives = graph.op("Mul", [graph.op("Sub", [predicted, both]), alpha]);
    const falseNegatives = graph.op("Mul", [graph.op("Sub", [labelled, both]), beta]);
    const missed = graph.op("Add", [falsePositives, falseNegatives]);
    // Not 1 − index, which would lose digits where the map is nearly right.
    const loss = graph.op("Div", [
      missed,
      graph.op("Max", [graph.op("Add", [graph.op("Add", [both, missed]), smooth]), 1e-12]),
    ]);
    // Sums of many pixels may round below zero, where there are no powers.
    const focal = gamma === 1 ? loss : graph.op("Pow", [graph.op("Max", [loss, 1e-12]), gamma]);
    return meanOfClasses(graph, focal, labelled, classes);
  };
}
