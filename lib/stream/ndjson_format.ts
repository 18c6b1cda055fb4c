/**
 * The patch stream as JSON lines, for jq and scripts: the same JSON as in the tar with a `type`, and
 * each array's `.npy` file in base64.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";
import type { ByteSource } from "./byte_source.ts";
import { encodeNpy } from "./npy.ts";
import { ARRAY_NAMES } from "./sample.ts";
import { cutShort, StreamFault } from "./stream_fault.ts";
import type { StreamEncoder, StreamRecord } from "./stream_record.ts";
import { type ArrayEntry, arraysOf, parseJson, sampleJson } from "./wire.ts";

/** Longest line: near the longest string that V8 can hold. */
const MAX_LINE_BYTES = 500_000_000;
const NEWLINE = 0x0a;

/** Encodes a stream as JSON lines. */
export const ndjsonEncoder: StreamEncoder = {
  header(header) {
    const text = line({ type: "header", ...header });
    return { text, parts: [text] };
  },
  sample(sample, header) {
    const entries: Record<string, ArrayEntry> = {};
    for (const [name, array] of arraysOf(sample)) {
      const npy = encodeNpy(array);
      entries[name] = {
        dtype: array.dtype,
        shape: [...array.shape],
        crc32: crc32(npy),
        npy: npy.toBase64(),
      };
    }
    const text = line({ type: "sample", ...sampleJson(sample, header, entries) });
    return { text, parts: [text] };
  },
  end: (end) => [line({ type: "end", ...end })],
  // What the zero blocks are to a tar: without it, a producer that dies between two segments would
  // go unnoticed.
  close: () => [line({ type: "close" })],
};

function line(value: Record<string, unknown>): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value) + "\n");
}

/** Read a stream as JSON lines. */
export async function* readNdjsonRecords(source: ByteSource): AsyncGenerator<StreamRecord> {
  let number = 0;
  let closed = false;
  for (;;) {
    const text = await readLine(source, number + 1);
    if (text === null) break;
    number++;
    const place = number === 1 ? "line 1, where a patch stream has its header," : `line ${number}`;
    const json = parseJson(text, place);
    const type = json !== null && typeof json === "object" && "type" in json ? json.type : null;
    closed = type === "close";
    if (type === "header" || type === "end") {
      yield { kind: type, text, json };
    } else if (type === "sample") {
      yield { kind: "sample", key: null, text, json, files: filesOf(json) };
    } else if (!closed) {
      throw new StreamFault(
        `${place} has type ${JSON.stringify(type)}: expected "header", "sample", "end" or "close"`,
      );
    }
  }
  if (!closed) throw cutShort(`after line ${number}`);
}

/** The next line with its newline; null at the end. */
async function readLine(source: ByteSource, number: number): Promise<Uint8Array | null> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const buffered = await source.peekBuffered();
    if (buffered.length === 0) {
      if (length === 0) return null;
      throw cutShort(`inside line ${number}`);
    }
    const newline = buffered.indexOf(NEWLINE);
    const part = newline < 0 ? buffered : buffered.subarray(0, newline + 1);
    parts.push(part.slice());
    length += part.length;
    source.skip(part.length);
    if (length > MAX_LINE_BYTES) {
      throw new StreamFault(
        `line ${number} is longer than ${MAX_LINE_BYTES} bytes`,
        "write the stream as tar, without --format ndjson",
      );
    }
    if (newline >= 0) return Buffer.concat(parts);
  }
}

/** The `.npy` files in a sample's line. */
function filesOf(json: unknown): Map<string, Uint8Array<ArrayBuffer>> {
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  const sample = json as { key?: unknown; arrays?: Record<string, { npy?: unknown } | null> };
  for (const name of ARRAY_NAMES) {
    const npy = sample.arrays?.[name]?.npy;
    if (npy === undefined) continue;
    try {
      files.set(name, Uint8Array.fromBase64(String(npy), { lastChunkHandling: "strict" }));
    } catch {
      throw new StreamFault(`${name} of sample "${sample.key}" is not valid base64`);
    }
  }
  return files;
}
