/**
 * Which samples make which batch: a function of the seed and the batch's number, so that a run that
 * resumes needs no other state than its step.
 *
 * @module
 */
import { InputError } from "../errors.ts";
import { randomStream } from "../random/mod.ts";

/** Options of {@linkcode createBatchSampler}. */
export interface BatchSamplerOptions {
  /** Samples of the data set. */
  readonly count: number;
  /** Samples of a batch. */
  readonly batchSize: number;
  /** Seed of the run; null keeps the samples in order, as validation does. */
  readonly seed: number | null;
  /** Leave out the last batch of an epoch where it is not full. */
  readonly dropLast: boolean;
}

/** The samples of a batch. */
export interface SampleBatch {
  /** Epoch it belongs to, counted from 0. */
  readonly epoch: number;
  /** Zero-based numbers of its samples. */
  readonly samples: Uint32Array<ArrayBuffer>;
}

/** Tells the samples of any batch of a run. */
export interface BatchSampler {
  /** Batches of each epoch. */
  readonly batchesPerEpoch: number;
  /**
   * The samples of a batch.
   *
   * @param index Zero-based number of the batch in the whole run.
   */
  batch(index: number): SampleBatch;
}

/**
 * Divide a data set into batches, in another order each epoch.
 *
 * @param options Size and seed.
 * @returns The batches of the run, endless.
 * @throws {InputError} If there are no samples, or too few for one batch.
 *
 * @example
 * ```ts
 * import { createBatchSampler } from "swath";
 *
 * const sampler = createBatchSampler({ count: 10, batchSize: 4, seed: 1, dropLast: true });
 * if (sampler.batchesPerEpoch !== 2) throw new Error("two full batches");
 * const { epoch, samples } = sampler.batch(5);
 * if (epoch !== 2 || samples.length !== 4) throw new Error("the second batch of the third epoch");
 * ```
 */
export function createBatchSampler(options: BatchSamplerOptions): BatchSampler {
  const { count, batchSize, seed, dropLast } = options;
  if (count === 0) throw new InputError("Cannot make batches as there are no samples");
  const batchesPerEpoch = dropLast ? Math.floor(count / batchSize) : Math.ceil(count / batchSize);
  if (batchesPerEpoch === 0) {
    throw new InputError(`Cannot make a batch of ${batchSize} samples: there are ${count}`);
  }
  const shuffle = seed === null ? null : randomStream(seed, "shuffle");
  const orderOf = (epoch: number) =>
    shuffle?.permutation(count, epoch) ?? Uint32Array.from({ length: count }, (_, index) => index);
  let current = { epoch: -1, order: new Uint32Array() };
  return {
    batchesPerEpoch,
    batch(index) {
      const epoch = Math.floor(index / batchesPerEpoch);
      if (current.epoch !== epoch) current = { epoch, order: orderOf(epoch) };
      const start = (index - epoch * batchesPerEpoch) * batchSize;
      return { epoch, samples: current.order.slice(start, start + batchSize) };
    },
  };
}
