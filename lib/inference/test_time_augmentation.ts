/**
 * Test-time augmentation: a patch is mapped in several positions and sizes, and the probabilities averaged.
 *
 * @module
 */
import { type NdArray, ndarray } from "../array/mod.ts";
import { InputError } from "../errors.ts";
import type { Network } from "../models/mod.ts";
import type { Normalization } from "../normalization/mod.ts";
import type { PredictorPatch } from "./predictor.ts";

/** What is done to a patch. */
export interface Augmentations {
  /** Mirror left to right, top to bottom, and both. */
  readonly flips: boolean;
  /** Turn by 90, 180 and 270 degrees; with `flips`, all eight symmetries of the square. */
  readonly rot90: boolean;
  /** Factors of the size. */
  readonly scales: readonly number[];
}

/** Most factors of the size. */
const MOST_SCALES = 16;

/**
 * Parse what `--tta` says.
 *
 * @param text Such as `flips,rot90,scales=0.75:1:1.25`.
 * @throws {InputError} If a word is unknown or a scale out of range.
 *
 * @example
 * ```ts
 * import { parseAugmentations } from "swath";
 *
 * const { flips, scales } = parseAugmentations("flips,scales=0.5:1");
 * if (!flips || scales.length !== 2) throw new Error("flips and two scales");
 * ```
 */
export function parseAugmentations(text: string): Augmentations {
  const known = { flips: false, rot90: false, scales: [1] as readonly number[] };
  for (const word of text.split(",").map((word) => word.trim())) {
    const [name, value] = word.split("=", 2) as [string, string?];
    if ((name === "flips" || name === "rot90") && value === undefined) known[name] = true;
    else if (name === "scales" && value !== undefined) known.scales = parseScales(value);
    else {
      throw new InputError(
        `Cannot augment by ${JSON.stringify(word)}: expected flips, rot90 or scales=0.75:1:1.25`,
      );
    }
  }
  return known;
}

function parseScales(text: string): number[] {
  const scales = text.split(":").map((scale) => scale.trim() === "" ? NaN : Number(scale));
  const isDistinct = new Set(scales).size === scales.length;
  if (isDistinct && scales.length <= MOST_SCALES && scales.every((s) => s >= 0.1 && s <= 10)) {
    return scales;
  }
  throw new InputError(
    `Cannot augment by scales ${
      JSON.stringify(text)
    }: expected up to ${MOST_SCALES} different factors from 0.1 to 10, such as 0.75:1:1.25`,
  );
}

/** A symmetry of the square: transposed first, then mirrored. */
interface Symmetry {
  readonly transpose: boolean;
  readonly flipRows: boolean;
  readonly flipColumns: boolean;
}

/** The positions, each once. */
function symmetriesOf({ flips, rot90 }: Augmentations): Symmetry[] {
  const all = [false, true].flatMap((transpose) =>
    [false, true].flatMap((flipRows) =>
      [false, true].map((flipColumns) => ({ transpose, flipRows, flipColumns }))
    )
  );
  return all.filter(({ transpose, flipRows, flipColumns }) => {
    if (flips && rot90) return true;
    if (flips) return !transpose;
    // Turns keep the orientation: an even number of reflections.
    const reflections = [transpose, flipRows, flipColumns].filter(Boolean).length;
    return rot90 ? reflections % 2 === 0 : reflections === 0;
  });
}

/** Apply a symmetry to the last two axes. */
function turned<D extends NdArray["dtype"]>(array: NdArray<D>, symmetry: Symmetry): NdArray<D> {
  const { transpose, flipRows, flipColumns } = symmetry;
  if (!transpose && !flipRows && !flipColumns) return array;
  const [height, width] = array.shape.slice(-2) as [number, number];
  const [rows, columns] = transpose ? [width, height] : [height, width];
  const area = height * width;
  const result = ndarray(array.dtype, [...array.shape.slice(0, -2), rows, columns]);
  const [source, target] = [array.data as Float32Array, result.data as Float32Array];
  for (let plane = 0; plane < source.length; plane += area) {
    for (let row = 0; row < rows; row++) {
      const y = flipRows ? rows - 1 - row : row;
      for (let column = 0; column < columns; column++) {
        const x = flipColumns ? columns - 1 - column : column;
        target[plane + row * columns + column] =
          source[plane + (transpose ? x * width + y : y * width + x)]!;
      }
    }
  }
  return result as unknown as NdArray<D>;
}

