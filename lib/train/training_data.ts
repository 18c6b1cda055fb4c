/**
 * The data of a training: shards found, checked against one another, and what the network is to know
 * of them: bands, normalization, classes.
 *
 * @module
 */
import type { NdArray } from "../array/mod.ts";
import { classesFromNames, type ClassInfo } from "../classes/mod.ts";
import { InputError } from "../errors.ts";
import {
  BandStatistics,
  checkScale,
  type Normalization,
  normalizationFromStatistics,
} from "../normalization/mod.ts";
import type { ByteReader } from "../stream/mod.ts";
import { selectBands } from "../tiling/mod.ts";
import { abbreviateList } from "../text/mod.ts";
import type { ModelCard } from "../weights/mod.ts";
import { classWeights } from "./class_weights.ts";
import { checkClasses } from "./config.ts";
import { createDataSetReader, type DataSet, openDataSet } from "./data_set.ts";
import { checkSeparate, countLabels } from "./data_set_checks.ts";
import { expandShards, spoolStream } from "./shard_files.ts";
import type { TrainConfig } from "./train_config.ts";

/** Stands for standard input among the shards. */
const STANDARD_INPUT = "-";

/** What the data of a training is and how networks see it. */
export interface TrainingData extends AsyncDisposable {
  /** Samples to train on. */
  readonly train: DataSet;
  /** Samples to validate on. */
  readonly val: DataSet;
  /** Zero-based numbers of the bands in the samples; null for all. */
  readonly bandNumbers: readonly number[] | null;
  /** Names of the bands that the network takes. */
  readonly bands: readonly string[];
  /** Classes in the order of their labels. */
  readonly classes: readonly ClassInfo[];
  /** Weight of each class in the loss; null where all count the same. */
  readonly classWeights: readonly number[] | null;
  /** How stored numbers become the network's input, to be kept with the model. */
  readonly normalization: Normalization;
  /** True if the samples hold stored numbers, to which the normalization is still to be applied. */
  readonly isRaw: boolean;
}

/** Options of {@linkcode openTrainingData}. */
export interface TrainingDataOptions {
  /** Bytes of the stream that `-` stands for. */
  readonly stdin?: () => ByteReader;
  /**
   * What a model to start from says: its statistics hold for the same bands, its classes where neither
   * configuration nor data name any.
   */
  readonly card: Pick<ModelCard, "bands" | "normalization" | "classes"> | null;
  /** Called with what is being done and how far it is. */
  readonly onProgress?: (what: string, done: number, total: number) => void;
  /** Called with what looks wrong with the data. */
  readonly warn?: (message: string) => void;
}

/**
 * Open the data of a training.
 *
 * @param config Names the shards, bands and classes.
 * @param options Standard input, and where progress and warnings go.
 * @returns The data; disposing of it removes what standard input was spooled to.
 * @throws {InputError} If there is no data to train or validate on, it is damaged, does not go together,
 * or does not fit the configuration.
 */
