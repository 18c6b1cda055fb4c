/**
 * Resizing as Pillow does it: what image processors of transformers apply, and so what networks saw when
 * they were trained.
 *
 * Separable filters whose support grows with the reduction, so that nothing is skipped (antialiasing).
 * Source: Pillow, `src/libImaging/Resample.c`.
 *
 * @module
 */
import { elementCount, isDataType, type NdArray, ndarray } from "../array/mod.ts";

/** Filters by name. */
export const RESIZE_FILTERS = [
  "nearest",
  "box",
  "bilinear",
  "hamming",
  "bicubic",
  "lanczos",
] as const;

/**
 * A filter: the pixel under the centre; a box; a triangle; a cosine window; the cubic convolution with a = −0.5; a
 * sinc of three lobes.
 */
export type ResizeFilter = (typeof RESIZE_FILTERS)[number];

/** Size and filter. */
export interface ResizeOptions {
  /** Rows of the result. */
  readonly height: number;
  /** Columns of the result. */
  readonly width: number;
  /** How pixels are weighted; bilinear where left out. */
  readonly filter?: ResizeFilter;
}

interface Kernel {
  /** Distance from the centre at which the weight becomes 0, in pixels of the result. */
  readonly support: number;
  weight(distance: number): number;
}

const KERNELS: Readonly<Record<Exclude<ResizeFilter, "nearest">, Kernel>> = {
  box: { support: 0.5, weight: (x) => x > -0.5 && x <= 0.5 ? 1 : 0 },
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  hamming: {
    support: 1,
    weight: (x) =>
      Math.abs(x) >= 1 ? 0 : sinc(x) * (HAMMING[0] + HAMMING[1] * Math.cos(x * Math.PI)),
  },
  bicubic: {
    support: 2,
    weight(distance) {
      const a = -0.5;
      const x = Math.abs(distance);
      if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
      return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
    },
  },
  lanczos: { support: 3, weight: (x) => x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0 },
};

/** Constants of Hamming's window, in single precision as Pillow has them. */
const HAMMING = [Math.fround(0.54), Math.fround(0.46)] as const;

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI);
}

/** Weights of 8-bit images are multiples of 2 to the power of minus this. */
const PRECISION_BITS = 22;

/** The pixels of the source that each pixel of the result is a weighted sum of. */
interface Taps {
  /** First pixel of the source. */
  readonly first: Int32Array;
  /** Number of pixels. */
  readonly count: Int32Array;
  /** Weights: `stride` numbers a pixel of the result. */
  readonly weights: Float64Array;
  readonly stride: number;
}

/**
 * Resize an image.
 *
 * 8-bit images go through Pillow's fixed-point arithmetic and are rounded after each of the two directions: the
 * result is Pillow 13's to the bit. Other types are computed in floating point, as Pillow's mode `F`.
 *
 * Up to version 12, Pillow always resized along rows first. For sizes that {@linkcode downFirst} is true for, its
 * bilinear results differ by one level, and bicubic ones by more beside hard edges.
 *
 * @param image Shape (C, H, W).
 * @param options Size and filter.
 * @returns Shape (C, height, width): uint8 for uint8, float32 for all others.
 *
 * @example
 * ```ts
 * import { ndarray, resizeImage } from "swath";
 *
 * const image = ndarray("uint8", [1, 1, 4], new Uint8Array([0, 100, 200, 40]));
 * const half = resizeImage(image, { height: 1, width: 2 });
 * if (half.data.join(" ") !== "71 117") throw new Error(half.data.join(" "));
 * ```
 */
export function resizeImage(image: NdArray, options: ResizeOptions): NdArray<"uint8" | "float32"> {
  const { height, width, filter = "bilinear" } = options;
  const [, rows, columns] = image.shape as [number, number, number];
  const isByte = image.dtype === "uint8";
  const stored: NdArray<"uint8" | "float32"> = isDataType(image, "uint8")
    ? image
    : ndarray("float32", image.shape, Float32Array.from(image.data, Number));
  if (filter === "nearest") return resizeNearest(stored, height, width);
  const across = { axis: 2, taps: tapsOf(columns, width, KERNELS[filter], isByte) };
  const down = { axis: 1, taps: tapsOf(rows, height, KERNELS[filter], isByte) };
  const passes = downFirst([rows, columns], [height, width]) ? [down, across] : [across, down];
  return passes.reduce((each, { axis, taps }) => resizeAxis(each, axis, taps), stored);
}

/**
 * Resize to the pixels under the centres, as Pillow's filter `NEAREST` has it: centres are summed up from the first
 * one, so that a centre on an edge falls to the side where rounding puts it.
 *
 * @param image Shape (…, H, W).
 * @param height Rows of the result.
 * @param width Columns of the result.
 * @returns Shape (…, height, width).
 */
