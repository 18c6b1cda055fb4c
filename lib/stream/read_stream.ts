/**
 * Reading a patch stream, in either encoding, with everything checked: that it is whole, in order,
 * unaltered, and that each sample is what the header says.
 *
 * @module
 */
import { crc32 } from "node:zlib";
import { formatShape, type NdArray } from "../array/mod.ts";
import { InputError } from "../errors.ts";
import { type ByteReader, ByteSource, readerOf } from "./byte_source.ts";
import { checkSample } from "./check_sample.ts";
import { readNdjsonRecords } from "./ndjson_format.ts";
import { decodeNpy } from "./npy.ts";
import {
  ARRAY_NAMES,
  type ArrayName,
  type Sample,
  type StreamEnd,
  type StreamHeader,
  type StreamItem,
} from "./sample.ts";
import { looksLike } from "./sniff.ts";
import { cutShort, StreamFault } from "./stream_fault.ts";
import type { StreamRecord } from "./stream_record.ts";
import { BLOCK_BYTES, isTarHeader } from "./tar.ts";
import { readTarRecords } from "./tar_format.ts";
import { parseEnd, parseHeader, parseSample } from "./wire.ts";

/** Options of {@linkcode readStream}. */
export interface ReadStreamOptions {
  /** What the bytes are called in error messages; `standard input` where left out. */
  readonly source?: string;
}

/**
 * Read a patch stream.
 *
 * Arrays are decoded in place: their elements are views of the buffer that the bytes were read into.
 * Nothing is kept once it is yielded, and nothing is read before it is asked for.
 *
 * @param input The bytes, as tar or JSON lines; which, is detected. A {@linkcode ByteReader} such as
 * `Deno.stdin` or a `Deno.FsFile` saves the copy that a `ReadableStream` costs.
 * @param options What to call the input in messages.
 * @returns Header, samples and end mark of each segment, in order.
 * @throws {InputError} If the input is empty or not a patch stream; if it is cut short, altered, out
 * of order, or incomplete. The message names the sample and says how many came.
 *
 * @example
 * ```ts
 * import { readStream } from "swath";
 *
 * async function countSamples(input: ReadableStream<Uint8Array>): Promise<number> {
 *   let count = 0;
 *   for await (const item of readStream(input)) if (item.type === "sample") count++;
 *   return count;
 * }
 *
 * try {
 *   await countSamples(new Blob(["hello"]).stream());
 *   throw new Error("text is not a patch stream");
 * } catch (error) {
 *   if (!(error instanceof Error) || !error.message.includes("looks like text")) throw error;
 * }
 * ```
 */
