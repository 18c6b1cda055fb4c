/** tiling. @module */
export {};
