/**
 * Everything that a training needs before its first step, made from its configuration.
 *
 * @module
 */
import { type NdArray, ndarray } from "../array/mod.ts";
import { broadcastValue, type Communicator, onFirstProcess } from "../distributed/mod.ts";
import { InputError } from "../errors.ts";
import { networkFromConfig } from "../models/mod.ts";
import type { ByteReader } from "../stream/mod.ts";
import { type HubOptions, type ModelCard, openModel, type SavedModel } from "../weights/mod.ts";
import { batchesPerEpoch, type BatchPlan } from "./batches.ts";
import type { DataSet } from "./data_set.ts";
import { labelWeights } from "./label_weights.ts";
import type { TrainConfig } from "./train_config.ts";
import type { TrainStepOptions } from "./train_step.ts";
import { openTrainingData, type TrainingData } from "./training_data.ts";
import { createTrainingNetwork, optimizerOf, type TrainingNetwork } from "./training_network.ts";
import { lossOf, needsDistances } from "./training_loss.ts";
import type { ValidatorOptions } from "./validation.ts";

/** Where a training gets what is outside of its configuration. */
export interface TrainingSources {
  /** Bytes of the stream that `-` stands for. */
  readonly stdin?: () => ByteReader;
  /** How to reach the hub, where `checkpoint` names a model of it. */
  readonly hub?: HubOptions;
  /** What makes the model, such as the command line, to be kept with it. */
  readonly history?: readonly string[];
  /** Processes that train together; left out where there is one. */
  readonly communicator?: Communicator;
  /** Called with what users should know. */
  readonly inform?: (message: string) => void;
  /** Called with what looks wrong. */
  readonly warn?: (message: string) => void;
  /** Called with what is being done and how far it is; a total of 0 is not known. */
  readonly onProgress?: (what: string, done: number, total: number) => void;
}

/** A training before its first step. */
export interface TrainingSetup extends AsyncDisposable {
  /** The configuration. */
  readonly config: TrainConfig;
  /** Data, bands, classes and normalization. */
  readonly data: TrainingData;
  /** The network and the parameters to begin with. */
  readonly network: TrainingNetwork;
  /** What batches of a step are made of; a step has `accumulate` of them. */
  readonly trainPlan: BatchPlan;
  /** What is validated on. */
  readonly valPlan: BatchPlan;
  /** Steps of an epoch. */
  readonly stepsPerEpoch: number;
  /** Steps of the whole run. */
  readonly totalSteps: number;
  /** Bands, normalization, classes and provenance of the models that come out. */
  readonly card: ModelCard;
  /** Processes that train together; null where there is one. */
  readonly communicator: Communicator | null;
}

/**
 * Set up a training.
 *
 * @param config Its configuration.
 * @param sources Standard input, the hub, and where messages go.
 * @returns The set-up; dispose of it when the training is over.
 * @throws {InputError} If data or checkpoint are missing, damaged or do not fit the configuration.
 */
export async function setUpTraining(
  config: TrainConfig,
  sources: TrainingSources = {},
): Promise<TrainingSetup> {
  const { communicator = null, history = [] } = sources;
  const own = await onFirstProcess(communicator, () => prepare(config, sources));
  const { data, network } = communicator === null ? own! : await handOn(communicator, own);
  const plans = plansOf(config, data, network, communicator);
  const stepsPerEpoch = batchesPerEpoch(plans.trainPlan);
  return {
    config,
    data,
    network,
    ...plans,
    stepsPerEpoch,
    totalSteps: Math.min(config.epochs * stepsPerEpoch, config.maxSteps ?? Infinity),
    card: {
      bands: data.bands,
      normalization: data.normalization,
      classes: data.classes,
      provenance: {
        ...network.provenance,
        history: [...network.provenance.history, ...history],
      },
    },
    communicator,
    [Symbol.asyncDispose]: () => data[Symbol.asyncDispose](),
  };
}

/** What takes reading data and checkpoint. */
interface Prepared {
  readonly data: TrainingData;
  readonly network: TrainingNetwork;
}

async function prepare(config: TrainConfig, sources: TrainingSources): Promise<Prepared> {
  const { hub, inform, warn, stdin, onProgress, communicator } = sources;
  if (
    communicator !== undefined && communicator.localSize < communicator.size &&
    [...config.train, ...config.val].includes("-")
  ) {
    throw new InputError("Cannot train on standard input on several machines", {
      hint: "Put the stream into a file that all of them see: swath tile … > train.tar",
    });
  }
  using checkpoint = config.checkpoint === null ? null : await openModel(config.checkpoint, {
    configOptional: true,
    ...(hub !== undefined && { hub }),
  });
  const data = await openTrainingData(config, {
    card: checkpoint?.card ?? null,
    ...(stdin !== undefined && { stdin }),
    ...(onProgress !== undefined && { onProgress }),
    ...(warn !== undefined && { warn }),
  });
  try {
    const network = createTrainingNetwork(config, data, checkpoint);
    // What is wrong with the sizes is found here, before others wait.
    plansOf(config, data, network, communicator ?? null);
    for (const line of network.report) inform?.(line);
    const { licence } = network.provenance;
    if (checkpoint?.downloaded && licence !== null) warn?.(`${checkpoint.source}: ${licence}`);
    return { data, network };
  } catch (error) {
    await data[Symbol.asyncDispose]();
    throw error;
  }
}

