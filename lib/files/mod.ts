/** files. @module */
export {};
