/**
 * A model scored on labelled shards.
 *
 * @module
 */
import {
  createPredictor,
  type DeviceChoice,
  evaluateStream,
  type Evaluation,
  expandShards,
  inferStream,
  type OpenModel,
  readStream,
  type StreamItem,
  upsampleStream,
  withFileErrors,
} from "../../mod.ts";
import type { CommandIo } from "../io.ts";

/** Options of {@linkcode evaluateModel}. */
export interface EvaluateModelOptions {
  /** Shards: paths, globs, or `-` for standard input. */
  readonly shards: readonly string[];
  /** Patches that go through the network together. */
  readonly batch: number;
  /** Label that is left out. */
  readonly ignoreIndex: number;
  readonly device: DeviceChoice;
  /** Threads of the CPU; null for all cores. */
  readonly threads: number | null;
}

/** Map the samples of shards with a model, and count how they agree with their labels. */
export async function evaluateModel(
  io: CommandIo,
  model: OpenModel,
  options: EvaluateModelOptions,
): Promise<Evaluation> {
  const { shards, batch, ignoreIndex, device, threads } = options;
  const predictor = createPredictor(model, { device, ...(threads !== null && { threads }) });
  try {
    const logits = inferStream(readShards(io, shards), predictor, { batch, warn: io.warn });
    return await evaluateStream(upsampleStream(logits), {
      ignoreLabel: ignoreIndex,
      classes: predictor.classes,
    });
  } finally {
    await predictor.release();
  }
}

/** The streams of shards, one after the other, with a progress bar. */
async function* readShards(
  io: CommandIo,
  shards: readonly string[],
): AsyncGenerator<StreamItem, void, undefined> {
  const progress = io.progress("Testing", "patches");
  let done = 0;
  try {
    for (const path of await shardPaths(shards)) {
      const source = path === "-" ? "standard input" : path;
      const input = path === "-"
        ? io.stdin()
        : (await withFileErrors("read", path, () => Deno.open(path))).readable;
      for await (const item of readStream(input, { source })) {
        if (item.type === "sample") progress.update(++done);
        yield item;
      }
    }
  } finally {
    progress.finish();
  }
}

async function shardPaths(shards: readonly string[]): Promise<string[]> {
  const files = await expandShards(shards.filter((pattern) => pattern !== "-"));
  return shards.includes("-") ? ["-", ...files] : files;
}
