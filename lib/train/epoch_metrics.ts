/**
 * The metrics of an epoch, by the names that logs, monitors and curves use.
 *
 * @module
 */
import type { ClassInfo } from "../classes/mod.ts";
import { InputError } from "../errors.ts";
import { computeScores, positiveRate } from "../metrics/mod.ts";
import { type Metrics, monitoredValue } from "./monitor.ts";
import type { TrainConfig } from "./train_config.ts";
import type { EpochSums } from "./training_state.ts";
import type { Validation } from "./validation.ts";

/** Prefix of the metrics that there is one of for each class: `val_iou/water`. */
export const CLASS_IOU_PREFIX = "val_iou/";

/** Prefix of the share of pixels that are predicted as a watched class. */
export const POSITIVE_RATE_PREFIX = "val_positive_rate/";

/** What an epoch is measured by. */
export interface EpochMeasurements {
  /** Sums over its steps. */
  readonly sums: EpochSums;
  /** Its validation. */
  readonly validation: Validation;
  /** Learning rate of its last step. */
  readonly learningRate: number;
  /** Samples of a step. */
  readonly samplesPerStep: number;
  /** Memory that the process holds, in bytes. */
  readonly memory: number;
}

/**
 * The metrics of an epoch.
 *
 * Losses are means, that of training over the steps and that of validation over all pixels; `val_miou` is
 * the mean over classes, `val_accuracy` the share of pixels that are right. `wait_share` is the share of
 * time spent waiting for data, `memory_mb` what the process holds.
 *
 * @param measurements What was measured.
 * @param classes The classes.
 * @param watch Names of the classes whose positive rate is wanted.
 */
export function epochMetrics(
  { sums, validation, learningRate, samplesPerStep, memory }: EpochMeasurements,
  classes: readonly ClassInfo[],
  watch: readonly string[],
): Metrics {
  const scores = computeScores(validation.matrix);
  const perStep = (sum: number) => sums.steps === 0 ? null : sum / sums.steps;
  const perSecond = (amount: number) => sums.seconds === 0 ? null : amount / sums.seconds;
  const rateOf = (name: string) =>
    positiveRate(validation.matrix, classes.findIndex((known) => known.name === name)).prediction;
  return {
    train_loss: perStep(sums.loss),
    val_loss: validation.loss,
    val_miou: scores.meanIou,
    val_accuracy: scores.pixelAccuracy,
    ...Object.fromEntries(
      classes.map(({ name }, index) => [`${CLASS_IOU_PREFIX}${name}`, scores.classes[index]!.iou]),
    ),
    ...Object.fromEntries(watch.map((name) => [`${POSITIVE_RATE_PREFIX}${name}`, rateOf(name)])),
    learning_rate: learningRate,
    gradient_norm: perStep(sums.gradientNorm),
    samples_per_second: perSecond(sums.steps * samplesPerStep),
    wait_share: perSecond(sums.waitSeconds),
    memory_mb: Math.round(memory / 1e6),
  };
}

/**
 * Check that the metrics that a configuration names exist, before hours of training.
 *
 * @param config What is monitored.
 * @param classes The classes.
 * @throws {InputError} If one does not; it names those that there are.
 */
export function checkMonitors(config: TrainConfig, classes: readonly ClassInfo[]): void {
  const names = [
    "train_loss",
    "val_loss",
    "val_miou",
    "val_accuracy",
    ...classes.map(({ name }) => `${CLASS_IOU_PREFIX}${name}`),
    ...config.watch.map((name) => `${POSITIVE_RATE_PREFIX}${name}`),
  ];
  const known = Object.fromEntries(names.map((name) => [name, null]));
  const { save, earlyStopping, schedule } = config;
  monitoredValue(known, save.monitor);
  if (earlyStopping !== null) monitoredValue(known, earlyStopping.monitor);
  if (schedule.name === "plateau") monitoredValue(known, schedule.monitor);
}

/**
 * What to warn of in an epoch: watched classes of which the network predicts none, hardly any, or far too
 * many.
 *
 * @param validation The epoch's validation.
 * @param classes The classes.
 * @param watch Names of the classes to watch.
 */
export function collapseWarnings(
  { matrix }: Validation,
  classes: readonly ClassInfo[],
  watch: readonly string[],
): string[] {
  return watch.flatMap((name) => {
    const index = classes.findIndex((known) => known.name === name);
    if (index < 0) throw new InputError(`Cannot watch class "${name}" as there is none`);
    const { collapse, prediction, truth } = positiveRate(matrix, index);
    if (collapse === null) return [];
    const percent = (share: number | null) => `${Number(((share ?? 0) * 100).toPrecision(3))} %`;
    const what = {
      vanished: "is never predicted",
      scarce: `is hardly predicted any more: ${percent(prediction)} of the pixels`,
      everywhere: "is predicted everywhere",
      rampant: `is predicted far too often: ${percent(prediction)} of the pixels`,
    }[collapse];
    return [`class ${name} ${what}, and is ${percent(truth)} of the truth`];
  });
}
