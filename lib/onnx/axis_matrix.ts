/**
 * Operations along one axis as products with a matrix: resampling and padding are linear, so that the
 * matrix says all about them, and their gradients are products with its transpose.
 *
 * @module
 */
import { type NdArray, ndarray } from "../array/mod.ts";
import type { Graph } from "./graph.ts";
import type { ResolvedAttributes } from "./operators.ts";
import type { Value } from "./value.ts";

/** A matrix of weights in double precision, in rows. */
export type Matrix = readonly (readonly number[])[];

/** Rows and columns exchanged. */
export function transposed(matrix: Matrix): Matrix {
  return matrix[0]!.map((_, column) => matrix.map((row) => row[column]!));
}

/**
 * The product of a matrix with every line of a tensor along one axis.
 *
 * @param graph The graph.
 * @param x The tensor, whose extents are numbers.
 * @param matrix As many columns as the axis has elements.
 * @param axis The axis, counted from the start.
 */
export function applyAlongAxis(graph: Graph, x: Value, matrix: Matrix, axis: number): Value {
  const shape = x.shape as readonly number[];
  const [rows, columns] = [matrix.length, matrix[0]!.length];
  const constant = (weights: Matrix) =>
    graph.constant(toArray(weights, x.dtype === "float64" ? "float64" : "float32"));
  if (axis === shape.length - 1) return graph.op("MatMul", [x, constant(transposed(matrix))]);
  if (axis === shape.length - 2) return graph.op("MatMul", [constant(matrix), x]);
  const lines = graph.op("Reshape", [x, [
    product(shape.slice(0, axis)),
    columns,
    product(shape.slice(axis + 1)),
  ]]);
  const applied = graph.op("MatMul", [constant(matrix), lines]);
  return graph.op("Reshape", [applied, shape.map((extent, i) => i === axis ? rows : extent)]);
}

function product(extents: readonly number[]): number {
  return extents.reduce((total, extent) => total * extent, 1);
}

function toArray(matrix: Matrix, dtype: "float32" | "float64"): NdArray {
  const shape = [matrix.length, matrix[0]!.length];
  return dtype === "float32"
    ? ndarray(dtype, shape, Float32Array.from(matrix.flat()))
    : ndarray(dtype, shape, Float64Array.from(matrix.flat()));
}

/**
 * The matrix by which ONNX's `Resize` resamples an axis.
 *
 * @param from Extent of the axis before.
 * @param to Extent of the axis after.
 * @param scale The scale that was given, or null where the extents were.
 * @param attributes Attributes of the operator; `antialias` is not supported.
 * @returns `to` rows of `from` weights.
 * @throws {RangeError} With `antialias`.
 */
export function resizeMatrix(
  from: number,
  to: number,
  scale: number | null,
  attributes: ResolvedAttributes<"Resize">,
): Matrix {
  if (attributes.antialias) throw new RangeError("internal: antialiased resizing has no matrix");
  const factor = scale ?? to / from;
  return Array.from({ length: to }, (_, row) => {
    const position = sourcePosition(row, from, to, factor, attributes.coordinateTransformationMode);
    const weights = new Array<number>(from).fill(0);
    for (const [index, weight] of taps(position, from, attributes)) {
      weights[Math.min(Math.max(index, 0), from - 1)]! += weight;
    }
    return weights;
  });
}

/** Where in the axis before an element of the axis after lies. */
function sourcePosition(
  row: number,
  from: number,
  to: number,
  scale: number,
  mode: ResolvedAttributes<"Resize">["coordinateTransformationMode"],
): number {
  switch (mode) {
    case "half_pixel":
      return (row + 0.5) / scale - 0.5;
    case "half_pixel_symmetric": {
      const adjustment = to / (from * scale);
      return from / 2 * (1 - adjustment) + (row + 0.5) / scale - 0.5;
    }
    case "pytorch_half_pixel":
      return to > 1 ? (row + 0.5) / scale - 0.5 : 0;
    case "align_corners":
      return to > 1 ? row * (from - 1) / (to - 1) : 0;
    case "asymmetric":
      return row / scale;
  }
}

/** Elements that take part, with their weights; positions beyond the ends count for the last element. */
function taps(
  position: number,
  extent: number,
  { mode, nearestMode, cubicCoeffA: a }: ResolvedAttributes<"Resize">,
): [index: number, weight: number][] {
  if (mode === "nearest") return [[nearest(position, nearestMode), 1]];
  const clamped = mode === "linear" ? Math.min(Math.max(position, 0), extent - 1) : position;
  const before = Math.floor(clamped);
  const t = clamped - before;
  if (mode === "linear") return [[before, 1 - t], [before + 1, t]];
  // Keys, "Cubic convolution interpolation for digital image processing" (1981).
  const near = (d: number) => ((a + 2) * d - (a + 3)) * d * d + 1;
  const far = (d: number) => ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
  return [
    [before - 1, far(t + 1)],
    [before, near(t)],
    [before + 1, near(1 - t)],
    [before + 2, far(2 - t)],
  ];
}

function nearest(
  position: number,
  mode: ResolvedAttributes<"Resize">["nearestMode"],
): number {
  switch (mode) {
    case "round_prefer_floor":
      return Math.ceil(position - 0.5);
    case "round_prefer_ceil":
      return Math.floor(position + 0.5);
    case "floor":
      return Math.floor(position);
    case "ceil":
      return Math.ceil(position);
  }
}

/**
 * The matrix by which ONNX's `Pad` repeats elements beyond the ends of an axis.
 *
 * @param extent Extent of the axis before.
 * @param before Elements added at the start; negative to take away.
 * @param after Elements added at the end.
 * @param mode How elements are repeated.
 * @returns One row of `extent` weights an element after padding.
 */
export function padMatrix(
  extent: number,
  before: number,
  after: number,
  mode: "reflect" | "edge" | "wrap",
): Matrix {
  return Array.from({ length: extent + before + after }, (_, row) => {
    const weights = new Array<number>(extent).fill(0);
    weights[repeatedIndex(row - before, extent, mode)] = 1;
    return weights;
  });
}

function repeatedIndex(index: number, extent: number, mode: "reflect" | "edge" | "wrap"): number {
  if (mode === "edge") return Math.min(Math.max(index, 0), extent - 1);
  const period = mode === "wrap" ? extent : Math.max(1, 2 * (extent - 1));
  const folded = ((index % period) + period) % period;
  return folded < extent ? folded : period - folded;
}
