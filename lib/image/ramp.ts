/**
 * Colours of continuous values: ramps that are even in lightness, and pictures in their colours.
 *
 * @module
 */
import { type NdArray, ndarray } from "../array/mod.ts";
import { parseColor } from "./colorize.ts";

/** Names of the ramps. */
export const RAMP_NAMES = ["viridis", "cividis", "magma", "greys", "brbg", "rdylgn"] as const;

/** Name of a ramp. */
export type RampName = (typeof RAMP_NAMES)[number];

/**
 * Ramps by name, and what Vega calls them. The first four go from dark to light evenly, and so can be read in black
 * and white and by the colour-blind; `brbg` has a middle, and `rdylgn` is for those who are used to it.
 */
const RAMPS: Readonly<Record<RampName, string>> = {
  viridis: "viridis",
  cividis: "cividis",
  magma: "magma",
  greys: "greys",
  brbg: "brownbluegreen",
  rdylgn: "redyellowgreen",
};

/** Colours of a ramp. */
const STEPS = 256;

/**
 * The colours of a ramp, from low to high.
 *
 * @param name Which one.
 * @returns 256 colours as `#rrggbb`.
 */
export async function rampColors(name: RampName): Promise<string[]> {
  const { scheme } = await import("vega");
  const colorAt = scheme(RAMPS[name]) as unknown as (share: number) => string;
  return Array.from({ length: STEPS }, (_, index) => {
    const share = index / (STEPS - 1);
    // Vega's greys go from light to dark, as ink does.
    const color = colorAt(name === "greys" ? 1 - share : share);
    const channels = color.startsWith("#") ? parseColor(color) : color.match(/\d+/g)!.map(Number);
    return `#${channels.slice(0, 3).map((value) => value.toString(16).padStart(2, "0")).join("")}`;
  });
}

/**
 * Show values in the colours of a ramp.
 *
 * @param values Shape (1, H, W).
 * @param valid Shape (H, W): 1 = data; pixels without data, and those that are no number, become transparent.
 * @param colors Colours from low to high.
 * @param range Values that have the first and the last colour.
 * @returns Shape (H, W, 4): RGBA.
 */
export function colorizeValues(
  values: NdArray,
  valid: NdArray<"uint8">,
  colors: readonly string[],
  [low, high]: readonly [number, number],
): NdArray<"uint8"> {
  const [height, width] = valid.shape as [number, number];
  const picture = ndarray("uint8", [height, width, 4]);
  const palette = colors.map((color) => [...parseColor(color), 255]);
  const zoom = high > low ? (colors.length - 1) / (high - low) : 0;
  for (let index = 0; index < valid.data.length; index++) {
    const value = Number(values.data[index]);
    if (valid.data[index] === 0 || !Number.isFinite(value)) continue;
    const step = Math.round(Math.min(colors.length - 1, Math.max(0, (value - low) * zoom)));
    picture.data.set(palette[step]!, index * 4);
  }
  return picture;
}

/**
 * Lay a picture over another.
 *
 * @param below Shape (H, W, 4): RGBA.
 * @param above The same; where it is transparent, the lower one shows.
 * @param opacity How much the upper one covers, from 0 to 1.
 * @returns Shape (H, W, 4).
 * @throws {RangeError} If the shapes differ.
 */
export function overlayPictures(
  below: NdArray<"uint8">,
  above: NdArray<"uint8">,
  opacity: number,
): NdArray<"uint8"> {
  if (below.shape.join() !== above.shape.join()) {
    throw new RangeError(`internal: cannot lay ${above.shape} over ${below.shape}`);
  }
  const picture = ndarray("uint8", below.shape);
  for (let pixel = 0; pixel < picture.data.length; pixel += 4) {
    const [upper, lower] = [opacity * above.data[pixel + 3]! / 255, below.data[pixel + 3]! / 255];
    const alpha = upper + lower * (1 - upper);
    for (let channel = 0; channel < 3; channel++) {
      const mixed = above.data[pixel + channel]! * upper +
        below.data[pixel + channel]! * lower * (1 - upper);
      picture.data[pixel + channel] = alpha === 0 ? 0 : Math.round(mixed / alpha);
    }
    picture.data[pixel + 3] = Math.round(255 * alpha);
  }
  return picture;
}
