/**
 * Comparing values of a metric.
 *
 * @module
 */
import { InputError } from "../errors.ts";
import { nearMiss } from "../text/mod.ts";
import type { MonitorMode } from "./train_config.ts";

/** Metrics of an epoch by name; null where one is not defined, such as the IoU of an absent class. */
export type Metrics = Readonly<Record<string, number | null>>;

/**
 * True if a value is better than the best so far by more than a margin. NaN never is; anything else
 * is better than nothing.
 *
 * @param mode Whether smaller or larger is better.
 * @param value The value.
 * @param best The best so far; null for none.
 * @param margin What the difference must exceed.
 */
export function isImprovement(
  mode: MonitorMode,
  value: number,
  best: number | null,
  margin = 0,
): boolean {
  if (Number.isNaN(value)) return false;
  if (best === null) return true;
  return mode === "min" ? value < best - margin : value > best + margin;
}

/**
 * The value of a metric that a configuration names.
 *
 * @param metrics Metrics of an epoch.
 * @param name The metric's name.
 * @returns Its value; NaN where it is not defined in this epoch.
 * @throws {InputError} If there is no such metric; it names those that there are.
 */
export function monitoredValue(metrics: Metrics, name: string): number {
  const value = Object.hasOwn(metrics, name) ? metrics[name] : undefined;
  if (value !== undefined) return value ?? NaN;
  const names = Object.keys(metrics);
  const near = nearMiss(name, names);
  throw new InputError(
    `Cannot monitor "${name}" as there is no such metric: expected one of ${names.join(", ")}`,
    near === null ? {} : { hint: `Did you mean "${near}"?` },
  );
}
