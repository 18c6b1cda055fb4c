/**
 * Models on disk, in the layout of Hugging Face's transformers: `config.json`, the weights
 * (`model.safetensors`) and `preprocessor_config.json`. transformers opens what is saved here, and
 * what transformers saved is opened here.
 *
 * @module
 */
import { dirname, join } from "node:path";
import { InputError } from "../errors.ts";
import type { NdArray } from "../array/mod.ts";
import { createAtomicDirectory, fileError, withFileErrors, writeFileAtomic } from "../files/mod.ts";
import { fetchFromHub, type HubOptions } from "./hub.ts";
import { formatHubId, type HubId, parseHubId } from "./hub_id.ts";
import { licenceNotice } from "./licence.ts";
import { EMPTY_MODEL_CARD, type ModelCard, readModelCard, withModelCard } from "./model_card.ts";
import { openWeights } from "./open_weights.ts";
import { writeSafetensors } from "./safetensors_writer.ts";
import { isJsonObject, JsonFault, parseStrictJson } from "./strict_json.ts";
import type { TensorSource } from "./tensor_source.ts";

const CONFIG = "config.json";
const PREPROCESSOR = "preprocessor_config.json";
const WEIGHTS = "model.safetensors";

/** Names of weights, best first: safetensors cannot be slow or hold anything else. */
const WEIGHTS_NAMES = [
  WEIGHTS,
  "model.safetensors.index.json",
  "pytorch_model.bin",
  "pytorch_model.bin.index.json",
] as const;

/** The parts that an index lists, such as `model-00001-of-00002.safetensors`. */
const SHARD_NAME = /^(?:model-\d+-of-(\d+)\.safetensors|pytorch_model-\d+-of-(\d+)\.bin)$/;

/** What a directory may hold for a model to be saved over it. */
const REPLACEABLE = [CONFIG, PREPROCESSOR, ...WEIGHTS_NAMES, "README.md", ".gitattributes"];

/** Configurations list classes by number: some thousands at most. */
const CONFIG_LIMITS = { depth: 32, keys: 1_000_000 };
const MAX_CONFIG_BYTES = 2 ** 26;

/** Options of {@linkcode openModel}. */
export interface OpenModelOptions {
  /** How to reach the hub; models that are not on disk are an error where left out. */
  readonly hub?: HubOptions;
  /** Accept a file of weights without `config.json` beside it, whose configuration is empty then. */
  readonly configOptional?: boolean;
}

/** An open model. */
export interface OpenModel extends Disposable {
  /** What it was opened as: a path, or a hub's name such as `nvidia/mit-b5`. */
  readonly source: string;
  /** Folder that holds its files. */
  readonly directory: string;
  /** Content of `config.json`. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Content of `preprocessor_config.json`; null where there is none. */
  readonly preprocessor: Readonly<Record<string, unknown>> | null;
  /** Bands, normalization, classes and provenance. */
  readonly card: ModelCard;
  /** The weights. */
  readonly weights: TensorSource;
  /** Commit of the hub that it is; null for files of one's own. */
  readonly commit: string | null;
  /** True if the weights were downloaded just now. */
  readonly downloaded: boolean;
  /** Release the weights; harmless when repeated. */
  close(): void;
}

/**
 * Open a model.
 *
 * @param source A model directory; a file of weights with `config.json` beside it; or the name of a
 * model on the hub, such as `nvidia/mit-b5` or `nvidia/mit-b5@main`. What is on disk comes first.
 * @param options How to reach the hub.
 * @returns The model; close it, or declare it with `using`.
 * @throws {InputError} If there is no such model, or a part of it is missing or damaged.
 */
export async function openModel(
  source: string,
  options: OpenModelOptions = {},
): Promise<OpenModel> {
  const onDisk = await locateOnDisk(source);
  if (onDisk !== null) return await openFiles(source, onDisk, null, options.configOptional);
  const { id, hub } = hubModel(source, options);
  const snapshot = await fetchFromHub(id, selectModelFiles, hub);
  const { directory, commit, downloaded } = snapshot;
  const weights = findWeights(await listFiles(directory), directory);
  const files = { directory, weights: join(directory, weights) };
  return await openFiles(formatHubId(id), files, { commit, downloaded: downloaded.length > 0 });
}

/** The configuration of a model, without its weights. */
export interface ModelConfig {
  /** What it was opened as: a path, or a hub's name such as `nvidia/mit-b5`. */
  readonly source: string;
  /** Content of `config.json`. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Bands, normalization, classes and provenance. */
  readonly card: ModelCard;
}