export async function openTrainingData(
  config: TrainConfig,
  options: TrainingDataOptions,
): Promise<TrainingData> {
  await using spools = new AsyncDisposableStack();
  const pathsOf = (kind: "train" | "val") => findShards(config[kind], kind, options, spools);
  const [trainPaths, valPaths] = [await pathsOf("train"), await pathsOf("val")];
  const { ignoreIndex } = config;
  const progress = (what: string) => (done: number, total: number) =>
    options.onProgress?.(what, done, total);
  const list = (paths: readonly string[]) =>
    openDataSet(paths, { onProgress: progress("Listing samples") });
  const [listedTrain, listedVal] = [await list(trainPaths), await list(valPaths)];
  const classes = classesOf(config, listedTrain, options);
  checkClasses(config, classes.map(({ name }) => name));
  const labelled = async (set: DataSet): Promise<DataSet> => {
    using reader = createDataSetReader(set);
    return { ...set, ...await countLabels(set, reader, classes.length, ignoreIndex) };
  };
  const [train, val] = [await labelled(listedTrain), await labelled(listedVal)];
  const overlaps = checkSeparate(train, val);
  if (overlaps > 0) {
    options.warn?.(
      `${overlaps} pairs of training and validation samples share pixels: scores will be too good`,
    );
  }
  warnOfAbsentClasses(train, classes, options);
  const { bands: available } = train.header;
  const bandNumbers = config.bands === null
    ? null
    : selectBands({ source: train.shards[0]!.path, bands: available }, config.bands);
  const bands = pick(available, bandNumbers).map(({ name }) => name);
  const { normalization, isRaw } = await normalizationOf(train, bandNumbers, bands, options);
  const kept = spools.move();
  return {
    train,
    val,
    bandNumbers,
    bands,
    classes,
    classWeights: classWeights(config, train, classes.length),
    normalization,
    isRaw,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

async function findShards(
  patterns: readonly string[],
  kind: "train" | "val",
  { stdin, onProgress }: TrainingDataOptions,
  spools: AsyncDisposableStack,
): Promise<string[]> {
  const purpose = kind === "train" ? "train on" : "validate on";
  if (patterns.length === 0) {
    throw new InputError(`Cannot train as there is no data to ${purpose}`, {
      hint: kind === "train"
        ? 'Name shards: --train "train-*.tar", or - for a stream on standard input'
        : "Name shards: --val val.tar; swath split divides a data set",
    });
  }
  const files = await expandShards(patterns.filter((pattern) => pattern !== STANDARD_INPUT));
  if (!patterns.includes(STANDARD_INPUT)) return files;
  if (stdin === undefined) {
    throw new InputError(`Cannot ${purpose} standard input as there is none`);
  }
  onProgress?.("Reading standard input", 0, 0);
  const spool = await spoolStream(stdin(), { source: "standard input" });
  spools.defer(() => Deno.remove(spool));
  return [spool, ...files];
}

/** Names are the configuration's, the data's, or those of the model to start from. */
function classesOf(
  config: TrainConfig,
  { header, shards }: DataSet,
  { card }: TrainingDataOptions,
): readonly ClassInfo[] {
  if (config.classes !== null) {
    const colors = header.classes?.length === config.classes.length ? header.classes : null;
    return classesFromNames(config.classes)
      .map(({ name, color }, index) => ({ name, color: colors?.[index]?.color ?? color }));
  }
  const classes = header.classes ?? card?.classes;
  if (classes) return classes;
  throw new InputError(
    `Cannot train on ${JSON.stringify(shards[0]!.path)} as it does not name its classes`,
    { hint: "Name them in the order of their labels: --classes water,forest,…" },
  );
}

function warnOfAbsentClasses(
  { labelCounts }: DataSet,
  classes: readonly ClassInfo[],
  { warn }: TrainingDataOptions,
): void {
  const absent = classes.filter((_, index) => labelCounts[index] === 0).map(({ name }) => name);
  if (absent.length === classes.length) {
    throw new InputError("Cannot train as no pixel of the training data has a label");
  }
  if (absent.length > 0) warn?.(`no training pixel has the label of ${abbreviateList(absent)}`);
}

async function normalizationOf(
  train: DataSet,
  bandNumbers: readonly number[] | null,
  bands: readonly string[],
  options: TrainingDataOptions,
): Promise<Pick<TrainingData, "normalization" | "isRaw">> {
  const { normalization } = train.header;
  if (normalization !== null) {
    return { normalization: ofBands(normalization, bandNumbers), isRaw: false };
  }
  const own = options.card?.normalization ?? null;
  if (own !== null && own.bands.join("\n") === bands.join("\n")) {
    checkScale(own, pick(train.header.bands, bandNumbers), {
      wants: "the model to start from",
      has: "the training data",
    });
    return { normalization: own, isRaw: true };
  }
  const { normalization: fitted, constantBands } = normalizationFromStatistics(
    await fitStatistics(train, options),
  );
  const used = constantBands.filter((name) => bands.includes(name));
  if (used.length > 0) {
    options.warn?.(`bands without any variation say nothing: ${abbreviateList(used)}`);
  }
  return { normalization: ofBands(fitted, bandNumbers), isRaw: true };
}

async function fitStatistics(
  train: DataSet,
  { onProgress }: TrainingDataOptions,
): Promise<BandStatistics> {
  const { bands, dtype } = train.header;
  if (dtype === null) throw new InputError("Cannot train on samples without images");
  const statistics = new BandStatistics(bands, dtype);
  using reader = createDataSetReader(train);
  const total = train.samples.length;
  for (let sample = 0; sample < total; sample++) {
    const { image, valid } = (await reader.read(sample, ["image", "valid"])).arrays;
    statistics.add(image!, (valid ?? null) as NdArray<"uint8"> | null);
    onProgress?.("Measuring bands", sample + 1, total);
  }
  return statistics;
}

/** Items of some bands out of those of all. */
function pick<Item>(all: readonly Item[], numbers: readonly number[] | null): readonly Item[] {
  return numbers === null ? all : numbers.map((number) => all[number]!);
}

function ofBands(
  { bands, scale, offset, mean, std, clip }: Normalization,
  numbers: readonly number[] | null,
): Normalization {
  return {
    bands: pick(bands, numbers),
    scale: pick(scale, numbers),
    offset: pick(offset, numbers),
    mean: pick(mean, numbers),
    std: pick(std, numbers),
    clip,
  };
}
