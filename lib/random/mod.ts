/** random. @module */
export {};
