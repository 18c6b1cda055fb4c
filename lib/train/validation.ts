/**
 * Validation: loss and confusion matrix of a network whose parameters change between runs, so that they
 * are inputs of its graph.
 *
 * @module
 */
import { elementCount, type NdArray, ndarray } from "../array/mod.ts";
import type { Communicator } from "../distributed/mod.ts";
import { upsampleLogits } from "../inference/mod.ts";
import type { Loss } from "../losses/mod.ts";
import { ConfusionMatrix, scoreSample } from "../metrics/mod.ts";
import type { Network } from "../models/mod.ts";
import { Graph } from "../onnx/mod.ts";
import { createSession, type DeviceChoice, type Session } from "../runtime/mod.ts";
import { batchesPerEpoch, type BatchPlan, type PreparedBatch } from "./batches.ts";
import { type BatchLoader, createBatchLoader } from "./batch_loader.ts";
import { labelWeights, weightOfLabels } from "./label_weights.ts";
import { distanceInput } from "./train_graph.ts";

/** Options of {@linkcode createValidator}. */
export interface ValidatorOptions {
  /** The network. */
  readonly network: Network;
  /** What to validate on. */
  readonly plan: BatchPlan;
  /** The loss, as in training. */
  readonly loss: Loss;
  /** Weight of each class in the loss; null where all count the same. */
  readonly classWeights: readonly number[] | null;
  /** Where to compute. */
  readonly device: DeviceChoice;
  /** Threads of the CPU; all cores where null. */
  readonly threads: number | null;
}

/** What a validation gives. */
export interface Validation {
  /**
   * Mean of the batches' losses, each by the weight of its labelled pixels: for losses of pixels, that is the mean
   * over all of them; null without any.
   */
  readonly loss: number | null;
  /** Truth and prediction, each pixel of a scene once. */
  readonly matrix: ConfusionMatrix;
}

/** Options of {@linkcode Validator.run}. */
export interface ValidationOptions {
  /** Stops the validation between two batches. */
  readonly signal?: AbortSignal;
  /** Processes with the same parameters and plan, which share the batches; left out where there is one. */
  readonly communicator?: Communicator;
  /** Called after each batch. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Validates a network with given parameters; see {@linkcode createValidator}. */
export class Validator {
  readonly #options: ValidatorOptions;
  readonly #session: Session;
  readonly #loader: BatchLoader;

  /** Use {@linkcode createValidator}. */
  constructor(options: ValidatorOptions, session: Session) {
    this.#options = options;
    this.#session = session;
    this.#loader = createBatchLoader(options.plan);
  }

  /**
   * Validate.
   *
   * @param parameters All parameters and statistics by name.
   * @param options How to stop, and where progress goes.
   * @returns The result, the same in all processes; null where it was stopped in any of them.
   * @throws {InputError} If a shard has changed or is damaged.
   */
  async run(
    parameters: ReadonlyMap<string, NdArray>,
    { signal, communicator, onProgress }: ValidationOptions = {},
  ): Promise<Validation | null> {
    const { plan, network, classWeights } = this.#options;
    const weights = labelWeights(network.classes, plan.ignoreIndex, classWeights);
    const matrix = new ConfusionMatrix(network.classes, { ignoreLabel: plan.ignoreIndex });
    const named = Object.fromEntries(
      [...parameters].filter(([name]) => this.#session.inputs.has(name)),
    );
    const { rank, size } = communicator ?? { rank: 0, size: 1 };
    const batches = batchesPerEpoch(plan);
    const [first, end] = [rank, rank + 1].map((part) => Math.floor(batches * part / size));
    const total = end! - first!;
    let done = 0;
    let lossSum = 0;
    let weightSum = 0;
    for await (const batch of this.#loader.batches(first!, end!)) {
      if (signal?.aborted) break;
      const { image, labels, distances } = batch;
      const { loss, logits } = await this.#session.run({
        image,
        labels,
        ...(distances !== undefined && { distances }),
        ...named,
      });
      const weight = weightOfLabels(labels, weights);
      if (weight > 0) lossSum += Number(loss!.data[0]) * weight;
      weightSum += weight;
      this.#score(matrix, batch, logits as NdArray<"float32">);
      onProgress?.(++done, total);
    }
    const sums = Float64Array.of(signal?.aborted ? 1 : 0, lossSum, weightSum, ...matrix.counts);
    await communicator?.sum(sums);
    const [stopped, loss, weight] = sums as unknown as [number, number, number];
    if (stopped > 0) return null;
    matrix.counts.set(sums.subarray(3));
    return { loss: weight === 0 ? null : loss / weight, matrix };
  }

  /** Free the runtime's memory and end the worker. */
  async release(): Promise<void> {
    this.#loader.close();
    await this.#session.release();
  }

  #score(matrix: ConfusionMatrix, batch: PreparedBatch, logits: NdArray<"float32">): void {
    const { stride } = this.#options.network;
    const [, height, width] = batch.labels.shape as [number, number, number];
    batch.samples.forEach(({ key, info }, index) => {
      const { pred } = upsampleLogits(item(logits, index), { height, width, stride });
      scoreSample(matrix, { key, info, arrays: { label: item(batch.labels, index), pred } });
    });
  }
}

/**
 * Load a network for validation.
 *
 * @param options Network, data, loss and device.
 * @returns The validator; release it when it is no longer needed.
 * @throws {InputError} If the device cannot be used here.
 */
export async function createValidator(options: ValidatorOptions): Promise<Validator> {
  const { device, threads } = options;
  const session = await createSession(validationGraph(options), {
    device,
    ...(threads !== null && { threads }),
  });
  return new Validator(options, session);
}

/** Inputs `image`, `labels` and the parameters by name; outputs `loss` and `logits`. */
function validationGraph({ network, plan, loss }: ValidatorOptions): Graph {
  const { batchSize, height, width } = plan;
  const graph = new Graph(`${network.family}_validation`);
  const image = graph.input("image", "float32", [batchSize, network.bands, height, width]);
  const labels = graph.input("labels", "uint8", [batchSize, height, width]);
  const logits = network.build({ graph, training: false }, image);
  graph.output("logits", logits);
  const distances = () => distanceInput(graph, logits, labels);
  graph.output("loss", graph.scope("loss", () => loss(graph, { logits, labels, distances })));
  return graph;
}

/** One of the arrays along the first axis, without a copy. */
function item<D extends "float32" | "uint8">(array: NdArray<D>, index: number): NdArray<D> {
  const [, ...shape] = array.shape;
  const size = elementCount(shape);
  const data = array.data.subarray(index * size, (index + 1) * size) as NdArray<D>["data"];
  return ndarray(array.dtype, shape, data);
}
