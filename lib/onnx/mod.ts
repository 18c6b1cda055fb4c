/** ONNX graphs: operators with shape inference, printing, encoding, hash and cost. @module */
export { allReduce } from "./all_reduce.ts";
export { applyAlongAxis, type Matrix, resizeMatrix } from "./axis_matrix.ts";
export * from "./cost.ts";
export * from "./dims.ts";
export * from "./encode.ts";
export * from "./evaluate.ts";
export * from "./expand.ts";
export {
  type CompositeGradient,
  differentiate,
  type DifferentiateOptions,
  hasGradient,
  stopGradient,
  withGradient,
} from "./gradients.ts";
export type { RecomputedPart } from "./gradients/recompute.ts";
export * from "./graph.ts";
export * from "./hash.ts";
export * from "./known_elements.ts";
export * from "./layers.ts";
export {
  type AttributeSpec,
  type AttributeSpecs,
  type AttributeTypes,
  type AttributeValue,
  type GivenAttribute,
  type GivenAttributesOf,
  GraphError,
  Inference,
  type Operator,
  OPSETS,
  type RequiredAttributeNames,
  type ResolvedAttribute,
  type ResolvedAttributesOf,
  type TensorType,
} from "./operator.ts";
export * from "./operators.ts";
export { CHANNEL_BLOCK } from "./operators/convolution.ts";
export * from "./print.ts";
export { ProtobufMessage } from "./protobuf.ts";
export * from "./stages.ts";
export * from "./value.ts";
