/**
 * The operator table: every ONNX operator that graphs may use, with its attributes and shape
 * inference. A row is all that a new operator needs here; its gradient is a row of its own.
 *
 * Specification: https://onnx.ai/onnx/operators (operator set 21) and, for the domain
 * `com.microsoft`, https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md.
 *
 * @module
 */
import type { GivenAttributesOf, ResolvedAttributesOf } from "./operator.ts";
import { CONVOLUTION } from "./operators/convolution.ts";
import { ELEMENTWISE } from "./operators/elementwise.ts";
import { LAYOUT } from "./operators/layout.ts";
import { NORMALIZATION } from "./operators/normalization.ts";
import { PRODUCTS } from "./operators/products.ts";
import { REDUCTION } from "./operators/reduction.ts";

/** All operators by name. */
export const OPERATORS = {
  ...ELEMENTWISE,
  ...PRODUCTS,
  ...CONVOLUTION,
  ...NORMALIZATION,
  ...REDUCTION,
  ...LAYOUT,
};

/** Name of an operator of the table. */
export type OperatorName = keyof typeof OPERATORS;

/** Attributes of an operator as `Graph.op` takes them. */
export type GivenAttributes<K extends OperatorName> = GivenAttributesOf<
  typeof OPERATORS[K]["attributes"]
>;

/** Attributes of a node of the graph, with defaults filled in. */
export type ResolvedAttributes<K extends OperatorName> = ResolvedAttributesOf<
  typeof OPERATORS[K]["attributes"]
>;
