/**
 * A model ready to map patches.
 *
 * @module
 */
import { crc32 } from "node:zlib";
import {
  bytesOf,
  type DataType,
  elementCount,
  type NdArray,
  ndarray,
  TYPED_ARRAY_CONSTRUCTORS,
} from "../array/mod.ts";
import { classesFromNames, type ClassInfo } from "../classes/mod.ts";
import { InputError } from "../errors.ts";
import { labelNames, type Network, networkFromConfig } from "../models/mod.ts";
import { type Normalization, normalizationFromPreprocessor } from "../normalization/mod.ts";
import {
  createConcurrentSession,
  createSession,
  type Device,
  type DeviceChoice,
  type RunnableSession,
} from "../runtime/mod.ts";
import { once } from "../once.ts";
import { abbreviateList } from "../text/mod.ts";
import { loadParameters, type OpenModel } from "../weights/mod.ts";
import { buildInferenceGraph, type InferenceInput } from "./inference_graph.ts";
import { type Augmentations, predictAugmented, sessionsOf } from "./test_time_augmentation.ts";

/** Options of {@linkcode createPredictor}. */
export interface PredictorOptions {
  /** Where to compute; the fastest device that works where left out. */
  readonly device?: DeviceChoice;
  /** Threads of the CPU; one a core where left out. */
  readonly threads?: number;
  /** Write ONNX Runtime's profile to files that begin with this. */
  readonly profile?: string;
  /** Softmax probabilities in place of logits. */
  readonly probabilities?: boolean;
  /**
   * True where `predict` is called again before the last call has ended, as for streams: on the CPU,
   * two calls then share the threads, which computes more patches a second, but each takes longer.
   */
  readonly concurrent?: boolean;
  /** Average over positions and sizes, which needs `probabilities`; none where left out. */
  readonly augmentations?: Augmentations;
}

/** A patch to map. */
export interface PredictorPatch {
  /** Shape (C, H, W). */
  readonly image: NdArray;
  /** Shape (H, W), 1 where there is data; all of it where left out. */
  readonly valid?: NdArray<"uint8">;
}

/** A model whose weights are loaded; sessions are made for each size of patches as they come. */
export class Predictor {
  /** The network. */
  readonly network: Network;
  /** Its classes. */
  readonly classes: readonly ClassInfo[];
  /** Names of the bands that it takes; null where the model does not say. */
  readonly bands: readonly string[] | null;
  /** What it was trained with; null where the model does not say. */
  readonly normalization: Normalization | null;
  /** What its logits are divided by. */
  readonly temperature: number;
  /** What the model was opened as. */
  readonly source: string;
  readonly #parameters: ReadonlyMap<string, NdArray>;
  readonly #options: PredictorOptions;
  /** A stream of several scenes asks for it at each. */
  readonly #checksum = once(() => {
    let checksum = crc32(JSON.stringify([this.normalization, this.temperature]));
    for (const [name, array] of [...this.#parameters].sort(([a], [b]) => a < b ? -1 : 1)) {
      checksum = crc32(bytesOf(array), crc32(name, checksum));
    }
    return checksum;
  });
  /** Sessions by what goes through them, the one used last at the end. */
  readonly #sessions = new Map<string, RunnableSession>();
  /** Sessions are looked up and made one after the other. */
  #lookup: Promise<unknown> = Promise.resolve();
  #device: Device | null = null;
  #patches = 0;
  #seconds = 0;
  /** Calls that compute now, and when the first of them began. */
  #computing = { calls: 0, since: 0 };

  /** Wrap loaded weights; use {@linkcode createPredictor}. */
  constructor(
    model: OpenModel,
    network: Network,
    parameters: ReadonlyMap<string, NdArray>,
    options: PredictorOptions,
  ) {
    this.network = network;
    this.source = model.source;
    this.bands = model.card.bands;
    this.classes = model.card.classes ?? classesFromNames(labelNames(model.config));
    this.normalization = model.card.normalization ?? normalizationOf(model, network);
    this.temperature = model.card.temperature ?? 1;
    this.#parameters = parameters;
    this.#options = options;
  }

  /** Where it computes; null before the first patch. */
  get device(): Device | null {
    return this.#device;
  }

  /** How many calls of `predict` are worth while at the same time. */
  get concurrency(): number {
    return this.#options.concurrent ? 2 : 1;
  }

  /** CRC-32 of the numbers that it computes with: its weights, its statistics and its temperature. */
  get crc32(): number {
    return this.#checksum();
  }

  /** Patches computed so far, and the seconds in which the network computed any of them. */
  get work(): { readonly patches: number; readonly seconds: number } {
    return { patches: this.#patches, seconds: this.#seconds };
  }

  /**
   * Compute the logits of patches of one size and type.
   *
   * @param patches At least one.
   * @param normalization What to apply to the stored numbers; null where they are normalized.
   * @returns Logits (or probabilities) of each, float32 (K, ⌈H/stride⌉, ⌈W/stride⌉), or (K) for a
   * classifier.
   * @throws {InputError} If the number of bands is not the network's, or memory runs out.
   */
  async predict(
    patches: readonly PredictorPatch[],
    normalization: Normalization | null,
  ): Promise<NdArray<"float32">[]> {
    const { augmentations } = this.#options;
    if (augmentations === undefined) return await this.#predict(patches, normalization);
    return await predictAugmented(
      { network: this.network, predict: (patches, how) => this.#predict(patches, how) },
      augmentations,
      patches,
      normalization,
    );
  }

  async #predict(
    patches: readonly PredictorPatch[],
    normalization: Normalization | null,
  ): Promise<NdArray<"float32">[]> {
    const [first] = patches;
    if (first === undefined) return [];
    const [bands, height, width] = first.image.shape as [number, number, number];
    if (bands !== this.network.bands) {
      throw new InputError(
        `Model "${this.source}" takes ${this.network.bands} bands: the image has ${bands}`,
      );
    }
    const { dtype } = first.image;
    const input = {
      height,
      width,
      dtype,
      normalization,
      temperature: this.temperature,
      probabilities: this.#options.probabilities ?? false,
    };
    const image = stack(dtype, patches.map(({ image }) => image));
    const valid = stack("uint8", patches.map(({ valid }) => valid ?? ones(height, width)));
    const { logits } = await this.#run(input, { image, valid });
    this.#patches += patches.length;
    const [, ...shape] = logits!.shape;
    const size = elementCount(shape);
    const data = logits!.data as Float32Array<ArrayBuffer>;
    return patches.map((_, index) =>
      ndarray("float32", shape, data.subarray(index * size, (index + 1) * size))
    );
  }

  /**
   * Run the session of an input. The run is begun before another session is looked up, which may
   * release this one: that waits for what was begun.
   */
  async #run(input: InferenceInput, feeds: Record<string, NdArray>) {
    const begun = this.#lookup.then(async () => {
      const session = await this.#sessionFor(input);
      if (this.#computing.calls++ === 0) this.#computing.since = performance.now();
      return { outputs: session.run(feeds) };
    });
    this.#lookup = begun.catch(() => {});
    const { outputs } = await begun;
    try {
      return await outputs;
    } finally {
      if (--this.#computing.calls === 0) {
        this.#seconds += (performance.now() - this.#computing.since) / 1000;
      }
    }
  }

  /** Free the session. */
  async release(): Promise<void> {
    await this.#lookup;
    const sessions = [...this.#sessions.values()];
    this.#sessions.clear();
    for (const session of sessions) await session.release();
  }

  async #sessionFor(input: InferenceInput): Promise<RunnableSession> {
    const key = JSON.stringify(input);
    let session = this.#sessions.get(key);
    this.#sessions.delete(key);
    if (session === undefined) {
      const { augmentations } = this.#options;
      const most = augmentations === undefined ? 1 : sessionsOf(augmentations);
      while (this.#sessions.size >= most) {
        const [key, oldest] = this.#sessions.entries().next().value!;
        this.#sessions.delete(key);
        await oldest.release();
      }
      session = await this.#createSession(input);
    }
    this.#sessions.set(key, session);
    this.#device = session.device;
    return session;
  }

  #createSession(input: InferenceInput): Promise<RunnableSession> {
    const { device, threads, profile, concurrent } = this.#options;
    const graph = buildInferenceGraph(this.network, input);
    const options = {
      ...(device !== undefined && { device }),
      ...(threads !== undefined && { threads }),
      parameters: (name: string) => this.#parameters.get(name),
    };
    // Profiles are those of runs that have the machine to themselves.
    return concurrent && profile === undefined
      ? createConcurrentSession(graph, options)
      : createSession(graph, { ...options, ...(profile !== undefined && { profile }) });
  }
}

