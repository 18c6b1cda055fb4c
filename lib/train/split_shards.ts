/**
 * Writing the samples of shards into shards for training, validation and test.
 *
 * @module
 */
import { join } from "node:path";
import { type AtomicFile, createAtomicFile, withFileErrors } from "../files/mod.ts";
import { createStreamWriter } from "../stream/mod.ts";
import { createDataSetReader, type DataSet, openDataSet } from "./data_set.ts";
import {
  groundPlace,
  type Split,
  splitBlocks,
  type SplitName,
  type SplitOptions,
} from "./split.ts";

/** Options of {@linkcode splitShards}. */
export interface SplitShardsOptions extends SplitOptions {
  /** Folder that gets `train.tar`, `val.tar` and `test.tar`; made where it is missing. */
  readonly out: string;
  /** Replace files that exist. */
  readonly overwrite?: boolean;
  /** Appended to the streams' history. */
  readonly history?: readonly string[];
  /** Called after each sample that is written. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** What became of the samples, and where they are. */
export interface SplitShards extends Omit<Split, "assignment"> {
  /** Path of each shard that was written. */
  readonly paths: Readonly<Partial<Record<SplitName, string>>>;
}

const NAMES: readonly SplitName[] = ["train", "val", "test"];

/**
 * Divide the samples of shards by blocks of ground; see {@linkcode splitBlocks}.
 *
 * The shards appear together once all of them are written. Samples keep their order and the bytes of
 * their arrays.
 *
 * @param paths The shards; see {@linkcode expandShards}.
 * @param options Shares, sizes, seed, and where to write.
 * @returns What became of the samples.
 * @throws {InputError} If a shard is damaged, the samples do not go together, the shares make no sense, or
 * a file exists.
 */
export async function splitShards(
  paths: readonly string[],
  options: SplitShardsOptions,
): Promise<SplitShards> {
  const { out, overwrite = false } = options;
  const set = await openDataSet(paths);
  const places = set.samples.map(({ shard, number }) => {
    const { headers, samples } = set.shards[shard]!.index;
    const { key, info, segment } = samples[number]!;
    return groundPlace(headers[segment]!.scene, key, info);
  });
  const { assignment, ...split } = splitBlocks(places, options);
  const names = NAMES.filter((name) => split.counts[name] > 0);
  await withFileErrors("create", out, () => Deno.mkdir(out, { recursive: true }));
  using files = new DisposableStack();
  const total = assignment.filter((name) => name !== null).length;
  let done = 0;
  const written: [SplitName, AtomicFile][] = [];
  for (const name of names) {
    const file = files.use(await createAtomicFile(join(out, `${name}.tar`), { overwrite }));
    written.push([name, file]);
    const chosen = set.samples.flatMap((_, sample) => assignment[sample] === name ? [sample] : []);
    await writeSamples(set, chosen, file, {
      history: options.history ?? [],
      onSample: () => options.onProgress?.(++done, total),
    });
  }
  for (const [, file] of written) await file.commit();
  return { ...split, paths: Object.fromEntries(written.map(([name, { path }]) => [name, path])) };
}

/** Write samples with the headers of the segments that they are of. */
async function writeSamples(
  set: DataSet,
  chosen: readonly number[],
  file: AtomicFile,
  { history, onSample }: { readonly history: readonly string[]; readonly onSample: () => void },
): Promise<void> {
  using reader = createDataSetReader(set);
  const writer = createStreamWriter(file);
  const segments = Map.groupBy(chosen, (sample) => {
    const { shard, number } = set.samples[sample]!;
    return set.shards[shard]!.index.headers[set.shards[shard]!.index.samples[number]!.segment]!;
  });
  for (const [header, samples] of segments) {
    await writer.write({
      type: "header",
      header: { ...header, samples: samples.length, history: [...header.history, ...history] },
    });
    for (const sample of samples) {
      await writer.write({ type: "sample", sample: await reader.read(sample) });
      onSample();
    }
    await writer.write({ type: "end", end: { samples: samples.length, skipped: 0 } });
  }
  await writer.close();
}
