/**
 * Sessions on WebGPU whose lasting arrays stay on the device.
 *
 * @module
 */
import type * as Ort from "onnxruntime-node";
import { elementCount, type NdArray } from "../array/mod.ts";
import { encodeModel, type Graph, replaceParameters, type Value } from "../onnx/mod.ts";
import { type DeviceChoice, firstLine, resolveDevice } from "./device.ts";
import type { InPlaceSession } from "./in_place_session.ts";
import { runError } from "./run_error.ts";
import { ResidentArrays } from "./resident_arrays.ts";
import { fromTensor, type OrtModule, toTensor } from "./tensor.ts";
import { expandForWebgpu } from "./webgpu_expansions.ts";

/** A parameter that is a part of a vector: on the device it is cut out of it. */
export interface VectorPart {
  /** Name of the input that is the vector. */
  readonly vector: string;
  /** Elements of the whole vector. */
  readonly vectorLength: number;
  /** First element of the part in it. */
  readonly offset: number;
}

/** What stays on the device; see {@linkcode createResidentArrays}. */
export interface ResidentOptions {
  /** Where it is kept. */
  readonly arrays: ResidentArrays;
  /** Inputs, besides parameters, that stay. */
  readonly isResidentInput: (name: string) => boolean;
  /** Outputs, vectors, that stay, for the array that they are to be written to. */
  readonly isResidentOutput: (name: string) => boolean;
  /** Parameters that are parts of vectors, by name. */
  readonly parts: ReadonlyMap<string, VectorPart>;
}

/**
 * Somewhere to keep arrays on a device with memory of its own.
 *
 * @param choice The device.
 * @returns Null where the device computes in the caller's memory, or copies in and out at every run (CUDA).
 * @throws {InputError} If the device cannot be used here.
 */
export async function createResidentArrays(choice: DeviceChoice): Promise<ResidentArrays | null> {
  const ort = await import("onnxruntime-node");
  return await resolveDevice(ort, choice) === "webgpu" ? new ResidentArrays(ort) : null;
}

/** Load a graph to be run on WebGPU over arrays that stay there. */
export async function createResidentSession(
  graph: Graph,
  options: ResidentOptions,
): Promise<InPlaceSession> {
  const ort = await import("onnxruntime-node");
  const vectors = takeVectors(graph, options.parts);
  const locations = [...vectors.outputs.keys()].map((name) =>
    [name, options.isResidentOutput(name) ? "gpu-buffer" : "cpu"] as const
  );
  try {
    const session = await ort.InferenceSession.create(encodeModel(expandForWebgpu(vectors)), {
      executionProviders: ["webgpu", "cpu"],
      graphOptimizationLevel: "all",
      preferredOutputLocation: Object.fromEntries(locations),
      logSeverityLevel: LOG_ERRORS,
    });
    const isVector = (name: string) => graph.parameters.has(name) || options.isResidentInput(name);
    return new ResidentSession(ort, session, options, isVector);
  } catch (error) {
    throw new Error(`internal: graph "${graph.name}" is refused: ${firstLine(error)}`);
  }
}

/** Log errors and worse. */
const LOG_ERRORS = 3;

class ResidentSession implements InPlaceSession {
  readonly inputs: ReadonlySet<string>;
  readonly #ort: OrtModule;
  readonly #session: Ort.InferenceSession;
  readonly #options: ResidentOptions;
  readonly #isResident: (name: string) => boolean;

  constructor(
    ort: OrtModule,
    session: Ort.InferenceSession,
    options: ResidentOptions,
    isResident: (name: string) => boolean,
  ) {
    this.#ort = ort;
    this.#session = session;
    this.#options = options;
    this.#isResident = isResident;
    this.inputs = new Set(session.inputNames);
  }

  async run(
    feeds: Readonly<Record<string, NdArray>>,
    targets: Readonly<Record<string, NdArray>>,
  ): Promise<void> {
    const { arrays, isResidentOutput } = this.#options;
    const inputs: Record<string, Ort.Tensor> = {};
    for (const [name, array] of Object.entries(feeds)) {
      inputs[name] = this.#isResident(name)
        ? await arrays.upload(array as NdArray<"float32">)
        : toTensor(this.#ort, array);
    }
    let results: Ort.InferenceSession.OnnxValueMapType;
    try {
      results = await this.#session.run(inputs, Object.keys(targets));
    } catch (error) {
      throw runError(error, "the train step");
    }
    for (const [name, target] of Object.entries(targets)) {
      const result = results[name] as Ort.Tensor;
      if (isResidentOutput(name)) arrays.replace(target as NdArray<"float32">, result);
      else target.data.set(fromTensor(result).data as never);
    }
  }

  interrupt(): void {}

  release(): Promise<void> {
    return this.#session.release();
  }
}

/** The same graph with vectors for parameters: whole ones, or parts of others. */
function takeVectors(graph: Graph, parts: ReadonlyMap<string, VectorPart>): Graph {
  const added = new Map<string, Value>();
  return replaceParameters(graph, (result, { name, dtype, shape }) => {
    const extents = shape as readonly number[];
    const length = elementCount(extents);
    const part = parts.get(name);
    let vector: Value;
    if (part === undefined) {
      vector = result.input(name, dtype, [length]);
    } else {
      const whole = added.get(part.vector) ??
        result.inputs.find((input) => input.name === part.vector) ??
        result.input(part.vector, dtype, [part.vectorLength]);
      added.set(part.vector, whole);
      vector = result.op("Slice", [whole, [part.offset], [part.offset + length], [0]]);
    }
    return extents.length === 1 ? vector : result.op("Reshape", [vector, extents]);
  });
}
