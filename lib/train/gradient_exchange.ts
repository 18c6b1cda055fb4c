/**
 * What the processes of a training tell one another in each step: how much their parts of the batch weigh, then
 * gradients, as one flat vector, and beside them a few numbers that are summed as well.
 *
 * @module
 */
import { type NdArray, ndarray } from "../array/mod.ts";
import { type Communicator, HalfSum } from "../distributed/mod.ts";
import { weightOfLabels } from "./label_weights.ts";
import type { GradientPrecision } from "./train_config.ts";

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

/** What each process has to say of a step, and all come to know. */
export interface StepNews {
  /** Its part of the loss; the loss. */
  readonly loss: number;
  /** True if it, or any process, was asked to stop. */
  readonly stop: boolean;
}

/** Places of the numbers beside the gradients; the statistics follow. */
const LOSS = 0;
const STOP = 1;
const FIRST_STATISTIC = 2;

/** Gradients and other numbers that are summed over processes. */
export class GradientExchange {
  /** The flat vector of gradients. */
  readonly gradients: NdArray<"float32">;
  readonly #shared: SharedStep;
  /** Gradients and the other numbers, side by side: one message. */
  readonly #all: Float32Array<ArrayBuffer>;
  readonly #half: HalfSum | null;

  /**
   * Allocate.
   *
   * @param shared The processes and how they share steps.
   * @param length Elements of the gradients.
   * @param statistics Elements of the statistics that are averaged over processes.
   */
  constructor(shared: SharedStep, length: number, statistics: number) {
    this.#shared = shared;
    this.#all = new Float32Array(length + FIRST_STATISTIC + statistics);
    this.gradients = ndarray("float32", [length], this.#all.subarray(0, length));
    this.#half = shared.gradientPrecision === "float16"
      ? new HalfSum(shared.communicator, this.gradients.data)
      : null;
  }

  /** What each part of a batch weighs among those of all processes at the same place, by its labels. */
  async weights(parts: readonly NdArray<"uint8">[]): Promise<number[]> {
    const { communicator, labelWeights } = this.#shared;
    const own = parts.map((labels) => weightOfLabels(labels, labelWeights));
    const all = Float64Array.from(own);
    await communicator.sum(all);
    return own.map((weight, part) => all[part] === 0 ? 0 : weight / all[part]!);
  }

  /**
   * Replace gradients by their sums over all processes, and statistics by their means.
   *
   * @param news What this process has to say.
   * @param statistics The statistics, in place.
   * @returns What all have to say.
   */
  async sum(
    { loss, stop }: StepNews,
    statistics: readonly NdArray<"float32">[],
  ): Promise<StepNews> {
    const { communicator } = this.#shared;
    const others = this.#all.subarray(this.gradients.data.length);
    others[LOSS] = loss;
    others[STOP] = stop ? 1 : 0;
    let place = FIRST_STATISTIC;
    for (const { data } of statistics) {
      others.set(data, place);
      place += data.length;
    }
    if (this.#half === null) {
      await communicator.sum(this.#all);
    } else {
      await this.#half.run();
      await communicator.sum(others);
    }
    place = FIRST_STATISTIC;
    for (const { data } of statistics) {
      for (let i = 0; i < data.length; i++) data[i] = others[place++]! / communicator.size;
    }
    return { loss: others[LOSS]!, stop: others[STOP]! > 0 };
  }
}
