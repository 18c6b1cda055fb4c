/** The patch stream. @module */
export * from "./sample.ts";
