/**
 * Sessions that write their outputs where callers want them, without copies: the buffers that last from
 * step to step of a training are read and overwritten where they are.
 *
 * onnxruntime-node copies every output once more, even one that was given a place, which for the
 * parameters and moments of a train step takes as long as a good part of the step. These sessions call the same
 * library's C API instead. They also leave the event loop running meanwhile.
 *
 * @module
 */
import { elementCount, formatShape, type NdArray } from "../array/mod.ts";
import { encodeModel, evaluateDim, type Graph, type Value } from "../onnx/mod.ts";
import { expandForCpu } from "./cpu_expansions.ts";
import { type DeviceChoice, resolveDevice } from "./device.ts";
import { cString, type NativeApi, nativeApi, type Pointer } from "./native_api.ts";
import {
  createNativeSession,
  createNativeTensor,
  type PointerLists,
  pointerLists,
} from "./native_session.ts";
import { createResidentSession, type ResidentOptions } from "./resident_session.ts";
import { runError } from "./run_error.ts";
import { createSession } from "./session.ts";

/** A graph in the runtime, which is run over buffers that callers own. */
export interface InPlaceSession {
  /** Names of the inputs: what `run` is fed. */
  readonly inputs: ReadonlySet<string>;
  /**
   * Compute outputs from inputs.
   *
   * An output may be written over an array that is fed if, in the graph, the output depends on all other
   * uses of that input. Arrays must not be touched until the promise is fulfilled. Outputs that stay on a
   * device ({@linkcode ResidentOptions}) are not written until they are asked for.
   *
   * @param feeds An array for every input.
   * @param targets Where to write each output that is wanted.
   * @throws {InputError} If memory runs out.
   */
  run(
    feeds: Readonly<Record<string, NdArray>>,
    targets: Readonly<Record<string, NdArray>>,
  ): Promise<void>;
  /**
   * Drop the run that is going on, if the runtime can: its promise is rejected with an `AbortError`, and its
   * targets may be written in part. The session is of no more use.
   */
  interrupt(): void;
  /** Free the runtime's memory. */
  release(): Promise<void>;
}

/** Options of {@linkcode createInPlaceSession}. */
export interface InPlaceSessionOptions {
  /** Where to compute; `auto` where left out. */
  readonly device?: DeviceChoice;
  /** Threads of the CPU; one a core where left out. */
  readonly threads?: number;
  /** What stays on the device, where it has memory of its own. */
  readonly resident?: ResidentOptions;
}

/**
 * Load a graph, whose shapes are all known, to be run over buffers of the caller.
 *
 * @param graph The graph. Its parameters are inputs.
 * @param options Device and threads.
 */
export async function createInPlaceSession(
  graph: Graph,
  options: InPlaceSessionOptions = {},
): Promise<InPlaceSession> {
  const ort = await import("onnxruntime-node");
  const device = await resolveDevice(ort, options.device ?? "auto");
  if (options.resident !== undefined) return await createResidentSession(graph, options.resident);
  const api = device === "cpu" ? nativeApi() : null;
  return api === null
    ? await createCopyingSession(graph, { ...options, device })
    : new NativeSession(api, await expandForCpu(ort, graph), options.threads ?? 0);
}

/** The way through onnxruntime-node, for devices and systems where the C API is not used. */
async function createCopyingSession(
  graph: Graph,
  options: InPlaceSessionOptions,
): Promise<InPlaceSession> {
  const session = await createSession(graph, options);
  return {
    inputs: new Set(session.inputs.keys()),
    async run(feeds, targets) {
      await session.run(feeds, targets);
    },
    interrupt() {},
    release: () => session.release(),
  };
}

/** Log fatal errors alone, as that a run was interrupted is none. */
const LOG_FATAL = 4;

/** A session of the C API. */
class NativeSession implements InPlaceSession {
  readonly inputs: ReadonlySet<string>;
  readonly #api: NativeApi;
  readonly #session: Pointer;
  readonly #runOptions: Pointer;
  #isInterrupted = false;
  readonly #shapes: ReadonlyMap<string, Value>;
  /** Tensors over buffers that were used before. */
  readonly #tensors = new Map<string, { readonly array: NdArray; readonly pointer: Pointer }>();
  readonly #names = new Map<string, Uint8Array<ArrayBuffer>>();
  #running: readonly PointerLists[] | null = null;

  constructor(api: NativeApi, graph: Graph, threads: number) {
    this.#api = api;
    this.inputs = new Set([...graph.inputs.map(({ name }) => name), ...graph.parameters.keys()]);
    this.#shapes = new Map([
      ...[...graph.inputs, ...graph.parameters.values()].map((value) =>
        [value.name, value] as const
      ),
      ...graph.outputs,
    ]);
    this.#session = createNativeSession(api, graph.name, encodeModel(graph), threads);
    this.#runOptions = api.make((target) => api.createRunOptions(target));
    api.check(api.setRunLogSeverity(this.#runOptions, LOG_FATAL));
  }

  async run(
    feeds: Readonly<Record<string, NdArray>>,
    targets: Readonly<Record<string, NdArray>>,
  ): Promise<void> {
    const inputs = this.#list(feeds, "in");
    const outputs = this.#list(targets, "out");
    // What runs on another thread must not be collected meanwhile.
    this.#running = [inputs, outputs];
    const status = await this.#api.run(
      this.#session,
      this.#runOptions,
      inputs.names,
      inputs.tensors,
      inputs.count,
      outputs.names,
      outputs.count,
      outputs.tensors,
    );
    this.#running = null;
    try {
      this.#api.check(status);
    } catch (error) {
      if (this.#isInterrupted) throw new DOMException("The run was interrupted", "AbortError");
      throw runError(error, "the train step");
    }
  }

  interrupt(): void {
    this.#isInterrupted = true;
    this.#api.check(this.#api.setTerminate(this.#runOptions));
  }

  release(): Promise<void> {
    this.#api.releaseRunOptions(this.#runOptions);
    for (const { pointer } of this.#tensors.values()) this.#api.releaseValue(pointer);
    this.#tensors.clear();
    this.#api.releaseSession(this.#session);
    return Promise.resolve();
  }

  #list(arrays: Readonly<Record<string, NdArray>>, kind: string): PointerLists {
    return pointerLists(
      Object.entries(arrays).map(([name, array]) => [
        this.#name(name),
        this.#tensor(name, `${kind} ${name}`, array),
      ]),
    );
  }

  #name(name: string): Uint8Array<ArrayBuffer> {
    let text = this.#names.get(name);
    if (text === undefined) this.#names.set(name, text = cString(name));
    return text;
  }

  /** The tensor over an array, made anew where the array is another one than last time. */
  #tensor(name: string, key: string, array: NdArray): Pointer {
    const known = this.#tensors.get(key);
    if (known?.array.data === array.data) return known.pointer;
    if (known !== undefined) this.#api.releaseValue(known.pointer);
    this.#checkFits(name, array);
    const pointer = createNativeTensor(this.#api, array);
    this.#tensors.set(key, { array, pointer });
    return pointer;
  }

  #checkFits(name: string, { dtype, shape, data }: NdArray): void {
    const value = this.#shapes.get(name);
    const wanted = value?.shape.map((dim) => evaluateDim(dim, {}));
    const fits = value?.dtype === dtype && wanted?.join() === shape.join() &&
      data.length === elementCount(shape);
    if (!fits) {
      throw new Error(
        `internal: "${name}" must be ${value?.dtype} ${formatShape(value?.shape ?? [])}: ` +
          `current is ${dtype} ${formatShape(shape)}`,
      );
    }
  }
}
