/** Typed arrays with a shape. @module */
export * from "./crop.ts";
export * from "./ndarray.ts";
export * from "./release_buffer.ts";
