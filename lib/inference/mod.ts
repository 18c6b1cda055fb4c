/** Models applied to patches: logits, class maps, confidence. @module */
export * from "./image_classifier.ts";
export * from "./inference_graph.ts";
export * from "./infer_stream.ts";
export * from "./predictor.ts";
export {
  type Augmentations,
  parseAugmentations,
  predictAugmented,
  type ProbabilityModel,
} from "./test_time_augmentation.ts";
export * from "./upsample.ts";
