/**
 * Scores of a map from its confusion matrix.
 *
 * All are taken over the whole of the pixels, never averaged over patches. A score whose denominator
 * is zero is null, printed as `n/a`, never NaN.
 *
 * @module
 */
import type { ConfusionMatrix } from "./confusion_matrix.ts";

/**
 * What a class counts that is neither in the truth nor in the prediction, so that its scores are 0/0:
 * `skip` leaves it out of means, as torchmetrics and mmsegmentation do; `zero` and `one` give it that
 * score, as scikit-learn's `zero_division` does.
 */
export type AbsentPolicy = "skip" | "zero" | "one";

/** The policies, the default first. */
export const ABSENT_POLICIES = ["skip", "zero", "one"] as const satisfies readonly AbsentPolicy[];

/** Overall scores in the order in which they are shown, each with what people call it. */
export const OVERALL_SCORES = [
  ["meanIou", "mean IoU"],
  ["meanDice", "mean Dice (F1)"],
  ["pixelAccuracy", "pixel accuracy"],
  ["meanAccuracy", "mean accuracy"],
  ["frequencyWeightedIou", "frequency-weighted IoU"],
  ["kappa", "Cohen's kappa"],
  ["matthews", "Matthews correlation"],
] as const;

/** Scores of one class; TP, FP and FN are its true positive, false positive and false negative pixels. */
export interface ClassScores {
  /** Intersection over union (Jaccard index): TP / (TP + FP + FN). */
  readonly iou: number | null;
  /** Dice coefficient, which is F1: 2 TP / (2 TP + FP + FN). */
  readonly dice: number | null;
  /** TP / (TP + FP); null where the class was never predicted. */
  readonly precision: number | null;
  /** TP / (TP + FN), the producer's accuracy; null where the class has no truth. */
  readonly recall: number | null;
  /** Pixels of the class in the truth: TP + FN. */
  readonly support: number;
  /** Pixels predicted as the class: TP + FP. */
  readonly predicted: number;
}

/** Scores of a map. */
export interface Scores {
  /** Scores by class number. */
  readonly classes: readonly ClassScores[];
  /** Pixels scored. */
  readonly pixels: number;
  /** How absent classes were counted. */
  readonly absent: AbsentPolicy;
  /** Mean IoU over classes, each class counting the same. */
  readonly meanIou: number | null;
  /** Mean Dice coefficient (macro F1) over classes. */
  readonly meanDice: number | null;
  /** Share of pixels that are right. */
  readonly pixelAccuracy: number | null;
  /** Mean recall over classes with truth. */
  readonly meanAccuracy: number | null;
  /** IoU weighted by the pixels of each class in the truth (Long et al., 2015). */
  readonly frequencyWeightedIou: number | null;
  /** Cohen's kappa: agreement beyond chance. */
  readonly kappa: number | null;
  /** Matthews correlation coefficient for several classes (Gorodkin, 2004). */
  readonly matthews: number | null;
  /** Score of the ADE20K challenge: mean of pixel accuracy and mean IoU. */
  readonly ade20k: number | null;
}

/** Options of {@linkcode computeScores}. */
export interface ScoreOptions {
  /** What absent classes count; `skip` by default. */
  readonly absent?: AbsentPolicy;
}

/**
 * Compute the scores of a confusion matrix.
 *
 * @param matrix The counts.
 * @param options How absent classes count.
 * @returns Every score, null where it is undefined.
 *
 * @example
 * ```ts
 * import { computeScores, ConfusionMatrix } from "swath";
 *
 * const matrix = new ConfusionMatrix(2);
 * matrix.counts.set([3, 1, 0, 4]);
 * const { meanIou, pixelAccuracy } = computeScores(matrix);
 * if (meanIou !== (3 / 4 + 4 / 5) / 2 || pixelAccuracy !== 7 / 8) throw new Error("wrong scores");
 * ```
 */
export function computeScores(matrix: ConfusionMatrix, options: ScoreOptions = {}): Scores {
  const { absent = "skip" } = options;
  const { support, predicted, correct } = marginals(matrix);
  const pixels = sum(support);
  const right = sum(correct);
  const absentScore = { skip: null, zero: 0, one: 1 }[absent];

  const classes = correct.map((truePositives, index): ClassScores => {
    const counts = { support: support[index]!, predicted: predicted[index]! };
    if (index === matrix.ignoreLabel) {
      return { iou: null, dice: null, precision: null, recall: null, ...counts };
    }
    const both = counts.support + counts.predicted;
    if (both === 0) {
      const [iou, dice, precision, recall] = Array<number | null>(4).fill(absentScore);
      return { iou: iou!, dice: dice!, precision: precision!, recall: recall!, ...counts };
    }
    return {
      iou: truePositives / (both - truePositives),
      dice: 2 * truePositives / both,
      precision: ratio(truePositives, counts.predicted),
      recall: ratio(truePositives, counts.support),
      ...counts,
    };
  });

  const meanIou = mean(classes.map(({ iou }) => iou));
  const pixelAccuracy = ratio(right, pixels);
  const { kappa, matthews } = agreement(support, predicted, right);
  return {
    classes,
    pixels,
    absent,
    meanIou,
    meanDice: mean(classes.map(({ dice }) => dice)),
    pixelAccuracy,
    meanAccuracy: mean(classes.map(({ recall }) => recall)),
    frequencyWeightedIou: ratio(
      sum(classes.map((scores) => scores.support * (scores.iou ?? 0))),
      pixels,
    ),
    kappa,
    matthews,
    ade20k: meanIou === null || pixelAccuracy === null ? null : (meanIou + pixelAccuracy) / 2,
  };
}

/** Sums of rows, sums of columns, and the diagonal. */
function marginals(matrix: ConfusionMatrix) {
  const { classCount } = matrix;
  const support = Array<number>(classCount).fill(0);
  const predicted = Array<number>(classCount).fill(0);
  const correct = Array<number>(classCount).fill(0);
  for (let truth = 0; truth < classCount; truth++) {
    for (let prediction = 0; prediction < classCount; prediction++) {
      const count = matrix.count(truth, prediction);
      support[truth]! += count;
      predicted[prediction]! += count;
      if (truth === prediction) correct[truth] = count;
    }
  }
  return { support, predicted, correct };
}

/** In shares of the pixels, as products of counts would leave the exact range of float64. */
function agreement(support: number[], predicted: number[], right: number) {
  const pixels = sum(support);
  if (pixels === 0) return { kappa: null, matthews: null };
  const truthShares = support.map((count) => count / pixels);
  const predictedShares = predicted.map((count) => count / pixels);
  const observed = right / pixels;
  const expected = sum(truthShares.map((share, index) => share * predictedShares[index]!));
  // Kappa is 0/0 where truth and prediction are one and the same class; Matthews where either is one.
  const truthIsOne = support.some((count) => count === pixels);
  const predictionIsOne = predicted.some((count) => count === pixels);
  const spread = (shares: number[]) => 1 - sum(shares.map((share) => share ** 2));
  return {
    kappa: truthIsOne && predictionIsOne && right > 0
      ? null
      : (observed - expected) / (1 - expected),
    matthews: truthIsOne || predictionIsOne
      ? null
      : (observed - expected) / Math.sqrt(spread(truthShares) * spread(predictedShares)),
  };
}

function ratio(numerator: number, denominator: number): number | null {
  return denominator === 0 ? null : numerator / denominator;
}

/** Mean of the scores that are defined. */
function mean(scores: readonly (number | null)[]): number | null {
  const defined = scores.filter((score) => score !== null);
  return ratio(sum(defined), defined.length);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