/** The symmetry that takes another one back. */
function inverse({ transpose, flipRows, flipColumns }: Symmetry): Symmetry {
  return transpose
    ? { transpose, flipRows: flipColumns, flipColumns: flipRows }
    : { transpose, flipRows, flipColumns };
}

/** What computes probabilities of patches, such as a `Predictor` that was made for them. */
export interface ProbabilityModel {
  /** Bands, stride and multiple of the network. */
  readonly network: Pick<Network, "bands" | "stride" | "multiple">;
  /** Compute probabilities (K, ⌈H/stride⌉, ⌈W/stride⌉) of patches of one size. */
  predict(
    patches: readonly PredictorPatch[],
    normalization: Normalization | null,
  ): Promise<NdArray<"float32">[]>;
}

/**
 * Average the probabilities of patches over positions and sizes.
 *
 * Patches are first filled with pixels without data to the multiple that the network wants, so that the lattice of
 * its outputs is the same from all sides and each position is undone exactly. For a scale, images are resampled
 * bilinearly (align_corners=False) where they have data, and probabilities are resampled back to the lattice.
 *
 * @param model What computes probabilities.
 * @param augmentations Positions and sizes.
 * @param patches Patches of one size.
 * @param normalization What the model applies to the stored numbers; null where they are normalized.
 * @returns Probabilities (K, ⌈H/stride⌉, ⌈W/stride⌉) of each patch.
 */
export async function predictAugmented(
  model: ProbabilityModel,
  augmentations: Augmentations,
  patches: readonly PredictorPatch[],
  normalization: Normalization | null,
): Promise<NdArray<"float32">[]> {
  const [first] = patches;
  if (first === undefined) return [];
  const { multiple, stride } = model.network;
  const [height, width] = first.image.shape.slice(-2) as [number, number];
  const [rows, columns] = [Math.ceil(height / stride), Math.ceil(width / stride)];
  const symmetries = symmetriesOf(augmentations);
  const sums = patches.map((): Float64Array | null => null);
  let classes = 0;
  for (const scale of augmentations.scales) {
    const scaled = scale === 1 ? patches : patches.map((patch) => resized(patch, scale));
    const size = scaled[0]!.image.shape.slice(-2) as [number, number];
    const filled = scaled.map((patch) => filledTo(patch, multiple));
    for (const symmetry of symmetries) {
      const results = await model.predict(
        filled.map(({ image, valid }) => ({
          image: turned(image, symmetry),
          valid: turned(valid!, symmetry),
        })),
        normalization,
      );
      results.forEach((result, index) => {
        const back = turned(result, inverse(symmetry));
        const found = scale === 1 ? cropped(back, rows, columns) : resampled(
          cropped(back, Math.ceil(size[0] / stride), Math.ceil(size[1] / stride)),
          { rows, columns },
          [size[0] / height, size[1] / width],
        );
        classes = found.shape[0]!;
        const sum = sums[index] ??= new Float64Array(found.data.length);
        for (let i = 0; i < sum.length; i++) sum[i]! += found.data[i]!;
      });
    }
  }
  const count = augmentations.scales.length * symmetries.length;
  return sums.map((sum) =>
    ndarray("float32", [classes, rows, columns], Float32Array.from(sum!, (value) => value / count))
  );
}

/** Pixels without data at the bottom and at the right, up to a multiple. */
function filledTo({ image, valid }: PredictorPatch, multiple: number): PredictorPatch {
  const [bands, height, width] = image.shape as [number, number, number];
  const up = (extent: number) => Math.ceil(extent / multiple) * multiple;
  const [rows, columns] = [up(height), up(width)];
  const mask = ndarray("uint8", [rows, columns]);
  for (let row = 0; row < height; row++) {
    const line = mask.data.subarray(row * columns, row * columns + width);
    if (valid === undefined) line.fill(1);
    else line.set(valid.data.subarray(row * width, (row + 1) * width));
  }
  if (rows === height && columns === width) return { image, valid: mask };
  const filled = ndarray(image.dtype, [bands, rows, columns]);
  const [source, target] = [image.data as Float32Array, filled.data as Float32Array];
  for (let line = 0; line < bands * height; line++) {
    const [band, row] = [Math.floor(line / height), line % height];
    const to = (band * rows + row) * columns;
    target.set(source.subarray(line * width, (line + 1) * width), to);
  }
  return { image: filled, valid: mask };
}

