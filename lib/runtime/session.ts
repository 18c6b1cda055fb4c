/**
 * Sessions: a model loaded in ONNX Runtime, ready to run.
 *
 * `run` computes on the calling thread: the event loop stands still until it is done (the package
 * has no asynchronous run). What must go on meanwhile belongs in a worker.
 *
 * @module
 */
import type * as Ort from "onnxruntime-node";
import { type DataType, formatShape, type NdArray } from "../array/mod.ts";
import { InputError } from "../errors.ts";
import { encodeModel, Graph, type ParameterLookup, type Shape } from "../onnx/mod.ts";
import { expandForCpu } from "./cpu_expansions.ts";
import { type Device, type DeviceChoice, firstLine, resolveDevice } from "./device.ts";
import { runError } from "./run_error.ts";
import { fromTensor, isArrayType, type OrtModule, toTensor } from "./tensor.ts";
import { expandForWebgpu } from "./webgpu_expansions.ts";

/** How much ONNX Runtime logs to standard error; `fatal` is the least. */
export type LogSeverity = "verbose" | "info" | "warning" | "error" | "fatal";

const LOG_SEVERITIES: readonly LogSeverity[] = ["verbose", "info", "warning", "error", "fatal"];

/** Options of {@linkcode createSession}. */
export interface SessionOptions {
  /** Where to compute; `auto` where left out. */
  readonly device?: DeviceChoice;
  /** Threads of the CPU; one a core where left out. */
  readonly threads?: number;
  /** Write a profile (Chrome trace JSON) to `<profile>_<time>.json` when the session is released. */
  readonly profile?: string;
  /** What ONNX Runtime logs; `error` where left out. */
  readonly logSeverity?: LogSeverity;
  /** Elements of the parameters, where the model is a graph; they are inputs where left out. */
  readonly parameters?: ParameterLookup;
}

/** Name, element type and shape of an input or output. */
export interface TensorInfo {
  /** Name. */
  readonly name: string;
  /** Element type. */
  readonly dtype: DataType;
  /** Extents; symbols are free. */
  readonly shape: Shape;
}

/**
 * Which outputs to compute: names; or arrays by name into which the outputs are written (null lets
 * ONNX Runtime allocate).
 */
export type Fetches = readonly string[] | Readonly<Record<string, NdArray | null>>;

/** A model in ONNX Runtime. */
export class Session {
  /** Where it computes. */
  readonly device: Device;
  /** Inputs by name. */
  readonly inputs: ReadonlyMap<string, TensorInfo>;
  /** Outputs by name. */
  readonly outputs: ReadonlyMap<string, TensorInfo>;
  readonly #ort: OrtModule;
  readonly #session: Ort.InferenceSession;
  readonly #profiling: boolean;

  /** Wrap a session of ONNX Runtime; use {@linkcode createSession}. */
  constructor(ort: OrtModule, session: Ort.InferenceSession, device: Device, profiling: boolean) {
    this.#ort = ort;
    this.#session = session;
    this.#profiling = profiling;
    this.device = device;
    this.inputs = infoByName(session.inputMetadata);
    this.outputs = infoByName(session.outputMetadata);
  }

