/**
 * The arrays of a sample out of their `.npy` files, checked against what its JSON says of them.
 *
 * @module
 */
import { crc32 } from "node:zlib";
import { type DataType, formatShape, type NdArray } from "../array/mod.ts";
import { InputError } from "../errors.ts";
import { decodeNpy } from "./npy.ts";
import { ARRAY_NAMES, type ArrayName, type SampleArrays } from "./sample.ts";
import { StreamFault } from "./stream_fault.ts";
import type { SampleJson } from "./wire.ts";

/**
 * Decode the arrays of a sample.
 *
 * @param key Its key, for errors.
 * @param json Its JSON.
 * @param files The `.npy` file of each array.
 * @throws {StreamFault} If an array is missing, damaged, or not what the JSON says.
 */
export function decodeArrays(
  key: string,
  json: Pick<SampleJson, "arrays">,
  files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>,
): SampleArrays {
  const arrays: { [Name in ArrayName]?: NdArray } = {};
  for (const { name, file, entry } of listedArrays(key, json, files)) {
    arrays[name] = decodeArray(key, name, file, entry);
  }
  return arrays;
}

/** What a sample's JSON says of an array. */
export interface ExpectedArray {
  /** Element type. */
  readonly dtype: DataType;
  /** Extent of each axis. */
  readonly shape: readonly number[];
  /** CRC-32 of its `.npy` file; undefined where a foreign writer left it out. */
  readonly crc32?: number | undefined;
}

/** An array that has come. */
export interface ListedArray<File> {
  /** Its name. */
  readonly name: ArrayName;
  /** Its `.npy` file. */
  readonly file: File;
  /** What the sample's JSON says of it; undefined where a foreign writer says nothing. */
  readonly entry: ExpectedArray | undefined;
}

/**
 * The arrays of a sample: those that its JSON lists, all of them and no others.
 *
 * @throws {StreamFault} If one is missing or not listed.
 */
export function listedArrays<File>(
  key: string,
  json: Pick<SampleJson, "arrays">,
  files: ReadonlyMap<string, File>,
): ListedArray<File>[] {
  return ARRAY_NAMES.flatMap((name) => {
    const file = files.get(name);
    const entry = json.arrays?.[name];
    if (file === undefined) {
      if (entry === undefined) return [];
      throw new StreamFault(`${name} of sample "${key}" is missing`);
    }
    if (json.arrays !== undefined && entry === undefined) {
      throw new StreamFault(`${name} of sample "${key}" is not listed in its JSON`);
    }
    return [{ name, file, entry }];
  });
}

/**
 * Decode an array.
 *
 * @param key Key of its sample, for errors.
 * @param name Its name.
 * @param file Its `.npy` file.
 * @param entry What the sample's JSON says of it; undefined where a foreign writer says nothing.
 * @throws {StreamFault} If it is damaged, or not what the JSON says.
 */
export function decodeArray(
  key: string,
  name: ArrayName,
  file: Uint8Array<ArrayBuffer>,
  entry: ExpectedArray | undefined,
): NdArray {
  if (entry?.crc32 !== undefined && crc32(file) !== entry.crc32) {
    throw new StreamFault(`${name} of sample "${key}" is damaged: its checksum does not match`);
  }
  const array = decodeFile(file, name, key);
  if (
    entry !== undefined &&
    (entry.dtype !== array.dtype || formatShape(entry.shape) !== formatShape(array.shape))
  ) {
    throw new StreamFault(
      `${name} of sample "${key}" is ${formatShape(array.shape)} ${array.dtype}: its JSON says ${
        formatShape(entry.shape)
      } ${entry.dtype}`,
    );
  }
  return array;
}

function decodeFile(file: Uint8Array<ArrayBuffer>, name: string, key: string): NdArray {
  try {
    return decodeNpy(file);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new StreamFault(`${name} of sample "${key}" cannot be decoded: ${error.message}`);
  }
}
