/**
 * Fully connected conditional random field: Krähenbühl and Koltun, "Efficient inference in fully connected CRFs with
 * Gaussian edge potentials" (2011). Pixels that are near and alike want the same class.
 *
 * @module
 */
import { exactFilter, permutohedralFilter, type PointFilter } from "./permutohedral.ts";

/** Strengths and widths of the two kernels. */
export interface DenseCrfOptions {
  /** Steps of mean-field inference. */
  readonly iterations: number;
  /** Weight of the kernel of place and colour. */
  readonly bilateralWeight: number;
  /** Its standard deviation in pixels. */
  readonly bilateralPixels: number;
  /** Its standard deviation in the image's numbers, the same for each band. */
  readonly bilateralColor: number;
  /** Weight of the kernel of place alone. */
  readonly smoothWeight: number;
  /** Its standard deviation in pixels. */
  readonly smoothPixels: number;
  /** Sum over all pairs of pixels instead of filtering on a lattice; false where left out. */
  readonly exact?: boolean;
}

/** What the kernels see of a patch. */
export interface CrfImage {
  /** Bands, each of H×W pixels. */
  readonly bands: readonly ArrayLike<number>[];
  /** Rows H. */
  readonly height: number;
  /** Columns W. */
  readonly width: number;
  /** 0 where there is no data; null where there is everywhere. */
  readonly valid: ArrayLike<number> | null;
}

/** Smallest probability that a class has to begin with, so that its energy is finite. */
const SMALLEST = 1e-10;

/**
 * Refine probabilities by mean-field inference.
 *
 * Q ← softmax(log p + Σ w · N K N Q) with both kernels K(i, j) = exp(−½ |f(i) − f(j)|²) and Potts compatibility;
 * N = diag(1 / √(K 1)) normalizes a kernel as the authors' code does. Pixels without data neither change nor
 * count.
 *
 * @param probabilities Shape (K, H·W).
 * @param image What the kernels see.
 * @param options Strengths, widths and steps.
 * @returns Probabilities in the same shape.
 */
export function denseCrf(
  probabilities: Float32Array,
  image: CrfImage,
  options: DenseCrfOptions,
): Float32Array<ArrayBuffer> {
  const { width, height, valid } = image;
  const area = width * height;
  const classes = probabilities.length / area;
  const pixels = Array.from({ length: area }, (_, i) => i).filter((i) => valid?.[i] !== 0);
  const result = Float32Array.from(probabilities);
  if (pixels.length === 0) return result;
  const scores = new Float32Array(pixels.length * classes);
  pixels.forEach((pixel, i) => {
    for (let k = 0; k < classes; k++) {
      scores[i * classes + k] = Math.log(Math.max(probabilities[k * area + pixel]!, SMALLEST));
    }
  });
  const kernels = kernelsOf(image, pixels, options);
  let shares = softmax(scores, classes);
  for (let step = 0; step < options.iterations; step++) {
    const sums = Float32Array.from(scores);
    for (const { weight, normalization, filter } of kernels) {
      const messages = filter.filter(scaled(shares, normalization, classes), classes);
      for (let i = 0; i < pixels.length; i++) {
        const factor = weight * normalization[i]!;
        for (let k = 0; k < classes; k++) {
          sums[i * classes + k]! += factor * messages[i * classes + k]!;
        }
      }
    }
    shares = softmax(sums, classes);
  }
  pixels.forEach((pixel, i) => {
    for (let k = 0; k < classes; k++) result[k * area + pixel] = shares[i * classes + k]!;
  });
  return result;
}

interface Kernel {
  readonly weight: number;
  readonly normalization: Float32Array;
  readonly filter: PointFilter;
}

function kernelsOf(
  { bands, width }: CrfImage,
  pixels: readonly number[],
  options: DenseCrfOptions,
): Kernel[] {
  const place = (
    pixel: number,
    deviation: number,
  ) => [pixel % width / deviation, Math.floor(pixel / width) / deviation];
  const kernels: [weight: number, dimensions: number, features: (pixel: number) => number[]][] = [
    [options.smoothWeight, 2, (pixel) => place(pixel, options.smoothPixels)],
    [options.bilateralWeight, 2 + bands.length, (pixel) => [
      ...place(pixel, options.bilateralPixels),
      ...bands.map((band) => band[pixel]! / options.bilateralColor),
    ]],
  ];
  return kernels.filter(([weight]) => weight > 0).map(([weight, dimensions, featuresOf]) => {
    const features = new Float32Array(pixels.length * dimensions);
    pixels.forEach((pixel, i) => features.set(featuresOf(pixel), i * dimensions));
    const filter = (options.exact ? exactFilter : permutohedralFilter)(features, dimensions);
    const ones = new Float32Array(pixels.length).fill(1);
    const normalization = filter.filter(ones, 1).map((sum) => 1 / Math.sqrt(sum + 1e-20));
    return { weight, normalization, filter };
  });
}

function scaled(values: Float32Array, factors: Float32Array, size: number): Float32Array {
  return values.map((value, i) => value * factors[Math.floor(i / size)]!);
}

/** Softmax of each row. */
function softmax(scores: Float32Array, classes: number): Float32Array<ArrayBuffer> {
  const shares = new Float32Array(scores.length);
  for (let from = 0; from < scores.length; from += classes) {
    let largest = -Infinity;
    for (let k = 0; k < classes; k++) largest = Math.max(largest, scores[from + k]!);
    let sum = 0;
    for (let k = 0; k < classes; k++) {
      sum += shares[from + k] = Math.exp(scores[from + k]! - largest);
    }
    for (let k = 0; k < classes; k++) shares[from + k]! /= sum;
  }
  return shares;
}
