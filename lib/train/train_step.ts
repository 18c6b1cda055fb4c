/**
 * Running train steps: the buffers that last from step to step, and the runtime's sessions over them.
 *
 * @module
 */
import { type NdArray, ndarray } from "../array/mod.ts";
import type { Communicator } from "../distributed/mod.ts";
import { InputError } from "../errors.ts";
import { initializeParameter } from "../models/mod.ts";
import type { Graph } from "../onnx/mod.ts";
import { randomStream } from "../random/mod.ts";
import {
  createInPlaceSession,
  createResidentArrays,
  createStagedSession,
  type DeviceChoice,
  type InPlaceSession,
  type ResidentArrays,
  type ResidentOptions,
} from "../runtime/mod.ts";
import { GradientExchange } from "./gradient_exchange.ts";
import { weightOfLabels } from "./label_weights.ts";
import type { GradientPrecision } from "./train_config.ts";
import {
  buildTrainGraphs,
  EMA_SLOT,
  nextName,
  segmentName,
  type TrainGraphOptions,
  type TrainGraphs,
} from "./train_graph.ts";

/** Options of {@linkcode createTrainStep}. */
export interface TrainStepOptions extends TrainGraphOptions {
  /** Seed of new parameters and of masks. */
  readonly seed: number;
  /** Where to compute; `auto` where left out. */
  readonly device?: DeviceChoice;
  /** Threads of the CPU; one a core where left out. */
  readonly threads?: number;
  /**
   * The processes that share each batch, of which this one has `batch` samples at its place; null where there is
   * one process. `sharing` follows from it.
   */
  readonly shared?: SharedStep | null;
}

/** How processes share train steps. */
export interface SharedStep {
  /** The processes. */
  readonly communicator: Communicator;
  /** Normalize batches by the statistics of all processes' parts; else each part by its own. */
  readonly synchronizeBatchNorm: boolean;
  /** How gradients travel. */
  readonly gradientPrecision: GradientPrecision;
  /** Weight of each label in the loss; see {@linkcode labelWeights}. */
  readonly labelWeights: readonly number[];
}

/** A batch, or a part of one. */
export interface TrainBatch {
  /** Normalized bands (batch, bands, height, width). */
  readonly image: NdArray<"float32">;
  /** Labels (batch, height, width). */
  readonly labels: NdArray<"uint8">;
  /** Signed distances (batch, K, height, width); see {@linkcode signedDistances}. Only if the loss needs them. */
  readonly distances?: NdArray<"float32">;
}

/** What a schedule sets for one step. */
export interface StepSettings {
  /** Number of the step, counted from 1: bias correction and masks are functions of it. */
  readonly step: number;
  /** Learning rate. */
  readonly learningRate: number;
  /** Momentum (AdamW: the first beta) where a schedule moves it; null for the optimizer's own. */
  readonly momentum?: number | null;
  /** True if this process was asked to stop after the step. */
  readonly stop?: boolean;
}

/** What a step tells. */
export interface StepResult {
  /** Mean of the loss over the parts of the batch. */
  readonly loss: number;
  /** Global norm of the gradients before clipping. */
  readonly gradientNorm: number;
  /** True if any process was asked to stop after the step. */
  readonly stop: boolean;
}

/** Numbers that travel beside the gradients, before the statistics: the loss, and who was asked to stop. */
const LOSS = 0;
const STOP = 1;
const FIRST_STATISTIC = 2;

/** Arrays by the name of an input or output. */
type Arrays = Readonly<Record<string, NdArray>>;

/** What a train step computes with. */
interface TrainSessions {
  readonly step: InPlaceSession;
  readonly update: InPlaceSession | null;
  /** What lasts from step to step, on a device with memory of its own. */
  readonly resident: ResidentArrays | null;
}

/**
 * A network in training. Parameters, statistics and the optimizer's state lie in buffers that the runtime
 * reads and overwrites at every step. On a GPU they stay on the device, and the buffers are brought up to
 * date by {@linkcode TrainStep.download}.
 */
