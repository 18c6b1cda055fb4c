/**
 * Writing a patch stream, in either encoding.
 *
 * @module
 */
import { crc32 } from "node:zlib";
import { ndjsonEncoder } from "./ndjson_format.ts";
import type { StreamHeader, StreamItem } from "./sample.ts";
import { tarEncoder } from "./tar_format.ts";

/** Encodings of a stream. */
export const STREAM_FORMATS = ["tar", "ndjson"] as const;

/** Encoding of a stream: a tar in the WebDataset convention, or JSON lines. */
export type StreamFormat = (typeof STREAM_FORMATS)[number];

/** Where a stream goes, such as a command's standard output. */
export interface ByteSink {
  /** Write all the bytes; they may be changed once the promise has resolved. */
  write(bytes: Uint8Array): Promise<void>;
}

/** Takes the items of a stream in order. */
export interface StreamWriter {
  /** Write an item; resolves when the sink has taken it. */
  write(item: StreamItem): Promise<void>;
  /**
   * Write what marks the end of the whole stream. Not to be called after a failure: its absence tells
   * the reader that the producer died.
   */
  close(): Promise<void>;
}

/** Options of {@linkcode createStreamWriter}. */
export interface StreamWriterOptions {
  /** The encoding; `tar` where left out. */
  readonly format?: StreamFormat;
}

const ENCODERS = { tar: tarEncoder, ndjson: ndjsonEncoder };
/** Pieces up to this size are gathered into one write; larger ones are written without a copy. */
const GATHER_BYTES = 65_536;

/**
 * Write a patch stream.
 *
 * @param sink Takes the bytes.
 * @param options The encoding.
 * @returns The writer. Items must come in the order of a stream: header, samples, end mark, for each
 * segment; then `close()`.
 *
 * @example
 * ```ts
 * import { createStreamWriter, readStream, type StreamHeader } from "swath";
 *
 * const header: StreamHeader = {
 *   swath: 1, scene: null, grid: null, samples: 0, bands: [], dtype: null,
 *   normalization: null, classes: null, output: null, history: ["example"],
 * };
 * const chunks: Uint8Array<ArrayBuffer>[] = [];
 * const writer = createStreamWriter({
 *   write: (bytes) => Promise.resolve(void chunks.push(new Uint8Array(bytes))),
 * });
 * await writer.write({ type: "header", header });
 * await writer.write({ type: "end", end: { samples: 0, skipped: 0 } });
 * await writer.close();
 * const items = await Array.fromAsync(readStream(new Blob(chunks).stream()));
 * if (items.length !== 2) throw new Error("a header and an end mark");
 * ```
 */
export function createStreamWriter(
  sink: ByteSink,
  options: StreamWriterOptions = {},
): StreamWriter {
  const encoder = ENCODERS[options.format ?? "tar"];
  let header: StreamHeader | null = null;
  let samples = 0;
  let checksum = 0;

  function encode(item: StreamItem): readonly Uint8Array[] {
    if (item.type === "header") {
      if (header !== null) throw new Error("internal: a header before the end of the last segment");
      header = item.header;
      samples = 0;
      const { text, parts } = encoder.header(item.header);
      checksum = crc32(text);
      return parts;
    }
    if (header === null) throw new Error(`internal: a stream's ${item.type} before its header`);
    if (item.type === "sample") {
      samples++;
      const { text, parts } = encoder.sample(item.sample, header);
      checksum = crc32(text, checksum);
      return parts;
    }
    if (item.end.samples !== samples) {
      throw new Error(
        `internal: an end mark of ${item.end.samples} samples after ${samples} samples`,
      );
    }
    header = null;
    return encoder.end({ ...item.end, crc32: checksum });
  }

  return {
    write: (item) => writeGathered(sink, encode(item)),
    async close() {
      if (header !== null) throw new Error("internal: a stream closed inside a segment");
      await writeGathered(sink, encoder.close());
    },
  };
}

/** Write pieces in order, small ones together. */
async function writeGathered(sink: ByteSink, parts: readonly Uint8Array[]): Promise<void> {
  let gathered: Uint8Array[] = [];
  let size = 0;
  const flush = async () => {
    if (size === 0) return;
    const bytes = new Uint8Array(size);
    gathered.reduce((offset, part) => (bytes.set(part, offset), offset + part.length), 0);
    gathered = [];
    size = 0;
    await sink.write(bytes);
  };
  for (const part of parts) {
    if (size + part.length > GATHER_BYTES) await flush();
    if (part.length > GATHER_BYTES) {
      await sink.write(part);
    } else {
      gathered.push(part);
      size += part.length;
    }
  }
  await flush();
}
