/**
 * Labels of any element type as small codes that index a table of counts.
 *
 * Class k of K has code k, the label that is left out K, and everything else K+1.
 *
 * @module
 */
import type { NdArray } from "../array/mod.ts";

/** Codes of an array of labels: `code = codeOf[codes[i]]`. */
export interface LabelCodes {
  /** One small number for each pixel. */
  readonly values: Uint8Array | Uint16Array;
  /** The code of each such number. */
  readonly codeOf: Uint32Array;
}

/**
 * Find the codes of an array of labels; 8-bit arrays are used as they are.
 *
 * @param labels Labels of any element type; numbers that are not whole are no class.
 * @param classCount Number of classes K, at most 65534.
 * @param leftOut Label that is left out; null for none. It counts before the class of that number.
 */
export function encodeLabels(
  labels: NdArray,
  classCount: number,
  leftOut: number | null,
): LabelCodes {
  const codeOf = (label: number) => {
    if (label === leftOut) return classCount;
    return Number.isInteger(label) && label >= 0 && label < classCount ? label : classCount + 1;
  };
  if (labels.data instanceof Uint8Array) {
    return { values: labels.data, codeOf: Uint32Array.from({ length: 256 }, (_, v) => codeOf(v)) };
  }
  const values = new Uint16Array(labels.data.length);
  labels.data.forEach((label: number | bigint, index: number) => {
    values[index] = codeOf(Number(label));
  });
  return { values, codeOf: Uint32Array.from({ length: classCount + 2 }, (_, code) => code) };
}
