/**
 * Varying samples: flips, turns, zoom and crop, contrast and brightness of bands, missing bands.
 *
 * What is done to a sample is drawn as plain data, a function of (seed, epoch, sample), and then
 * applied. Contrast and brightness are relative to each band's mean and standard deviation, so that
 * it makes no difference whether an image is augmented before or after normalization.
 *
 * @module
 */
import { type DataType, formatShape, type NdArray, ndarray } from "../array/mod.ts";
import { InputError } from "../errors.ts";
import type { Normalization } from "../normalization/mod.ts";
import { randomStream } from "../random/mod.ts";
import type { AugmentConfig } from "./train_config.ts";

/** What is done to a sample, in the order of the members. */
export interface Augmentation {
  /** Rows and columns after the zoom. */
  readonly zoomed: readonly [rows: number, columns: number];
  /** First row and column, in the zoomed patch, of what is cut out; negative where it is filled. */
  readonly origin: readonly [row: number, column: number];
  /** Rows and columns of what is cut out. */
  readonly size: readonly [rows: number, columns: number];
  /** Top becomes bottom. */
  readonly flipRows: boolean;
  /** Left becomes right. */
  readonly flipColumns: boolean;
  /** Quarter turns counter-clockwise, 0 to 3. */
  readonly quarterTurns: number;
  /** Factor of each band's difference from its mean. */
  readonly gain: readonly number[];
  /** Added to each band, in its standard deviations. */
  readonly offset: readonly number[];
  /** Bands that are replaced by their mean. */
  readonly dropped: readonly boolean[];
}

/** Which sample an augmentation is drawn for. */
export interface AugmentationAddress {
  /** Seed of the run. */
  readonly seed: number;
  /** Epoch, counted from 0. */
  readonly epoch: number;
  /** Zero-based number of the sample in the data set. */
  readonly sample: number;
}

/** Image and labels of a patch. */
export interface TrainingPatch {
  /** Shape (C, H, W); any element type but 64-bit integers. */
  readonly image: NdArray;
  /** Shape (H, W). */
  readonly label: NdArray<"uint8">;
  /** Shape (H, W): 1 where there is data. */
  readonly valid: NdArray<"uint8">;
}

/** Mean and standard deviation of each band, in the units of the image. */
export interface BandSpread {
  /** What stands for "nothing known" in each band. */
  readonly mean: readonly number[];
  /** Unit of a change of brightness. */
  readonly std: readonly number[];
}

/** Numbers kept apart for each sample: eight, and three for each of at most this many bands. */
const MAX_BANDS = 2728;
const NUMBERS_PER_SAMPLE = 8 + 3 * MAX_BANDS;

/** Range of each integer type, to which results are limited. */
const RANGES: { readonly [D in DataType]?: readonly [number, number] } = {
  bool: [0, 1],
  uint8: [0, 0xff],
  int8: [-0x80, 0x7f],
  uint16: [0, 0xffff],
  int16: [-0x8000, 0x7fff],
  uint32: [0, 0xffff_ffff],
  int32: [-0x8000_0000, 0x7fff_ffff],
};

/**
 * Draw what to do to a sample.
 *
 * @param config What may be done.
 * @param address The sample; the same address gives the same augmentation.
 * @param shape Bands, rows and columns of the sample.
 * @param size Rows and columns wanted; those of the sample where null.
 * @throws {InputError} If there are more than 2728 bands.
 */
