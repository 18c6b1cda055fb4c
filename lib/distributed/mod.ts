/** Several processes that work on one training. @module */
export * from "./communicator.ts";
export * from "./half_sum.ts";
export * from "./liveness.ts";
export * from "./mpi.ts";
export type { MpiFamily } from "./mpi_library.ts";
export * from "./together.ts";
