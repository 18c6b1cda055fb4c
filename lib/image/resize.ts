/**
 * Resizing as Pillow does it: what image processors of transformers apply, and so what networks saw when
 * they were trained.
 *
 * Separable filters whose support grows with the reduction, so that nothing is skipped (antialiasing).
 * Source: Pillow, `src/libImaging/Resample.c`.
 *
 * @module
 */
import { type NdArray, ndarray } from "../array/mod.ts";

/** Filters by name. */
export const RESIZE_FILTERS = ["bilinear", "bicubic"] as const;

/** A filter: a triangle, or the cubic convolution with a = −0.5. */
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

const KERNELS: Readonly<Record<ResizeFilter, Kernel>> = {
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: {
    support: 2,
    weight(distance) {
      const a = -0.5;
      const x = Math.abs(distance);
      if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
      return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
    },
  },
};

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
 * 8-bit images go through Pillow's fixed-point arithmetic and are rounded after each of the two
 * directions, along rows first: the result is Pillow's to the bit up to version 12. Version 13 takes
 * columns first for some sizes that shrink in height, which changes bilinear results by one level, and
 * bicubic ones by more beside hard edges. Other types are computed in floating point, as Pillow's mode `F`.
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
  const [bands, rows, columns] = image.shape as [number, number, number];
  const dtype = image.dtype === "uint8" ? "uint8" : "float32";
  const isByte = dtype === "uint8";
  const across = tapsOf(columns, width, KERNELS[filter], isByte);
  const down = tapsOf(rows, height, KERNELS[filter], isByte);
  const store = isByte ? roundByte : Math.fround;

  const narrow = ndarray(dtype, [bands, rows, width]);
  for (let row = 0; row < bands * rows; row++) {
    for (let x = 0; x < width; x++) {
      let sum = 0;
      const from = row * columns + across.first[x]!;
      for (let tap = 0; tap < across.count[x]!; tap++) {
        sum += Number(image.data[from + tap]) * across.weights[x * across.stride + tap]!;
      }
      narrow.data[row * width + x] = store(sum);
    }
  }
  const result = ndarray(dtype, [bands, height, width]);
  for (let band = 0; band < bands; band++) {
    for (let y = 0; y < height; y++) {
      const from = (band * rows + down.first[y]!) * width;
      for (let x = 0; x < width; x++) {
        let sum = 0;
        for (let tap = 0; tap < down.count[y]!; tap++) {
          sum += narrow.data[from + tap * width + x]! * down.weights[y * down.stride + tap]!;
        }
        result.data[(band * height + y) * width + x] = store(sum);
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
