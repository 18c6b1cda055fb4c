/**
 * Reading a patch stream, in either encoding, with everything checked: that it is whole, in order,
 * unaltered, and that each sample is what the header says.
 *
 * @module
 */
import { InputError } from "../errors.ts";
import { type ByteReader, ByteSource, readerOf } from "./byte_source.ts";
import { decodeArrays } from "./decode_arrays.ts";
import { readNdjsonRecords } from "./ndjson_format.ts";
import type { StreamItem } from "./sample.ts";
import { SegmentChecker } from "./segment_checker.ts";
import { looksLike } from "./sniff.ts";
import { StreamFault } from "./stream_fault.ts";
import type { StreamRecord } from "./stream_record.ts";
import { BLOCK_BYTES, isTarHeader } from "./tar.ts";
import { readTarRecords, takeContent } from "./tar_format.ts";

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
  const checker = new SegmentChecker(decodeArrays);
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
    return readTarRecords(source, takeContent);
  }
  if (head.every((byte) => byte === 0)) return readTarRecords(source, takeContent);
  const { name, hint } = looksLike(head);
  const damaged = start === "_stream.json" ? "a patch stream whose first bytes are damaged" : name;
  throw new InputError(
    `${label[0]!.toUpperCase()}${label.slice(1)} is not a patch stream: it looks like ${damaged}`,
    hint === undefined ? {} : { hint },
  );
}
