/** ONNX Runtime sessions and devices. @module */
export {
  type ConcurrentSessionOptions,
  createConcurrentSession,
  type RunnableSession,
} from "./concurrent_session.ts";
export { type Device, type DeviceChoice, DEVICES } from "./device.ts";
export {
  createInPlaceSession,
  type InPlaceSession,
  type InPlaceSessionOptions,
} from "./in_place_session.ts";
export { ResidentArrays } from "./resident_arrays.ts";
export { createResidentArrays, type ResidentOptions, type VectorPart } from "./resident_session.ts";
export * from "./session.ts";
export { createStagedSession } from "./staged_session.ts";
export type { OrtModule, OrtTensor } from "./tensor.ts";
