/**
 * A data set: the samples of several shards, found by number.
 *
 * @module
 */
import { IGNORE_LABEL } from "../classes/mod.ts";
import { InputError } from "../errors.ts";
import { openRandomAccessFile, type RandomAccessFile } from "../files/mod.ts";
import {
  type ArrayName,
  indexStream,
  readIndexedSample,
  type Sample,
  type StreamHeader,
  type StreamIndex,
} from "../stream/mod.ts";
import { abbreviateList } from "../text/mod.ts";
import { checkKeys, commonHeader, countLabels, fingerprintOf } from "./data_set_checks.ts";

/** A file of samples. */
export interface Shard {
  /** Its path. */
  readonly path: string;
  /** Where its samples lie. */
  readonly index: StreamIndex;
}

/** What all segments of a data set agree on. */
export type CommonHeader = Pick<StreamHeader, "bands" | "dtype" | "normalization" | "classes">;

/** How often labels occur; pixels without data are left out. */
export interface LabelCounts {
  /** Pixels with each label from 0 to 255; empty where not counted. */
  readonly labelCounts: readonly number[];
  /** For each label, the pixels of classes in the samples that have it; empty where not counted. */
  readonly labelAreas: readonly number[];
}

/** A data set: plain data, which can be handed to a worker. */
export interface DataSet extends LabelCounts {
  /** Its shards. */
  readonly shards: readonly Shard[];
  /** For each sample: its shard, and its number there. */
  readonly samples: readonly { readonly shard: number; readonly number: number }[];
  /** What all segments agree on. */
  readonly header: CommonHeader;
  /** SHA-256 over keys and checksums: tells whether a run resumes with the data that it began with. */
  readonly fingerprint: string;
}

/** Options of {@linkcode openDataSet}. */
export interface DataSetOptions {
  /**
   * Number of classes, against which labels are checked. Null for that of the shards' own classes.
   * Undefined leaves labels alone: samples need none.
   */
  readonly classCount?: number | null;
  /** Label that is left out; 255 where left out. */
  readonly ignoreIndex?: number;
  /** Called after each shard. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Reads samples of a data set. */
export interface DataSetReader extends Disposable {
  /**
   * Read a sample.
   *
   * @param sample Zero-based number.
   * @param names Arrays to read; all where left out.
   * @throws {InputError} If its shard has changed or is damaged.
   */
  read(sample: number, names?: readonly ArrayName[]): Promise<Sample>;
  /** Release the files; harmless when repeated. */
  close(): void;
}

/** Files that are kept open: well below what operating systems allow a process. */
const MAX_OPEN_FILES = 64;

/**
 * Find the samples of shards, and check that they go together.
 *
 * @param paths The shards; see {@linkcode expandShards}.
 * @param options Whether and how to check the labels.
 * @returns The data set.
 * @throws {InputError} If a shard is damaged; if there are no samples, or samples of the same key; if
 * segments differ in bands, element type, normalization or classes; if a sample has no image or no
 * label, or a label that no class has.
 */
export async function openDataSet(
  paths: readonly string[],
  options: DataSetOptions = {},
): Promise<DataSet> {
  const shards: Shard[] = [];
  for (const path of paths) {
    using file = await openRandomAccessFile(path);
    shards.push({ path, index: await indexStream(file) });
    options.onProgress?.(shards.length, paths.length);
  }
  const samples = shards.flatMap(({ index }, shard) =>
    index.samples.map((_, number) => ({ shard, number }))
  );
  if (samples.length === 0) {
    throw new InputError(
      `Cannot use ${abbreviateList(paths.map(quote))} as a data set: there are no samples`,
    );
  }
  checkKeys(shards);
  const header = commonHeader(shards);
  const set = {
    shards,
    samples,
    header,
    labelCounts: [],
    labelAreas: [],
    fingerprint: fingerprintOf(shards),
  };
  if (options.classCount === undefined) return set;
  const classCount = options.classCount ?? header.classes?.length;
  if (classCount === undefined) {
    throw new InputError(`Cannot check the labels of ${quote(paths[0]!)}: it names no classes`, {
      hint: "Name them with --classes",
    });
  }
  using reader = createDataSetReader(set);
  const ignoreIndex = options.ignoreIndex ?? IGNORE_LABEL;
  return { ...set, ...await countLabels(set, reader, classCount, ignoreIndex) };
}

/** Read samples of a data set, here or in a worker. */
export function createDataSetReader(set: DataSet): DataSetReader {
  /** Open files, the one used last at the end. */
  const open = new Map<number, RandomAccessFile>();
  async function fileOf(shard: number): Promise<RandomAccessFile> {
    const file = open.get(shard) ?? await openRandomAccessFile(set.shards[shard]!.path);
    open.delete(shard);
    open.set(shard, file);
    if (open.size > MAX_OPEN_FILES) {
      const [oldest, oldFile] = open.entries().next().value!;
      oldFile.close();
      open.delete(oldest);
    }
    return file;
  }
  const close = () => {
    for (const file of open.values()) file.close();
    open.clear();
  };
  return {
    async read(sample, names) {
      const { shard, number } = set.samples[sample]!;
      return readIndexedSample(await fileOf(shard), set.shards[shard]!.index, number, names);
    },
    close,
    [Symbol.dispose]: close,
  };
}

function quote(path: string): string {
  return JSON.stringify(path);
}
