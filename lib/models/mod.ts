/** Networks: one file per family, one registry. @module */
export * from "./forward.ts";
export * from "./initialize.ts";
export * from "./labels.ts";
export * from "./network.ts";
export * from "./network_parameters.ts";
export * from "./registry.ts";
export * from "./segformer.ts";
export * from "./segformer_config.ts";
export { type Tokens } from "./segformer_decoder.ts";
