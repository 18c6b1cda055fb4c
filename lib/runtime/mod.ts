/** ONNX Runtime sessions and devices. @module */
export { type Device, type DeviceChoice, DEVICES } from "./device.ts";
export * from "./in_place_session.ts";
export * from "./session.ts";
export { createStagedSession } from "./staged_session.ts";
