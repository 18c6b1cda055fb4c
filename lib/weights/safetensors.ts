/**
 * Reader of safetensors files: eight bytes of length, a JSON header, and the tensors one after the
 * other (https://huggingface.co/docs/safetensors, format description).
 *
 * The header is validated in full before anything is read: a file that this module opens holds
 * exactly the bytes that its header describes.
 *
 * @module
 */
import { InputError } from "../errors.ts";
import { bytesPerElement, type DataType, formatShape, type NdArray } from "../array/mod.ts";
import { openRandomAccessFile, type RandomAccessFile } from "../files/mod.ts";
import { elementsFromBytes, widenBfloat16 } from "./elements.ts";
import { recognizeContent } from "./recognize_content.ts";
import { isJsonObject, JsonFault, parseStrictJson } from "./strict_json.ts";
import { findTensor, type StoredTensor, type TensorSource } from "./tensor_source.ts";

/** The most bytes that the reference implementation accepts in a header. */
const MAX_HEADER_BYTES = 100_000_000;

/** Networks have thousands of tensors; a header of millions of keys would exhaust memory. */
const HEADER_LIMITS = { depth: 3, keys: 4_000_000 };

/** Element types of the format that have a counterpart here, in the format's own order. */
export const SAFETENSORS_TYPES: ReadonlyMap<string, DataType> = new Map([
  ["BOOL", "bool"],
  ["U8", "uint8"],
  ["I8", "int8"],
  ["I16", "int16"],
  ["U16", "uint16"],
  ["F16", "float16"],
  ["BF16", "float32"],
  ["I32", "int32"],
  ["U32", "uint32"],
  ["F32", "float32"],
  ["F64", "float64"],
  ["I64", "int64"],
  ["U64", "uint64"],
]);

/** A tensor and where its bytes lie, counted from the end of the header. */
interface TensorSpan extends StoredTensor {
  readonly begin: number;
  readonly end: number;
}

interface Header {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: ReadonlyMap<string, TensorSpan>;
  readonly dataStart: number;
}

/**
 * Open a safetensors file.
 *
 * @param path The file.
 * @returns Its tensors, to be read when they are needed; close it, or declare it with `using`.
 * @throws {InputError} If the file cannot be read, or its header is damaged: the message names the
 * file, the tensor and what is wrong with it.
 *
 * @example
 * ```ts
 * import { ndarray, openSafetensors, writeSafetensors } from "swath";
 *
 * const directory = await Deno.makeTempDir();
 * const path = `${directory}/model.safetensors`;
 * await writeSafetensors(path, new Map([["bias", ndarray("float32", [2])]]));
 * {
 *   using source = await openSafetensors(path);
 *   if (source.read("bias").shape[0] !== 2) throw new Error("two elements");
 * }
 * await Deno.remove(directory, { recursive: true });
 * ```
 */
export async function openSafetensors(path: string): Promise<TensorSource> {
  const file = await openRandomAccessFile(path);
  try {
    const { metadata, tensors, dataStart } = readHeader(file);
    return {
      path,
      format: "safetensors",
      metadata,
      tensors,
      read(name) {
        const tensor = findTensor(tensors, name, path);
        return readTensor(
          tensor,
          file.read(dataStart + tensor.begin, tensor.end - tensor.begin),
        );
      },
      close: file.close,
      [Symbol.dispose]: file.close,
    };
  } catch (error) {
    file.close();
    throw error;
  }
}

function readTensor(tensor: TensorSpan, bytes: Uint8Array<ArrayBuffer>): NdArray {
  const { dtype, shape, storedType } = tensor;
  if (storedType === "BF16") return { dtype, shape, data: widenBfloat16(bytes) };
  return { dtype, shape, data: elementsFromBytes(dtype, bytes) };
}

