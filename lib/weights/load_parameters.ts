/**
 * The parameters of a network from a model's file: matched by name, adapted to other bands where
 * that is asked for.
 *
 * @module
 */
import { isDataType, type NdArray, ndarray } from "../array/mod.ts";
import { type Network, networkParameters, type ParameterSpec } from "../models/mod.ts";
import { adaptKernelToBands, RGB_BANDS } from "./adapt_bands.ts";
import {
  describeMatch,
  matchParameters,
  type ParameterMatch,
  withoutWrapper,
} from "./match_parameters.ts";
import type { OpenModel } from "./model_directory.ts";
import { checkFinite } from "./tensor_source.ts";

/** Options of {@linkcode loadParameters}. */
export interface LoadParametersOptions {
  /** Names of the network's bands, where its first convolution may be adapted to them by name. */
  readonly bands?: readonly string[];
  /** Leave parameters of another shape to be newly initialised; otherwise they are an error. */
  readonly ignoreMismatchedSizes?: boolean;
}

/** Parameters that a file filled, and those that it did not. */
export interface LoadedParameters {
  /** Elements by parameter name, float32. */
  readonly values: ReadonlyMap<string, NdArray<"float32">>;
  /** Parameters without a value: to be newly initialised. */
  readonly uninitialised: readonly ParameterSpec[];
  /** What was matched, adapted and left over, as lines to print; none where everything fits. */
  readonly report: readonly string[];
}

/**
 * Load a network's parameters from an open model.
 *
 * @param model The model.
 * @param network The network, which may have other bands or classes than the model.
 * @param options Whether to adapt bands and to accept other shapes.
 * @returns The parameters, and what was done to get them.
 * @throws {InputError} If nothing fits, shapes differ, or a value is NaN or infinite.
 */
export function loadParameters(
  model: OpenModel,
  network: Network,
  options: LoadParametersOptions = {},
): LoadedParameters {
  const { weights, source } = model;
  const tensors = renameTensors(model, network);
  const adapted = options.bands === undefined
    ? null
    : adaptInput(model, network, tensors, options.bands);
  const expected = networkParameters(network).filter(({ name }) =>
    adapted === null || name !== network.inputWeight
  );
  if (adapted !== null) tensors.delete(adapted.tensor);
  const match: ParameterMatch<ParameterSpec> = matchParameters(expected, tensors, source, {
    basePrefix: network.encoderPrefix,
    ...(options.ignoreMismatchedSizes && { ignoreMismatchedSizes: true }),
  });
  const values = new Map<string, NdArray<"float32">>();
  for (const { parameter, tensor } of match.loaded) {
    const { stored } = tensors.get(tensor)!;
    const array = weights.read(stored);
    checkFinite(stored, array, weights.path);
    const { data } = toFloat32(array);
    values.set(parameter.name, ndarray("float32", parameter.shape, data));
  }
  if (adapted !== null) values.set(network.inputWeight, adapted.kernel);
  return {
    values,
    uninitialised: [...match.missing, ...match.mismatched.map(({ parameter }) => parameter)],
    report: [...describeMatch(match, source), ...adapted?.report ?? []],
  };
}

/** A tensor of the file as the network sees it. */
interface RenamedTensor {
  /** Its name in the file. */
  readonly stored: string;
  /** Its shape for the network. */
  readonly shape: readonly number[];
}

/** The file's tensors under the names that the network has for them, where it knows them under others. */
function renameTensors({ weights }: OpenModel, network: Network): Map<string, RenamedTensor> {
  const unwrap = withoutWrapper([...weights.tensors.keys()]);
  return new Map(
    [...weights.tensors].map(([stored, { shape }]) => {
      const known = network.checkpointTensor?.({ name: unwrap(stored), shape }) ?? null;
      return [known?.name ?? stored, { stored, shape: known?.shape ?? shape }] as const;
    }),
  );
}

/** The first convolution for other bands; null where the model's own are wanted. */
function adaptInput(
  model: OpenModel,
  network: Network,
  tensors: ReadonlyMap<string, RenamedTensor>,
  bands: readonly string[],
) {
  const { weights, card } = model;
  const name = network.inputWeight;
  const bare = name.replace(network.encoderPrefix, "");
  const tensor = [name, bare].find((candidate) => tensors.has(candidate));
  if (tensor === undefined) return null;
  const { stored, shape } = tensors.get(tensor)!;
  const own = shape[1];
  const from = card.bands ??
    (own === RGB_BANDS.length
      ? RGB_BANDS
      : Array.from({ length: own ?? 0 }, (_, band) => `${band + 1}`));
  if (from.length === bands.length && from.every((band, index) => band === bands[index])) {
    return null;
  }
  const kernel = weights.read(stored);
  checkFinite(stored, kernel, weights.path);
  return { tensor, ...adaptKernelToBands(kernel, from, bands) };
}

function toFloat32(array: NdArray): NdArray<"float32"> {
  if (isDataType(array, "float32")) return array;
  const data = array.data instanceof BigInt64Array || array.data instanceof BigUint64Array
    ? Float32Array.from(array.data, Number)
    : Float32Array.from(array.data);
  return ndarray("float32", array.shape, data);
}
