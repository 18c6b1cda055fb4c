/**
 * What the processes of a training tell one another in each step: gradients, as one flat vector, and beside
 * them a few numbers that are summed as well.
 *
 * @module
 */
import { type NdArray, ndarray } from "../array/mod.ts";
import { type Communicator, HalfSum } from "../distributed/mod.ts";
import type { GradientPrecision } from "./train_config.ts";

/** Gradients and other numbers that are summed over processes. */
export class GradientExchange {
  /** The flat vector of gradients. */
  readonly gradients: NdArray<"float32">;
  /** The other numbers. */
  readonly others: Float32Array<ArrayBuffer>;
  readonly #communicator: Communicator;
  /** Both, side by side: one message. */
  readonly #all: Float32Array<ArrayBuffer>;
  readonly #half: HalfSum | null;

  /**
   * Allocate.
   *
   * @param communicator The processes.
   * @param length Elements of the gradients.
   * @param others How many numbers there are beside them.
   * @param precision How gradients travel.
   */
  constructor(
    communicator: Communicator,
    length: number,
    others: number,
    precision: GradientPrecision,
  ) {
    this.#communicator = communicator;
    this.#all = new Float32Array(length + others);
    this.gradients = ndarray("float32", [length], this.#all.subarray(0, length));
    this.others = this.#all.subarray(length);
    this.#half = precision === "float16" ? new HalfSum(communicator, this.gradients.data) : null;
  }

  /** Replace gradients and numbers by their sums over all processes. */
  async sum(): Promise<void> {
    if (this.#half === null) return await this.#communicator.sum(this.#all);
    await this.#half.run();
    await this.#communicator.sum(this.others);
  }
}
