/**
 * Whether records make a stream: that it is whole, in order and unaltered. The reader and the index
 * check with it.
 *
 * @module
 */
import { crc32 } from "node:zlib";
import { checkSample } from "./check_sample.ts";
import type { Sample, SampleArrays, StreamEnd, StreamHeader, StreamItem } from "./sample.ts";
import { cutShort, StreamFault } from "./stream_fault.ts";
import type { StreamRecord } from "./stream_record.ts";
import { parseEnd, parseHeader, parseSample, type SampleJson } from "./wire.ts";

/** What becomes of the arrays of a sample. */
export type ArraysOf<File> = (
  key: string,
  json: SampleJson,
  files: ReadonlyMap<string, File>,
) => SampleArrays;

/** Follows a stream through its segments and checks each record against what came before. */
export class SegmentChecker<File> {
  readonly #arraysOf: ArraysOf<File>;
  #header: StreamHeader | null = null;
  #segments = 0;
  #total = 0;
  #samples = 0;
  #checksum = 0;
  #lastKey: string | null = null;
  #lastPosition: readonly [number, number] = [-1, -1];

  /** @param arraysOf Decodes the arrays of a sample, or passes them over. */
  constructor(arraysOf: ArraysOf<File>) {
    this.#arraysOf = arraysOf;
  }

  /** Validate a record and turn it into an item. */
  accept(record: StreamRecord<File>): StreamItem {
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

  #startSegment({ json, text }: StreamRecord<File>): StreamHeader {
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

  #sample(record: Extract<StreamRecord<File>, { kind: "sample" }>, header: StreamHeader): Sample {
    const { json, text, files } = record;
    const parsed = parseSample(json, record.key === null ? "a sample" : `"${record.key}.json"`);
    const key = parsed.key ?? record.key;
    if (key === null) throw new StreamFault("a sample has no key");
    if (record.key !== null && record.key !== key) {
      throw new StreamFault(`"${record.key}.json" says that it belongs to "${key}"`);
    }
    const sample: Sample = { key, info: parsed.info, arrays: this.#arraysOf(key, parsed, files) };
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
