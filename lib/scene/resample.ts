/**
 * Resampling onto a finer grid, as GDAL's warper does it.
 *
 * Pixels are areas: the middle of the target's pixel is looked up among the middles of the source's.
 * A pixel has data where the source pixel that its middle falls into has data. `bilinear` averages the
 * four nearest, and where some of them have no data or lie outside, the others, by their weights;
 * integers are rounded half up (GWKBilinearResample4Sample of gdalwarpkernel.cpp).
 *
 * @module
 */
import { type DataType, type NdArray, ndarray } from "../array/mod.ts";
import type { PixelWindow } from "../geo/mod.ts";
import type { RasterPixels } from "../raster/mod.ts";
import type { AxisMapping, GridMapping } from "./grid_mapping.ts";

/** How values between pixels are found. */
export type Resampling = "nearest" | "bilinear";

/** Source pixels for each target pixel along an axis, relative to the source window. */
interface Taps {
  /** The pixel that the middle falls into. */
  readonly nearest: Int32Array;
  /** The first of the two whose middles are around. */
  readonly first: Int32Array;
  /** Weight of the first; the second has the rest. */
  readonly weight: Float64Array;
}

/**
 * The source pixels that a window of the target needs.
 *
 * @param window The window.
 * @param mapping Where the target's pixels lie in the source.
 * @returns A window of the source; it may reach beyond it by a pixel.
 */
export function sourceWindow(window: PixelWindow, { x, y }: GridMapping): PixelWindow {
  const columns = spanOf(window.x, window.width, x);
  const rows = spanOf(window.y, window.height, y);
  return { x: columns.start, y: rows.start, width: columns.length, height: rows.length };
}

/**
 * Resample pixels.
 *
 * @param pixels Pixels of the source, of {@linkcode sourceWindow}.
 * @param window The window of the target.
 * @param mapping Where the target's pixels lie in the source.
 * @param method How values between pixels are found; `bilinear` is not for 64-bit integers.
 * @returns The window's pixels in the same element type.
 */
export function resample(
  { image, valid }: RasterPixels,
  window: PixelWindow,
  mapping: GridMapping,
  method: Resampling,
): RasterPixels {
  const { width, height } = window;
  const [bands, sourceHeight, sourceWidth] = image.shape as [number, number, number];
  const source = sourceWindow(window, mapping);
  const across = tapsOf(window.x, width, mapping.x, source.x);
  const down = tapsOf(window.y, height, mapping.y, source.y);
  const targetValid = ndarray("uint8", [height, width]);
  takeNearest(valid.data, sourceWidth, targetValid.data, across, down);
  const target = ndarray<DataType>(image.dtype, [bands, height, width]);
  const plane = sourceHeight * sourceWidth;
  const masked = valid.data.includes(0);
  const rounds = !image.dtype.startsWith("float");
  for (let band = 0; band < bands; band++) {
    const from = image.data.subarray(band * plane, (band + 1) * plane);
    const to = target.data.subarray(band * width * height, (band + 1) * width * height);
    // Both have the same element type, which TypeScript cannot tell.
    if (method === "nearest" || from instanceof BigInt64Array || from instanceof BigUint64Array) {
      takeNearest(from as Float64Array, sourceWidth, to as Float64Array, across, down);
    } else if (masked) {
      interpolateValid(from, valid.data, sourceWidth, to as Float64Array, across, down, rounds);
    } else {
      interpolate(from, sourceWidth, to as Float64Array, across, down, rounds);
    }
  }
  return { image: target, valid: targetValid };
}

/** Numbers, whatever their type. */
type Numbers = Exclude<NdArray["data"], BigInt64Array | BigUint64Array>;

/** Source pixels from the first that is needed to the last. */
function spanOf(
  start: number,
  length: number,
  { scale, offset }: AxisMapping,
): { start: number; length: number } {
  const first = Math.floor((start + 0.5) * scale + offset - 0.5);
  const last = Math.floor((start + length - 0.5) * scale + offset - 0.5) + 1;
  return { start: first, length: last - first + 1 };
}

function tapsOf(start: number, length: number, axis: AxisMapping, origin: number): Taps {
  const taps: Taps = {
    nearest: new Int32Array(length),
    first: new Int32Array(length),
    weight: new Float64Array(length),
  };
  for (let i = 0; i < length; i++) {
    const position = (start + i + 0.5) * axis.scale + axis.offset;
    const first = Math.floor(position - 0.5);
    taps.nearest[i] = Math.floor(position) - origin;
    taps.first[i] = first - origin;
    taps.weight[i] = 1.5 - (position - first);
  }
  return taps;
}

function takeNearest(
  from: { readonly [index: number]: number },
  width: number,
  to: { [index: number]: number },
  across: Taps,
  down: Taps,
): void {
  const columns = across.nearest.length;
  for (let y = 0; y < down.nearest.length; y++) {
    const row = down.nearest[y]! * width;
    for (let x = 0; x < columns; x++) to[y * columns + x] = from[row + across.nearest[x]!]!;
  }
}

/** Where all pixels have data. */
function interpolate(
  from: Numbers,
  width: number,
  to: Float64Array,
  across: Taps,
  down: Taps,
  rounds: boolean,
): void {
  const columns = across.first.length;
  for (let y = 0; y < down.first.length; y++) {
    const upper = down.first[y]! * width;
    const weight = down.weight[y]!;
    for (let x = 0; x < columns; x++) {
      const i = upper + across.first[x]!;
      const share = across.weight[x]!;
      const above = from[i]! * share + from[i + 1]! * (1 - share);
      const below = from[i + width]! * share + from[i + width + 1]! * (1 - share);
      const value = above * weight + below * (1 - weight);
      to[y * columns + x] = rounds ? Math.floor(value + 0.5) : value;
    }
  }
}

/** Where some pixels have none: the others count, by their weights. */
function interpolateValid(
  from: Numbers,
  valid: Uint8Array,
  width: number,
  to: Float64Array,
  across: Taps,
  down: Taps,
  rounds: boolean,
): void {
  const columns = across.first.length;
  for (let y = 0; y < down.first.length; y++) {
    const weight = down.weight[y]!;
    for (let x = 0; x < columns; x++) {
      if (valid[down.nearest[y]! * width + across.nearest[x]!] === 0) continue;
      const i = down.first[y]! * width + across.first[x]!;
      const share = across.weight[x]!;
      let sum = 0;
      let total = 0;
      const add = (index: number, part: number) => {
        if (valid[index] === 0) return;
        sum += from[index]! * part;
        total += part;
      };
      add(i, share * weight);
      add(i + 1, (1 - share) * weight);
      add(i + width, share * (1 - weight));
      add(i + width + 1, (1 - share) * (1 - weight));
      const value = total === 1 ? sum : sum / total;
      to[y * columns + x] = rounds ? Math.floor(value + 0.5) : value;
    }
  }
}
