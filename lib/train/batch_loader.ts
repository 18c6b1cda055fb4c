/**
 * Batches made ahead of time in a worker.
 *
 * The runtime computes on the main thread, whose event loop stands still meanwhile, so that only
 * another thread can read the next batches at the same time. Batches of four augmented patches of 14 bands
 * and 256x256 pixels take 100 ms to make, B0's step 700 ms on two cores; of the 100 ms, 17 are left.
 *
 * @module
 */
import { InputError } from "../errors.ts";
import type { BatchAnswer, BatchFailure, BatchRequest } from "./batch_worker.ts";
import type { BatchPlan, PreparedBatch } from "./batches.ts";

/** Batches that are made ahead: enough to even out slow reads, few enough for memory. */
const AHEAD = 3;

/** Makes batches in a worker; see {@linkcode createBatchLoader}. */
export interface BatchLoader extends Disposable {
  /** Seconds that callers have waited for batches so far. */
  readonly waitSeconds: number;
  /**
   * Batches in order, made ahead of time.
   *
   * @param first Zero-based number of the first batch in the whole run.
   * @param end Number of the batch to stop before.
   * @throws {InputError} If a shard has changed or is damaged.
   */
  batches(first: number, end: number): AsyncGenerator<PreparedBatch, void, undefined>;
  /** End the worker; harmless when repeated. */
  close(): void;
}

/**
 * Start a worker that makes batches.
 *
 * @param plan What batches are made of.
 */
export function createBatchLoader(plan: BatchPlan): BatchLoader {
  return new WorkerLoader(plan);
}

class WorkerLoader implements BatchLoader {
  waitSeconds = 0;
  readonly #worker: Worker;
  readonly #waiting = new Map<number, PromiseWithResolvers<PreparedBatch>>();

  constructor(plan: BatchPlan) {
    this.#worker = new Worker(new URL("./batch_worker.ts", import.meta.url), { type: "module" });
    this.#worker.onmessage = ({ data }: MessageEvent<BatchAnswer>) => {
      const waiting = this.#waiting.get(data.index);
      this.#waiting.delete(data.index);
      if (data.type === "batch") waiting?.resolve(data.batch);
      else waiting?.reject(errorOf(data.failure));
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      const error = new Error(`internal: the worker that makes batches failed: ${event.message}`);
      for (const { reject } of this.#waiting.values()) reject(error);
      this.#waiting.clear();
    };
    this.#post({ type: "plan", plan });
  }

  async *batches(first: number, end: number): AsyncGenerator<PreparedBatch, void, undefined> {
    let asked = first;
    const pending: Promise<PreparedBatch>[] = [];
    for (let index = first; index < end; index++) {
      for (; asked < Math.min(end, index + AHEAD); asked++) pending.push(this.#ask(asked));
      const started = performance.now();
      const batch = await pending.shift()!;
      this.waitSeconds += (performance.now() - started) / 1000;
      yield batch;
    }
  }

  close(): void {
    this.#worker.terminate();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #ask(index: number): Promise<PreparedBatch> {
    // A caller that stopped early and starts again meets what it left.
    const before = this.#waiting.get(index);
    if (before !== undefined) return before.promise;
    const waiting = Promise.withResolvers<PreparedBatch>();
    // Whoever awaits it sees the failure; nobody may be left to do so.
    waiting.promise.catch(() => {});
    this.#waiting.set(index, waiting);
    this.#post({ type: "batch", index });
    return waiting.promise;
  }

  #post(request: BatchRequest): void {
    this.#worker.postMessage(request);
  }
}

function errorOf({ isInput, message, hint, stack }: BatchFailure): Error {
  if (isInput) return new InputError(message, hint === undefined ? {} : { hint });
  const error = new Error(message);
  if (stack !== undefined) error.stack = stack;
  return error;
}
