import assert from "node:assert/strict";
import { adamw, createTrainStep, crossEntropy, networkFromConfig } from "swath";
import {
  EXERCISE_CONFIG,
  EXERCISE_LOSSES,
  EXERCISE_SIZE,
  regularBatch,
} from "../../support/exercise.ts";

Deno.test("the course's exercise has the losses of PyTorch", async () => {
  const step = await createTrainStep({
    network: networkFromConfig(EXERCISE_CONFIG),
    ...EXERCISE_SIZE,
    loss: crossEntropy(),
    optimizer: adamw(),
    weightDecay: 0.01,
    clipNorm: null,
    seed: 1,
    device: "cpu",
    threads: 1,
  });
  const batch = regularBatch(EXERCISE_SIZE, 14);
  for (const [i, expected] of EXERCISE_LOSSES.entries()) {
    const { loss } = await step.run([batch], { step: i + 1, learningRate: 1e-3 });
    assert.ok(Math.abs(loss - expected) < 1e-4, `step ${i}: ${loss} instead of ${expected}`);
  }
  await step.release();
});