function readHeader(file: RandomAccessFile): Header {
  const { path, size } = file;
  const fault = (what: string, hint?: string) =>
    new InputError(
      `Cannot read ${JSON.stringify(path)} as safetensors: ${what}`,
      hint === undefined ? {} : { hint },
    );
  const recognized = recognizeContent(file.read(0, Math.min(size, 64)));
  if (recognized !== null) throw fault(`it is ${recognized.what}`, recognized.hint);
  if (size < 8) throw fault(`it is ${size} bytes long, and a header takes at least 8`);

  const length = new DataView(file.read(0, 8).buffer).getBigUint64(0, true);
  if (length > BigInt(size - 8)) {
    throw fault(
      `its header claims ${length} bytes, and only ${
        size - 8
      } follow: the file is cut off or is something else`,
    );
  }
  if (length > BigInt(MAX_HEADER_BYTES)) {
    throw fault(`its header claims ${length} bytes, and at most ${MAX_HEADER_BYTES} are accepted`);
  }
  const headerBytes = file.read(8, Number(length));
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(headerBytes);
  } catch {
    throw fault("its header is not UTF-8 text");
  }
  let json: unknown;
  try {
    json = parseStrictJson(text, HEADER_LIMITS);
  } catch (error) {
    throw error instanceof JsonFault ? fault(`its header ${error.message}`) : error;
  }
  if (!isJsonObject(json)) throw fault("its header is not a JSON object");

  const dataStart = 8 + Number(length);
  const { __metadata__: metadata = {}, ...entries } = json;
  const tensors = Object.entries(entries)
    .map(([name, entry]) => parseTensor(name, entry, size - dataStart, fault))
    .sort((a, b) => a.begin - b.begin || a.end - b.end);
  checkLayout(tensors, size - dataStart, fault);
  return {
    metadata: parseMetadata(metadata, fault),
    tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])),
    dataStart,
  };
}

type Fault = (what: string) => InputError;

function parseMetadata(metadata: unknown, fault: Fault): Readonly<Record<string, string>> {
  if (!isJsonObject(metadata)) throw fault("__metadata__ is not a JSON object");
  const texts: [string, string][] = [];
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value !== "string") {
      throw fault(`__metadata__ holds ${JSON.stringify(key)}, which is not text`);
    }
    texts.push([key, value]);
  }
  return Object.fromEntries(texts);
}

function parseTensor(name: string, entry: unknown, dataLength: number, fault: Fault): TensorSpan {
  const tensorFault = (what: string) => fault(`tensor ${JSON.stringify(name)} ${what}`);
  if (!isJsonObject(entry)) throw tensorFault("is not described by a JSON object");
  const { dtype: storedType, shape, data_offsets: offsets } = entry;
  const dtype = typeof storedType === "string" ? SAFETENSORS_TYPES.get(storedType) : undefined;
  if (typeof storedType !== "string" || dtype === undefined) {
    throw tensorFault(
      `has the element type ${JSON.stringify(storedType)}, which is none of ${
        [...SAFETENSORS_TYPES.keys()].join(", ")
      }`,
    );
  }
  if (!isExtentList(shape)) {
    throw tensorFault(`has the shape ${JSON.stringify(shape)}, which is not a list of extents`);
  }
  if (!isExtentList(offsets) || offsets.length !== 2) {
    throw tensorFault(
      `has the data offsets ${JSON.stringify(offsets)}, which are not two positions`,
    );
  }
  const [begin, end] = offsets as [number, number];
  if (begin > end) throw tensorFault(`ends before it begins: data offsets ${begin} and ${end}`);
  if (end > dataLength) {
    throw tensorFault(`ends at byte ${end} of the data, which has ${dataLength}`);
  }
  const width = storedType === "BF16" ? 2 : bytesPerElement(dtype);
  // BigInt, as the product of extents that others wrote may be beyond exact numbers.
  const needed = shape.reduce((product, extent) => product * BigInt(extent), BigInt(width));
  if (needed !== BigInt(end - begin)) {
    throw tensorFault(
      `of type ${storedType} and shape ${formatShape(shape)} takes ${needed} bytes, and ${
        end - begin
      } are given to it`,
    );
  }
  return { name, dtype, storedType, shape, begin, end };
}

function isExtentList(value: unknown): value is number[] {
  return Array.isArray(value) &&
    value.every((extent) => Number.isSafeInteger(extent) && extent >= 0);
}

/** Tensors, in file order, must fill the data from its first to its last byte, each byte once. */
function checkLayout(tensors: readonly TensorSpan[], dataLength: number, fault: Fault): void {
  let position = 0;
  for (const { name, begin, end } of tensors) {
    if (begin < position) {
      throw fault(
        `tensor ${
          JSON.stringify(name)
        } overlaps another: it begins at byte ${begin} of the data, and ${position} are taken`,
      );
    }
    if (begin > position) {
      throw fault(
        `there is a hole before tensor ${
          JSON.stringify(name)
        }: bytes ${position} to ${begin} of the data belong to no tensor`,
      );
    }
    position = end;
  }
  if (position < dataLength) {
    throw fault(`${dataLength - position} bytes follow its last tensor`);
  }
}
