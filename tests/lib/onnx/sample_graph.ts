/** Samples of operators with numbers in place of symbols, and what to feed them. */
import {
  type DataType,
  elementCount,
  evaluateDim,
  Graph,
  type NdArray,
  ndarray,
  type OperatorName,
  type Shape,
  type Value,
} from "swath";
import { OPERATOR_SAMPLES, type Sample } from "./operator_samples.ts";

/** Numbers for the symbols of the samples. */
export const SYMBOLS = { batch: 2, height: 9, width: 11 };

/** A graph whose inputs have numbers in place of symbols. */
export class KnownGraph extends Graph {
  override input(name: string, dtype: DataType, shape: Shape): Value {
    return super.input(name, dtype, shape.map((dim) => evaluateDim(dim, SYMBOLS)!));
  }
}

/** Operators of which some input must be positive. */
const POSITIVE: ReadonlySet<string> = new Set([
  "Sqrt",
  "Log",
  "Pow",
  "Div",
  "Reciprocal",
  "BatchNormalization",
]);

/** Outputs of a sample as a list. */
export function outputsOf(sample: Sample, graph: Graph): readonly Value[] {
  const result = sample(graph);
  return "name" in result ? [result] : result;
}

/** Every sample, with the operator's name and its number. */
export function allSamples(): { operator: OperatorName; number: number; sample: Sample }[] {
  return Object.entries(OPERATOR_SAMPLES).flatMap(([operator, samples]) =>
    samples.map((sample, number) => ({ operator: operator as OperatorName, number, sample }))
  );
}

/**
 * Elements for an input, all different: within (0.1, 0.9) where the operator wants positive ones, else
 * within (−0.9, 0.9); zeros and ones by turns for integers and booleans.
 */
export function sampleFeed(
  operator: OperatorName,
  value: Value,
  dtype: DataType = value.dtype,
): NdArray {
  const shape = value.shape.map((dim) => evaluateDim(dim, SYMBOLS)!);
  const array = ndarray(dtype, shape);
  const seed = Number(/\d+$/.exec(value.name)?.[0] ?? 0);
  for (let i = 0; i < elementCount(shape); i++) {
    const share = ((i + 1) * 0.6180339887 + seed * 0.37) % 1;
    const number = POSITIVE.has(operator) ? 0.1 + 0.8 * share : 1.8 * share - 0.9;
    if (array.data instanceof BigInt64Array) array.data[i] = BigInt(i % 2);
    else if (dtype.startsWith("float")) array.data[i] = number;
    else array.data[i] = i % 2;
  }
  return array;
}
