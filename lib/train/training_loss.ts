/**
 * The loss that a configuration asks for.
 *
 * @module
 */
import {
  boundaryDistanceLoss,
  boundaryEdgeLoss,
  crossEntropy,
  diceLoss,
  focalLoss,
  type Loss,
  lovaszSoftmax,
  tverskyLoss,
  weightedSum,
} from "../losses/mod.ts";
import type { TrainConfig } from "./train_config.ts";

/**
 * The sum of the losses of a configuration.
 *
 * @param config Losses and the label to ignore.
 * @param classWeights Weight of each class in the losses of pixels; null where all count the same.
 */
export function lossOf(
  { loss, ignoreIndex }: Pick<TrainConfig, "loss" | "ignoreIndex">,
  classWeights: readonly number[] | null,
): Loss {
  const { ce, dice, tversky, focal, lovasz, boundary } = loss;
  const pixel = { ignoreIndex, ...(classWeights !== null && { classWeights }) };
  const losses: [loss: Loss, weight: number][] = [];
  if (ce) losses.push([crossEntropy({ ...pixel, ...ce }), ce.weight]);
  if (dice) losses.push([diceLoss({ ignoreIndex, ...dice }), dice.weight]);
  if (tversky) losses.push([tverskyLoss({ ignoreIndex, ...tversky }), tversky.weight]);
  if (focal) losses.push([focalLoss({ ...pixel, ...focal }), focal.weight]);
  if (lovasz) losses.push([lovaszSoftmax({ ignoreIndex, ...lovasz }), lovasz.weight]);
  if (boundary?.form === "distance") {
    losses.push([boundaryDistanceLoss({ ignoreIndex }), boundary.weight]);
  } else if (boundary) {
    const { form, edgeWeight, weight } = boundary;
    losses.push([boundaryEdgeLoss({ ...pixel, filter: form, edgeWeight }), weight]);
  }
  return weightedSum(losses.map(([loss, weight]) => ({ loss, weight })));
}

/** True if batches need signed distances. */
export function needsDistances({ loss: { boundary } }: Pick<TrainConfig, "loss">): boolean {
  return boundary?.form === "distance" && boundary.weight > 0;
}