export async function* readStream(
  input: ReadableStream<Uint8Array> | ByteReader,
  options: ReadStreamOptions = {},
): AsyncGenerator<StreamItem, void, undefined> {
  const label = options.source ?? "standard input";
  const reader = readerOf(input);
  const checker = new SegmentChecker();
  try {
    const source = new ByteSource(reader);
    for await (const record of await recordsOf(source, label)) yield checker.accept(record);
    checker.finish();
  } catch (error) {
    if (!(error instanceof StreamFault)) throw error;
    throw new InputError(`Cannot read ${label}: ${error.message}${checker.describe()}`, {
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
  } finally {
    await reader.close();
  }
}

/** Detect the encoding. */
async function recordsOf(
  source: ByteSource,
  label: string,
): Promise<AsyncGenerator<StreamRecord>> {
  const head = await source.peek(BLOCK_BYTES);
  if (head.length === 0) {
    throw new InputError(`No samples received: ${label} is empty`, {
      hint: "see whether the command before it failed",
    });
  }
  if (head[0] === "{".charCodeAt(0)) return readNdjsonRecords(source);
  // A tar cut short inside its first header still starts with the name of our first member.
  const start = new TextDecoder().decode(head.subarray(0, 12));
  if (isTarHeader(head) || head.length < BLOCK_BYTES && "_stream.json".startsWith(start)) {
    return readTarRecords(source);
  }
  if (head.every((byte) => byte === 0)) return readTarRecords(source);
  const { name, hint } = looksLike(head);
  const damaged = start === "_stream.json" ? "a patch stream whose first bytes are damaged" : name;
  throw new InputError(
    `${label[0]!.toUpperCase()}${label.slice(1)} is not a patch stream: it looks like ${damaged}`,
    hint === undefined ? {} : { hint },
  );
}

/** Follows a stream through its segments and checks each record against what came before. */
class SegmentChecker {
  #header: StreamHeader | null = null;
  #segments = 0;
  #total = 0;
  #samples = 0;
  #checksum = 0;
  #lastKey: string | null = null;
  #lastPosition: readonly [number, number] = [-1, -1];

  /** Validate a record and turn it into an item. */
  accept(record: StreamRecord): StreamItem {
    if (record.kind === "header") return { type: "header", header: this.#startSegment(record) };
    if (this.#header === null) {
      throw new StreamFault(
        this.#segments === 0
          ? 'it does not start with "_stream.json"'
          : 'something other than "_stream.json" follows its end mark',
        this.#segments === 0 ? FOREIGN_HINT : undefined,
      );
    }
    if (record.kind === "end") {
      return { type: "end", end: this.#endSegment(record.json, this.#header) };
    }
    return { type: "sample", sample: this.#sample(record, this.#header) };
  }

  /** The bytes have ended: so must the last segment have. */
  finish(): void {
    if (this.#header !== null) throw cutShort('before its end mark, "_end.json"');
    if (this.#segments === 0) {
      throw new StreamFault('it is a tar without "_stream.json"', FOREIGN_HINT);
    }
  }

  /** How far the stream had come, for messages. */
  describe(): string {
    if (this.#segments === 0) return "";
    if (this.#total === 0) return "; no samples came before";
    const samples = this.#total === 1 ? "1 sample" : `${this.#total} samples`;
    return `; ${samples} came before, the last one "${this.#lastKey}"`;
  }

  #startSegment({ json, text }: StreamRecord): StreamHeader {
    if (this.#header !== null) {
      throw new StreamFault("a new header comes before the end mark of the samples before it");
    }
    this.#header = parseHeader(json);
    this.#segments++;
    this.#samples = 0;
    this.#checksum = crc32(text);
    this.#lastPosition = [-1, -1];
    return this.#header;
  }

  #sample(record: Extract<StreamRecord, { kind: "sample" }>, header: StreamHeader): Sample {
    const { json, text, files } = record;
    const parsed = parseSample(json, record.key === null ? "a sample" : `"${record.key}.json"`);
    const key = parsed.key ?? record.key;
    if (key === null) throw new StreamFault("a sample has no key");
    if (record.key !== null && record.key !== key) {
      throw new StreamFault(`"${record.key}.json" says that it belongs to "${key}"`);
    }
    const arrays: { [Name in ArrayName]?: NdArray } = {};
    for (const name of ARRAY_NAMES) {
      const file = files.get(name);
      const entry = parsed.arrays?.[name];
      if (file === undefined) {
        if (entry === undefined) continue;
        throw new StreamFault(`${name} of sample "${key}" is missing`);
      }
      if (parsed.arrays !== undefined && entry === undefined) {
        throw new StreamFault(`${name} of sample "${key}" is not listed in its JSON`);
      }
      if (entry?.crc32 !== undefined && crc32(file) !== entry.crc32) {
        throw new StreamFault(`${name} of sample "${key}" is damaged: its checksum does not match`);
      }
      const array = decodeArray(file, name, key);
      if (
        entry !== undefined &&
        (entry.dtype !== array.dtype || formatShape(entry.shape) !== formatShape(array.shape))
      ) {
        throw new StreamFault(
          `${name} of sample "${key}" is ${
            formatShape(array.shape)
          } ${array.dtype}: its JSON says ${formatShape(entry.shape)} ${entry.dtype}`,
        );
      }
      arrays[name] = array;
    }
    const sample: Sample = { key, info: parsed.info, arrays };
    this.#checkOrder(sample, header);
    checkSample(header, sample);
    this.#checksum = crc32(text, this.#checksum);
    this.#samples++;
    this.#total++;
    this.#lastKey = key;
    this.#lastPosition = sample.info.position;
    return sample;
  }

  #checkOrder({ key, info }: Sample, header: StreamHeader): void {
    if (key === this.#lastKey && this.#samples > 0) {
      throw new StreamFault(`sample "${key}" comes twice`);
    }
    if (header.grid === null) return;
    const [row, column] = info.position;
    const [lastRow, lastColumn] = this.#lastPosition;
    if (row < lastRow || row === lastRow && column <= lastColumn) {
      throw new StreamFault(
        `sample "${key}" is out of order or repeated: samples come row by row, from left to right`,
      );
    }
  }

  #endSegment(json: unknown, header: StreamHeader): StreamEnd {
    const end = parseEnd(json);
    const samples = end.samples ?? this.#samples;
    if (samples !== this.#samples) {
      throw new StreamFault(
        `samples are missing or repeated: its end mark counts ${samples}, ${this.#samples} came in this segment`,
      );
    }
    const skipped = end.skipped ?? Math.max(0, (header.samples ?? samples) - samples);
    if (header.samples !== null && samples + skipped !== header.samples) {
      throw new StreamFault(
        `its header announces ${header.samples} patches, its end mark counts ${samples} samples and ${skipped} skipped`,
      );
    }
    if (end.crc32 !== undefined && end.crc32 !== this.#checksum) {
      throw new StreamFault(
        "the JSON of its header or of a sample was altered, or samples changed places: the checksum in its end mark does not match",
        "a filter that changes JSON should leave crc32 out of the end mark",
      );
    }
    this.#header = null;
    return { samples, skipped };
  }
}

const FOREIGN_HINT =
  "swath reads streams and shards that `swath tile` makes: other WebDataset shards say nothing of bands and places";

function decodeArray(file: Uint8Array<ArrayBuffer>, name: string, key: string): NdArray {
  try {
    return decodeNpy(file);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new StreamFault(`${name} of sample "${key}" cannot be decoded: ${error.message}`);
  }
}