/**
 * Make a model ready to map patches.
 *
 * @param model The model; its weights are read, so that it may be closed afterwards.
 * @param options Device, threads, and what comes out.
 * @returns The predictor; release it when it is no longer needed.
 * @throws {InputError} If the network is unknown, or the file does not fill every parameter.
 */
export function createPredictor(model: OpenModel, options: PredictorOptions = {}): Predictor {
  const network = networkFromConfig(model.config);
  const { values, uninitialised } = loadParameters(model, network);
  if (uninitialised.length > 0) {
    const names = abbreviateList(uninitialised.map(({ name }) => name), 4);
    throw new InputError(
      `Cannot map with model ${
        JSON.stringify(model.source)
      } as ${uninitialised.length} parameters are not in its weights: ${names}`,
      { hint: "Weights of an encoder alone have to be trained further before they can map" },
    );
  }
  return new Predictor(model, network, values, options);
}

/** What a model that transformers saved says in `preprocessor_config.json`. */
function normalizationOf(model: OpenModel, network: Network): Normalization | null {
  if (model.preprocessor === null) return null;
  const bands = model.card.bands ??
    Array.from({ length: network.bands }, (_, band) => String(band + 1));
  return normalizationFromPreprocessor(
    model.preprocessor,
    bands,
    `${model.directory}/preprocessor_config.json`,
  );
}

/** Arrays of one shape as one, with a leading axis; without a copy if there is only one. */
function stack<D extends DataType>(dtype: D, arrays: readonly NdArray[]): NdArray<D> {
  const [first] = arrays as [NdArray];
  const shape = [arrays.length, ...first.shape];
  if (arrays.length === 1) return ndarray(dtype, shape, first.data as NdArray<D>["data"]);
  const size = elementCount(first.shape);
  const data = new TYPED_ARRAY_CONSTRUCTORS[dtype](size * arrays.length);
  arrays.forEach((array, index) => {
    (data as Float32Array).set(array.data as Float32Array, index * size);
  });
  return ndarray(dtype, shape, data);
}

function ones(height: number, width: number): NdArray<"uint8"> {
  const array = ndarray("uint8", [height, width]);
  array.data.fill(1);
  return array;
}
