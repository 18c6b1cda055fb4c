/**
 * Tensors of the reference evaluator: double precision whatever the graph says, and plain loops.
 *
 * @module
 */
import { elementCount } from "../../array/mod.ts";
import type { OperatorName, ResolvedAttributes } from "../operators.ts";

/** Elements in row-major order. */
export interface Tensor {
  /** Extents. */
  readonly shape: readonly number[];
  /** Elements. */
  readonly data: Float64Array;
}

/** A position, one number an axis. */
export type Index = readonly number[];

/** What a kernel computes from. */
export interface KernelCall<K extends OperatorName> {
  /** Inputs in the operator's order; null where an optional one is left out. */
  readonly inputs: readonly (Tensor | null)[];
  /** All attributes. */
  readonly attributes: ResolvedAttributes<K>;
  /** Shapes of the outputs that are wanted. */
  readonly outputShapes: readonly (readonly number[])[];
}

/** Computes the outputs of an operator. */
export type Kernel<K extends OperatorName> = (call: KernelCall<K>) => readonly Tensor[];

/** Kernels by operator. */
export type Kernels = { readonly [K in OperatorName]?: Kernel<K> };

/** A tensor whose elements are a function of the position. */
export function tensor(shape: readonly number[], element: (index: Index) => number): Tensor {
  const data = new Float64Array(elementCount(shape));
  let flat = 0;
  for (const index of indices(shape)) data[flat++] = element(index);
  return { shape, data };
}

/** Zeros, to be filled. */
export function zeros(shape: readonly number[]): Tensor {
  return { shape, data: new Float64Array(elementCount(shape)) };
}

/** All positions in row-major order; the array is the same one each time. */
export function* indices(shape: readonly number[]): Generator<number[]> {
  if (shape.includes(0)) return;
  const index = shape.map(() => 0);
  while (true) {
    yield index;
    let axis = shape.length - 1;
    while (axis >= 0 && ++index[axis]! === shape[axis]) index[axis--] = 0;
    if (axis < 0) return;
  }
}

/** Place of a position in the elements. */
export function offset({ shape }: Tensor, index: Index): number {
  let flat = 0;
  for (const [axis, extent] of shape.entries()) flat = flat * extent + index[axis]!;
  return flat;
}

/** The element at a position. */
export function at(x: Tensor, index: Index): number {
  return x.data[offset(x, index)]!;
}

/** The element that stands for a position of a shape to which the tensor is broadcast. */
export function broadcastAt(x: Tensor, index: Index): number {
  const lead = index.length - x.shape.length;
  return at(x, x.shape.map((extent, axis) => extent === 1 ? 0 : index[axis + lead]!));
}

/** An input that is there. */
export function given(inputs: readonly (Tensor | null)[], index: number): Tensor {
  const value = inputs[index];
  if (!value) throw new Error(`internal: input ${index} is missing`);
  return value;
}

/** Elements as a list, of an input that is there. */
export function list(inputs: readonly (Tensor | null)[], index: number): number[] {
  return [...given(inputs, index).data];
}

/** An axis counted from the start. */
export function fromStart(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}

/** The position with another number on one axis. */
export function withAxis(index: Index, axis: number, position: number): number[] {
  const result = [...index];
  result[axis] = position;
  return result;
}