export class TrainStep {
  /** What is computed. */
  readonly graphs: TrainGraphs;
  readonly #options: TrainStepOptions;
  readonly #sessions: TrainSessions;
  /** Parameters and statistics by name; those that are trained are views of a flat vector. */
  readonly #parameters: ReadonlyMap<string, NdArray<"float32">>;
  /** Flat vectors: `parameters`, the slots and, if the step is split, `gradients`. */
  readonly #vectors: ReadonlyMap<string, NdArray<"float32">>;
  /** Segments of the flat vectors under the names of inputs and of outputs. */
  readonly #segments: Readonly<Record<"feeds" | "targets" | "sums" | "nextSums", Arrays>>;
  /** Parameters that have no elements yet; they are drawn when they are needed. */
  readonly #undrawn: Set<string>;
  readonly #loss = ndarray("float32", []);
  readonly #norm = ndarray("float32", []);
  /** Null where there is one process. */
  readonly #exchange: GradientExchange | null;

  /** Use {@linkcode createTrainStep}. */
  constructor(
    options: TrainStepOptions,
    graphs: TrainGraphs,
    sessions: TrainSessions,
  ) {
    this.#options = options;
    this.graphs = graphs;
    this.#sessions = sessions;
    const { layout, slots } = graphs;
    const vectors = new Map(
      ["parameters", ...slots].map((name) => [name, ndarray("float32", [layout.length])]),
    );
    this.#vectors = vectors;
    this.#parameters = this.#allocateParameters();
    this.#exchange = this.#createExchange();
    if (graphs.update !== null) {
      const { gradients } = this.#exchange ?? { gradients: ndarray("float32", [layout.length]) };
      vectors.set("gradients", gradients);
    }
    const state = ["parameters", ...slots];
    const sums = graphs.update === null ? [] : ["gradients"];
    this.#segments = {
      feeds: this.#segmentsOf(state, (name) => name),
      targets: this.#segmentsOf(state, nextName),
      sums: this.#segmentsOf(sums, (name) => name),
      nextSums: this.#segmentsOf(sums, nextName),
    };
    this.#undrawn = new Set(this.#parameters.keys());
  }

  /**
   * Parameters and statistics by name, in place. On a GPU they are what they were when
   * {@linkcode TrainStep.download} was called last.
   */
  get parameters(): ReadonlyMap<string, NdArray<"float32">> {
    this.#draw();
    return this.#parameters;
  }

  /**
   * The optimizer's state by slot and parameter, such as `first_moment/decode_head.classifier.weight`, in place.
   * On a GPU it is what it was when {@linkcode TrainStep.download} was called last.
   */
  get state(): ReadonlyMap<string, NdArray<"float32">> {
    this.#draw();
    const { layout, slots } = this.graphs;
    return new Map(
      slots.flatMap((slot) =>
        layout.segments.flatMap(({ parameters }) =>
          parameters.map(({ name, shape, offset, length }) =>
            [`${slot}/${name}`, this.#view(slot, offset, length, shape)] as const
          )
        )
      ),
    );
  }

  /** Bring parameters, statistics and state up to date with what a GPU holds. */
  async download(): Promise<void> {
    await this.#sessions.resident?.download();
  }

  /** Draw all parameters anew and forget the optimizer's state. */
  initialize(): void {
    this.#sessions.resident?.forget();
    for (const name of this.#parameters.keys()) this.#undrawn.add(name);
    for (const slot of this.graphs.slots) this.#vectors.get(slot)!.data.fill(0);
    this.#draw();
  }

  /**
   * Write parameters, statistics and state, as {@linkcode TrainStep.parameters} and
   * {@linkcode TrainStep.state} name them. What is not among the arrays stays as it is; without state, the
   * moving average starts from the parameters. On a GPU, call {@linkcode TrainStep.download} first.
   *
   * @throws {InputError} If an array has a name or shape that this training does not have.
   */
  load(
    parameters: ReadonlyMap<string, NdArray>,
    state: ReadonlyMap<string, NdArray> = new Map(),
  ): void {
    this.#sessions.resident?.forget();
    copyInto(this.#parameters, parameters, "parameter");
    for (const name of parameters.keys()) this.#undrawn.delete(name);
    this.#draw();
    this.#startAverage();
    copyInto(this.state, state, "optimizer state");
  }

  /**
   * One step: parameters change.
   *
   * @param batches One batch; or parts of one, if the step is split, whose gradients are averaged.
   * @param settings Learning rate and number of the step.
   */
  async run(batches: readonly TrainBatch[], settings: StepSettings): Promise<StepResult> {
    this.#draw();
    if (this.#sessions.update === null) {
      const [batch] = batches;
      if (batch === undefined || batches.length > 1) {
        throw new Error(`internal: ${batches.length} parts of a batch for a step in one graph`);
      }
      const feeds = {
        ...this.#batchFeeds(batch, settings.step, 0),
        ...this.#updateFeeds(settings),
      };
      await run(this.#sessions.step, feeds, {
        loss: this.#loss,
        gradient_norm: this.#norm,
        ...this.#statisticTargets(),
        ...this.#segments.targets,
      });
      return {
        loss: this.#loss.data[0]!,
        gradientNorm: this.#norm.data[0]!,
        stop: settings.stop ?? false,
      };
    }
    this.#vectors.get("gradients")!.data.fill(0);
    const weights = await this.#weights(batches);
    let loss = 0;
    for (const [part, batch] of batches.entries()) {
      loss += await this.accumulate(batch, settings.step, part, weights[part]!) / batches.length;
    }
    const told = await this.#tellOthers(loss, settings.stop ?? false);
    return { ...told, gradientNorm: await this.apply(settings, 1 / batches.length) };
  }

  /**
   * Give all processes the parameters, statistics and state of process 0. With sums that are the same
   * everywhere they are equal anyway, unless processors differ in how they round.
   */
  async synchronize(): Promise<void> {
    if (this.#exchange === null) return;
    this.#draw();
    const { communicator } = this.#options.shared!;
    const separate = [...this.#parameters.values()]
      .filter(({ data }) => data.buffer !== this.#vectors.get("parameters")!.data.buffer);
    const state = [...this.#vectors].filter(([name]) => name !== "gradients");
    for (const { data } of [...separate, ...state.map(([, vector]) => vector)]) {
      await communicator.broadcast(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    }
  }

  /** Flat vector of the gradients, if the step is split. */
  get gradients(): NdArray<"float32"> | null {
    return this.#vectors.get("gradients") ?? null;
  }

  /**
   * Add the gradients of a part of a batch to {@linkcode TrainStep.gradients}.
   *
   * @param batch The part.
   * @param step Number of the step.
   * @param part Number of the part in the step, of which its masks are a function.
   * @param weight What the loss is multiplied by, where processes share the batch.
   * @returns The loss.
   */
  async accumulate(batch: TrainBatch, step: number, part: number, weight = 1): Promise<number> {
    this.#draw();
    const feeds = {
      ...this.#batchFeeds(batch, step, part),
      ...this.#segments.feeds,
      ...this.#segments.sums,
      ...(this.#exchange !== null && { loss_weight: scalar(weight) }),
    };
    await run(this.#sessions.step, feeds, {
      loss: this.#loss,
      ...this.#statisticTargets(),
      ...this.#segments.nextSums,
    });
    return this.#loss.data[0]!;
  }

  /**
   * Update the parameters by {@linkcode TrainStep.gradients}.
   *
   * @param settings Learning rate and number of the step.
   * @param scale What gradients are multiplied by.
   * @returns Their global norm after that.
   */
  async apply(settings: StepSettings, scale: number): Promise<number> {
    const feeds = {
      ...this.#segments.sums,
      ...this.#updateFeeds(settings),
      gradient_scale: scalar(scale),
    };
    await run(this.#sessions.update!, feeds, {
      gradient_norm: this.#norm,
      ...this.#segments.targets,
    });
    return this.#norm.data[0]!;
  }

  /**
   * Drop the step that is going on, on the CPU: its promise is rejected with an `AbortError`. Parameters and
   * state may be those of before, of after, or some of each; the step is of no more use.
   */
  interrupt(): void {
    this.#sessions.step.interrupt();
    this.#sessions.update?.interrupt();
  }

  /** Free the runtime's memory. */
  async release(): Promise<void> {
    const { step, update, resident } = this.#sessions;
    await resident?.[Symbol.asyncDispose]();
    await step.release();
    await update?.release();
  }

  #createExchange(): GradientExchange | null {
    const { shared } = this.#options;
    if (!shared) return null;
    const statistics = shared.synchronizeBatchNorm
      ? 0
      : this.#statistics().reduce((sum, { data }) => sum + data.length, 0);
    return new GradientExchange(
      shared.communicator,
      this.graphs.layout.length,
      FIRST_STATISTIC + statistics,
      shared.gradientPrecision,
    );
  }

  #statistics(): NdArray<"float32">[] {
    return this.graphs.statistics.map((name) => this.#parameters.get(name)!);
  }

  /** What each part of a batch weighs among those of all processes at the same place. */
  async #weights(batches: readonly TrainBatch[]): Promise<number[]> {
    const { shared } = this.#options;
    if (!shared) return batches.map(() => 1);
    const own = batches.map(({ labels }) => weightOfLabels(labels, shared.labelWeights));
    const all = Float64Array.from(own);
    await shared.communicator.sum(all);
    return own.map((weight, part) => all[part] === 0 ? 0 : weight / all[part]!);
  }

  /** Sum gradients and loss over all processes, and average statistics that are each process' own. */
  async #tellOthers(loss: number, stop: boolean): Promise<Omit<StepResult, "gradientNorm">> {
    if (this.#exchange === null) return { loss, stop };
    const { others } = this.#exchange;
    const { communicator: { size }, synchronizeBatchNorm } = this.#options.shared!;
    others[LOSS] = loss;
    others[STOP] = stop ? 1 : 0;
    const statistics = synchronizeBatchNorm ? [] : this.#statistics();
    let place = FIRST_STATISTIC;
    for (const { data } of statistics) {
      others.set(data, place);
      place += data.length;
    }
    await this.#exchange.sum();
    place = FIRST_STATISTIC;
    for (const { data } of statistics) {
      for (let i = 0; i < data.length; i++) data[i] = others[place++]! / size;
    }
    return { loss: others[LOSS]!, stop: others[STOP]! > 0 };
  }

  #allocateParameters(): Map<string, NdArray<"float32">> {
    const { step, layout } = this.graphs;
    const places = new Map(
      layout.segments.flatMap(({ parameters }) => parameters.map((place) => [place.name, place])),
    );
    return new Map([...step.parameters.values()].map(({ name, shape }) => {
      const extents = shape as readonly number[];
      const place = places.get(name);
      const array = place === undefined
        ? ndarray("float32", extents)
        : this.#view("parameters", place.offset, place.length, extents);
      return [name, array];
    }));
  }

  /** Give elements to the parameters that have none. */
  #draw(): void {
    if (this.#undrawn.size === 0) return;
    for (const name of this.#undrawn) {
      const { producer, shape } = this.graphs.step.parameters.get(name)!;
      if (producer.kind !== "parameter") continue;
      const extents = shape as readonly number[];
      const drawn = initializeParameter(
        { name, shape: extents, init: producer.init },
        this.#options.seed,
      );
      this.#parameters.get(name)!.data.set(drawn.data);
    }
    this.#undrawn.clear();
    this.#startAverage();
  }

  #startAverage(): void {
    this.#vectors.get(EMA_SLOT)?.data.set(this.#vectors.get("parameters")!.data);
  }

  #view(
    vector: string,
    offset: number,
    length: number,
    shape: readonly number[],
  ): NdArray<"float32"> {
    const { data } = this.#vectors.get(vector)!;
    return ndarray("float32", shape, data.subarray(offset, offset + length));
  }

  /** All segments of vectors, under their names as inputs or outputs. */
  #segmentsOf(vectors: readonly string[], rename: (name: string) => string): Arrays {
    return Object.fromEntries(
      vectors.flatMap((vector) =>
        this.graphs.layout.segments.map(({ offset, length }, index) =>
          [
            rename(segmentName(vector, index)),
            this.#view(vector, offset, length, [length]),
          ] as const
        )
      ),
    );
  }

  #statisticTargets(): Arrays {
    return Object.fromEntries(
      this.graphs.statistics.map((name) => [nextName(name), this.#parameters.get(name)!]),
    );
  }

  #batchFeeds({ image, labels, distances }: TrainBatch, step: number, part: number): Arrays {
    const masks = this.graphs.masks.map(({ name, shape, rate }) => {
      const random = randomStream(this.#options.seed, part === 0 ? name : `${name}/${part}`);
      const mask = ndarray("float32", shape);
      // Masks of a sample are the same whichever process has it.
      const { rank, size } = this.#options.shared?.communicator ?? { rank: 0, size: 1 };
      const first = (step * size + rank) * mask.data.length;
      for (let i = 0; i < mask.data.length; i++) {
        mask.data[i] = random.uniform(first + i) < rate ? 0 : 1 / (1 - rate);
      }
      return [name, mask] as const;
    });
    return {
      image,
      labels,
      ...(distances !== undefined && { distances }),
      ...Object.fromEntries(masks),
      ...Object.fromEntries(this.#parameters),
    };
  }

  #updateFeeds({ step, learningRate, momentum }: StepSettings): Arrays {
    const scalars = this.#options.optimizer.scalars(step, momentum ?? undefined);
    return {
      learning_rate: scalar(learningRate),
      ...Object.fromEntries(
        Object.entries(scalars).map(([name, value]) => [name, scalar(value)]),
      ),
      ...this.#segments.feeds,
    };
  }
}

