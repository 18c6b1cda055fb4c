/**
 * Stopping a training that no longer improves, by the rules of Lightning's EarlyStopping.
 *
 * @module
 */
import { isImprovement } from "./monitor.ts";
import type { EarlyStoppingConfig } from "./train_config.ts";

/** What early stopping remembers: plain data, to be saved with the run. */
export interface EarlyStoppingState {
  /** Best value so far; null before the first. */
  readonly best: number | null;
  /** Epochs in a row without improvement. */
  readonly badEpochs: number;
}

/** The state before the first epoch. */
export function startEarlyStopping(): EarlyStoppingState {
  return { best: null, badEpochs: 0 };
}

/**
 * The state after an epoch.
 *
 * @param config What counts as improvement.
 * @param state The state before.
 * @param value The epoch's value of the metric; NaN is no improvement.
 */
export function stepEarlyStopping(
  config: EarlyStoppingConfig,
  state: EarlyStoppingState,
  value: number,
): EarlyStoppingState {
  return isImprovement(config.mode, value, state.best, config.minDelta)
    ? { best: value, badEpochs: 0 }
    : { best: state.best, badEpochs: state.badEpochs + 1 };
}

/**
 * True if training should stop: `patience` epochs in a row brought no improvement.
 *
 * @param config How long to wait.
 * @param state The state after the last epoch.
 *
 * @example
 * ```ts
 * import { shouldStop, startEarlyStopping, stepEarlyStopping } from "swath";
 *
 * const config = { monitor: "val_loss", mode: "min", patience: 2, minDelta: 0 } as const;
 * let state = startEarlyStopping();
 * for (const loss of [1, 0.5, 0.6, 0.5]) state = stepEarlyStopping(config, state, loss);
 * if (!shouldStop(config, state)) throw new Error("two epochs without improvement");
 * ```
 */
export function shouldStop(config: EarlyStoppingConfig, state: EarlyStoppingState): boolean {
  return state.badEpochs >= config.patience;
}
