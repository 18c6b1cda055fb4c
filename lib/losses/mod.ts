/** Losses, one a file. @module */
export * from "./cross_entropy.ts";
export * from "./loss.ts";
