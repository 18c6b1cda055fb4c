/** models. @module */
export {};
