/**
 * Whether an image is what a model's statistics were made for: the same bands in the same order and
 * on the same scale. Networks give confident nonsense otherwise.
 *
 * @module
 */
import type { NdArray } from "../array/mod.ts";
import { InputError } from "../errors.ts";
import type { BandInfo } from "../raster/mod.ts";
import { abbreviateList } from "../text/mod.ts";
import type { Normalization } from "./normalization.ts";

/** What to call the two sides in messages. */
export interface BandOwners {
  /** Who wants bands; `the model` where left out. */
  readonly wants?: string;
  /** Who has bands; `the stream` where left out. */
  readonly has?: string;
}

/**
 * Check that bands are the ones that are wanted, in that order.
 *
 * Files often do not name their bands; names that are mere numbers agree with any name.
 *
 * @param wanted Names that a model or normalization is for.
 * @param found Names that an image has.
 * @param owners What to call the two in the message.
 * @throws {InputError} If number, names or order differ; it says what both are.
 *
 * @example
 * ```ts
 * import { checkBands } from "swath";
 *
 * checkBands(["B04", "B08"], ["1", "2"]);
 * try {
 *   checkBands(["B04", "B08"], ["B08", "B04"]);
 *   throw new Error("the order matters");
 * } catch (error) {
 *   if (!(error instanceof Error) || !error.message.includes("(B08, B04)")) throw error;
 * }
 * ```
 */
export function checkBands(
  wanted: readonly string[],
  found: readonly string[],
  { wants = "the model", has = "the stream" }: BandOwners = {},
): void {
  const unnamed = isUnnamed(wanted) || isUnnamed(found);
  if (wanted.length === found.length) {
    if (unnamed || wanted.every((name, index) => name === found[index])) return;
  }
  const describe = (names: readonly string[]) => {
    const count = names.length === 1 ? "1 band" : `${names.length} bands`;
    return isUnnamed(names) ? count : `${count} (${abbreviateList(names, 13)})`;
  };
  const available = new Set(found);
  const selectable = !unnamed && wanted.every((name) => available.has(name));
  throw new InputError(
    `Bands do not match: ${wants} wants ${describe(wanted)}, ${has} has ${describe(found)}`,
    selectable ? { hint: `Cut the scene with \`--bands ${wanted.join(",")}\`` } : {},
  );
}

/**
 * Check that an image's stored numbers are on the scale that a normalization is for.
 *
 * A file that states no scale (factor 1, offset 0) is taken to be right.
 *
 * @param normalization What will be applied.
 * @param bands Bands of the image, as many.
 * @param owners What to call the two in the message.
 * @throws {InputError} If a band states another scale or offset; it says what both are.
 */
export function checkScale(
  normalization: Normalization,
  bands: readonly BandInfo[],
  { wants = "the model", has = "the stream" }: BandOwners = {},
): void {
  bands.forEach((band, index) => {
    const scale = normalization.scale[index]!;
    const offset = normalization.offset[index]!;
    const silent = band.scale === 1 && band.offset === 0;
    if (silent || (near(band.scale, scale) && near(band.offset, offset))) return;
    throw new InputError(
      `Scales do not match in band ${band.name}: ${wants} wants stored numbers with scale ${scale} and offset ${offset}, ${has} has scale ${band.scale} and offset ${band.offset}`,
      { hint: "State the scale of the stored numbers with `swath normalize --scale --offset`" },
    );
  });
}

/** Scales this many times apart are not of one quantity, such as reflectance and percent of it. */
const SCALE_FACTOR = 10;

/**
 * A normalization for the stored numbers of an image, which may be on another scale than those that its
 * statistics were made of: they are in physical units, so that an image that states its own scale and
 * offset is normalized by these. Products of Sentinel-2 since baseline 04.00 need it, whose offset is
 * -0.1, under a model that was trained with older ones, whose offset is 0.
 *
 * A file that states no scale (factor 1, offset 0) is taken to be as the statistics say.
 *
 * @param normalization What is to be applied.
 * @param bands Bands of the image, as many.
 * @param owners What to call the two in the message.
 * @returns The normalization with the scale and offset of each band that states them.
 * @throws {InputError} If a band states a scale where the statistics are of stored numbers, or one that
 * is ten times off.
 *
 * @example
 * ```ts
 * import { adaptScale, makeNormalization } from "swath";
 *
 * const old = makeNormalization(["B04"], { scale: [1e-4], mean: [0.1], std: [0.05] });
 * const { offset } = adaptScale(old, [{ name: "B04", scale: 1e-4, offset: -0.1 }]);
 * if (offset[0] !== -0.1) throw new Error("the scene knows its own offset");
 * ```
 */
