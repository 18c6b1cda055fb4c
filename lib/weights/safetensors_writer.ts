/**
 * Writer of safetensors files. The same tensors give the same bytes, which are those that Python's
 * `safetensors` writes.
 *
 * @module
 */
import { bytesOf, type DataType, formatShape, type NdArray } from "../array/mod.ts";
import { type AtomicFileOptions, createAtomicFile } from "../files/mod.ts";
import { SAFETENSORS_TYPES } from "./safetensors.ts";

/** Options of {@linkcode writeSafetensors}. */
export interface SafetensorsOptions extends AtomicFileOptions {
  /** Text by key to carry along; `{"format": "pt"}` where left out, which transformers asks for. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * Write tensors as a safetensors file, which appears whole or not at all.
 *
 * @param path The file to make.
 * @param tensors Tensors by name, in any order.
 * @param options Metadata, and whether an existing file may be replaced.
 * @throws {InputError} If the file cannot be written, or exists and `overwrite` is not set.
 * @throws {RangeError} If a tensor is called `__metadata__`, which the format cannot express.
 */
export async function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, NdArray>,
  options: SafetensorsOptions = {},
): Promise<void> {
  const { metadata = { format: "pt" } } = options;
  const entries = [...tensors].map(([name, array]) => ({
    name,
    key: new TextEncoder().encode(name),
    array,
    storedType: STORED_TYPES.get(array.dtype)!,
    rank: TYPE_ORDER.indexOf(array.dtype),
  })).sort((a, b) => b.rank - a.rank || compareBytes(a.key, b.key));

  using file = await createAtomicFile(path, options);
  await file.write(encodeHeader(entries, metadata));
  for (const { array } of entries) await file.write(bytesOf(array));
  await file.commit();
}

/** float32 comes from `F32` and from `BF16`; it goes to `F32`. */
const STORED_TYPES: ReadonlyMap<DataType, string> = new Map(
  [...SAFETENSORS_TYPES].filter(([stored]) => stored !== "BF16").map(([stored, dtype]) => [
    dtype,
    stored,
  ]),
);

/** Wider elements first, in the reference implementation's order, so that all tensors are aligned. */
const TYPE_ORDER = [...STORED_TYPES.keys()];

interface Entry {
  readonly name: string;
  readonly array: NdArray;
  readonly storedType: string;
}

function encodeHeader(
  entries: readonly Entry[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  let position = 0;
  const fields = [`"__metadata__":${JSON.stringify(metadata)}`];
  for (const { name, array, storedType } of entries) {
    if (name === "__metadata__") {
      throw new RangeError(
        `internal: a tensor of shape ${
          formatShape(array.shape)
        } is named __metadata__, which safetensors reserves`,
      );
    }
    const begin = position;
    position += array.data.byteLength;
    const description = {
      dtype: storedType,
      shape: array.shape,
      "data_offsets": [begin, position],
    };
    fields.push(`${JSON.stringify(name)}:${JSON.stringify(description)}`);
  }
  const json = new TextEncoder().encode(`{${fields.join(",")}}`);
  const length = Math.ceil(json.length / 8) * 8;
  const header = new Uint8Array(8 + length).fill(" ".charCodeAt(0));
  new DataView(header.buffer).setBigUint64(0, BigInt(length), true);
  header.set(json, 8);
  return header;
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    if (a[index] !== b[index]) return a[index]! - b[index]!;
  }
  return a.length - b.length;
}
