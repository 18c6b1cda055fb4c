/**
 * Probabilities of all classes as they are stored in a raster.
 *
 * @module
 */
import { type NdArray, ndarray } from "../array/mod.ts";
import type { ClassInfo } from "../classes/mod.ts";
import type { RasterSpec } from "../raster/mod.ts";

/** Element types that probabilities are stored in. */
export const PROBABILITY_TYPES = ["uint8", "float16"] as const;

/** Element type that probabilities are stored in. */
export type ProbabilityType = (typeof PROBABILITY_TYPES)[number];

/** Stored for a probability of 1; 255 is no data. */
const UINT8_ONE = 254;
const UINT8_NODATA = 255;

/**
 * How a raster holds the probabilities of classes: one band for each. Bytes count in steps of 1/254,
 * which the scale of the bands says, and 255 is no data; in half floats, NaN is no data.
 *
 * @param type Element type.
 * @param count Number of classes.
 * @param classes Their names; numbers where they have none.
 */
export function probabilityBands(
  type: ProbabilityType,
  count: number,
  classes: readonly ClassInfo[] | null,
): Pick<RasterSpec, "dtype" | "bands" | "nodata" | "classes"> {
  const scale = type === "uint8" ? 1 / UINT8_ONE : 1;
  return {
    dtype: type,
    bands: Array.from({ length: count }, (_, k) => ({
      name: classes?.[k]?.name ?? `class ${k}`,
      scale,
      offset: 0,
    })),
    nodata: type === "uint8" ? UINT8_NODATA : NaN,
    classes: null,
  };
}

/**
 * Convert probabilities to the type that they are stored in.
 *
 * @param rows Probabilities from 0 to 1; NaN for no data.
 * @param type Element type of the result.
 * @returns The same shape; see {@linkcode probabilityBands}.
 */
export function storeProbabilities(
  { shape, data }: NdArray<"float32">,
  type: ProbabilityType,
): NdArray<ProbabilityType> {
  if (type === "float16") return ndarray("float16", shape, new Float16Array(data));
  // `Uint8Array.from` with a function would make an object for each element first.
  const stored = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i++) {
    const share = data[i]!;
    stored[i] = share === share ? Math.round(UINT8_ONE * share) : UINT8_NODATA;
  }
  return ndarray("uint8", shape, stored);
}
