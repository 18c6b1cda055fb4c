/** synth. @module */
export {};
