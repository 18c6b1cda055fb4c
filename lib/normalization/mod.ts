/** Statistics of bands and normalization with them. @module */
export * from "./normalization.ts";
