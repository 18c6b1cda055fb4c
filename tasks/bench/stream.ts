/**
 * Throughput of the patch stream through a real pipe between two processes: 14 bands of 512×512
 * uint16, checksums on.
 *
 * The yardstick is the same pipe carrying the same bytes without a format, measured in the same run.
 */
import { fileURLToPath } from "node:url";
import { type BenchRow, formatRows } from "./bench_row.ts";
import { print } from "../print.ts";
import { createStreamWriter, ndarray, readStream, type StreamHeader, windowTransform } from "swath";

const BANDS = 14;
const SIZE = 512;
const SAMPLES = 150;
const ROUNDS = 3;

const header: StreamHeader = {
  swath: 1,
  scene: null,
  grid: null,
  samples: SAMPLES,
  bands: Array.from({ length: BANDS }, (_, i) => ({ name: `B${i + 1}`, scale: 1e-4, offset: 0 })),
  dtype: "uint16",
  normalization: null,
  classes: null,
  output: null,
  history: ["bench"],
};

/** Write a stream, or as many plain bytes, to standard output. */
async function produce(kind: string): Promise<void> {
  const sink = {
    async write(bytes: Uint8Array) {
      for (let offset = 0; offset < bytes.length;) {
        offset += await Deno.stdout.write(bytes.subarray(offset));
      }
    },
  };
  const image = ndarray("uint16", [BANDS, SIZE, SIZE]);
  image.data.forEach((_, i, data) => data[i] = i);
  if (kind === "plain") {
    const bytes = new Uint8Array(image.data.buffer);
    for (let i = 0; i < SAMPLES; i++) await sink.write(bytes);
    return;
  }
  const writer = createStreamWriter(sink, { format: kind === "ndjson" ? "ndjson" : "tar" });
  await writer.write({ type: "header", header });
  for (let i = 0; i < SAMPLES; i++) {
    const window = { x: i * SIZE, y: 0, width: SIZE, height: SIZE };
    const transform = windowTransform([0, 10, 0, 0, 0, -10], window.x, window.y);
    await writer.write({
      type: "sample",
      sample: {
        key: `bench/${i}`,
        info: {
          window,
          core: window,
          position: [0, i],
          transform,
          crs: null,
          validPixels: SIZE * SIZE,
        },
        arrays: { image },
      },
    });
  }
  await writer.write({ type: "end", end: { samples: SAMPLES, skipped: 0 } });
  await writer.close();
}

/** Read standard input to its end and print the megabytes of pixels per second. */
async function consume(kind: string): Promise<void> {
  const input = kind.endsWith("readable") ? Deno.stdin.readable : Deno.stdin;
  let start = 0;
  let bytes = 0;
  if (kind === "plain") {
    const buffer = new Uint8Array(1 << 20);
    for (;;) {
      const read = await Deno.stdin.read(buffer);
      if (read === null) break;
      start ||= performance.now();
      bytes += read;
    }
  } else {
    for await (const item of readStream(input)) {
      start ||= performance.now();
      if (item.type === "sample") bytes += item.sample.arrays.image!.data.byteLength;
    }
  }
  const seconds = (performance.now() - start) / 1000;
  await Deno.stdout.write(new TextEncoder().encode(String(bytes / 1e6 / seconds)));
}

/** Median throughput of some rounds of a producer and a consumer joined by the shell's pipe. */
async function throughput(producer: string, consumer: string): Promise<number> {
  const script = fileURLToPath(import.meta.url);
  const deno = Deno.execPath();
  const line = `"${deno}" run -A "${script}" produce ${producer} | ` +
    `"${deno}" run -A "${script}" consume ${consumer}`;
  const results: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const { success, stdout, stderr } = await new Deno.Command("sh", { args: ["-c", line] })
      .output();
    if (!success) throw new Error(`${producer} failed:\n${new TextDecoder().decode(stderr)}`);
    results.push(Number(new TextDecoder().decode(stdout)));
  }
  return results.toSorted((a, b) => a - b)[Math.floor(ROUNDS / 2)]!;
}

/**
 * Measure the patch stream.
 *
 * @returns Megabytes of pixels per second for each encoding and way of reading.
 */
export async function run(): Promise<BenchRow[]> {
  const plain = await throughput("plain", "plain");
  const rows: BenchRow[] = [{ name: "pipe without a format", value: plain, unit: "MB/s" }];
  for (
    const [name, producer, consumer] of [
      ["tar, read with read(buffer)", "tar", "tar"],
      ["tar, read from a ReadableStream", "tar", "tar-readable"],
      ["JSON lines", "ndjson", "ndjson"],
    ] as const
  ) {
    const value = await throughput(producer, consumer);
    rows.push({ name, value, unit: "MB/s", ratio: value / plain });
  }
  return rows;
}

if (import.meta.main) {
  const [role, kind = "tar"] = Deno.args;
  if (role === "produce") await produce(kind);
  else if (role === "consume") await consume(kind);
  else print(formatRows(await run()));
}
