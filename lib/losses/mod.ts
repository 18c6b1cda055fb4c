/** Losses, one a file. @module */
export * from "./boundary_distance.ts";
export * from "./boundary_edges.ts";
export * from "./cross_entropy.ts";
export * from "./dice.ts";
export * from "./focal.ts";
export {
  CLASS_SELECTIONS,
  type ClassLossOptions,
  type ClassSelection,
  type Loss,
  type LossInputs,
  type LossOptions,
  type PixelLossOptions,
} from "./loss.ts";
export * from "./lovasz_softmax.ts";
export { type SignedDistanceOptions, signedDistances } from "./signed_distance.ts";
export * from "./tversky.ts";
export * from "./weighted_sum.ts";
