/** Classes, their names and colours. @module */
export * from "./classes.ts";
