/**
 * How a training's position moves on: from the first step, with each step, with each epoch.
 *
 * @module
 */
import { isBest } from "./best_checkpoint.ts";
import { startEarlyStopping, stepEarlyStopping } from "./early_stopping.ts";
import { type Metrics, monitoredValue } from "./monitor.ts";
import { startPlateau, stepPlateau } from "./schedules.ts";
import type { TrainConfig } from "./train_config.ts";
import type { TrainingSetup } from "./training_setup.ts";
import type { EpochSums, TrainingPosition } from "./training_state.ts";

const NO_SUMS: EpochSums = { steps: 0, loss: 0, gradientNorm: 0, seconds: 0, waitSeconds: 0 };

/** Where a training begins. */
export function firstPosition({ config, data }: TrainingSetup): TrainingPosition {
  return {
    version: 1,
    step: 0,
    epoch: 0,
    optimizerStart: 0,
    sums: NO_SUMS,
    seconds: 0,
    best: null,
    earlyStopping: startEarlyStopping(),
    plateau: startPlateau(config.learningRate),
    trainData: data.train.fingerprint,
    valData: data.val.fingerprint,
    mlflowRun: null,
  };
}

/** The position after a step, of which the time is not known yet. */
export function afterStep(
  position: TrainingPosition,
  { loss, gradientNorm }: { readonly loss: number; readonly gradientNorm: number },
): TrainingPosition {
  const { step, sums } = position;
  return {
    ...position,
    step: step + 1,
    sums: {
      ...sums,
      steps: sums.steps + 1,
      loss: sums.loss + loss,
      gradientNorm: sums.gradientNorm + gradientNorm,
    },
  };
}

/**
 * The position with the time of a step.
 *
 * @param position The position.
 * @param seconds What the step took.
 * @param waitSeconds What of that it waited for data.
 */
export function withSeconds(
  position: TrainingPosition,
  seconds: number,
  waitSeconds: number,
): TrainingPosition {
  const { sums } = position;
  return {
    ...position,
    seconds: position.seconds + seconds,
    sums: {
      ...sums,
      seconds: sums.seconds + seconds,
      waitSeconds: sums.waitSeconds + waitSeconds,
    },
  };
}

/** The position at the end of an epoch; its step is that of `best` if the epoch is the best so far. */
export function afterEpoch(
  { save, earlyStopping, schedule }: TrainConfig,
  position: TrainingPosition,
  metrics: Metrics,
): TrainingPosition {
  const { step, epoch, best } = position;
  const value = monitoredValue(metrics, save.monitor);
  return {
    ...position,
    epoch: epoch + 1,
    sums: NO_SUMS,
    best: isBest(save, best, value) ? { value, step, epoch } : best,
    earlyStopping: earlyStopping === null ? position.earlyStopping : stepEarlyStopping(
      earlyStopping,
      position.earlyStopping,
      monitoredValue(metrics, earlyStopping.monitor),
    ),
    plateau: schedule.name === "plateau"
      ? stepPlateau(schedule, position.plateau, monitoredValue(metrics, schedule.monitor))
      : position.plateau,
  };
}
