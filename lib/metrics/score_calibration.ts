/**
 * Scoring the probabilities of the samples of a patch stream.
 *
 * @module
 */
import { cropArray, type NdArray, ndarray } from "../array/mod.ts";
import { InputError } from "../errors.ts";
import { upsampleLogits, upsampleScores } from "../inference/mod.ts";
import type { OutputInfo, Sample } from "../stream/mod.ts";
import { type CalibrationCounts } from "./calibration_counts.ts";
import type { ConfusionMatrix } from "./confusion_matrix.ts";

/**
 * A sample with `pred`: its own, or the classes of its logits.
 *
 * @param sample A sample with `logits`.
 * @param output What they are.
 * @throws {InputError} If there are no logits.
 */
export function withPrediction(sample: Sample, output: OutputInfo | null): Sample {
  const logits = logitsOf(sample, output);
  if (sample.arrays.pred !== undefined) return sample;
  const { height, width } = sample.info.window;
  const { pred } = upsampleLogits(logits, { height, width, stride: output!.stride });
  return { ...sample, arrays: { ...sample.arrays, pred } };
}

/**
 * Add the probabilities of a sample's core, upsampled to its pixels.
 *
 * @param counts The sums.
 * @param sample A sample with `label` and `logits`.
 * @param output What the logits are.
 * @param matrix Says which pixels count.
 */
export function scoreCalibration(
  counts: CalibrationCounts,
  sample: Sample,
  output: OutputInfo,
  { classCount, ignoreLabel }: Pick<ConfusionMatrix, "classCount" | "ignoreLabel">,
): void {
  const { core, window } = sample.info;
  if (core.width === 0 || core.height === 0) return;
  const inside = { ...core, x: core.x - window.x, y: core.y - window.y };
  const { logits, truth } = scoredLogits(sample, output, classCount, ignoreLabel);
  const scores = cropArray(logits, inside).data as Float32Array;
  counts.update(
    scores,
    cropArray(ndarray("int32", [window.height, window.width], truth), inside).data as Int32Array,
  );
}

/**
 * Logits, or logarithms of probabilities, of each pixel of a sample, and its class.
 *
 * @returns Logits (K, H, W), and the class of each pixel; −1 where it does not count.
 */
export function scoredLogits(
  sample: Sample,
  output: OutputInfo,
  classCount: number,
  ignoreLabel: number | null,
): { readonly logits: NdArray<"float32">; readonly truth: Int32Array<ArrayBuffer> } {
  const { height, width } = sample.info.window;
  const logits = upsampleScores(logitsOf(sample, output), { height, width, stride: output.stride });
  if (output.kind === "probabilities") {
    for (let i = 0; i < logits.data.length; i++) logits.data[i] = Math.log(logits.data[i]!);
  }
  const { label, valid } = sample.arrays;
  if (label === undefined) {
    throw new InputError(`Cannot score sample "${sample.key}" as it has no label`, {
      hint: "Cut the scene with `swath tile SCENE --labels LABELS`",
    });
  }
  const truth = new Int32Array(height * width).fill(-1);
  for (let i = 0; i < truth.length; i++) {
    const value = Number(label.data[i]);
    const isCounted = value !== ignoreLabel && value >= 0 && value < classCount;
    if (isCounted && (valid === undefined || Number(valid.data[i]) !== 0)) truth[i] = value;
  }
  return { logits, truth };
}

function logitsOf(sample: Sample, output: OutputInfo | null): NdArray<"float32"> {
  const { logits } = sample.arrays;
  if (logits !== undefined && output !== null) return logits as NdArray<"float32">;
  throw new InputError(
    `Cannot score the calibration of sample "${sample.key}" as it has no logits`,
    { hint: "Score the stream of `swath infer`, or keep them: `swath upsample --keep logits`" },
  );
}
