/**
 * Everything that a training needs before its first step, made from its configuration.
 *
 * @module
 */
import { type NdArray, ndarray } from "../array/mod.ts";
import { InputError } from "../errors.ts";
import type { ByteReader } from "../stream/mod.ts";
import { type HubOptions, type ModelCard, openModel, type SavedModel } from "../weights/mod.ts";
import { batchesPerEpoch, type BatchPlan } from "./batches.ts";
import type { DataSet } from "./data_set.ts";
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
  const { hub, inform, warn, stdin, onProgress, history = [] } = sources;
  using checkpoint = config.checkpoint === null
    ? null
    : await openModel(config.checkpoint, hub === undefined ? {} : { hub });
  const data = await openTrainingData(config, {
    card: checkpoint?.card ?? null,
    ...(stdin !== undefined && { stdin }),
    ...(onProgress !== undefined && { onProgress }),
    ...(warn !== undefined && { warn }),
  });
  try {
    const network = createTrainingNetwork(config, data, checkpoint);
    for (const line of network.report) inform?.(line);
    const { licence } = network.provenance;
    if (checkpoint?.downloaded && licence !== null) warn?.(`${checkpoint.source}: ${licence}`);
    const plans = plansOf(config, data, network);
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
      [Symbol.asyncDispose]: () => data[Symbol.asyncDispose](),
    };
  } catch (error) {
    await data[Symbol.asyncDispose]();
    throw error;
  }
}

function plansOf(
  config: TrainConfig,
  data: TrainingData,
  { network }: TrainingNetwork,
): Pick<TrainingSetup, "trainPlan" | "valPlan"> {
  const { size, batchSize, accumulate, seed, augment, ignoreIndex } = config;
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
    },
    valPlan: {
      ...common,
      set: data.val,
      height: roundUp(valPatch.height),
      width: roundUp(valPatch.width),
      batchSize: Math.min(batchSize, data.val.samples.length),
      random: null,
    },
  };
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
  const { config, data, trainPlan, network: { network } } = setup;
  const isEncoder = (name: string) => name.startsWith(network.encoderPrefix);
  return {
    network,
    batch: config.batchSize,
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
    ...(config.threads !== null && { threads: config.threads }),
  };
}

/** What a validation is made of. */
export function validatorOptions(setup: TrainingSetup): ValidatorOptions {
  const { config, data, valPlan, network: { network } } = setup;
  return {
    network,
    plan: valPlan,
    loss: lossOf(config, data.classWeights),
    classWeights: data.classWeights,
    device: config.device,
    threads: config.threads,
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
