/**
 * Where a normalization comes from: given numbers, statistics of scenes, or the
 * `preprocessor_config.json` of a model that transformers saved.
 *
 * @module
 */
import * as v from "valibot";
import { InputError } from "../errors.ts";
import type { BandStatistics, BandSummary } from "./band_statistics.ts";
import type { Normalization } from "./normalization.ts";

/** Numbers of a normalization: one for all bands, or one for each. */
export interface NormalizationValues {
  /** Factor from stored numbers to physical values; 1 where left out. */
  readonly scale?: readonly number[];
  /** Added after scaling; 0 where left out. */
  readonly offset?: readonly number[];
  /** Subtracted, in physical units; 0 where left out. */
  readonly mean?: readonly number[];
  /** Divided by, in physical units; 1 where left out. */
  readonly std?: readonly number[];
  /** Range that results are limited to; none where left out. */
  readonly clip?: readonly [number, number];
}

/** A normalization, and the bands that it can only shift. */
export interface FittedNormalization {
  /** The normalization. */
  readonly normalization: Normalization;
  /** Names of bands without spread, whose std of 0 was replaced by 1: their results are all 0. */
  readonly constantBands: readonly string[];
}

/**
 * A normalization with given numbers.
 *
 * @param bands Names of the bands it is for.
 * @param values One number for all bands or one for each.
 * @returns The normalization.
 * @throws {InputError} If there are neither one nor as many numbers as bands, one is not finite, or a
 * std is not positive.
 *
 * @example
 * ```ts
 * import { makeNormalization } from "swath";
 *
 * const reflectance = makeNormalization(["B04", "B08"], { scale: [0.0001], mean: [0.1, 0.3] });
 * if (reflectance.scale.length !== 2 || reflectance.std[1] !== 1) throw new Error("not spread");
 * ```
 */
export function makeNormalization(
  bands: readonly string[],
  values: NormalizationValues,
): Normalization {
  const { scale = [1], offset = [0], mean = [0], std = [1], clip = null } = values;
  for (const value of std) {
    if (value <= 0) {
      throw new InputError(`Cannot divide by a std of ${value} as it must be positive`);
    }
  }
  return {
    bands: [...bands],
    scale: forEachBand("scale", scale, bands.length),
    offset: forEachBand("offset", offset, bands.length),
    mean: forEachBand("mean", mean, bands.length),
    std: forEachBand("std", std, bands.length),
    clip,
  };
}

/**
 * Standardisation with the mean and standard deviation of statistics.
 *
 * @param statistics Statistics of the scenes that a network is trained on.
 * @returns The normalization in physical units, by the scales that the statistics carry.
 * @throws {InputError} If a band has no values.
 */
export function normalizationFromStatistics(statistics: BandStatistics): FittedNormalization {
  return fit(statistics, null, ({ mean, std, scale, offset }) => ({
    mean: mean! * scale + offset,
    std: std! * Math.abs(scale),
  }));
}

/**
 * Stretch from one percentile to another onto 0 to 1, what lies outside being limited.
 *
 * @param statistics Statistics of the scenes.
 * @param low Percentile that becomes 0, such as 2.
 * @param high Percentile that becomes 1, such as 98.
 * @returns The normalization, with the low percentile as mean and the distance as std.
 * @throws {InputError} If the percentiles are not 0 <= low < high <= 100, or a band has no values.
 */
export function normalizationFromPercentiles(
  statistics: BandStatistics,
  low: number,
  high: number,
): FittedNormalization {
  if (!(low >= 0 && low < high && high <= 100)) {
    throw new InputError(
      `Cannot stretch from percentile ${low} to ${high} as 0 <= low < high <= 100 must hold`,
    );
  }
  return fit(statistics, [0, 1], ({ scale, offset }, band) => {
    const physical = (percent: number) => statistics.percentile(band, percent)! * scale + offset;
    const [start, end] = [physical(low), physical(high)];
    return { mean: Math.min(start, end), std: Math.abs(end - start) };
  });
}

