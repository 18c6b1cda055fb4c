/** image. @module */
export {};
