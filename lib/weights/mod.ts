/** Weights: model directories, safetensors, PyTorch files, the hub, adaptation to other bands. @module */
export { openSafetensors } from "./safetensors.ts";
export { openTorchFile } from "./torch_file.ts";
export { type SafetensorsOptions, writeSafetensors } from "./safetensors_writer.ts";
export {
  checkFinite,
  readAllTensors,
  type StoredTensor,
  type TensorSource,
} from "./tensor_source.ts";
