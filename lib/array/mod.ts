/** Typed arrays with a shape. @module */
export * from "./ndarray.ts";