export function resizeNearest<D extends "uint8" | "float32">(
  image: NdArray<D>,
  height: number,
  width: number,
): NdArray<D> {
  const [rows, columns] = image.shape.slice(-2) as [number, number];
  const result = ndarray(image.dtype, [...image.shape.slice(0, -2), height, width]);
  const [down, across] = [centersOf(rows, height), centersOf(columns, width)];
  const planes = elementCount(image.shape.slice(0, -2));
  for (let line = 0; line < planes * height; line++) {
    const from = (Math.floor(line / height) * rows + down[line % height]!) * columns;
    for (let x = 0; x < width; x++) {
      result.data[line * width + x] = image.data[from + across[x]!]!;
    }
  }
  return result;
}

/** The pixels of the source under the centres of the result's. */
function centersOf(size: number, resized: number): Int32Array {
  const step = size / resized;
  const pixels = new Int32Array(resized);
  for (let pixel = 0, center = step * 0.5; pixel < resized; pixel++, center += step) {
    pixels[pixel] = Math.floor(center);
  }
  return pixels;
}

/**
 * True where Pillow 13 resizes along columns before it resizes along rows: where more than twice as many rows as
 * columns go.
 *
 * The rule is what its results show, of some 1500 sizes up to 1500×1500 and all filters (tests/peers/resize_test.ts).
 */
function downFirst(
  [rows, columns]: readonly [number, number],
  [height, width]: readonly [number, number],
): boolean {
  return height < rows && rows - height > 2 * (columns - width);
}

/**
 * Resize along one axis; an axis of that size already stays as it is.
 *
 * @param image Any shape.
 * @param axis The axis, whose size the taps were made for.
 * @param taps What each pixel of the result is made of.
 */
function resizeAxis(
  image: NdArray<"uint8" | "float32">,
  axis: number,
  { first, count, weights, stride }: Taps,
): NdArray<"uint8" | "float32"> {
  const [size, resized] = [image.shape[axis]!, first.length];
  if (size === resized) return image;
  const outer = elementCount(image.shape.slice(0, axis));
  const inner = elementCount(image.shape.slice(axis + 1));
  const result = ndarray(image.dtype, image.shape.with(axis, resized));
  const store = image.dtype === "uint8" ? roundByte : Math.fround;
  for (let row = 0; row < outer; row++) {
    for (let pixel = 0; pixel < resized; pixel++) {
      const from = (row * size + first[pixel]!) * inner;
      const to = (row * resized + pixel) * inner;
      for (let i = 0; i < inner; i++) {
        let sum = 0;
        for (let tap = 0; tap < count[pixel]!; tap++) {
          sum += image.data[from + tap * inner + i]! * weights[pixel * stride + tap]!;
        }
        result.data[to + i] = store(sum);
      }
    }
  }
  return result;
}

/** Nearest byte, halves upwards: weights are exact multiples, so that no sum is rounded before. */
function roundByte(sum: number): number {
  return Math.min(255, Math.max(0, Math.floor(sum + 0.5)));
}

function tapsOf(size: number, resized: number, kernel: Kernel, fixedPoint: boolean): Taps {
  const scale = size / resized;
  const spread = Math.max(1, scale);
  const support = kernel.support * spread;
  const stride = Math.ceil(support) * 2 + 1;
  const first = new Int32Array(resized);
  const count = new Int32Array(resized);
  const weights = new Float64Array(resized * stride);
  for (let pixel = 0; pixel < resized; pixel++) {
    const center = (pixel + 0.5) * scale;
    const from = Math.max(0, Math.trunc(center - support + 0.5));
    const to = Math.min(size, Math.trunc(center + support + 0.5));
    const own = weights.subarray(pixel * stride, pixel * stride + to - from);
    let sum = 0;
    for (let tap = 0; tap < own.length; tap++) {
      own[tap] = kernel.weight((tap + from - center + 0.5) * (1 / spread));
      sum += own[tap]!;
    }
    for (let tap = 0; tap < own.length; tap++) {
      const weight = sum === 0 ? own[tap]! : own[tap]! / sum;
      own[tap] = fixedPoint ? quantized(weight) : weight;
    }
    first[pixel] = from;
    count[pixel] = own.length;
  }
  return { first, count, weights, stride };
}

/** A weight as Pillow's fixed-point number, halves away from zero. */
function quantized(weight: number): number {
  const unit = 2 ** PRECISION_BITS;
  return Math.trunc(weight * unit + (weight < 0 ? -0.5 : 0.5)) / unit;
}
