/**
 * The operator table: every ONNX operator that graphs may use, with its attributes and shape
 * inference. A row is all that a new operator needs here; its gradient is a row of its own.
 *
 * Specification: https://onnx.ai/onnx/operators (operator set 21) and, for the domain
 * `com.microsoft`, https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md.
 *
 * @module
 */
import type { GivenAttributesOf, Operator, ResolvedAttributesOf } from "./operator.ts";
import { CONVOLUTION } from "./operators/convolution.ts";
import { ELEMENTWISE } from "./operators/elementwise.ts";
import { LAYOUT } from "./operators/layout.ts";
import { NORMALIZATION } from "./operators/normalization.ts";
import { PRODUCTS } from "./operators/products.ts";
import { REDUCTION } from "./operators/reduction.ts";

/**
 * The table as it is written, from which the compiler knows the attributes of every operator.
 *
 * @internal
 */
export const OPERATOR_TABLE = {
  ...ELEMENTWISE,
  ...PRODUCTS,
  ...CONVOLUTION,
  ...NORMALIZATION,
  ...REDUCTION,
  ...LAYOUT,
};

/** Name of an operator of the table. */
export type OperatorName = keyof typeof OPERATOR_TABLE;

/** All operators by name. */
export const OPERATORS: Readonly<Record<OperatorName, Operator>> =
  OPERATOR_TABLE as unknown as Readonly<
    Record<OperatorName, Operator>
  >;

/** Attributes of an operator as `Graph.op` takes them. */
export type GivenAttributes<K extends OperatorName> = GivenAttributesOf<
  typeof OPERATOR_TABLE[K]["attributes"]
>;

/** Attributes of a node of the graph, with defaults filled in. */
export type ResolvedAttributes<K extends OperatorName> = ResolvedAttributesOf<
  typeof OPERATOR_TABLE[K]["attributes"]
>;
