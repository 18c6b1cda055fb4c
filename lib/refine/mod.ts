/** What is done to maps after the network. @module */
export * from "./sieve.ts";
