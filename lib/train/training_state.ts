/**
 * Where a training stands: everything that it takes to go on to the bit. One safetensors file that is
 * replaced in one instant, so that it is always whole: parameters, the optimizer's state, and the
 * position as JSON in its metadata.
 *
 * @module
 */
import { createHash } from "node:crypto";
import * as v from "valibot";
import { bytesOf, type NdArray } from "../array/mod.ts";
import { InputError } from "../errors.ts";
import { openSafetensors, readAllTensors, writeSafetensors } from "../weights/mod.ts";

/** Version of the file. */
const VERSION = 1;

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const nullableNumber = v.nullable(v.number());

const POSITION = v.object({
  version: v.literal(VERSION),
  step: count,
  epoch: count,
  optimizerStart: count,
  sums: v.object({
    steps: count,
    loss: v.number(),
    gradientNorm: v.number(),
    seconds: v.number(),
    waitSeconds: v.number(),
  }),
  seconds: v.number(),
  best: v.nullable(v.object({ value: v.number(), step: count, epoch: count })),
  earlyStopping: v.object({ best: nullableNumber, badEpochs: count }),
  plateau: v.object({
    learningRate: v.number(),
    best: nullableNumber,
    badEpochs: count,
    cooldown: count,
  }),
  trainData: v.string(),
  valData: v.string(),
  mlflowRun: v.nullable(v.string()),
});

/** Sums over the steps of an epoch that is not over. */
export interface EpochSums {
  /** Steps taken. */
  readonly steps: number;
  /** Sum of their losses. */
  readonly loss: number;
  /** Sum of the norms of their gradients. */
  readonly gradientNorm: number;
  /** Seconds that they took. */
  readonly seconds: number;
  /** Seconds of these in which they waited for data. */
  readonly waitSeconds: number;
}

/** Where a training stands, besides its arrays: plain data. */
export interface TrainingPosition {
  /** Version of the file. */
  readonly version: typeof VERSION;
  /** Steps taken. */
  readonly step: number;
  /** Epochs that are over, validated and logged. */
  readonly epoch: number;
  /** Steps taken when the optimizer began anew, as it does when the encoder starts to learn. */
  readonly optimizerStart: number;
  /** What the epoch that is not over adds up to so far. */
  readonly sums: EpochSums;
  /** Seconds of training so far. */
  readonly seconds: number;
  /** The best checkpoint so far. */
  readonly best: { readonly value: number; readonly step: number; readonly epoch: number } | null;
  /** See {@linkcode EarlyStoppingState}. */
  readonly earlyStopping: { readonly best: number | null; readonly badEpochs: number };
  /** See {@linkcode PlateauState}. */
  readonly plateau: {
    readonly learningRate: number;
    readonly best: number | null;
    readonly badEpochs: number;
    readonly cooldown: number;
  };
  /** Fingerprint of the training data; see {@linkcode DataSet}. */
  readonly trainData: string;
  /** Fingerprint of the validation data. */
  readonly valData: string;
  /** Id of the run on an MLflow server; null for none. */
  readonly mlflowRun: string | null;
}

/** A training as it is saved. */
export interface TrainingState {
  /** Where it stands. */
  readonly position: TrainingPosition;
  /** Parameters and statistics by name. */
  readonly parameters: ReadonlyMap<string, NdArray>;
  /** The optimizer's state by slot and parameter. */
  readonly optimizer: ReadonlyMap<string, NdArray>;
}

const PARAMETERS = "parameters/";
const OPTIMIZER = "optimizer/";

/**
 * Save where a training stands. The file is replaced in one instant: whenever the process ends, what
 * is there is the old state or the new one.
 *
 * @param path The file.
 * @param state What to save.
 * @throws {InputError} If the file system refuses; the old file stays then.
 */
export async function writeTrainingState(path: string, state: TrainingState): Promise<void> {
  const tensors = new Map([
    ...prefixed(state.parameters, PARAMETERS),
    ...prefixed(state.optimizer, OPTIMIZER),
  ]);
  const position = JSON.stringify(state.position);
  await writeSafetensors(path, tensors, {
    overwrite: true,
    metadata: { format: "pt", position, sha256: checksum(position, tensors) },
  });
}

/**
 * Read where a training stands.
 *
 * @param path The file.
 * @returns The state; null if there is no such file.
 * @throws {InputError} If the file is damaged or of another version.
 */
export async function readTrainingState(path: string): Promise<TrainingState | null> {
  try {
    await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
  }
  using source = await openSafetensors(path);
  const { position = "", sha256 } = source.metadata;
  const tensors = readAllTensors(source);
  const fault = (what: string) =>
    new InputError(`Cannot go on with the training of ${JSON.stringify(path)}: ${what}`, {
      hint: "The model in last/ is a checkpoint to start a new training from",
    });
  if (checksum(position, tensors) !== sha256) throw fault("its checksum is wrong");
  const parsed = v.safeParse(POSITION, parseJson(position));
  if (!parsed.success) throw fault("it was written by another version");
  return {
    position: parsed.output,
    parameters: unprefixed(tensors, PARAMETERS),
    optimizer: unprefixed(tensors, OPTIMIZER),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** SHA-256 over the position and, sorted by name, the tensors. */
function checksum(position: string, tensors: ReadonlyMap<string, NdArray>): string {
  const hash = createHash("sha256").update(position);
  for (const name of [...tensors.keys()].sort()) {
    hash.update(`\n${name}\n`).update(bytesOf(tensors.get(name)!));
  }
  return hash.digest("hex");
}

function prefixed(tensors: ReadonlyMap<string, NdArray>, prefix: string): [string, NdArray][] {
  return [...tensors].map(([name, array]) => [`${prefix}${name}`, array]);
}

function unprefixed(
  tensors: ReadonlyMap<string, NdArray>,
  prefix: string,
): Map<string, NdArray> {
  return new Map(
    [...tensors].filter(([name]) => name.startsWith(prefix))
      .map(([name, array]) => [name.slice(prefix.length), array]),
  );
}
