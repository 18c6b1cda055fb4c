/** Words of messages: near misses and short lists. @module */
export * from "./abbreviate.ts";
export * from "./near_miss.ts";
