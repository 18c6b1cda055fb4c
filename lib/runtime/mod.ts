/** ONNX Runtime sessions and devices. @module */
export { type Device, type DeviceChoice, DEVICES } from "./device.ts";
export * from "./session.ts";
