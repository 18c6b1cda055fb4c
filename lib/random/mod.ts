/** Counter-based random numbers. @module */
export { philox4x32, type Words4 } from "./philox.ts";
export { type RandomStream, randomStream } from "./random_stream.ts";