/**
 * Read the configuration of a model. Of a model on the hub, nothing but `config.json` is downloaded.
 *
 * @param source A directory with `config.json`; a file beside it, or itself; or the name of a model on
 * the hub. What is on disk comes first.
 * @param options How to reach the hub.
 * @returns The configuration.
 * @throws {InputError} If there is no such model, or its configuration is missing or damaged.
 */
export async function readModelConfig(
  source: string,
  options: OpenModelOptions = {},
): Promise<ModelConfig> {
  const info = await statPath(source);
  if (info !== null) return await readConfig(source, info.isDirectory ? source : dirname(source));
  const { id, hub } = hubModel(source, options);
  const { directory } = await fetchFromHub(id, selectConfig, hub);
  return await readConfig(formatHubId(id), directory);
}

function selectConfig(files: readonly string[]): string[] | null {
  return files.includes(CONFIG) ? [CONFIG] : null;
}

/** What a model is saved from. */
export interface SavedModel {
  /** The network's configuration with transformers' names. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Bands, normalization, classes and provenance. */
  readonly card: ModelCard;
  /** Content of `preprocessor_config.json`; none is written where left out. */
  readonly preprocessor?: Readonly<Record<string, unknown>>;
  /** The weights under transformers' names. */
  readonly tensors: ReadonlyMap<string, NdArray>;
}

/**
 * Save a model as a directory that appears whole or not at all.
 *
 * @param path The directory; it may be empty, and parents that are missing are made.
 * @param model What to save.
 * @param options Whether an existing model may be replaced. A directory that holds anything that is
 * not part of a model is never replaced.
 * @throws {InputError} If the directory exists and may not be replaced, or cannot be written.
 */
export async function saveModel(
  path: string,
  model: SavedModel,
  options: { readonly overwrite?: boolean } = {},
): Promise<void> {
  using directory = await createAtomicDirectory(path, { ...options, replaceable: REPLACEABLE });
  const part = (name: string) => join(directory.temporaryPath, name);
  await writeFileAtomic(part(CONFIG), formatJson(withModelCard(model.config, model.card)));
  if (model.preprocessor !== undefined) {
    await writeFileAtomic(part(PREPROCESSOR), formatJson(model.preprocessor));
  }
  await writeSafetensors(part(WEIGHTS), model.tensors);
  await directory.commit();
}

/**
 * Read how a model wants its images prepared.
 *
 * @param source A model directory, or `preprocessor_config.json` itself.
 * @returns Its content, and where it was found.
 * @throws {InputError} If there is no such file.
 */
export async function readModelPreprocessor(
  source: string,
): Promise<{ readonly config: Readonly<Record<string, unknown>>; readonly path: string }> {
  const info = await statPath(source);
  const path = info?.isDirectory ? join(source, PREPROCESSOR) : source;
  const config = await readJsonObject(path);
  if (config !== null) return { config, path };
  throw new InputError(`Cannot read ${JSON.stringify(path)}: no such file`);
}

/**
 * Store a temperature in the configuration of a model.
 *
 * @param source A model directory, or a file in it.
 * @param temperature What its logits are divided by; above 0.
 * @throws {InputError} If it is not a model on disk, or its configuration cannot be written.
 */
export async function storeTemperature(source: string, temperature: number): Promise<void> {
  const info = await statPath(source);
  if (info === null) {
    throw new InputError(
      `Cannot store a temperature in ${JSON.stringify(source)}: no such file or directory`,
      { hint: "Give a model directory; models of the hub are not changed" },
    );
  }
  const directory = info.isDirectory ? source : dirname(source);
  const { config } = await readConfig(source, directory);
  const swath = isJsonObject(config["swath"]) ? config["swath"] : { version: 1 };
  await writeFileAtomic(
    join(directory, CONFIG),
    formatJson({ ...config, swath: { ...swath, temperature } }),
    { overwrite: true },
  );
}

function formatJson(value: unknown): string {
  return JSON.stringify(value, null, 2) + "\n";
}

interface ModelFiles {
  readonly directory: string;
  readonly weights: string;
}

/** The model of the hub that `source`, which is not on disk, names. */
function hubModel(source: string, { hub }: OpenModelOptions): { id: HubId; hub: HubOptions } {
  const id = parseHubId(source);
  if (id !== null && hub !== undefined) return { id, hub };
  throw new InputError(`Cannot open model ${JSON.stringify(source)}: no such file or directory`, {
    hint:
      "Give a directory with config.json and model.safetensors, or a name such as nvidia/mit-b0",
  });
}

/** What a path leads to; null if nothing is there. */
async function statPath(path: string): Promise<Deno.FileInfo | null> {
  try {
    return await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw fileError(error, "read", path);
  }
}

