/**
 * The exercise of the course: a SegFormer with one block in each stage, 14 bands, three labels, AdamW with a
 * learning rate of 1e-3, three steps on one batch.
 */
import exerciseLosses from "../../fixtures/exercise_losses.json" with { type: "json" };
import { ndarray, randomStream, type TrainBatch, variantConfig } from "swath";

/** Classes of {@linkcode regularBatch}. */
export const BATCH_CLASSES = 3;

/** A network without anything random. */
export const EXERCISE_CONFIG = {
  ...variantConfig("b0", { bands: 14, classes: BATCH_CLASSES }),
  drop_path_rate: 0,
  classifier_dropout_prob: 0,
  depths: [1, 1, 1, 1],
};

/** Extents of the batch. */
export const EXERCISE_SIZE = { batch: 2, height: 128, width: 128 } as const;

/**
 * Losses of PyTorch and transformers, from the parameters that seed 1 draws;
 * `tests/peers/train_step_test.ts` finds them again.
 */
export const EXERCISE_LOSSES: readonly number[] = exerciseLosses;

/** Noise, and labels in stripes of which some are left out. */
export function regularBatch(
  { batch, height, width }: { batch: number; height: number; width: number },
  bands: number,
): TrainBatch {
  const image = ndarray("float32", [batch, bands, height, width]);
  randomStream(5, "batch").normals(image.data);
  const labels = ndarray("uint8", [batch, height, width]);
  for (let i = 0; i < labels.data.length; i++) {
    const row = Math.floor(i / width) % height;
    labels.data[i] = i % 13 === 5 ? 255 : Math.floor(row / 9 + (i % width) / 7) % BATCH_CLASSES;
  }
  return { image, labels };
}
