/** runtime. @module */
export {};
