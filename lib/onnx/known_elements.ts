/**
 * What is known of a tensor's elements while the graph is built. Reshape, Expand, Slice and their
 * like take shapes and axes as inputs; inference needs to read them.
 *
 * @module
 */
import type { NdArray } from "../array/mod.ts";
import type { Dim } from "./dims.ts";
import { isOperator, type Value } from "./value.ts";

/** Elements of an integer array as numbers. */
export function integersOf(array: NdArray): number[] {
  return Array.from(array.data, Number);
}

/**
 * Elements of an integer tensor that are known before the graph runs: a constant's, or extents that
 * `Shape` reads, also joined with `Concat`.
 *
 * @returns The elements in order, or null where they depend on what is fed.
 */
export function knownElements(value: Value): Dim[] | null {
  const { producer } = value;
  if (producer.kind === "constant") return integersOf(producer.array);
  if (producer.kind !== "node") return null;
  const { node } = producer;
  if (isOperator(node, "Shape")) {
    const { start, end } = node.attributes;
    return node.inputs[0]!.shape.slice(start, end);
  }
  if (isOperator(node, "Concat")) {
    const parts = node.inputs.map((input) => knownElements(input!));
    return parts.every((part) => part !== null) ? parts.flat() : null;
  }
  return null;
}

/** Elements of a constant integer tensor, or null if it is not a constant. */
export function constantIntegers(value: Value): number[] | null {
  return value.producer.kind === "constant" ? integersOf(value.producer.array) : null;
}
