/**
 * The shape that most commands have: samples in, samples out, everything else passed on.
 *
 * @module
 */
import type { Sample, StreamHeader, StreamItem } from "./sample.ts";

/** What a command does to a stream; made anew for each segment. */
export interface SegmentTransform {
  /** Header of the segment that comes out. */
  readonly header: StreamHeader;
  /**
   * Change some samples.
   *
   * @param samples At most `batch` of them, all of one patch size.
   * @returns As many, in the same order.
   */
  transform(samples: readonly Sample[]): Promise<readonly Sample[]> | readonly Sample[];
}

/** Options of {@linkcode transformStream}. */
export interface TransformStreamOptions {
  /** Samples to hand over together; 1 where left out. */
  readonly batch?: number;
  /** Batches that are transformed at the same time; 1 where left out. */
  readonly concurrency?: number;
}

/**
 * Map a stream sample by sample.
 *
 * While batches are being transformed, the next one is read and the one before is taken by the
 * consumer, so that a network does not wait for the pipe; no more than two batches are held besides.
 * End marks pass on unchanged.
 *
 * @param items The stream that comes in.
 * @param start Called with the header of each segment: says what becomes of it and of its samples.
 * Append to `history` what is being done.
 * @param options How many samples to hand over together, and how many such batches at a time.
 * @returns The stream that goes out.
 * @throws Whatever `start`, `transform` or the stream that comes in throws.
 *
 * @example
 * ```ts
 * import { type StreamItem, transformStream } from "swath";
 *
 * // Drops all arrays but the labels.
 * function labelsOnly(items: AsyncIterable<StreamItem>): AsyncIterable<StreamItem> {
 *   return transformStream(items, (header) => ({
 *     header: { ...header, dtype: null, history: [...header.history, "labels only"] },
 *     transform: (samples) =>
 *       samples.map(({ arrays: { label }, ...sample }) => ({
 *         ...sample,
 *         arrays: label === undefined ? {} : { label },
 *       })),
 *   }));
 * }
 * labelsOnly;
 * ```
 */
export async function* transformStream(
  items: AsyncIterable<StreamItem>,
  start: (header: StreamHeader) => SegmentTransform | Promise<SegmentTransform>,
  options: TransformStreamOptions = {},
): AsyncGenerator<StreamItem, void, undefined> {
  const { batch: size = 1, concurrency = 1 } = options;
  let segment: SegmentTransform | null = null;
  let batch: Sample[] = [];
  const running: Promise<readonly Sample[]>[] = [];

  /** Start the gathered batch, if there is one, and return what the first of those that run became. */
  async function turn(): Promise<readonly Sample[]> {
    const isFull = batch.length === 0 || running.length === concurrency;
    const finished = isFull ? await running.shift() ?? [] : [];
    if (batch.length > 0 && segment !== null) {
      const started = run(segment, batch);
      // A failure is thrown when the batch's turn comes; until then it is not "unhandled".
      started.catch(() => {});
      running.push(started);
      batch = [];
    }
    return finished;
  }

  try {
    for await (const item of items) {
      if (item.type === "sample") {
        if (batch.length > 0 && !samePatchSize(batch[0]!, item.sample)) {
          for (const sample of await turn()) yield { type: "sample", sample };
        }
        batch.push(item.sample);
        if (batch.length === size) {
          for (const sample of await turn()) yield { type: "sample", sample };
        }
        continue;
      }
      while (batch.length > 0 || running.length > 0) {
        for (const sample of await turn()) yield { type: "sample", sample };
      }
      if (item.type === "header") {
        segment = await start(item.header);
        yield { type: "header", header: segment.header };
      } else {
        yield item;
      }
    }
  } finally {
    // A session must not be released under a batch that still runs.
    await Promise.allSettled(running);
  }
}

async function run(
  segment: SegmentTransform,
  batch: readonly Sample[],
): Promise<readonly Sample[]> {
  const result = await segment.transform(batch);
  if (result.length !== batch.length) {
    throw new Error(`internal: ${batch.length} samples became ${result.length}`);
  }
  return result;
}

function samePatchSize(a: Sample, b: Sample): boolean {
  return a.info.window.width === b.info.window.width &&
    a.info.window.height === b.info.window.height;
}