/** The model's files if `source` is a path; null if nothing is there. */
async function locateOnDisk(source: string): Promise<ModelFiles | null> {
  const info = await statPath(source);
  if (info === null) return null;
  if (!info.isDirectory) return { directory: dirname(source), weights: source };
  return {
    directory: source,
    weights: join(source, findWeights(await listFiles(source), source)),
  };
}

function findWeights(files: readonly string[], directory: string): string {
  const name = WEIGHTS_NAMES.find((candidate) => files.includes(candidate));
  if (name !== undefined) return name;
  throw new InputError(
    `Cannot open model ${JSON.stringify(directory)}: it holds none of ${WEIGHTS_NAMES.join(", ")}`,
  );
}

async function listFiles(directory: string): Promise<string[]> {
  const entries = await withFileErrors(
    "list",
    directory,
    () => Array.fromAsync(Deno.readDir(directory)),
  );
  return entries.map(({ name }) => name);
}

/** The files of a repository that make a model: one kind of weights, with all parts that it has. */
export function selectModelFiles(files: readonly string[]): string[] | null {
  const weights = WEIGHTS_NAMES.find((candidate) => files.includes(candidate));
  if (weights === undefined || !files.includes(CONFIG)) return null;
  const parts = weights.endsWith(".index.json") ? shardsOf(weights, files) : [];
  if (parts === null) return null;
  const preprocessor = files.includes(PREPROCESSOR) ? [PREPROCESSOR] : [];
  return [CONFIG, ...preprocessor, weights, ...parts];
}

/** The parts that belong to an index; null if some of them are missing. */
function shardsOf(index: string, files: readonly string[]): string[] | null {
  const extension = index.replace(/^.*?(\.\w+)\.index\.json$/, "$1");
  const parts = files.filter((file) => file.endsWith(extension) && SHARD_NAME.test(file));
  const [, safetensors, bin] = SHARD_NAME.exec(parts[0] ?? "") ?? [];
  return parts.length === Number(safetensors ?? bin ?? NaN) ? parts : null;
}

async function readConfig(source: string, directory: string): Promise<ModelConfig> {
  const path = join(directory, CONFIG);
  const config = await readJsonObject(path);
  if (config !== null) return { source, config, card: readModelCard(config, path) };
  throw new InputError(
    `Cannot open model ${JSON.stringify(source)}: there is no ${CONFIG} in ${
      JSON.stringify(directory)
    }`,
  );
}

/** True if a source is a file of weights without a configuration beside it. */
async function isBareFile(source: string, directory: string): Promise<boolean> {
  const [file, config] = await Promise.all([statPath(source), statPath(join(directory, CONFIG))]);
  return file?.isFile === true && config === null;
}

async function openFiles(
  source: string,
  files: ModelFiles,
  hub: { readonly commit: string; readonly downloaded: boolean } | null,
  configOptional = false,
): Promise<OpenModel> {
  const { config, card } = configOptional && await isBareFile(source, files.directory)
    ? { config: {}, card: EMPTY_MODEL_CARD }
    : await readConfig(source, files.directory);
  const preprocessor = await readJsonObject(join(files.directory, PREPROCESSOR));
  const weights = await openWeights(files.weights);
  return {
    source,
    directory: files.directory,
    config,
    preprocessor,
    card: hub === null ? card : withLicence(card, source),
    weights,
    commit: hub?.commit ?? null,
    downloaded: hub?.downloaded ?? false,
    close: weights.close,
    [Symbol.dispose]: weights.close,
  };
}

/** Models that come straight from the hub do not record their own name and licence. */
function withLicence(card: ModelCard, source: string): ModelCard {
  const { provenance } = card;
  return {
    ...card,
    provenance: {
      ...provenance,
      source: provenance.source ?? source,
      licence: provenance.licence ?? licenceNotice(source),
    },
  };
}

async function readJsonObject(path: string): Promise<Record<string, unknown> | null> {
  const fault = (what: string) => new InputError(`Cannot read ${JSON.stringify(path)}: it ${what}`);
  let text: string;
  try {
    const { size } = await Deno.stat(path);
    if (size > MAX_CONFIG_BYTES) throw fault(`has ${size} bytes, too many for a configuration`);
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw fileError(error, "read", path);
  }
  try {
    const json = parseStrictJson(text, CONFIG_LIMITS);
    if (isJsonObject(json)) return json;
  } catch (error) {
    throw error instanceof JsonFault ? fault(error.message) : error;
  }
  throw fault("is not a JSON object");
}
