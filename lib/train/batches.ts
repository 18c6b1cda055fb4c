/**
 * From samples on disk to batches that a network takes: read, normalized, varied, stacked.
 *
 * A batch is a function of its plan and its number, wherever it is made.
 *
 * @module
 */
import { type DataType, elementCount, formatShape, type NdArray, ndarray } from "../array/mod.ts";
import { InputError } from "../errors.ts";
import { signedDistances } from "../losses/mod.ts";
import { applyNormalization, maskNonFinite, type Normalization } from "../normalization/mod.ts";
import type { SampleInfo } from "../stream/mod.ts";
import { applyAugmentation, drawAugmentation, type TrainingPatch } from "./augment.ts";
import { createDataSetReader, type DataSet, type DataSetReader } from "./data_set.ts";
import { createBatchSampler } from "./sampler.ts";
import type { AugmentConfig } from "./train_config.ts";
import type { TrainBatch } from "./train_step.ts";

/** What batches are made of, and how: plain data, which can be handed to a worker. */
export interface BatchPlan {
  /** The samples. */
  readonly set: DataSet;
  /** Zero-based numbers of the bands to take; null for all. */
  readonly bands: readonly number[] | null;
  /** Applied to the stored numbers of these bands; null where they are normalized. */
  readonly normalization: Normalization | null;
  /** Label of pixels that do not count. */
  readonly ignoreIndex: number;
  /** Rows of a batch; smaller samples are filled with pixels that do not count. */
  readonly height: number;
  /** Columns of a batch. */
  readonly width: number;
  /** Samples of a batch; where fewer are left, it is filled with pixels that do not count. */
  readonly batchSize: number;
  /** Number of classes for which signed distances are wanted; null for none. */
  readonly distanceClasses?: number | null;
  /** How samples are shuffled, cut and varied; null takes them whole and in order. */
  readonly random: RandomPlan | null;
  /** Which samples of a batch are made; all where left out. */
  readonly share?: BatchShare;
}

/** The samples of a batch that one of several processes has: its share of each of the parts, side by side. */
export interface BatchShare {
  /** Number of the process, from 0. */
  readonly rank: number;
  /** Number of processes. */
  readonly size: number;
  /** Equal parts of a batch, each of which all processes share. */
  readonly parts: number;
}

/** How samples are shuffled, cut and varied. */
export interface RandomPlan {
  /** Seed of the run. */
  readonly seed: number;
  /** What is done to samples. */
  readonly augment: AugmentConfig;
  /** Pixels of a side that are cut out; null for whole samples. */
  readonly size: number | null;
}

/** A batch and what it was made of. */
export interface PreparedBatch extends TrainBatch {
  /** The samples in order; fewer than the batch has room for where no more were left. */
  readonly samples: readonly {
    /** Key of the sample. */
    readonly key: string;
    /** Where it lies in its scene. */
    readonly info: SampleInfo;
  }[];
}

/** Makes batches by their number. */
export interface BatchMaker extends Disposable {
  /** Batches of each epoch. */
  readonly batchesPerEpoch: number;
  /**
   * Make a batch.
   *
   * @param index Zero-based number of the batch in the whole run.
   * @throws {InputError} If a shard has changed or is damaged.
   */
  make(index: number): Promise<PreparedBatch>;
}

/**
 * Batches of an epoch.
 *
 * @param plan The plan.
 * @throws {InputError} If there are too few samples for a batch.
 */
export function batchesPerEpoch(plan: BatchPlan): number {
  return samplerOf(plan).batchesPerEpoch;
}

/**
 * Begin to make batches.
 *
 * @param plan The plan.
 * @throws {InputError} If there are too few samples for a batch.
 */
export function createBatchMaker(plan: BatchPlan): BatchMaker {
  const sampler = samplerOf(plan);
  const reader = createDataSetReader(plan.set);
  return {
    batchesPerEpoch: sampler.batchesPerEpoch,
    async make(index) {
      const { epoch, samples: all } = sampler.batch(index);
      const { batchSize, height, width, share } = plan;
      const count = batchSize / (share?.size ?? 1);
      const samples = share === undefined ? all : samplesOf(share, all);
      const bands = plan.bands?.length ?? plan.set.header.bands.length;
      const image = ndarray("float32", [count, bands, height, width]);
      const labels = ndarray("uint8", [count, height, width]);
      labels.data.fill(plan.ignoreIndex);
      const made = [];
      for (const [position, sample] of samples.entries()) {
        const { key, info, patch } = await readPatch(plan, reader, sample);
        const varied = vary(plan, patch, epoch, sample);
        place(image, varied.image as NdArray<"float32">, position * bands, key);
        place(labels, labelsThatCount(varied, plan.ignoreIndex), position, key);
        made.push({ key, info });
      }
      const { distanceClasses: classes = null, ignoreIndex } = plan;
      if (classes === null) return { image, labels, samples: made };
      return {
        image,
        labels,
        samples: made,
        distances: signedDistances(labels, { classes, ignoreIndex }),
      };
    },
    [Symbol.dispose]: reader.close,
  };
}

