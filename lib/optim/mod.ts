/** Optimizers, as operators over flat vectors. @module */
export * from "./adamw.ts";
export * from "./clip.ts";
export * from "./optimizer.ts";
export * from "./sgd.ts";
