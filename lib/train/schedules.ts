/**
 * Learning rate schedules: the values of PyTorch's `torch.optim.lr_scheduler`, as functions of the
 * step instead of objects that must be stepped, so that a run resumes anywhere. ReduceLROnPlateau
 * depends on the run's metrics; its state is plain data.
 *
 * @module
 */
import { isImprovement } from "./monitor.ts";
import type { OneCycleSchedule, PlateauSchedule, ScheduleConfig } from "./train_config.ts";

/** What the optimizer uses in one step. */
export interface ScheduleValues {
  /** Learning rate. */
  readonly learningRate: number;
  /** Momentum, or AdamW's first beta, where the schedule moves it; null for the optimizer's own. */
  readonly momentum: number | null;
}

/** Where in a run a value is wanted. */
export interface SchedulePosition {
  /** Highest learning rate; see `learning_rate` of the configuration. */
  readonly learningRate: number;
  /** Zero-based step of the optimizer. */
  readonly step: number;
  /** Steps of the whole run. */
  readonly totalSteps: number;
  /** State of the `plateau` schedule; see {@linkcode startPlateau}. */
  readonly plateau?: PlateauState;
}

/** State of the `plateau` schedule: plain data, to be saved with the run. */
export interface PlateauState {
  /** Learning rate now. */
  readonly learningRate: number;
  /** Best value so far; null before the first. */
  readonly best: number | null;
  /** Epochs in a row without improvement. */
  readonly badEpochs: number;
  /** Epochs of cooldown that are left. */
  readonly cooldown: number;
}

/**
 * Learning rate and momentum of a step.
 *
 * @param schedule The schedule and its settings.
 * @param position The step, and what the schedule needs to know of the run.
 * @returns PyTorch's values for the same settings; the polynomial one is transformers'
 * `get_polynomial_decay_schedule_with_warmup`.
 * @throws {RangeError} If the step is outside the run, or the plateau's state is missing.
 *
 * @example
 * ```ts
 * import { scheduleValues } from "swath";
 *
 * const schedule = { name: "cosine", tMax: null, etaMin: 0 } as const;
 * const { learningRate } = scheduleValues(schedule, { learningRate: 1e-3, step: 50, totalSteps: 100 });
 * if (Math.abs(learningRate - 5e-4) > 1e-12) throw new Error("half-way is half the learning rate");
 * ```
 */
export function scheduleValues(
  schedule: ScheduleConfig,
  position: SchedulePosition,
): ScheduleValues {
  const { learningRate, step, totalSteps } = position;
  if (!(step >= 0 && step < totalSteps)) {
    throw new RangeError(`internal: step ${step} is not one of ${totalSteps} steps`);
  }
  const fixedMomentum = (value: number) => ({ learningRate: value, momentum: null });
  switch (schedule.name) {
    case "constant":
      return fixedMomentum(learningRate);
    case "one_cycle":
      return oneCycle(schedule, learningRate, step, totalSteps);
    case "cosine": {
      const angle = Math.PI * step / (schedule.tMax ?? totalSteps);
      const { etaMin } = schedule;
      return fixedMomentum(etaMin + (learningRate - etaMin) * (1 + Math.cos(angle)) / 2);
    }
    case "plateau":
      if (position.plateau === undefined) {
        throw new RangeError("internal: the plateau schedule needs its state");
      }
      return fixedMomentum(position.plateau.learningRate);
    case "polynomial": {
      const { warmupSteps, warmupFactor, power, minLr } = schedule;
      if (step < warmupSteps) {
        const share = warmupFactor + (1 - warmupFactor) * step / warmupSteps;
        return fixedMomentum(learningRate * share);
      }
      const left = 1 - (step - warmupSteps) / (totalSteps - warmupSteps);
      return fixedMomentum(minLr + (learningRate - minLr) * left ** power);
    }
  }
}

/** The state of a `plateau` schedule before the first epoch. */
export function startPlateau(learningRate: number): PlateauState {
  return { learningRate, best: null, badEpochs: 0, cooldown: 0 };
}

/**
 * The state of a `plateau` schedule after an epoch.
 *
 * @param schedule Its settings.
 * @param state The state before.
 * @param value The epoch's value of the metric; NaN is no improvement.
 * @returns The state after; the learning rate in it holds from the next step on.
 */
export function stepPlateau(
  schedule: PlateauSchedule,
  state: PlateauState,
  value: number,
): PlateauState {
  const { mode, threshold, thresholdMode, patience, factor, minLr, eps } = schedule;
  let { learningRate, best, badEpochs, cooldown } = state;
  const margin = thresholdMode === "abs" ? threshold : threshold * (best ?? 0);
  if (isImprovement(mode, value, best, margin)) {
    best = value;
    badEpochs = 0;
  } else {
    badEpochs++;
  }
  if (cooldown > 0) {
    cooldown--;
    badEpochs = 0;
  }
  if (badEpochs > patience) {
    const reduced = Math.max(learningRate * factor, minLr);
    if (learningRate - reduced > eps) learningRate = reduced;
    cooldown = schedule.cooldown;
    badEpochs = 0;
  }
  return { learningRate, best, badEpochs, cooldown };
}

/** A stretch of the cycle: its last step, and the values that it goes from and to. */
interface Phase {
  readonly end: number;
  readonly learningRate: readonly [from: number, to: number];
  readonly momentum: readonly [from: number, to: number];
}

function oneCycle(
  schedule: OneCycleSchedule,
  highest: number,
  step: number,
  totalSteps: number,
): ScheduleValues {
  const { pctStart, threePhase, divFactor, finalDivFactor } = schedule;
  const { baseMomentum: low, maxMomentum: high } = schedule;
  const start = highest / divFactor;
  const final = start / finalDivFactor;
  const rise = pctStart * totalSteps - 1;
  const last = totalSteps - 1;
  const phases: Phase[] = threePhase
    ? [
      { end: rise, learningRate: [start, highest], momentum: [high, low] },
      { end: 2 * pctStart * totalSteps - 2, learningRate: [highest, start], momentum: [low, high] },
      { end: last, learningRate: [start, final], momentum: [high, high] },
    ]
    : [
      { end: rise, learningRate: [start, highest], momentum: [high, low] },
      { end: last, learningRate: [highest, final], momentum: [low, high] },
    ];
  const index = Math.max(0, phases.findIndex(({ end }) => step <= end));
  const { end, learningRate, momentum } = phases[index]!;
  const begin = phases[index - 1]?.end ?? 0;
  // A phase of no length is at its end; PyTorch divides by zero there.
  const progress = end === begin ? 1 : (step - begin) / (end - begin);
  const share = schedule.annealStrategy === "cos"
    ? (1 - Math.cos(Math.PI * progress)) / 2
    : progress;
  const between = ([from, to]: readonly [number, number]) => from + (to - from) * share;
  return {
    learningRate: between(learningRate),
    momentum: schedule.cycleMomentum ? between(momentum) : null,
  };
}
