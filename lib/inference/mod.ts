/** inference. @module */
export {};
