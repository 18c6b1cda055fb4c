/**
 * The form of a loss.
 *
 * @module
 */
import { InputError } from "../errors.ts";
import type { Graph, Value } from "../onnx/mod.ts";

/** What a loss compares. */
export interface LossInputs {
  /** Logits of shape (N, K, h, w) at the network's output stride. */
  readonly logits: Value;
  /** Labels of shape (N, H, W), uint8. */
  readonly labels: Value;
  /**
   * Makes the input of signed distances, float32 (N, K, H, W), that {@linkcode signedDistances} computes from
   * the labels; where left out, losses that need it cannot be used.
   */
  readonly distances?: () => Value;
}

/**
 * Adds a loss to a graph, in operators that have gradients.
 *
 * @returns The loss, a scalar: a mean over the labels that count; 0 where none does.
 */
export type Loss = (graph: Graph, inputs: LossInputs) => Value;

/** Options that all losses have. */
export interface LossOptions {
  /** Label of pixels that do not count; 255 where left out. Labels that are no class do not count either. */
  readonly ignoreIndex?: number;
}

/** Options of losses that are means over pixels. */
export interface PixelLossOptions extends LossOptions {
  /** Weight of each class: the mean is Σ weight · loss / Σ weight; 1 where left out. */
  readonly classWeights?: readonly number[];
}

/** Options of losses that are means over classes. */
export interface ClassLossOptions extends LossOptions {
  /**
   * Which classes the mean is over: those that the labels have, or all. `present` where left out: a class without a
   * pixel has no region to overlap with.
   */
  readonly classes?: ClassSelection;
}

/** Classes that a mean is over. */
export type ClassSelection = (typeof CLASS_SELECTIONS)[number];

/** The selections, the default first. */
export const CLASS_SELECTIONS = ["present", "all"] as const;

/**
 * Check class weights.
 *
 * @param classWeights The weights.
 * @throws {InputError} If one is negative or not finite.
 */
export function checkClassWeights(classWeights: readonly number[] | undefined): void {
  const wrong = classWeights?.find((weight) => !(weight >= 0 && Number.isFinite(weight)));
  if (wrong === undefined) return;
  throw new InputError(`Cannot weigh classes by ${wrong} as weights must be >= 0`);
}
