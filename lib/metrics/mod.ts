/** metrics. @module */
export {};
