/**
 * Which pixels have data: nodata values, numbers that are not finite, masks and alpha.
 *
 * @module
 */
import { type DataType, isDataType, type NdArray } from "../array/mod.ts";

/** Nodata as it can occur among the elements of a type; a `bigint` for 64-bit integers. */
export type NodataValue = number | bigint;

/** Range of the integer types that a `number` holds exactly. */
const INTEGER_RANGES: Partial<Record<DataType, readonly [number, number]>> = {
  bool: [0, 1],
  uint8: [0, 255],
  int8: [-128, 127],
  uint16: [0, 65535],
  int16: [-32768, 32767],
  uint32: [0, 2 ** 32 - 1],
  int32: [-(2 ** 31), 2 ** 31 - 1],
};

/**
 * Nodata as an element of the raster's type.
 *
 * @param text How the file spells it, such as `-9999`, `nan` or `0 `; null for none.
 * @param dtype Element type of the raster.
 * @returns The value; null where the text is no number, or one that no element can have, such as 256
 * among bytes, as in GDAL.
 */
export function nodataIn(text: string | null, dtype: DataType): NodataValue | null {
  const value = text === null ? null : parseNodata(text);
  return text === null || value === null ? null : nodataElement(value, text, dtype);
}

/** The number in a nodata text; null where there is none. */
function parseNodata(text: string): number | null {
  const word = text.trim().toLowerCase();
  if (/^[+-]?nan/.test(word) || word === "-1.#ind") return NaN;
  const infinite = /^([+-]?)(?:inf(?:inity)?|1\.#inf)$/.exec(word);
  if (infinite !== null) return infinite[1] === "-" ? -Infinity : Infinity;
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/.test(word) ? Number(word) : null;
}

function nodataElement(value: number, text: string, dtype: DataType): NodataValue | null {
  switch (dtype) {
    case "float64":
      return value;
    case "float32": {
      const rounded = Math.fround(value);
      // 3.4028235e38, as the largest number is often written, rounds to infinity.
      const largest = 3.4028234663852886e38;
      return Number.isFinite(value) && !Number.isFinite(rounded)
        ? (Math.abs(value) < largest * (1 + 1e-6) ? Math.sign(value) * largest : null)
        : rounded;
    }
    case "int64":
    case "uint64": {
      if (!Number.isInteger(value)) return null;
      const exact = /^[+-]?\d+$/.test(text.trim()) ? BigInt(text.trim()) : BigInt(value);
      const wrapped = dtype === "int64" ? BigInt.asIntN(64, exact) : BigInt.asUintN(64, exact);
      return wrapped === exact ? exact : null;
    }
    default: {
      const [least, most] = INTEGER_RANGES[dtype] ?? [-Infinity, Infinity];
      return Number.isInteger(value) && value >= least && value <= most ? value : null;
    }
  }
}

/**
 * Mark pixels without data.
 *
 * @param valid Shape (H, W); set to 0 where a band has no data there.
 * @param image Shape (C, H, W).
 * @param nodata Value that marks pixels without data; null for none.
 */
export function markInvalid(
  valid: Uint8Array<ArrayBuffer>,
  image: NdArray,
  nodata: NodataValue | null,
): void {
  if (isDataType(image, "float32") || isDataType(image, "float64")) {
    markFloats(valid, image.data, nodata === null ? NaN : Number(nodata));
  } else if (isDataType(image, "int64") || isDataType(image, "uint64")) {
    if (nodata !== null) markEqual(valid, image.data, BigInt(nodata));
  } else if (nodata !== null) {
    markEqual(
      valid,
      image.data as Exclude<typeof image.data, BigInt64Array | BigUint64Array>,
      nodata,
    );
  }
}

function markEqual<T>(
  valid: Uint8Array<ArrayBuffer>,
  elements: { readonly length: number; readonly [index: number]: T },
  nodata: T,
): void {
  for (let start = 0; start < elements.length; start += valid.length) {
    for (let pixel = 0; pixel < valid.length; pixel++) {
      if (elements[start + pixel] === nodata) valid[pixel] = 0;
    }
  }
}

/** Numbers that are not finite have no data in any raster. */
function markFloats(
  valid: Uint8Array<ArrayBuffer>,
  elements: Float32Array | Float64Array,
  nodata: number,
): void {
  // Equality within rounding, for files whose nodata text has fewer digits than their pixels
  // (ARE_REAL_EQUAL of gdal_priv_templates.hpp).
  const epsilon = elements instanceof Float32Array ? 2 ** -23 : Number.EPSILON;
  const tolerance = Number.isFinite(nodata) ? Math.abs(nodata) * 4 * epsilon : 0;
  for (let start = 0; start < elements.length; start += valid.length) {
    for (let pixel = 0; pixel < valid.length; pixel++) {
      const value = elements[start + pixel]!;
      if (value - value !== 0 || Math.abs(value - nodata) <= tolerance) valid[pixel] = 0;
    }
  }
}

/**
 * Mark pixels where a mask or alpha is 0.
 *
 * @param valid Shape (H, W).
 * @param masks Shape (M, H, W), in any integer type.
 */
export function applyMasks(valid: Uint8Array<ArrayBuffer>, masks: NdArray): void {
  const elements: { readonly length: number; readonly [index: number]: number | bigint } =
    masks.data;
  for (let start = 0; start < elements.length; start += valid.length) {
    for (let pixel = 0; pixel < valid.length; pixel++) {
      if (Number(elements[start + pixel]) === 0) valid[pixel] = 0;
    }
  }
}
