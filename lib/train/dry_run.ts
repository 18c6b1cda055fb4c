/**
 * One step of a training, to see what it takes, without a trace on the disk.
 *
 * @module
 */
import { createBatchLoader } from "./batch_loader.ts";
import { scheduleValues, startPlateau } from "./schedules.ts";
import { createTrainStep } from "./train_step.ts";
import { stepOptions, type TrainingSetup } from "./training_setup.ts";
import { partsOfBatch } from "./batches.ts";

/** What a step takes. */
export interface DryRun {
  /** Its loss. */
  readonly loss: number;
  /** Seconds of the step; the first one of a process is slower than those that follow. */
  readonly seconds: number;
  /** Bytes that the process holds after it. */
  readonly memory: number;
}

/**
 * Take one step of a training.
 *
 * @param setup The training.
 * @returns What it took.
 */
export async function dryRun(setup: TrainingSetup): Promise<DryRun> {
  const { config, network, totalSteps } = setup;
  using loader = createBatchLoader(setup.trainPlan);
  const step = await createTrainStep(stepOptions(setup, config.freezeEncoder));
  try {
    step.load(network.parameters);
    const { learningRate, momentum } = scheduleValues(config.schedule, {
      learningRate: config.learningRate,
      step: 0,
      totalSteps,
      plateau: startPlateau(config.learningRate),
    });
    const { value: batch } = await loader.batches(0, 1).next();
    const started = performance.now();
    const parts = partsOfBatch(batch!, config.accumulate);
    const { loss } = await step.run(parts, { step: 1, learningRate, momentum });
    const seconds = (performance.now() - started) / 1000;
    return { loss, seconds, memory: Deno.memoryUsage().rss };
  } finally {
    await step.release();
  }
}