/** Two neighbours and the share of the second, of each of `count` positions. */
function taps(count: number, extent: number, ratio: number) {
  return Array.from({ length: count }, (_, i) => {
    const position = Math.min(Math.max((i + 0.5) * ratio - 0.5, 0), extent - 1);
    const low = Math.floor(position);
    return { low, high: Math.min(low + 1, extent - 1), share: position - low };
  });
}

/** An image at another size: means of the neighbours that have data, by their bilinear weights. */
function resized({ image, valid }: PredictorPatch, scale: number): PredictorPatch {
  const [bands, height, width] = image.shape as [number, number, number];
  const [rows, columns] = [
    Math.max(1, Math.round(height * scale)),
    Math.max(1, Math.round(width * scale)),
  ];
  const [down, across] = [taps(rows, height, height / rows), taps(columns, width, width / columns)];
  const result = ndarray("float32", [bands, rows, columns]);
  const mask = ndarray("uint8", [rows, columns]);
  const isValid = valid?.data;
  for (let row = 0; row < rows; row++) {
    const vertical = down[row]!;
    for (let column = 0; column < columns; column++) {
      const horizontal = across[column]!;
      const corners = [
        [vertical.low * width + horizontal.low, (1 - vertical.share) * (1 - horizontal.share)],
        [vertical.low * width + horizontal.high, (1 - vertical.share) * horizontal.share],
        [vertical.high * width + horizontal.low, vertical.share * (1 - horizontal.share)],
        [vertical.high * width + horizontal.high, vertical.share * horizontal.share],
      ].filter(([pixel, weight]) => weight! > 0 && isValid?.[pixel!] !== 0) as [number, number][];
      const total = corners.reduce((sum, [, weight]) => sum + weight, 0);
      // Where most of what a pixel is made of has no data, it has none.
      if (total < 0.5) continue;
      mask.data[row * columns + column] = 1;
      for (let band = 0; band < bands; band++) {
        let sum = 0;
        for (const [pixel, weight] of corners) {
          sum += weight * Number(image.data[band * height * width + pixel]);
        }
        result.data[(band * rows + row) * columns + column] = sum / total;
      }
    }
  }
  return { image: result, valid: mask };
}

function cropped(array: NdArray<"float32">, rows: number, columns: number): NdArray<"float32"> {
  const [planes, height, width] = array.shape as [number, number, number];
  if (rows === height && columns === width) return array;
  const result = ndarray("float32", [planes, rows, columns]);
  for (let line = 0; line < planes * rows; line++) {
    const from = (Math.floor(line / rows) * height + line % rows) * width;
    result.data.set(array.data.subarray(from, from + columns), line * columns);
  }
  return result;
}

/** Probabilities of a scaled image on the lattice of the original: `ratio` is how much larger the image is. */
function resampled(
  array: NdArray<"float32">,
  { rows, columns }: { readonly rows: number; readonly columns: number },
  ratio: readonly [down: number, across: number],
): NdArray<"float32"> {
  const [planes, height, width] = array.shape as [number, number, number];
  const [down, across] = [taps(rows, height, ratio[0]), taps(columns, width, ratio[1])];
  const result = ndarray("float32", [planes, rows, columns]);
  for (let plane = 0; plane < planes; plane++) {
    const source = array.data.subarray(plane * height * width, (plane + 1) * height * width);
    const target = result.data.subarray(plane * rows * columns, (plane + 1) * rows * columns);
    for (let row = 0; row < rows; row++) {
      const y = down[row]!;
      for (let column = 0; column < columns; column++) {
        const x = across[column]!;
        const line = (r: number) => {
          const [a, b] = [source[r * width + x.low]!, source[r * width + x.high]!];
          return a + x.share * (b - a);
        };
        const above = line(y.low);
        target[row * columns + column] = above + y.share * (line(y.high) - above);
      }
    }
  }
  return result;
}

/** Sizes that a patch is mapped at: as many sessions are in use by turns. */
export function sessionsOf(augmentations: Augmentations): number {
  return augmentations.scales.length * (augmentations.rot90 ? 2 : 1);
}