/**
 * Build a train step, load it in the runtime, and draw the parameters.
 *
 * @param options Network, loss, optimizer, sizes, seed and device.
 * @returns The train step; release it when it is no longer needed.
 * @throws {InputError} If the device cannot be used here.
 */
export async function createTrainStep(options: TrainStepOptions): Promise<TrainStep> {
  const { device = "auto", threads, shared = null } = options;
  const graphs = buildTrainGraphs({
    ...options,
    sharing: shared === null ? null : {
      processes: shared.communicator.size,
      synchronizeBatchNorm: shared.synchronizeBatchNorm,
    },
  });
  // What processes tell one another goes through the memory of the host.
  const resident = shared === null ? await createResidentArrays(device) : null;
  const how = {
    device,
    ...(threads !== undefined && { threads }),
    ...(resident !== null && { resident: residentOptions(graphs, resident) }),
  };
  const load = (graph: Graph) => createInPlaceSession(graph, how);
  const step = shared === null
    ? await load(graphs.step)
    : await createStagedSession(graphs.step, shared.communicator, how);
  const update = graphs.update === null ? null : await load(graphs.update);
  return new TrainStep(options, graphs, { step, update, resident });
}

/** Everything that lasts stays on the device; sums of gradients do not, as others may add to them. */
function residentOptions(
  { layout, slots, statistics }: TrainGraphs,
  arrays: ResidentArrays,
): ResidentOptions {
  const lasting = new Set([
    ...statistics,
    ...["parameters", ...slots].flatMap((name) =>
      layout.segments.map((_, index) => segmentName(name, index))
    ),
  ]);
  const outputs = new Set([...lasting].map(nextName));
  return {
    arrays,
    isResidentInput: (name) => lasting.has(name),
    isResidentOutput: (name) => outputs.has(name),
    parts: new Map(
      layout.segments.flatMap(({ parameters, offset, length }, index) =>
        parameters.map((parameter) =>
          [parameter.name, {
            vector: segmentName("parameters", index),
            vectorLength: length,
            offset: parameter.offset - offset,
          }] as const
        )
      ),
    ),
  };
}

/** Run a session with those of the arrays that it takes. */
async function run(session: InPlaceSession, arrays: Arrays, targets: Arrays): Promise<void> {
  const feeds = Object.entries(arrays).filter(([name]) => session.inputs.has(name));
  await session.run(Object.fromEntries(feeds), targets);
}

function scalar(value: number): NdArray<"float32"> {
  return ndarray("float32", [], new Float32Array([value]));
}

function copyInto(
  targets: ReadonlyMap<string, NdArray<"float32">>,
  sources: ReadonlyMap<string, NdArray>,
  kind: string,
): void {
  for (const [name, { dtype, shape, data }] of sources) {
    const target = targets.get(name);
    if (target === undefined) {
      throw new InputError(`Cannot load ${kind} "${name}" as the network does not have it`);
    }
    if (dtype !== "float32" || shape.join() !== target.shape.join()) {
      throw new InputError(
        `Cannot load ${kind} "${name}" as it must be float32 ${target.shape.join("x")}: ` +
          `current is ${dtype} ${shape.join("x")}`,
      );
    }
    target.data.set(data as Float32Array<ArrayBuffer>);
  }
}
