/**
 * From a stream of patches to a stream of logits.
 *
 * @module
 */
import type { NdArray } from "../array/mod.ts";
import type { ClassInfo } from "../classes/mod.ts";
import { InputError } from "../errors.ts";
import { adaptScale, checkBands, type Normalization, RangeMonitor } from "../normalization/mod.ts";
import { type Sample, type StreamHeader, type StreamItem, transformStream } from "../stream/mod.ts";
import type { Predictor } from "./predictor.ts";

/** Options of {@linkcode inferStream}. */
export interface InferStreamOptions {
  /** Patches that go through the network together; 1 where left out. */
  readonly batch?: number;
  /** Keep the image in the samples; it is dropped where left out. */
  readonly keepImage?: boolean;
  /** Names and colours in place of the model's own, as many. */
  readonly classes?: readonly ClassInfo[];
  /** True if the predictor gives probabilities. */
  readonly probabilities?: boolean;
  /** Appended to the stream's history. */
  readonly history?: readonly string[];
  /** Called once with what looks wrong with the data, at the end of a segment. */
  readonly warn?: (message: string) => void;
}

/**
 * Compute the logits of every patch of a stream.
 *
 * A raw stream is normalized inside the graph with the model's own statistics, a normalized one is
 * taken as it is. Labels and valid masks pass through.
 *
 * @param items The stream.
 * @param predictor The model.
 * @param options Batch, what to keep, and where warnings go.
 * @returns The stream with `logits`.
 * @throws {InputError} If the stream's bands or scale are not the model's, or it has no images, or it
 * is raw and the model has no statistics.
 */
export function inferStream(
  items: AsyncIterable<StreamItem>,
  predictor: Predictor,
  options: InferStreamOptions = {},
): AsyncIterable<StreamItem> {
  const { network, classes, source } = predictor;
  if (network.task !== "segmentation") {
    throw new InputError(`Cannot map with model "${source}" as it classifies whole images`, {
      hint: "Use `swath classify`",
    });
  }
  const start = (header: StreamHeader) => {
    const normalization = normalizationFor(header, predictor);
    const monitor = normalization === null ? null : new RangeMonitor(normalization);
    let warned = false;
    return {
      header: {
        ...header,
        dtype: options.keepImage ? header.dtype : null,
        classes: options.classes ?? classes,
        output: {
          stride: network.stride,
          kind: options.probabilities ? "probabilities" as const : "logits" as const,
          model: source,
          crc32: predictor.crc32,
        },
        history: [...header.history, ...options.history ?? []],
      },
      async transform(samples: readonly Sample[]): Promise<Sample[]> {
        const patches = samples.map(({ key, arrays: { image, valid } }) => {
          if (image === undefined) throw new InputError(`Sample "${key}" has no image`);
          return {
            image,
            ...(valid !== undefined && { valid: valid as NdArray<"uint8"> }),
          };
        });
        if (monitor !== null && !warned) {
          monitor.observe(patches[0]!.image, patches[0]!.valid ?? null);
          const message = monitor.warning();
          if (message !== null) {
            options.warn?.(message);
            warned = true;
          }
        }
        const logits = await predictor.predict(patches, normalization);
        return samples.map((sample, index) => {
          const { image, ...rest } = sample.arrays;
          const kept = options.keepImage && image !== undefined ? { image } : {};
          return { ...sample, arrays: { ...kept, ...rest, logits: logits[index]! } };
        });
      },
    };
  };
  return transformStream(items, start, {
    batch: options.batch ?? 1,
    concurrency: predictor.concurrency,
  });
}

/** What to apply to the images of a segment: the model's statistics, or nothing. */
function normalizationFor(header: StreamHeader, predictor: Predictor): Normalization | null {
  const { bands, network, normalization, source } = predictor;
  const wants = `model "${source}"`;
  const names = header.bands.map(({ name }) => name);
  if (header.dtype === null) {
    throw new InputError("Cannot map a stream without images", {
      hint: "Pipe the stream of `swath tile` into `swath infer`",
    });
  }
  checkBands(
    bands ?? Array.from({ length: network.bands }, (_, band) => String(band + 1)),
    names,
    { wants },
  );
  if (header.normalization !== null) return null;
  if (normalization === null) {
    throw new InputError(
      `Cannot normalize the stream as ${wants} carries no statistics`,
      { hint: "Normalize the stream with `swath normalize` first" },
    );
  }
  return adaptScale(normalization, header.bands, { wants });
}