/**
 * A batch in equal parts along its first axis, without copies.
 *
 * @param batch The batch.
 * @param parts How many.
 */
export function partsOfBatch(
  { image, labels, distances }: TrainBatch,
  parts: number,
): TrainBatch[] {
  const slice = <D extends "float32" | "uint8">(array: NdArray<D>, part: number): NdArray<D> => {
    const shape = [array.shape[0]! / parts, ...array.shape.slice(1)];
    const size = elementCount(shape);
    const data = array.data.subarray(part * size, (part + 1) * size) as NdArray<D>["data"];
    return ndarray(array.dtype, shape, data);
  };
  return Array.from({ length: parts }, (_, part) => ({
    image: slice(image, part),
    labels: slice(labels, part),
    ...(distances !== undefined && { distances: slice(distances, part) }),
  }));
}

/** The samples of a batch that a process has. */
function samplesOf({ rank, size, parts }: BatchShare, samples: Uint32Array): Uint32Array {
  const length = samples.length / parts / size;
  return samples.filter((_, position) => Math.floor(position / length) % size === rank);
}

/** Training leaves out what does not fill a batch, so that all steps weigh the same. */
function samplerOf({ set, batchSize, random }: BatchPlan) {
  return createBatchSampler({
    count: set.samples.length,
    batchSize,
    seed: random?.seed ?? null,
    dropLast: random !== null,
  });
}

/** A sample, normalized. */
async function readPatch(plan: BatchPlan, reader: DataSetReader, number: number) {
  const { key, info, arrays } = await reader.read(number, ["image", "label", "valid"]);
  const { label } = arrays;
  if (arrays.image === undefined || label === undefined) {
    throw new InputError(`Cannot train on sample "${key}" as it has no image or no label`);
  }
  const stored = plan.bands === null ? arrays.image : takeBands(arrays.image, plan.bands);
  const { valid } = maskNonFinite(stored, (arrays.valid ?? null) as NdArray<"uint8"> | null);
  const patch: TrainingPatch = {
    image: plan.normalization === null
      ? asFloat32(stored)
      : applyNormalization(stored, valid, plan.normalization),
    label: label as NdArray<"uint8">,
    valid: valid ?? ndarray("uint8", label.shape, new Uint8Array(label.data.length).fill(1)),
  };
  return { key, info, patch };
}

/** Normalized images have mean 0 and standard deviation 1, in which augmentation is told. */
function vary(plan: BatchPlan, patch: TrainingPatch, epoch: number, sample: number): TrainingPatch {
  if (plan.random === null) return patch;
  const { seed, augment, size } = plan.random;
  const shape = patch.image.shape as [number, number, number];
  const drawn = drawAugmentation(augment, { seed, epoch, sample }, shape, size);
  return applyAugmentation(drawn, patch, plan.ignoreIndex);
}

/** Labels, with the ignore label where there is no data. */
function labelsThatCount({ label, valid }: TrainingPatch, ignoreIndex: number): NdArray<"uint8"> {
  const labels = ndarray("uint8", label.shape);
  for (let i = 0; i < labels.data.length; i++) {
    labels.data[i] = valid.data[i] === 1 ? label.data[i]! : ignoreIndex;
  }
  return labels;
}

/** Put the planes of an array (…, h, w) at the upper left of the planes of a batch, from one of them on. */
function place<D extends "float32" | "uint8">(
  batch: NdArray<D>,
  array: NdArray<D>,
  firstPlane: number,
  key: string,
): void {
  const [height = 1, width = 1] = batch.shape.slice(-2);
  const [rows = 1, columns = 1] = array.shape.slice(-2);
  if (rows > height || columns > width) {
    throw new InputError(
      `Cannot put sample "${key}" of ${
        formatShape(array.shape)
      } into a batch of ${height}x${width}`,
    );
  }
  const planes = array.data.length / (rows * columns);
  for (let plane = 0; plane < planes; plane++) {
    for (let row = 0; row < rows; row++) {
      const from = (plane * rows + row) * columns;
      batch.data.set(
        array.data.subarray(from, from + columns),
        ((firstPlane + plane) * height + row) * width,
      );
    }
  }
}

function takeBands(image: NdArray, bands: readonly number[]): NdArray {
  const [, height = 0, width = 0] = image.shape;
  const area = height * width;
  const taken = ndarray<DataType>(image.dtype, [bands.length, height, width]);
  bands.forEach((band, index) => {
    const plane = image.data.subarray(band * area, (band + 1) * area);
    (taken.data as Float32Array).set(plane as Float32Array, index * area);
  });
  return taken;
}

function asFloat32(image: NdArray): NdArray<"float32"> {
  const { data } = image;
  if (data instanceof Float32Array) return ndarray("float32", image.shape, data);
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
    return ndarray("float32", image.shape, Float32Array.from(data, Number));
  }
  return ndarray("float32", image.shape, Float32Array.from(data));
}
