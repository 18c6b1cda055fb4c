/** Weights: model directories, safetensors, PyTorch files, the hub, adaptation to other bands. @module */
export { type AdaptedKernel, adaptKernelToBands, RGB_BANDS } from "./adapt_bands.ts";
export {
  fetchFromHub,
  type FileSelection,
  type HubOptions,
  type HubProgress,
  type HubSnapshot,
} from "./hub.ts";
export {
  type LoadedParameters,
  loadParameters,
  type LoadParametersOptions,
} from "./load_parameters.ts";
export { formatHubId, type HubId, parseHubId } from "./hub_id.ts";
export { licenceNotice } from "./licence.ts";
export {
  describeMatch,
  type ExpectedParameter,
  type MatchOptions,
  matchParameters,
  type ParameterMatch,
} from "./match_parameters.ts";
export {
  EMPTY_MODEL_CARD,
  type ModelCard,
  type Provenance,
  readModelCard,
  withModelCard,
} from "./model_card.ts";
export {
  type ModelConfig,
  type OpenModel,
  openModel,
  type OpenModelOptions,
  readModelConfig,
  readModelPreprocessor,
  type SavedModel,
  saveModel,
  storeTemperature,
} from "./model_directory.ts";
export { openWeights } from "./open_weights.ts";
export { openSafetensors } from "./safetensors.ts";
export { type SafetensorsOptions, writeSafetensors } from "./safetensors_writer.ts";
export {
  checkFinite,
  readAllTensors,
  type StoredTensor,
  type TensorSource,
} from "./tensor_source.ts";
export { openTorchFile } from "./torch_file.ts";
