/**
 * A script's side of {@linkcode Peer}: lines on standard input are answered with numbers.
 *
 * @module
 */
import { print } from "../print.ts";

/**
 * Answer each line on standard input.
 *
 * @param answer Does the work that the line names and gives a number.
 */
export async function answerLines(answer: (work: string) => Promise<number>): Promise<void> {
  let pending = "";
  for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    const parts = (pending + text).split("\n");
    pending = parts.pop()!;
    for (const work of parts) print(`${await answer(work)}\n`);
  }
}

/** The most that the process held at any time, in bytes, as Linux knows it. */
export async function peakMemory(): Promise<number> {
  const status = await Deno.readTextFile("/proc/self/status");
  return 1024 * Number(/^VmHWM:\s*(\d+)/m.exec(status)?.[1]);
}