export function drawAugmentation(
  config: AugmentConfig,
  address: AugmentationAddress,
  shape: readonly [bands: number, rows: number, columns: number],
  size: number | null,
): Augmentation {
  const [bands, rows, columns] = shape;
  if (bands > MAX_BANDS) {
    throw new InputError(`Cannot augment ${bands} bands: at most ${MAX_BANDS} are supported`);
  }
  const random = randomStream(address.seed, `augment epoch ${address.epoch}`);
  const first = address.sample * NUMBERS_PER_SAMPLE;
  const uniform = (number: number) => random.uniform(first + number);
  const between = (low: number, high: number, number: number) =>
    low + (high - low) * uniform(number);

  const scale = between(config.scale[0], config.scale[1], 0);
  const zoomed = [rows, columns].map((extent) => Math.max(1, Math.round(extent * scale)));
  const wanted = [size ?? rows, size ?? columns];
  const origin = zoomed.map((extent, axis) => {
    const slack = extent - wanted[axis]!;
    return Math.sign(slack) * random.integer(first + 1 + axis, Math.abs(slack) + 1) || 0;
  });
  const isSquare = wanted[0] === wanted[1];
  const turns = isSquare ? random.integer(first + 5, 4) : 2 * random.integer(first + 5, 2);
  const perBand = <T>(draw: (number: number) => T) =>
    Array.from({ length: bands }, (_, band) => draw(8 + 3 * band));
  return {
    zoomed: [zoomed[0]!, zoomed[1]!],
    origin: [origin[0]!, origin[1]!],
    size: [wanted[0]!, wanted[1]!],
    flipRows: config.flip && uniform(3) < 0.5,
    flipColumns: config.flip && uniform(4) < 0.5,
    quarterTurns: config.turn ? turns : 0,
    gain: perBand((number) => between(1 - config.gain, 1 + config.gain, number)),
    offset: perBand((number) => between(-config.offset, config.offset, number + 1)),
    dropped: perBand((number) => uniform(number + 2) < config.bandDropout),
  };
}

/**
 * Apply an augmentation.
 *
 * Images are interpolated bilinearly (align_corners=False, as PyTorch's `interpolate`), labels take
 * the nearest pixel; a pixel is valid if all that it is made of are. What lies outside the patch has
 * the bands' means, the ignore label, and is not valid. Contrast and brightness leave pixels without
 * data as they are.
 *
 * @param augmentation What to do.
 * @param patch The patch, which stays as it is.
 * @param ignoreIndex Label of what lies outside the patch.
 * @param spread Mean and standard deviation of the bands; 0 and 1, those of a normalized image,
 * where left out.
 * @returns The new patch, in the same element type; integers are rounded and kept in range.
 * @throws {InputError} If the image has 64-bit integers.
 *
 * @example
 * ```ts
 * import { applyAugmentation, drawAugmentation, ndarray, parseTrainConfig } from "swath";
 *
 * const { augment } = parseTrainConfig({ augment: { scale: [0.5, 2], gain: 0.1 } });
 * const patch = {
 *   image: ndarray("float32", [2, 8, 8]),
 *   label: ndarray("uint8", [8, 8]),
 *   valid: ndarray("uint8", [8, 8], new Uint8Array(64).fill(1)),
 * };
 * const drawn = drawAugmentation(augment, { seed: 0, epoch: 3, sample: 17 }, [2, 8, 8], 4);
 * const { image } = applyAugmentation(drawn, patch, 255);
 * if (image.shape.join() !== "2,4,4") throw new Error("cut to 4x4");
 * ```
 */
export function applyAugmentation(
  augmentation: Augmentation,
  patch: TrainingPatch,
  ignoreIndex: number,
  spread?: BandSpread,
): TrainingPatch {
  const { image, label, valid } = patch;
  const [bands = 0, rows = 0, columns = 0] = image.shape;
  const { size, gain, offset, dropped, quarterTurns } = augmentation;
  if (gain.length !== bands) {
    throw new RangeError(
      `internal: an augmentation of ${gain.length} bands for ${formatShape(image.shape)}`,
    );
  }
  const pixels = numbersOf(image);
  const rowTaps = tapsOf(rows, augmentation.zoomed[0], augmentation.origin[0], size[0]);
  const columnTaps = tapsOf(columns, augmentation.zoomed[1], augmentation.origin[1], size[1]);
  const { base, rowStep, columnStep } = placement(augmentation);
  const outShape = quarterTurns % 2 === 0 ? size : [size[1], size[0]];
  const outImage = ndarray(image.dtype, [bands, ...outShape]);
  const outLabel = ndarray("uint8", outShape);
  const outValid = ndarray("uint8", outShape);
  outLabel.data.fill(ignoreIndex);

  for (let row = 0; row < size[0]; row++) {
    const y = rowTaps[row]!;
    if (y === null) continue;
    for (let column = 0; column < size[1]; column++) {
      const x = columnTaps[column]!;
      if (x === null) continue;
      const at = base + row * rowStep + column * columnStep;
      outLabel.data[at] = label.data[y.nearest * columns + x.nearest]!;
      outValid.data[at] = isValid(valid.data, columns, y, x) ? 1 : 0;
    }
  }

  const outPixels = numbersOf(outImage);
  const range = RANGES[image.dtype];
  const limit = range === undefined
    ? (value: number) => value
    : (value: number) => Math.min(range[1], Math.max(range[0], Math.round(value)));
  const area = size[0] * size[1];
  for (let band = 0; band < bands; band++) {
    const mean = spread?.mean[band] ?? 0;
    const factor = gain[band]!;
    const shift = mean * (1 - factor) + offset[band]! * (spread?.std[band] ?? 1);
    const isChanged = factor !== 1 || shift !== 0;
    const plane = outPixels.subarray(band * area, (band + 1) * area);
    plane.fill(limit(mean));
    if (dropped[band]) continue;
    const start = band * rows * columns;
    for (let row = 0; row < size[0]; row++) {
      const y = rowTaps[row]!;
      if (y === null) continue;
      const top = start + y.low * columns;
      const bottom = start + y.high * columns;
      for (let column = 0; column < size[1]; column++) {
        const x = columnTaps[column]!;
        if (x === null) continue;
        const at = base + row * rowStep + column * columnStep;
        let value = pixels[top + x.low]!;
        if (x.weight > 0) value += (pixels[top + x.high]! - value) * x.weight;
        if (y.weight > 0) {
          let below = pixels[bottom + x.low]!;
          if (x.weight > 0) below += (pixels[bottom + x.high]! - below) * x.weight;
          value += (below - value) * y.weight;
        }
        if (isChanged && outValid.data[at] === 1) value = value * factor + shift;
        plane[at] = limit(value);
      }
    }
  }
  return { image: outImage, label: outLabel, valid: outValid };
}

