/**
 * Weights that were trained on some bands, carried over to others.
 *
 * Only the first convolution sees the bands. Its kernel `W` of shape (C₀, M, k, k) for M bands
 * becomes `W′` of shape (C₀, N, k, k) for N bands:
 *
 * ```text
 * W′[b] = (M / N) · W[m]          where band b of the N is band m of the M, by name
 * W′[b] = (M / N) · mean_m W[m]   for every other band
 * ```
 *
 * The factor keeps the scale of the response: where all bands of a place have one value, as nearly
 * grey pixels have after normalization, the new kernel answers exactly as the old one did, provided
 * that each of the M bands is among the N. Repeating the kernels in file order instead, as other
 * tools do, puts the red kernel on the blue band of Sentinel-2.
 *
 * @module
 */
import { InputError } from "../errors.ts";
import { formatShape, isDataType, type NdArray, ndarray } from "../array/mod.ts";
import { abbreviateList } from "../text/mod.ts";

/** Bands that pictures have, and those that weights trained on pictures take. */
export const RGB_BANDS: readonly string[] = ["R", "G", "B"];

/** Names that mean the same part of the spectrum, for Sentinel-2, Landsat 8 and 9, and pictures. */
const SYNONYMS: readonly (readonly string[])[] = [
  ["r", "red", "b04", "b4"],
  ["g", "green", "b03", "b3"],
  ["b", "blue", "b02", "b2"],
];

/** A kernel for other bands, and how it was made. */
export interface AdaptedKernel {
  /** Shape (C₀, N, k, k). */
  readonly kernel: NdArray<"float32">;
  /** What was done, as lines to print. */
  readonly report: readonly string[];
}

/**
 * Adapt the first convolution to other bands by their names.
 *
 * @param kernel Shape (C₀, M, k, k).
 * @param from Names of its M bands.
 * @param to Names of the N bands wanted.
 * @returns The kernel for them, and what was done.
 * @throws {InputError} If the kernel is not of floating-point numbers, does not have M bands, or `to`
 * is empty.
 *
 * @example
 * ```ts
 * import { adaptKernelToBands, ndarray, RGB_BANDS } from "swath";
 *
 * const kernel = ndarray("float32", [1, 3, 1, 1], new Float32Array([6, 3, 0]));
 * const adapted = adaptKernelToBands(kernel, RGB_BANDS, ["B02", "B03", "B04", "B08"]);
 * // Blue, green and red find theirs; near infrared gets the mean; all times 3/4.
 * if (adapted.kernel.data.join() !== "0,2.25,4.5,2.25") throw new Error("unexpected kernel");
 * ```
 */
export function adaptKernelToBands(
  kernel: NdArray,
  from: readonly string[],
  to: readonly string[],
): AdaptedKernel {
  const [filters, bands, height, width] = kernel.shape;
  if (
    kernel.shape.length !== 4 || bands !== from.length || !kernel.dtype.startsWith("float")
  ) {
    throw new InputError(
      `Cannot adapt a kernel of type ${kernel.dtype} and shape ${
        formatShape(kernel.shape)
      } to other bands: expected numbers of shape (filters, ${from.length}, height, width) for ${
        abbreviateList(from)
      }`,
    );
  }
  if (to.length === 0) throw new InputError("Cannot adapt weights to no bands");
  const source = isDataType(kernel, "float32")
    ? kernel.data
    : Float32Array.from(kernel.data as ArrayLike<number>);
  const area = height! * width!;
  const origin = to.map((band) => findBand(band, from));
  if (isSameBands(origin, from)) {
    return { kernel: ndarray("float32", kernel.shape, source.slice()), report: [] };
  }
  const factor = from.length / to.length;
  const adapted = ndarray("float32", [filters!, to.length, height!, width!]);
  for (let filter = 0; filter < filters!; filter++) {
    const base = filter * from.length * area;
    for (let target = 0; target < to.length; target++) {
      const start = (filter * to.length + target) * area;
      const band = origin[target]!;
      for (let at = 0; at < area; at++) {
        const value = band === null
          ? meanOverBands(source, base + at, from.length, area)
          : source[base + band * area + at]!;
        adapted.data[start + at] = factor * value;
      }
    }
  }
  return { kernel: adapted, report: describeAdaptation(from, to, origin) };
}

function meanOverBands(data: Float32Array, start: number, bands: number, stride: number): number {
  let sum = 0;
  for (let band = 0; band < bands; band++) sum += data[start + band * stride]!;
  return sum / bands;
}

/** Index of the band in `from` that has the same name, or a name that means the same; null for none. */
function findBand(name: string, from: readonly string[]): number | null {
  const exact = from.indexOf(name);
  if (exact >= 0) return exact;
  const index = from.findIndex((candidate) => canonical(candidate) === canonical(name));
  return index < 0 ? null : index;
}

function canonical(name: string): string {
  const lower = name.trim().toLowerCase();
  return SYNONYMS.find((names) => names.includes(lower))?.[0] ?? lower;
}

/** True if the bands wanted are those that the kernel has, in its order. */
function isSameBands(origin: readonly (number | null)[], from: readonly string[]): boolean {
  return origin.length === from.length && origin.every((band, index) => band === index);
}

function describeAdaptation(
  from: readonly string[],
  to: readonly string[],
  origin: readonly (number | null)[],
): string[] {
  const named = to.flatMap((band, index) => {
    const source = origin[index]!;
    return source === null ? [] : [`${from[source]} → ${band}`];
  });
  const others = to.filter((_, index) => origin[index] === null);
  const unused = from.filter((_, index) => !origin.includes(index));
  const lines = [`First convolution adapted from ${from.length} to ${to.length} bands:`];
  if (named.length > 0) lines.push(`  by name: ${abbreviateList(named, 14)}`);
  if (others.length > 0) {
    lines.push(`  mean of ${abbreviateList(from)}: ${abbreviateList(others, 14)}`);
  }
  if (unused.length > 0) lines.push(`  not among the bands: ${abbreviateList(unused)}`);
  if (to.length !== from.length) lines.push(`  all times ${from.length}/${to.length}`);
  return lines;
}
