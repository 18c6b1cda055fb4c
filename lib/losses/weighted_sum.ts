/** Losses added up. @module */
import { InputError } from "../errors.ts";
import type { Loss } from "./loss.ts";

/** A loss and its weight in a sum. */
export interface WeightedLoss {
  /** The loss. */
  readonly loss: Loss;
  /** What it is multiplied by. */
  readonly weight: number;
}

/**
 * Σ weight · loss. What several losses need of the logits is computed once.
 *
 * @param losses The losses; those with a weight of 0 are left out.
 * @returns The sum.
 * @throws {InputError} If a weight is negative or not finite, or all are 0.
 */
export function weightedSum(losses: readonly WeightedLoss[]): Loss {
  const wrong = losses.find(({ weight }) => !(weight >= 0 && Number.isFinite(weight)));
  if (wrong !== undefined) {
    throw new InputError(`Cannot weigh a loss by ${wrong.weight} as weights must be >= 0`);
  }
  const used = losses.filter(({ weight }) => weight > 0);
  if (used.length === 0) throw new InputError("Cannot train without a loss of weight above 0");
  return (graph, inputs) =>
    used.map(({ loss, weight }) => {
      const value = loss(graph, inputs);
      return weight === 1 ? value : graph.op("Mul", [value, weight]);
    }).reduce((a, b) => graph.op("Add", [a, b]));
}
