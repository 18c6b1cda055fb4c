/**
 * Which checkpoint is the best.
 *
 * @module
 */
import { isImprovement } from "./monitor.ts";
import type { Monitor } from "./train_config.ts";

/** The best checkpoint so far: plain data, to be saved with the run. */
export interface BestCheckpoint {
  /** Value of the metric. */
  readonly value: number;
  /** Steps taken when it was written. */
  readonly step: number;
  /** Epoch it belongs to. */
  readonly epoch: number;
}

/**
 * True if a checkpoint takes the place of the best one. Of equals the first stays; a value that is
 * not finite never wins.
 *
 * @param monitor Whether smaller or larger is better.
 * @param best The best so far; null for none.
 * @param value Value of the metric for the new one.
 */
export function isBest(monitor: Monitor, best: BestCheckpoint | null, value: number): boolean {
  return Number.isFinite(value) && isImprovement(monitor.mode, value, best?.value ?? null);
}
