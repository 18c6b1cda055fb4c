/** onnx. @module */
export {};