  /**
   * Compute outputs from inputs. The arrays of `feeds` are read where they are and must not change
   * until the promise is fulfilled. The event loop stands still meanwhile.
   *
   * An output may be written over an array that is fed (parameters of a train step) if, in the graph,
   * the output depends on all other uses of that input; else some of them may read the new elements.
   *
   * @param feeds An array for every input.
   * @param fetches Which outputs, or where to write them; all, freshly allocated, where left out.
   * @returns The outputs by name.
   * @throws {InputError} If an array is missing or does not fit the input, or memory runs out.
   */
  async run(
    feeds: Readonly<Record<string, NdArray>>,
    fetches: Fetches = [...this.outputs.keys()],
  ): Promise<Record<string, NdArray>> {
    const inputs: Record<string, Ort.Tensor> = {};
    for (const info of this.inputs.values()) {
      const array = feeds[info.name];
      if (array === undefined) {
        throw new InputError(`Cannot run the model as input "${info.name}" is missing`);
      }
      checkFits(array, info, "input");
      inputs[info.name] = toTensor(this.#ort, array);
    }
    for (const name of Object.keys(feeds)) this.#find(this.inputs, name, "input");
    const outputs: Record<string, Ort.Tensor | null> = {};
    if (isNames(fetches)) {
      for (const name of fetches) outputs[this.#find(this.outputs, name, "output").name] = null;
    } else {
      for (const [name, array] of Object.entries(fetches)) {
        const info = this.#find(this.outputs, name, "output");
        if (array !== null) checkFits(array, info, "output");
        outputs[name] = array === null ? null : toTensor(this.#ort, array);
      }
    }
    if (Object.keys(outputs).length === 0) return {};
    let results: Readonly<Record<string, Ort.OnnxValue>>;
    try {
      // The package takes a record without any tensor for options; names are what it wants then.
      results = Object.values(outputs).some((output) => output !== null)
        ? await this.#session.run(inputs, outputs)
        : await this.#session.run(inputs, Object.keys(outputs));
    } catch (error) {
      throw runError(error, "the model");
    }
    return Object.fromEntries(
      Object.keys(outputs).map((name) => [name, fromTensor(results[name] as Ort.Tensor)]),
    );
  }

  /** Free the model's memory, and write the profile if one was asked for. */
  async release(): Promise<void> {
    if (this.#profiling) this.#session.endProfiling();
    await this.#session.release();
  }

  #find(infos: ReadonlyMap<string, TensorInfo>, name: string, kind: string): TensorInfo {
    const info = infos.get(name);
    if (info === undefined) {
      const names = [...infos.keys()].map((known) => `"${known}"`).join(", ");
      throw new InputError(`The model has no ${kind} "${name}"; it has ${names}`);
    }
    return info;
  }
}

/**
 * Load a model in ONNX Runtime.
 *
 * @param model A graph, or the bytes of an ONNX model.
 * @param options Device, threads, profile and log.
 * @returns The session; release it when it is no longer needed.
 * @throws {InputError} If the device cannot be used here, or the bytes are no model.
 *
 * @example
 * ```ts
 * import { createSession, Graph, ndarray } from "swath";
 *
 * const graph = new Graph("double");
 * graph.output("y", graph.op("Mul", [graph.input("x", "float32", ["n"]), 2]));
 * const session = await createSession(graph, { device: "cpu" });
 * const { y } = await session.run({ x: ndarray("float32", [2], new Float32Array([1, 2])) });
 * await session.release();
 * if (y?.data[1] !== 4) throw new Error("doubled");
 * ```
 */
export async function createSession(
  model: Graph | Uint8Array<ArrayBuffer>,
  options: SessionOptions = {},
): Promise<Session> {
  const ort = await import("onnxruntime-node");
  const device = await resolveDevice(ort, options.device ?? "auto");
  const { threads, profile, logSeverity = "error" } = options;
  const fromGraph = model instanceof Graph;
  const bytes = fromGraph
    ? encodeModel(
      await expandFor(ort, device, model, options),
      options.parameters ? { parameters: options.parameters } : {},
    )
    : model;
  const settings: Ort.InferenceSession.SessionOptions = {
    executionProviders: device === "cpu" ? ["cpu"] : [device, "cpu"],
    graphOptimizationLevel: "all",
    executionMode: "sequential",
    // Halves the peak memory of a train step at the same speed.
    enableMemPattern: false,
    logSeverityLevel: LOG_SEVERITIES.indexOf(logSeverity) as 0 | 1 | 2 | 3 | 4,
    ...(threads !== undefined && { intraOpNumThreads: threads }),
    ...(profile !== undefined && { enableProfiling: true, profileFilePrefix: profile }),
  };
  try {
    const session = await ort.InferenceSession.create(bytes, settings);
    return new Session(ort, session, device, profile !== undefined);
  } catch (error) {
    if (fromGraph) {
      throw new Error(`internal: graph "${model.name}" is refused: ${firstLine(error)}`);
    }
    throw new InputError(`Cannot load the ONNX model: ${firstLine(error)}`, { cause: error });
  }
}

/** The form of a graph that a device computes, or computes faster. */
async function expandFor(
  ort: OrtModule,
  device: Device,
  graph: Graph,
  { parameters }: SessionOptions,
): Promise<Graph> {
  if (device === "webgpu") return expandForWebgpu(graph);
  // Around constant weights, the runtime finds the best layout itself.
  return device === "cpu" && parameters === undefined ? await expandForCpu(ort, graph) : graph;
}

function infoByName(
  metadata: readonly Ort.InferenceSession.ValueMetadata[],
): Map<string, TensorInfo> {
  return new Map(metadata.map((value) => {
    if (!value.isTensor || !isArrayType(value.type)) {
      throw new InputError(
        `The model's input or output "${value.name}" is not a tensor of numbers`,
      );
    }
    return [value.name, { name: value.name, dtype: value.type, shape: value.shape }];
  }));
}

function checkFits(array: NdArray, info: TensorInfo, kind: string): void {
  const fits = array.dtype === info.dtype && array.shape.length === info.shape.length &&
    info.shape.every((dim, axis) => typeof dim === "string" || dim === array.shape[axis]);
  if (!fits) {
    throw new InputError(
      `Cannot run the model as ${kind} "${info.name}" must be ${info.dtype} ` +
        `${formatShape(info.shape)}: current is ${array.dtype} ${formatShape(array.shape)}`,
    );
  }
}

function isNames(fetches: Fetches): fetches is readonly string[] {
  return Array.isArray(fetches);
}