/**
 * Mean and standard deviation of the bands in the numbers that a scene stores.
 *
 * @param normalization Statistics in physical units, with the scale and offset that lead there.
 */
export function storedSpread(normalization: Normalization): BandSpread {
  const { scale, offset, mean, std } = normalization;
  return {
    mean: mean.map((value, band) => (value - offset[band]!) / scale[band]!),
    std: std.map((value, band) => value / Math.abs(scale[band]!)),
  };
}

/** The source pixels that make one pixel, along one axis. */
interface Tap {
  readonly low: number;
  readonly high: number;
  /** Share of `high`. */
  readonly weight: number;
  readonly nearest: number;
}

/** The taps of each wanted pixel of an axis; null for those outside. */
function tapsOf(extent: number, zoomed: number, origin: number, size: number): (Tap | null)[] {
  const ratio = extent / zoomed;
  return Array.from({ length: size }, (_, index) => {
    const position = origin + index;
    if (position < 0 || position >= zoomed) return null;
    const source = Math.max(0, (position + 0.5) * ratio - 0.5);
    const low = Math.min(extent - 1, Math.floor(source));
    const high = Math.min(extent - 1, low + 1);
    const nearest = Math.min(extent - 1, Math.floor((position + 0.5) * ratio));
    return { low, high, weight: high === low ? 0 : source - low, nearest };
  });
}

function isValid(valid: Uint8Array, columns: number, y: Tap, x: Tap): boolean {
  const lowRow = y.low * columns;
  const highRow = (y.weight > 0 ? y.high : y.low) * columns;
  const highColumn = x.weight > 0 ? x.high : x.low;
  return valid[lowRow + x.low] === 1 && valid[lowRow + highColumn] === 1 &&
    valid[highRow + x.low] === 1 && valid[highRow + highColumn] === 1;
}

/** Where flips and turns put the pixels of what was cut out: index of the first, and steps. */
function placement({ size, flipRows, flipColumns, quarterTurns }: Augmentation) {
  const place = (row: number, column: number) => {
    let [rows, columns] = size;
    let r = flipRows ? rows - 1 - row : row;
    let c = flipColumns ? columns - 1 - column : column;
    for (let turn = 0; turn < quarterTurns; turn++) {
      [r, c, rows, columns] = [columns - 1 - c, r, columns, rows];
    }
    return r * columns + c;
  };
  const base = place(0, 0);
  return { base, rowStep: place(1, 0) - base, columnStep: place(0, 1) - base };
}

type NumberArray = Exclude<NdArray["data"], BigInt64Array | BigUint64Array>;

function numbersOf(image: NdArray): NumberArray {
  const { data } = image;
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
    throw new InputError(
      `Cannot augment images of ${image.dtype}: 64-bit integers are not supported`,
    );
  }
  return data;
}
