/**
 * Sessions and tensors of ONNX Runtime's C API.
 *
 * @module
 */
import { bytesOf, type NdArray } from "../array/mod.ts";
import { TENSOR_TYPE_CODES } from "../onnx/mod.ts";
import { firstLine } from "./device.ts";
import { cString, type NativeApi, type Pointer } from "./native_api.ts";

/** All graph optimizations (GraphOptimizationLevel). */
const ALL_OPTIMIZATIONS = 99;
/** Log errors and worse (OrtLoggingLevel). */
const LOG_ERRORS = 3;

/**
 * Load a model of ours.
 *
 * @param api The C API.
 * @param name What the model is called in messages.
 * @param model Its bytes.
 * @param threads Threads of a run, the caller's among them; 0 for the runtime's own choice.
 */
export function createNativeSession(
  api: NativeApi,
  name: string,
  model: Uint8Array<ArrayBuffer>,
  threads: number,
): Pointer {
  const options = api.make((target) => api.createSessionOptions(target));
  try {
    const sharedArena = cString("session.use_env_allocators");
    api.check(api.addSessionConfig(options, sharedArena, cString("1")));
    // Patterns of allocations are planned at twice the memory, for no speed.
    api.check(api.disableMemPattern(options));
    api.check(api.setLogSeverity(options, LOG_ERRORS));
    api.check(api.setOptimizationLevel(options, ALL_OPTIMIZATIONS));
    if (threads > 0) api.check(api.setIntraOpNumThreads(options, threads));
    const length = BigInt(model.length);
    return api.make((target) =>
      api.createSessionFromArray(api.environment, model, length, options, target)
    );
  } catch (error) {
    throw new Error(`internal: graph "${name}" is refused: ${firstLine(error)}`);
  } finally {
    api.releaseSessionOptions(options);
  }
}

/** A tensor over the memory of an array, which must outlive it. */
export function createNativeTensor(api: NativeApi, array: NdArray): Pointer {
  const bytes = bytesOf(array);
  const shape = BigInt64Array.from(array.shape, BigInt);
  return api.make((target) =>
    api.createTensorWithData(
      api.memory,
      bytes,
      BigInt(bytes.length),
      shape,
      BigInt(shape.length),
      TENSOR_TYPE_CODES[array.dtype],
      target,
    )
  );
}

/** Names and tensors as C has lists: arrays of addresses. */
export interface PointerLists {
  readonly names: BigUint64Array<ArrayBuffer>;
  readonly tensors: BigUint64Array<ArrayBuffer>;
  readonly count: bigint;
}

/** The lists of some named tensors; the names must outlive them. */
export function pointerLists(
  entries: readonly (readonly [name: Uint8Array<ArrayBuffer>, tensor: Pointer])[],
): PointerLists {
  return {
    names: BigUint64Array.from(entries, ([name]) => addressOf(Deno.UnsafePointer.of(name))),
    tensors: BigUint64Array.from(entries, ([, tensor]) => addressOf(tensor)),
    count: BigInt(entries.length),
  };
}

function addressOf(pointer: Deno.PointerValue): bigint {
  return BigInt(Deno.UnsafePointer.value(pointer));
}
