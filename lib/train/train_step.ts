/**
 * Running train steps: the runtime's sessions over the arrays that last from step to step.
 *
 * @module
 */
import { elementCount, type NdArray, ndarray } from "../array/mod.ts";
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
import { GradientExchange, type SharedStep } from "./gradient_exchange.ts";
import { type Arrays, StepArrays } from "./step_arrays.ts";
import {
  buildTrainGraphs,
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
  readonly #arrays: StepArrays;
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
    this.#exchange = options.shared ? createExchange(options.shared, graphs) : null;
    const gradients = graphs.update === null
      ? null
      : this.#exchange?.gradients ?? ndarray("float32", [graphs.layout.length]);
    this.#arrays = new StepArrays(graphs, options.seed, gradients);
  }

  /**
   * Parameters and statistics by name, in place. On a GPU they are what they were when
   * {@linkcode TrainStep.download} was called last.
   */
  get parameters(): ReadonlyMap<string, NdArray<"float32">> {
    return this.#arrays.parameters;
  }

  /**
   * The optimizer's state by slot and parameter, such as `first_moment/decode_head.classifier.weight`, in place.
   * On a GPU it is what it was when {@linkcode TrainStep.download} was called last.
   */
  get state(): ReadonlyMap<string, NdArray<"float32">> {
    return this.#arrays.state;
  }

  /** Bring parameters, statistics and state up to date with what a GPU holds. */
  async download(): Promise<void> {
    await this.#sessions.resident?.download();
  }

  /** Draw all parameters anew and forget the optimizer's state. */
  initialize(): void {
    this.#sessions.resident?.forget();
    this.#arrays.initialize();
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
    this.#arrays.load(parameters, state);
  }

  /**
   * One step: parameters change.
   *
   * @param batches One batch; or parts of one, if the step is split, whose gradients are averaged.
   * @param settings Learning rate and number of the step.
   */
  async run(batches: readonly TrainBatch[], settings: StepSettings): Promise<StepResult> {
    this.#arrays.draw();
    return this.#sessions.update === null
      ? await this.#runWhole(batches, settings)
      : await this.#runSplit(batches, settings);
  }

  /**
   * Give all processes the parameters, statistics and state of process 0. With sums that are the same
   * everywhere they are equal anyway, unless processors differ in how they round.
   */
  async synchronize(): Promise<void> {
    const { shared } = this.#options;
    if (!shared) return;
    for (const { data } of this.#arrays.whole) {
      const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      await shared.communicator.broadcast(bytes);
    }
  }

  /** Flat vector of the gradients, if the step is split. */
  get gradients(): NdArray<"float32"> | null {
    return this.#arrays.gradients;
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
    this.#arrays.draw();
    const feeds = {
      ...this.#batchFeeds(batch, step, part),
      ...this.#arrays.feeds,
      ...this.#arrays.sums,
      ...(this.#exchange !== null && { loss_weight: scalar(weight) }),
    };
    const { step: session } = this.#sessions;
    await session.run(inputsOf(session, feeds), {
      loss: this.#loss,
      ...this.#arrays.nextStatistics,
      ...this.#arrays.nextSums,
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
    const session = this.#sessions.update!;
    const feeds = {
      ...this.#arrays.sums,
      ...this.#updateFeeds(settings),
      gradient_scale: scalar(scale),
    };
    await session.run(inputsOf(session, feeds), {
      gradient_norm: this.#norm,
      ...this.#arrays.targets,
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

  async #runWhole(
    batches: readonly TrainBatch[],
    settings: StepSettings,
  ): Promise<StepResult> {
    const [batch] = batches;
    if (batch === undefined || batches.length > 1) {
      throw new Error(`internal: ${batches.length} parts of a batch for a step in one graph`);
    }
    const { step: session } = this.#sessions;
    const feeds = {
      ...this.#batchFeeds(batch, settings.step, 0),
      ...this.#updateFeeds(settings),
    };
    await session.run(inputsOf(session, feeds), {
      loss: this.#loss,
      gradient_norm: this.#norm,
      ...this.#arrays.nextStatistics,
      ...this.#arrays.targets,
    });
    return {
      loss: this.#loss.data[0]!,
      gradientNorm: this.#norm.data[0]!,
      stop: settings.stop ?? false,
    };
  }

  async #runSplit(
    batches: readonly TrainBatch[],
    settings: StepSettings,
  ): Promise<StepResult> {
    const exchange = this.#exchange;
    const count = batches.length;
    this.gradients!.data.fill(0);
    const weights = await exchange?.weights(batches.map(({ labels }) => labels));
    let loss = 0;
    for (const [part, batch] of batches.entries()) {
      const weight = weights?.[part] ?? 1;
      loss += await this.accumulate(batch, settings.step, part, weight) / count;
    }
    const news = { loss, stop: settings.stop ?? false };
    const told = await exchange?.sum(news, this.#ownStatistics()) ?? news;
    return { ...told, gradientNorm: await this.apply(settings, 1 / count) };
  }

  #ownStatistics(): NdArray<"float32">[] {
    return ownStatistics(this.#options.shared!, this.graphs)
      .map((name) => this.#arrays.parameters.get(name)!);
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
      ...Object.fromEntries(this.#arrays.parameters),
    };
  }

  #updateFeeds({ step, learningRate, momentum }: StepSettings): Arrays {
    const scalars = this.#options.optimizer.scalars(step, momentum ?? undefined);
    return {
      learning_rate: scalar(learningRate),
      ...Object.fromEntries(
        Object.entries(scalars).map(([name, value]) => [name, scalar(value)]),
      ),
      ...this.#arrays.feeds,
    };
  }
}

/** Names of the statistics that are each process' own. */
function ownStatistics({ synchronizeBatchNorm }: SharedStep, graphs: TrainGraphs) {
  return synchronizeBatchNorm ? [] : graphs.statistics;
}

/** What processes tell one another; statistics too, where each has its own. */
function createExchange(shared: SharedStep, graphs: TrainGraphs): GradientExchange {
  const elements = ownStatistics(shared, graphs).reduce(
    (sum, name) => sum + elementCount(graphs.step.parameters.get(name)!.shape as readonly number[]),
    0,
  );
  return new GradientExchange(shared, graphs.layout.length, elements);
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

/** Those of the arrays that a session takes. */
function inputsOf(session: InPlaceSession, arrays: Arrays): Arrays {
  return Object.fromEntries(Object.entries(arrays).filter(([name]) => session.inputs.has(name)));
}

function scalar(value: number): NdArray<"float32"> {
  return ndarray("float32", [], new Float32Array([value]));
}
