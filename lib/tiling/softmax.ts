/**
 * Scores of a pixel as probabilities.
 *
 * @module
 */

/**
 * Turn scores into probabilities.
 *
 * @param scores Logits, replaced.
 * @param highest The largest of them.
 */
export function softmaxInPlace(scores: Float64Array, highest: number): void {
  let sum = 0;
  for (let k = 0; k < scores.length; k++) sum += scores[k] = Math.exp(scores[k]! - highest);
  for (let k = 0; k < scores.length; k++) scores[k]! /= sum;
}
