/**
 * Scoring the samples of a patch stream.
 *
 * @module
 */
import { cropArray } from "../array/mod.ts";
import { InputError } from "../errors.ts";
import type { Sample } from "../stream/mod.ts";
import type { ConfusionMatrix } from "./confusion_matrix.ts";

/**
 * Add a sample's label and prediction to a confusion matrix.
 *
 * Only the sample's core counts: where patches overlap, each pixel of the scene is scored once.
 *
 * @param matrix The counts.
 * @param sample A sample with `label` and `pred`; pixels that `valid` marks as without data are left out.
 * @throws {InputError} If an array is missing or a label is out of range.
 */
export function scoreSample(matrix: ConfusionMatrix, sample: Sample): void {
  const { label, pred, valid } = sample.arrays;
  if (label === undefined) {
    throw new InputError(`Cannot score sample "${sample.key}" as it has no label`, {
      hint: "Cut the scene with `swath tile SCENE --labels LABELS`",
    });
  }
  if (pred === undefined) {
    throw new InputError(`Cannot score sample "${sample.key}" as it has no prediction`, {
      hint: sample.arrays.logits === undefined
        ? "Map it first: `… | swath infer MODEL | swath upsample | swath iou`"
        : "Turn logits into classes first: `… | swath upsample | swath iou`",
    });
  }
  const { core, window } = sample.info;
  const inside = { ...core, x: core.x - window.x, y: core.y - window.y };
  matrix.update(
    cropArray(label, inside),
    cropArray(pred, inside),
    valid === undefined ? null : cropArray(valid, inside),
    { source: sample.key, x: core.x, y: core.y },
  );
}
