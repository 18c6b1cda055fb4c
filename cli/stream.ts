/**
 * The patch stream at standard input and output.
 *
 * @module
 */
import {
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
 */
export async function* readPatches(
  io: CommandIo,
  label: string,
): AsyncGenerator<StreamItem, void, undefined> {
  const input = io.stdin();
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
