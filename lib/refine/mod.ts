/** What is done to maps after the network. @module */
export { type CrfImage, denseCrf, type DenseCrfOptions } from "./dense_crf.ts";
export { CRF_DEFAULTS, type RefineOptions, refineStream } from "./refine_stream.ts";
export * from "./sieve.ts";
