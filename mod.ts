/**
 * swath: land-cover maps from satellite scenes.
 *
 * The public library. The command line is written against this module and nothing else.
 *
 * @module
 */
export * from "./lib/errors.ts";
export * from "./lib/array/mod.ts";
export * from "./lib/classes/mod.ts";
export * from "./lib/distributed/mod.ts";
export * from "./lib/files/mod.ts";
export * from "./lib/geo/mod.ts";
export * from "./lib/image/mod.ts";
export * from "./lib/inference/mod.ts";
export * from "./lib/losses/mod.ts";
export * from "./lib/metrics/mod.ts";
export * from "./lib/models/mod.ts";
export * from "./lib/normalization/mod.ts";
export * from "./lib/onnx/mod.ts";
export * from "./lib/optim/mod.ts";
export * from "./lib/polygonize/mod.ts";
export * from "./lib/random/mod.ts";
export * from "./lib/pictures/mod.ts";
export * from "./lib/raster/mod.ts";
export * from "./lib/refine/mod.ts";
export * from "./lib/render/mod.ts";
export * from "./lib/report/mod.ts";
export * from "./lib/runtime/mod.ts";
export * from "./lib/scene/mod.ts";
export * from "./lib/stream/mod.ts";
export * from "./lib/synth/mod.ts";
export * from "./lib/text/mod.ts";
export * from "./lib/tiling/mod.ts";
export * from "./lib/train/mod.ts";
export * from "./lib/vector/mod.ts";
export * from "./lib/weights/mod.ts";
export * from "./lib/zones/mod.ts";
