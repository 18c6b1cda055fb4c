/**
 * Normalizing a patch stream, and fitting statistics to one.
 *
 * @module
 */
import { cropArray, isDataType, type NdArray } from "../array/mod.ts";
import { InputError } from "../errors.ts";
import {
  type Sample,
  type SegmentTransform,
  type StreamHeader,
  type StreamItem,
  transformStream,
} from "../stream/mod.ts";
import { applyNormalization, maskNonFinite } from "./apply_normalization.ts";
import { BandStatistics } from "./band_statistics.ts";
import { RangeMonitor } from "./check_bands.ts";
import type { Normalization } from "./normalization.ts";

/** Options of {@linkcode normalizeStream}. */
export interface NormalizeStreamOptions {
  /** What to append to the stream's history. */
  readonly history: string;
  /** True to compare the values with what the normalization expects, and warn of another scale. */
  readonly watchesRange: boolean;
  /** Called with what users should know, once the samples have passed. */
  readonly onWarning?: (message: string) => void;
}

/**
 * Normalize the images of a stream.
 *
 * `image` becomes float32, with 0 where there is no data; pixels that are NaN or infinite in a band
 * count as without data from here on. Everything else passes unchanged.
 *
 * @param items The stream of stored numbers.
 * @param choose Called with the header of each segment: what to apply to it.
 * @param options History and warnings.
 * @returns The normalized stream; its header says what was applied.
 * @throws {InputError} If the stream has no images or is normalized already, and what `choose` throws.
 */
export async function* normalizeStream(
  items: AsyncIterable<StreamItem>,
  choose: (header: StreamHeader) => Normalization | Promise<Normalization>,
  options: NormalizeStreamOptions,
): AsyncGenerator<StreamItem, void, undefined> {
  const monitors: RangeMonitor[] = [];
  let masked = 0;

  async function start(header: StreamHeader): Promise<SegmentTransform> {
    requireStoredNumbers(header, "normalize the stream");
    const normalization = await choose(header);
    const monitor = new RangeMonitor(normalization);
    if (options.watchesRange) monitors.push(monitor);
    return {
      header: {
        ...header,
        dtype: "float32",
        // The numbers have no unit any more; `normalization` says where they come from.
        bands: header.bands.map(({ name }) => ({ name, scale: 1, offset: 0 })),
        normalization,
        history: [...header.history, options.history],
      },
      transform: (samples) =>
        samples.map((sample) => {
          const image = imageOf(sample);
          const known = maskNonFinite(image, validOf(sample));
          masked += known.masked;
          if (options.watchesRange) monitor.observe(image, known.valid);
          return {
            ...sample,
            info: {
              ...sample.info,
              validPixels: Math.max(0, sample.info.validPixels - known.masked),
            },
            arrays: {
              ...sample.arrays,
              image: applyNormalization(image, known.valid, normalization),
              ...(known.valid === null ? {} : { valid: known.valid }),
            },
          };
        }),
    };
  }

  yield* transformStream(items, start);
  if (masked > 0) {
    options.onWarning?.(
      `pixels that are NaN or infinite in a band, and count as without data: ${masked}`,
    );
  }
  const warning = monitors.map((monitor) => monitor.warning()).find((text) => text !== null);
  if (warning !== undefined) options.onWarning?.(warning);
}

/**
 * Statistics of the images of a stream.
 *
 * Only the cores of samples count, so that each pixel of a scene counts once where patches overlap.
 *
 * @param items The stream of stored numbers.
 * @returns Statistics of all segments together.
 * @throws {InputError} If the stream has no images or is normalized, or segments differ in bands,
 * scale or element type.
 */
export async function fitStatistics(items: AsyncIterable<StreamItem>): Promise<BandStatistics> {
  let total: BandStatistics | null = null;
  for await (const item of items) {
    if (item.type === "header") {
      const dtype = requireStoredNumbers(item.header, "fit statistics to the stream");
      const segment = new BandStatistics(item.header.bands, dtype);
      if (total === null) total = segment;
      // Without pixels yet, it adds nothing, but shows whether the segments agree.
      else total.merge(segment);
    } else if (item.type === "sample") {
      const { core, window } = item.sample.info;
      const inside = { ...core, x: core.x - window.x, y: core.y - window.y };
      const valid = validOf(item.sample);
      total?.add(
        cropArray(imageOf(item.sample), inside),
        valid === null ? null : cropArray(valid, inside),
      );
    }
  }
  if (total === null) throw new InputError("No samples received");
  return total;
}

/** The element type of the images, which must be there and be as the scene has them. */
function requireStoredNumbers(header: StreamHeader, task: string) {
  if (header.dtype === null) throw new InputError(`Cannot ${task} as its samples have no image`);
  if (header.normalization !== null) {
    throw new InputError(`Cannot ${task} as it is normalized already`, {
      hint: `It was made by: ${header.history.join(" | ")}`,
    });
  }
  return header.dtype;
}

function imageOf({ key, arrays: { image } }: Sample): NdArray {
  if (image !== undefined) return image;
  throw new InputError(`Cannot normalize sample "${key}" as it has no image`);
}

function validOf({ arrays: { valid } }: Sample): NdArray<"uint8"> | null {
  return valid !== undefined && isDataType(valid, "uint8") ? valid : null;
}
