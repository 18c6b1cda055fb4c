/**
 * Sums over processes in half the bytes: numbers travel as float16.
 *
 * MPI adds no float16, so that the sum is made here: each process adds up one part of the numbers of
 * all (an exchange), in single precision, and gives its sums to the others (a gather). As many bytes
 * travel as in the best all-reduce of the same numbers, and every number is rounded twice, however many processes
 * there are.
 *
 * @module
 */
import type { Communicator } from "./communicator.ts";

/** The largest number is scaled to this or less: half of what float16 holds. */
const LARGEST = 2 ** 15;

/** Adds up numbers over processes as float16. */
export class HalfSum {
  readonly #communicator: Communicator;
  readonly #data: Float32Array<ArrayBuffer>;
  /** Elements of a part. */
  readonly #part: number;
  readonly #sent: Float16Array<ArrayBuffer>;
  readonly #received: Float16Array<ArrayBuffer>;
  readonly #own: Float16Array<ArrayBuffer>;

  /**
   * Prepare to add up.
   *
   * @param communicator The processes.
   * @param data The numbers, which each call replaces by their sums.
   */
  constructor(communicator: Communicator, data: Float32Array<ArrayBuffer>) {
    const { size } = communicator;
    this.#communicator = communicator;
    this.#data = data;
    this.#part = Math.ceil(data.length / size);
    this.#sent = new Float16Array(this.#part * size);
    this.#received = new Float16Array(this.#part * size);
    this.#own = new Float16Array(this.#part);
  }

  /** Replace the numbers by their sums over all processes. */
  async run(): Promise<void> {
    const [data, sent, received, own] = [this.#data, this.#sent, this.#received, this.#own];
    const { size } = this.#communicator;
    const scale = await this.#scale();
    for (let i = 0; i < data.length; i++) sent[i] = data[i]! * scale;
    await this.#communicator.exchange(bytes(sent), bytes(received));
    // A sum may be as many times larger as there are processes.
    const sumScale = 2 ** -Math.ceil(Math.log2(size));
    const sums = new Float32Array(this.#part);
    for (let process = 0; process < size; process++) {
      const from = process * this.#part;
      for (let i = 0; i < sums.length; i++) sums[i]! += received[from + i]!;
    }
    for (let i = 0; i < own.length; i++) own[i] = sums[i]! * sumScale;
    await this.#communicator.gather(bytes(own), bytes(received));
    const back = 1 / (scale * sumScale);
    for (let i = 0; i < data.length; i++) data[i] = received[i]! * back;
  }

  /** A power of two that brings the largest of all numbers near the largest of float16. */
  async #scale(): Promise<number> {
    const largest = new Float64Array(1);
    for (const value of this.#data) {
      const magnitude = Math.abs(value);
      if (magnitude > largest[0]!) largest[0] = magnitude;
    }
    await this.#communicator.max(largest);
    return largest[0] === 0 ? 1 : 2 ** Math.floor(Math.log2(LARGEST / largest[0]!));
  }
}

function bytes({ buffer }: Float16Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(buffer);
}
