/**
 * The patch stream at standard input and output.
 *
 * @module
 */
import {
  type ByteReader,
  createStreamWriter,
  readStream,
  type StreamFormat,
  type StreamHeader,
  type StreamItem,
} from "../mod.ts";
import type { CommandIo } from "./io.ts";

/**
 * Read the patch stream at standard input, with a progress bar.
 *
 * @param io The process.
 * @param label What is being done to the patches, such as `Scoring`.
 * @param input The bytes, where some of them have been looked at; see {@linkcode optionalInput}.
 */
export async function* readPatches(
  io: CommandIo,
  label: string,
  input: ByteReader = io.stdin(),
): AsyncGenerator<StreamItem, void, undefined> {
  const progress = io.progress(label, "patches");
  let done = 0;
  let total: number | null = 0;
  try {
    for await (const item of readStream(input)) {
      if (item.type === "header") {
        const { samples } = item.header;
        total = total === null || samples === null ? null : total + samples;
      } else {
        done += item.type === "sample" ? 1 : item.end.skipped;
      }
      progress.update(done, total);
      yield item;
    }
  } finally {
    progress.finish();
  }
}

/**
 * Standard input, where a command can do without it.
 *
 * @returns All of its bytes; null where it is a terminal or empty.
 */
export async function optionalInput(io: CommandIo): Promise<ByteReader | null> {
  if (Deno.stdin.isTerminal()) return null;
  const input = io.stdin();
  const first = new Uint8Array(1);
  if (await input.read(first) === null) return null;
  let pending = true;
  return {
    async read(buffer) {
      if (!pending || buffer.length === 0) return await input.read(buffer);
      pending = false;
      buffer.set(first);
      return 1;
    },
  };
}

/**
 * Write a patch stream to standard output.
 *
 * @param io The process.
 * @param items The stream.
 * @param format Its encoding.
 */
export async function writePatches(
  io: CommandIo,
  items: AsyncIterable<StreamItem>,
  format: StreamFormat,
): Promise<void> {
  const writer = createStreamWriter(io, { format });
  for await (const item of items) await writer.write(item);
  await writer.close();
}

/** The header with this command appended to its history. */
export function withHistory(header: StreamHeader, io: CommandIo): StreamHeader {
  return { ...header, history: [...header.history, io.commandLine] };
}
