/**
 * From numbers to colours: composites of bands, and class maps in their classes' colours.
 *
 * @module
 */
import { formatShape, type NdArray, ndarray } from "../array/mod.ts";
import type { ClassInfo } from "../classes/mod.ts";

/** Options of {@linkcode compositeBands}. */
export interface CompositeOptions {
  /** Zero-based numbers of the bands to show as red, green and blue; one number for grey. */
  readonly bands: readonly [number] | readonly [red: number, green: number, blue: number];
  /** Shape (H, W), 1 = data; pixels without data become transparent. */
  readonly valid?: NdArray<"uint8">;
  /** Percentiles of the valid pixels that become black and white; 2 and 98 where left out. */
  readonly percentiles?: readonly [low: number, high: number];
  /** Values that become black and white, the same for all bands, instead of percentiles. */
  readonly range?: readonly [low: number, high: number];
  /** Exponent that brings out dark parts; 1.25 where left out, and 1 shows numbers as they are. */
  readonly gamma?: number;
}

/** Brings out the dark parts, where forests and water are. */
const DEFAULT_GAMMA = 1.25;

/** Percentiles are taken from about so many pixels, evenly spread. */
const SAMPLED_PIXELS = 100_000;

/**
 * Show bands as colours, each stretched between two percentiles of its own.
 *
 * @param image Shape (C, H, W), any numbers.
 * @param options Which bands, and how they are stretched.
 * @returns Shape (H, W, 4): RGBA.
 * @throws {RangeError} If the image does not have three axes or has no such band.
 *
 * @example
 * ```ts
 * import { compositeBands, ndarray } from "swath";
 *
 * const image = ndarray("uint16", [1, 1, 2], Uint16Array.of(100, 900));
 * const { data } = compositeBands(image, { bands: [0] });
 * if (data.join() !== "0,0,0,255,255,255,255,255") throw new Error("black and white");
 * ```
 */
export function compositeBands(image: NdArray, options: CompositeOptions): NdArray<"uint8"> {
  const { bands, valid, percentiles = [2, 98], range: given, gamma = DEFAULT_GAMMA } = options;
  const [count, height, width] = image.shape;
  if (image.shape.length !== 3 || bands.some((band) => !(band >= 0 && band < count!))) {
    throw new RangeError(
      `internal: no bands ${bands.join(", ")} in an image of shape ${formatShape(image.shape)}`,
    );
  }
  const pixels = height! * width!;
  const picture = ndarray("uint8", [height!, width!, 4]);
  const out = picture.data;
  bands.forEach((band, channel) => {
    const values = image.data.subarray(band * pixels, (band + 1) * pixels);
    const [low, high] = given ?? percentileLimits(values, valid?.data, percentiles);
    const range = high > low ? high - low : 1;
    for (let index = 0; index < pixels; index++) {
      const share = Math.min(1, Math.max(0, (Number(values[index]) - low) / range));
      out[index * 4 + channel] = Math.round(255 * share ** (1 / gamma));
    }
  });
  for (let index = 0; index < pixels; index++) {
    if (bands.length === 1) out[index * 4 + 1] = out[index * 4 + 2] = out[index * 4]!;
    out[index * 4 + 3] = valid === undefined || valid.data[index] === 1 ? 255 : 0;
  }
  return picture;
}

/**
 * Show a class map.
 *
 * @param labels Shape (H, W): class numbers. Numbers without a class, such as 255, become transparent.
 * @param classes The classes with their colours.
 * @returns Shape (H, W, 4): RGBA.
 */
export function colorizeClasses(
  labels: NdArray<"uint8">,
  classes: readonly ClassInfo[],
): NdArray<"uint8"> {
  const [height, width] = labels.shape;
  const palette = new Uint8Array(256 * 4);
  classes.slice(0, 256).forEach(({ color }, index) => {
    palette.set([...parseColor(color), 255], index * 4);
  });
  const picture = ndarray("uint8", [height!, width!, 4]);
  labels.data.forEach((label, index) => {
    picture.data.set(palette.subarray(label * 4, label * 4 + 4), index * 4);
  });
  return picture;
}

/** Channels of a colour such as `#1f78b4`. */
export function parseColor(color: string): [red: number, green: number, blue: number] {
  const value = Number.parseInt(color.slice(1), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}

/**
 * Two percentiles of values, from a sample of them where there are many.
 *
 * @param values The values.
 * @param valid 1 where there is data; everywhere where left out.
 * @param percentiles From 0 to 100, the lower first.
 * @returns The values of both; 0 where there is no data.
 */
export function percentileLimits(
  values: NdArray["data"],
  valid: Uint8Array | undefined,
  percentiles: readonly [low: number, high: number],
): [number, number] {
  const step = Math.max(1, Math.floor(values.length / SAMPLED_PIXELS));
  const sample: number[] = [];
  for (let index = 0; index < values.length; index += step) {
    const value = Number(values[index]);
    if (valid?.[index] !== 0 && Number.isFinite(value)) sample.push(value);
  }
  const sorted = Float64Array.from(sample).sort();
  const at = (percentile: number) =>
    sorted[Math.round((percentile / 100) * (sorted.length - 1))] ?? 0;
  return [at(percentiles[0]), at(percentiles[1])];
}
