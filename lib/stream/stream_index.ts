/**
 * Random access into a patch stream that lies in a file: where each array starts. Training reads
 * shards in another order every epoch.
 *
 * @module
 */
import type { NdArray } from "../array/mod.ts";
import { InputError } from "../errors.ts";
import type { RandomAccessFile } from "../files/mod.ts";
import { type ByteReader, ByteSource } from "./byte_source.ts";
import { checkSample } from "./check_sample.ts";
import { decodeArray, type ExpectedArray, listedArrays } from "./decode_arrays.ts";
import type { ArrayName, Sample, SampleInfo, StreamHeader } from "./sample.ts";
import { SegmentChecker } from "./segment_checker.ts";
import { looksLike } from "./sniff.ts";
import { StreamFault } from "./stream_fault.ts";
import { BLOCK_BYTES, isTarHeader } from "./tar.ts";
import { readTarRecords } from "./tar_format.ts";

/** Where an array lies in a file, and what it should be. */
export interface IndexedArray {
  /** First byte of its `.npy` file. */
  readonly position: number;
  /** Length of its `.npy` file in bytes. */
  readonly length: number;
  /** What the sample's JSON says of it; null where a foreign writer says nothing. */
  readonly expected: ExpectedArray | null;
}

/** Where a sample lies in a file. */
export interface IndexedSample {
  /** Its key. */
  readonly key: string;
  /** Where it lies in its scene. */
  readonly info: SampleInfo;
  /** Which of the file's headers is its own. */
  readonly segment: number;
  /** Its arrays. */
  readonly arrays: { readonly [Name in ArrayName]?: IndexedArray };
}

/** What a file of samples holds: plain data, which can be handed to a worker. */
export interface StreamIndex {
  /** Header of each segment. */
  readonly headers: readonly StreamHeader[];
  /** Samples in file order. */
  readonly samples: readonly IndexedSample[];
}

/**
 * Find the samples of a shard, passing over the arrays.
 *
 * Everything is checked that {@linkcode readStream} checks, but for the contents of the arrays; these
 * are checked when they are read.
 *
 * @param file A patch stream as tar.
 * @returns Where its samples lie.
 * @throws {InputError} If the file is not such a stream, is cut short or damaged.
 *
 * @example
 * ```ts
 * import { indexStream, openRandomAccessFile, readIndexedSample } from "swath";
 *
 * async function lastLabel(path: string) {
 *   using file = await openRandomAccessFile(path);
 *   const index = await indexStream(file);
 *   return readIndexedSample(file, index, index.samples.length - 1, ["label"]).arrays.label;
 * }
 * lastLabel;
 * ```
 */
export async function indexStream(file: RandomAccessFile): Promise<StreamIndex> {
  const source = new ByteSource(fileReader(file));
  await checkIsTar(source, file.path);
  const headers: StreamHeader[] = [];
  const samples: IndexedSample[] = [];
  let arrays: { [Name in ArrayName]?: IndexedArray } = {};
  const checker = new SegmentChecker<Pick<IndexedArray, "position" | "length">>(
    (key, json, files) => {
      arrays = {};
      for (const { name, file: place, entry } of listedArrays(key, json, files)) {
        arrays[name] = { ...place, expected: entry ?? null };
      }
      return {};
    },
  );
  const records = readTarRecords(source, async (tar, { size: length }) => {
    const position = tar.contentPosition;
    await tar.skipContent();
    return { position, length };
  });
  try {
    for await (const record of records) {
      const item = checker.accept(record);
      if (item.type === "header") headers.push(item.header);
      if (item.type !== "sample") continue;
      const { key, info } = item.sample;
      samples.push({ key, info, segment: headers.length - 1, arrays });
    }
    checker.finish();
  } catch (error) {
    throw describeFault(error, file.path, checker.describe());
  }
  return { headers, samples };
}

/**
 * Read a sample.
 *
 * @param file The file that was indexed.
 * @param index Its index.
 * @param number Zero-based number of the sample.
 * @param names Arrays to read; all where left out.
 * @returns The sample with those of the arrays that it has.
 * @throws {InputError} If the file has changed or is damaged.
 */
export function readIndexedSample(
  file: RandomAccessFile,
  index: StreamIndex,
  number: number,
  names?: readonly ArrayName[],
): Sample {
  const { key, info, segment, arrays: places } = index.samples[number]!;
  const arrays: { [Name in ArrayName]?: NdArray } = {};
  try {
    for (const name of names ?? Object.keys(places) as ArrayName[]) {
      const place = places[name];
      if (place === undefined) continue;
      const bytes = file.read(place.position, place.length);
      arrays[name] = decodeArray(key, name, bytes, place.expected ?? undefined);
    }
    const sample = { key, info, arrays };
    checkSample(index.headers[segment]!, sample);
    return sample;
  } catch (error) {
    throw describeFault(error, file.path, "");
  }
}

/** Say how a file differs from a shard, by its first bytes. */
async function checkIsTar(source: ByteSource, path: string): Promise<void> {
  const head = await source.peek(BLOCK_BYTES);
  if (isTarHeader(head)) return;
  const label = JSON.stringify(path);
  if (head.length === 0) throw new InputError(`Cannot read ${label}: it is empty`);
  if (head[0] === "{".charCodeAt(0)) {
    throw new InputError(`Cannot read ${label}: it holds JSON lines, and shards are tar files`, {
      hint: "JSON lines can be piped: give - and the stream on standard input",
    });
  }
  const { name, hint } = looksLike(head);
  throw new InputError(
    `${label} is not a patch stream: it looks like ${name}`,
    hint === undefined ? {} : { hint },
  );
}

function describeFault(error: unknown, path: string, progress: string): unknown {
  if (!(error instanceof StreamFault)) return error;
  const hint = error.hint === undefined ? {} : { hint: error.hint };
  return new InputError(
    `Cannot read ${JSON.stringify(path)}: ${error.message}${progress}`,
    hint,
  );
}

/** Reads a file from its start. */
function fileReader(file: RandomAccessFile): ByteReader {
  let position = 0;
  return {
    read(buffer) {
      const length = Math.min(buffer.length, file.size - position);
      if (length <= 0) return Promise.resolve(null);
      buffer.set(file.read(position, length));
      position += length;
      return Promise.resolve(length);
    },
    skip(count) {
      position += count;
    },
  };
}