export function adaptScale(
  normalization: Normalization,
  bands: readonly BandInfo[],
  owners: BandOwners = {},
): Normalization {
  const isSilent = ({ scale, offset }: { scale: number; offset: number }) =>
    scale === 1 && offset === 0;
  const adapted = bands.map((band, index) => {
    const own = { scale: normalization.scale[index]!, offset: normalization.offset[index]! };
    const agree = near(band.scale, own.scale) && near(band.offset, own.offset);
    if (isSilent(band) || agree) return own;
    const ratio = band.scale / own.scale;
    if (isSilent(own) || !(ratio < SCALE_FACTOR && ratio > 1 / SCALE_FACTOR)) {
      checkScale(normalization, bands, owners);
    }
    return band;
  });
  return {
    ...normalization,
    scale: adapted.map(({ scale }) => scale),
    offset: adapted.map(({ offset }) => offset),
  };
}

/** About as many pixels of a band of a patch are looked at: another scale shows in any of them. */
const SAMPLED_PIXELS = 8192;
/** Data further than this factor from a model's training data is on another scale. */
export const RANGE_FACTOR = 100;

/** Follows the values of bands over a stream, to notice data on another scale. */
export class RangeMonitor {
  readonly #normalization: Normalization;
  readonly #largest: Float64Array;

  /** Begin with no pixels; the normalization tells what the training data was like. */
  constructor(normalization: Normalization) {
    this.#normalization = normalization;
    this.#largest = new Float64Array(normalization.bands.length);
  }

  /**
   * Look at the pixels of a patch.
   *
   * @param image Shape (C, H, W), stored numbers.
   * @param valid Shape (H, W): 0 leaves a pixel out; null where all have data.
   */
  observe(image: NdArray, valid: NdArray<"uint8"> | null): void {
    const mask = valid?.data ?? null;
    const bands = this.#largest.length;
    const pixels = image.data.length / bands;
    const { scale, offset } = this.#normalization;
    for (let band = 0; band < bands; band++) {
      const plane = image.data.subarray(band * pixels, (band + 1) * pixels);
      const [low, high] = rangeOf(plane, mask);
      if (low > high) continue;
      for (const stored of [low, high]) {
        const physical = Math.abs(stored * scale[band]! + offset[band]!);
        this.#largest[band] = Math.max(this.#largest[band]!, physical);
      }
    }
  }

  /**
   * What looks wrong so far.
   *
   * The largest value of a band is compared with the mean and three standard deviations of the
   * training data; bands that are all zero are not judged.
   *
   * @returns A warning, one for all bands together; null where all is well.
   */
  warning(): string | null {
    const { bands, mean, std } = this.#normalization;
    const off = bands.flatMap((name, band) => {
      const largest = this.#largest[band]!;
      const usual = Math.abs(mean[band]!) + 3 * std[band]!;
      const isOff = largest > RANGE_FACTOR * usual ||
        (largest > 0 && largest * RANGE_FACTOR < usual);
      return isOff ? [{ name, largest, usual }] : [];
    });
    const [first] = off;
    if (first === undefined) return null;
    return `the values of ${off.length} of ${bands.length} bands are on another scale than the training data: band ${first.name} reaches ${
      short(first.largest)
    }, where ${short(first.usual)} is usual`;
  }
}

/** Smallest and largest finite value of a sample of the pixels where the mask is not 0. */
function rangeOf(plane: NdArray["data"], mask: Uint8Array | null): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  // An odd step, so that the sample moves from column to column in rows of a power of two.
  const step = Math.floor(plane.length / SAMPLED_PIXELS) | 1;
  for (let i = 0; i < plane.length; i += step) {
    if (mask !== null && mask[i] === 0) continue;
    const value = Number(plane[i]);
    if (value < low && value !== -Infinity) low = value;
    if (value > high && value !== Infinity) high = value;
  }
  return [low, high];
}

/** Files that do not name their bands number them. */
function isUnnamed(names: readonly string[]): boolean {
  return names.every((name, index) => name === String(index + 1));
}

/** Equal but for the rounding of decimal texts and float32. */
function near(a: number, b: number): boolean {
  return Math.abs(a - b) <= 1e-6 * Math.max(Math.abs(a), Math.abs(b));
}

function short(value: number): string {
  return String(Number(value.toPrecision(3)));
}
