/** weights. @module */
export {};