/**
 * What an image processor of transformers does to pixels, as a normalization.
 *
 * Defaults of what the file leaves out are SegFormer's: rescaled by 1/255, ImageNet's mean and std.
 *
 * @param config Content of `preprocessor_config.json`.
 * @param bands Names of the bands it is for.
 * @param source File that it comes from, for errors.
 * @returns The normalization: `rescale_factor` is its scale, `image_mean` and `image_std` its mean
 * and std.
 * @throws {InputError} If it is not such a configuration, or is for another number of bands.
 *
 * @example
 * ```ts
 * import { normalizationFromPreprocessor } from "swath";
 *
 * const config = { rescale_factor: 0.5, image_mean: [1], image_std: [2] };
 * const { scale } = normalizationFromPreprocessor(config, ["B04"], "preprocessor_config.json");
 * if (scale[0] !== 0.5) throw new Error("not rescaled");
 * ```
 */
export function normalizationFromPreprocessor(
  config: unknown,
  bands: readonly string[],
  source: string,
): Normalization {
  const what = `Cannot normalize as ${JSON.stringify(source)} says`;
  const parsed = v.safeParse(preprocessorSchema, config, { abortEarly: true });
  if (!parsed.success) {
    const [issue] = parsed.issues;
    throw new InputError(
      `${what}: at "${
        v.getDotPath(issue) ?? ""
      }" expected ${issue.expected}, found ${issue.received}`,
    );
  }
  const { do_rescale, rescale_factor, do_normalize, image_mean, image_std } = parsed.output;
  const spread = (values: number | number[]) => typeof values === "number" ? [values] : values;
  try {
    return makeNormalization(bands, {
      ...(do_rescale ? { scale: [rescale_factor] } : {}),
      ...(do_normalize ? { mean: spread(image_mean), std: spread(image_std) } : {}),
    });
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new InputError(`${what}: ${error.message}`, { cause: error });
  }
}

const numbers = v.union([v.number(), v.array(v.number())]);
const preprocessorSchema = v.object({
  do_rescale: v.optional(v.nullable(v.boolean()), true),
  rescale_factor: v.optional(v.number(), 1 / 255),
  do_normalize: v.optional(v.nullable(v.boolean()), true),
  image_mean: v.optional(numbers, [0.485, 0.456, 0.406]),
  image_std: v.optional(numbers, [0.229, 0.224, 0.225]),
});

function fit(
  statistics: BandStatistics,
  clip: readonly [number, number] | null,
  valuesOf: (summary: BandSummary, band: number) => { mean: number; std: number },
): FittedNormalization {
  const summaries = statistics.summaries();
  const empty = summaries.find(({ count }) => count === 0);
  if (empty !== undefined) {
    throw new InputError(
      `Cannot normalize band ${empty.name} as its statistics have no valid pixels`,
    );
  }
  const values = summaries.map(valuesOf);
  return {
    normalization: {
      bands: summaries.map(({ name }) => name),
      scale: summaries.map(({ scale }) => scale),
      offset: summaries.map(({ offset }) => offset),
      mean: values.map(({ mean }) => mean),
      std: values.map(({ std }) => std === 0 ? 1 : std),
      clip,
    },
    constantBands: summaries.flatMap(({ name }, band) => values[band]!.std === 0 ? [name] : []),
  };
}

function forEachBand(what: string, values: readonly number[], bandCount: number): number[] {
  for (const value of values) {
    if (!Number.isFinite(value)) {
      throw new InputError(`Cannot normalize with a ${what} of ${value}`);
    }
  }
  if (values.length === bandCount) return [...values];
  if (values.length === 1) return Array<number>(bandCount).fill(values[0]!);
  throw new InputError(
    `Cannot normalize with ${values.length} numbers for ${what}: expected 1, or one for each band (${bandCount})`,
  );
}