/** Hand what process 0 has prepared to the others. Parameters follow once they are in place. */
async function handOn(communicator: Communicator, own: Prepared | null): Promise<Prepared> {
  const plain = own === null ? null : {
    data: { ...own.data, [Symbol.asyncDispose]: undefined },
    network: { config: own.network.config, provenance: own.network.provenance },
  };
  const { data, network } = await broadcastValue(communicator, plain);
  return own ?? {
    data: { ...data, [Symbol.asyncDispose]: () => Promise.resolve() },
    network: {
      ...network,
      network: networkFromConfig(network.config),
      parameters: new Map(),
      report: [],
    },
  };
}

type Plans = Pick<TrainingSetup, "trainPlan" | "valPlan">;

function plansOf(
  config: TrainConfig,
  data: TrainingData,
  { network }: TrainingNetwork,
  communicator: Communicator | null,
): Plans {
  const { size, batchSize, accumulate, seed, augment, ignoreIndex } = config;
  const ownBatch = ownBatchSize(config, communicator);
  const roundUp = (extent: number) => Math.ceil(extent / network.multiple) * network.multiple;
  if (size !== null && size % network.multiple !== 0) {
    throw new InputError(
      `Cannot train with size ${size} as the network needs a multiple of ${network.multiple}`,
      { hint: `Use ${roundUp(size)}` },
    );
  }
  const common = {
    bands: data.bandNumbers,
    normalization: data.isRaw ? data.normalization : null,
    ignoreIndex,
    distanceClasses: needsDistances(config) ? data.classes.length : null,
  };
  const patch = largestPatch(data.train);
  const valPatch = largestPatch(data.val);
  return {
    trainPlan: {
      ...common,
      set: data.train,
      height: size ?? roundUp(patch.height),
      width: size ?? roundUp(patch.width),
      batchSize: batchSize * accumulate,
      random: { seed, augment, size },
      ...(communicator !== null && {
        share: { rank: communicator.rank, size: communicator.size, parts: accumulate },
      }),
    },
    valPlan: {
      ...common,
      set: data.val,
      height: roundUp(valPatch.height),
      width: roundUp(valPatch.width),
      batchSize: Math.min(ownBatch, data.val.samples.length),
      random: null,
    },
  };
}

/** Samples of a batch that this process has. */
function ownBatchSize(
  { batchSize }: TrainConfig,
  communicator: Communicator | null,
): number {
  if (communicator === null) return batchSize;
  const { size } = communicator;
  if (batchSize % size === 0) return batchSize / size;
  throw new InputError(
    `Cannot share a batch of ${batchSize} samples among ${size} processes as each must have the same number`,
    {
      hint: `Use a batch_size of ${
        Math.ceil(batchSize / size) * size
      }, or another number of processes`,
    },
  );
}

/** Threads of a process: those that share a machine share its cores. */
function threadsOf({ threads }: TrainConfig, communicator: Communicator | null): number | null {
  if (threads !== null || communicator === null) return threads;
  return Math.max(1, Math.floor(navigator.hardwareConcurrency / communicator.localSize));
}

function largestPatch({ shards }: DataSet): { readonly height: number; readonly width: number } {
  const windows = shards.flatMap(({ index }) => index.samples.map(({ info }) => info.window));
  return {
    height: windows.reduce((largest, { height }) => Math.max(largest, height), 1),
    width: windows.reduce((largest, { width }) => Math.max(largest, width), 1),
  };
}

/**
 * What a train step is made of.
 *
 * @param setup The training.
 * @param isEncoderFrozen True while the encoder stays as it is.
 */
export function stepOptions(setup: TrainingSetup, isEncoderFrozen: boolean): TrainStepOptions {
  const { config, data, trainPlan, communicator, network: { network } } = setup;
  const threads = threadsOf(config, communicator);
  const isEncoder = (name: string) => name.startsWith(network.encoderPrefix);
  return {
    network,
    batch: ownBatchSize(config, communicator),
    height: trainPlan.height,
    width: trainPlan.width,
    loss: lossOf(config, data.classWeights),
    optimizer: optimizerOf(config),
    weightDecay: config.weightDecay,
    learningRateScale: (name) => isEncoder(name) ? 1 : config.headLearningRateFactor,
    frozen: (name) => isEncoderFrozen && isEncoder(name),
    clipNorm: config.clipNorm,
    emaDecay: config.ema,
    split: config.accumulate > 1,
    checkpointActivations: config.checkpointActivations,
    seed: config.seed,
    device: config.device,
    ...(threads !== null && { threads }),
    shared: communicator === null ? null : {
      communicator,
      synchronizeBatchNorm: config.syncBatchNorm,
      gradientPrecision: config.gradientPrecision,
      labelWeights: labelWeights(network.classes, config.ignoreIndex, data.classWeights),
    },
  };
}

/** What a validation is made of. */
export function validatorOptions(setup: TrainingSetup): ValidatorOptions {
  const { config, data, valPlan, communicator, network: { network } } = setup;
  return {
    network,
    plan: valPlan,
    loss: lossOf(config, data.classWeights),
    classWeights: data.classWeights,
    device: config.device,
    threads: threadsOf(config, communicator),
  };
}

/**
 * A model directory to be written, with given parameters.
 *
 * @param setup The training.
 * @param parameters Parameters and statistics by name.
 * @param step Steps taken, which PyTorch counts in every batch normalization.
 */
export function modelOf(
  { network, card }: TrainingSetup,
  parameters: ReadonlyMap<string, NdArray>,
  step: number,
): SavedModel {
  const counters = [...parameters.keys()]
    .filter((name) => name.endsWith(".running_mean"))
    .map((name) =>
      [
        name.replace(/running_mean$/, "num_batches_tracked"),
        ndarray("int64", [], BigInt64Array.of(BigInt(step))),
      ] as const
    );
  return {
    config: network.config,
    card,
    tensors: new Map<string, NdArray>([...parameters, ...counters]),
  };
}
