/**
 * What a graph is made of: values, and the nodes that compute them.
 *
 * @module
 */
import type { DataType, NdArray } from "../array/mod.ts";
import type { Shape } from "./dims.ts";
import type { OperatorName, ResolvedAttributes } from "./operators.ts";

/** How the elements of a parameter are drawn before training. */
export type Initializer =
  /** All elements alike. */
  | { readonly kind: "constant"; readonly value: number }
  /** Normal with mean 0; `truncated` draws again outside of two standard deviations. */
  | { readonly kind: "normal"; readonly std: number; readonly truncated?: boolean }
  /** Uniform in [-bound, bound]. */
  | { readonly kind: "uniform"; readonly bound: number }
  /** Kernels (C, C, k, k) of a transposed convolution that resamples each channel bilinearly. */
  | { readonly kind: "bilinear" };

/** Where a value comes from. */
export type Producer =
  /** Fed at every run. */
  | { readonly kind: "input" }
  /**
   * A named weight of the model. Its elements come at encoding, or it is fed like an input.
   * What is not trainable (running statistics) has no gradient and is not counted as a parameter.
   */
  | { readonly kind: "parameter"; readonly trainable: boolean; readonly init: Initializer }
  /** Part of the graph itself. */
  | { readonly kind: "constant"; readonly array: NdArray }
  /** Output number `index` of a node. */
  | { readonly kind: "node"; readonly node: Node; readonly index: number };

/** A tensor of a graph. */
export interface Value {
  /** Unique in the graph. */
  readonly name: string;
  /** Element type. */
  readonly dtype: DataType;
  /** Extents, of which some may be symbols. */
  readonly shape: Shape;
  /** Where it comes from. */
  readonly producer: Producer;
}

/** One application of an operator. */
export interface Node<K extends OperatorName = OperatorName> {
  /** Name of the operator, the key of its row in the operator table. */
  readonly operator: K;
  /** Scope and operator, such as `encoder/block.0.1/attention/query/Gemm`; unique in the graph. */
  readonly name: string;
  /** The module path in which the node was made, without the operator; empty at the top. */
  readonly scope: string;
  /** Inputs in the operator's order; null where an optional one is left out. */
  readonly inputs: readonly (Value | null)[];
  /** All attributes, with defaults filled in. */
  readonly attributes: ResolvedAttributes<K>;
  /** Outputs in the operator's order. */
  readonly outputs: readonly Value[];
}

/** True if the node applies the given operator; narrows its type. */
export function isOperator<K extends OperatorName>(node: Node, operator: K): node is Node<K> {
  return node.operator === operator;
}
