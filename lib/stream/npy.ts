/**
 * Arrays as `.npy` files, the format of NumPy's `save` and `load`.
 *
 * What is written is byte for byte what `numpy.save` writes (format 1.0, little-endian, C order, data
 * at a multiple of 64 bytes). What is read is format 1.0 to 3.0, either byte order, C or Fortran order,
 * every element type of {@linkcode NdArray}.
 *
 * Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 *
 * @module
 */
import {
  bytesOf,
  bytesPerElement,
  type DataType,
  elementCount,
  formatShape,
  type NdArray,
  ndarray,
  TYPED_ARRAY_CONSTRUCTORS,
} from "../array/mod.ts";
import { InputError } from "../errors.ts";

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]; // \x93NUMPY
/** NumPy aligns the data to this many bytes, so that it can be mapped into memory. */
const ALIGNMENT = 64;
/** NumPy's own limit: a header is a short text, and ours is never parsed before it is bounded. */
const MAX_HEADER_LENGTH = 10_000;
/** More axes than NumPy allows (64 since 2.0). */
const MAX_AXES = 64;

/** NumPy's name of each element type, without the byte order. */
const CODES: { readonly [D in DataType]: string } = {
  bool: "b1",
  uint8: "u1",
  int8: "i1",
  uint16: "u2",
  int16: "i2",
  uint32: "u4",
  int32: "i4",
  uint64: "u8",
  int64: "i8",
  float16: "f2",
  float32: "f4",
  float64: "f8",
};
const DTYPES = new Map(
  Object.entries(CODES).map(([dtype, code]) => [code, dtype as DataType]),
);

/**
 * The header of an array's `.npy` file: everything before the elements.
 *
 * @param array Its element type and shape; the elements are not looked at.
 * @returns Bytes whose length is a multiple of 64.
 */
export function npyHeader(array: Pick<NdArray, "dtype" | "shape">): Uint8Array<ArrayBuffer> {
  const order = bytesPerElement(array.dtype) === 1 ? "|" : "<";
  const axes = array.shape.length === 1 ? `${array.shape[0]},` : array.shape.join(", ");
  const text = `{'descr': '${order}${
    CODES[array.dtype]
  }', 'fortran_order': False, 'shape': (${axes}), }`;
  const prefix = MAGIC.length + 4;
  const total = Math.ceil((prefix + text.length + 1) / ALIGNMENT) * ALIGNMENT;
  const bytes = new Uint8Array(total).fill(0x20);
  bytes.set(MAGIC);
  bytes.set([1, 0], MAGIC.length);
  new DataView(bytes.buffer).setUint16(MAGIC.length + 2, total - prefix, true);
  new TextEncoder().encodeInto(text, bytes.subarray(prefix));
  bytes[total - 1] = 0x0a;
  return bytes;
}

/**
 * Encode an array as a `.npy` file.
 *
 * @param array The array.
 * @returns The file's bytes, as `numpy.save` writes them.
 *
 * @example
 * ```ts
 * import { decodeNpy, encodeNpy, ndarray } from "swath";
 *
 * const bytes = encodeNpy(ndarray("float32", [2, 2], new Float32Array([1, 2, 3, 4])));
 * const array = decodeNpy(bytes);
 * if (array.dtype !== "float32" || array.data[3] !== 4) throw new Error("not the same array");
 * ```
 */
export function encodeNpy(array: NdArray): Uint8Array<ArrayBuffer> {
  const header = npyHeader(array);
  const data = bytesOf(array);
  const bytes = new Uint8Array(header.length + data.length);
  bytes.set(header);
  bytes.set(data, header.length);
  return bytes;
}

/**
 * Decode a `.npy` file.
 *
 * The elements are a view of `bytes` where these are little-endian, in C order and aligned to the
 * element's size, as they are when `bytes` starts its own buffer; otherwise they are a copy.
 *
 * @param bytes The whole file.
 * @returns The array.
 * @throws {InputError} If it is not a `.npy` file, its length does not match its header, or it holds
 * elements that {@linkcode NdArray} has no type for.
 */
export function decodeNpy(bytes: Uint8Array<ArrayBuffer>): NdArray {
  const { headerEnd, text } = headerText(bytes);
  const { dtype, bigEndian, fortranOrder, shape } = parseHeader(text);
  const size = bytesPerElement(dtype);
  const expected = elementCount(shape) * size;
  if (bytes.length - headerEnd !== expected) {
    throw new InputError(
      `NPY array of ${
        formatShape(shape)
      } ${dtype} should hold ${expected} bytes of elements: found ${bytes.length - headerEnd}`,
    );
  }
  const start = bytes.byteOffset + headerEnd;
  const inPlace = start % size === 0 && !bigEndian;
  const buffer = inPlace ? bytes.buffer : bytes.slice(headerEnd).buffer;
  if (bigEndian) swapBytes(new Uint8Array(buffer), size);
  const data = new TYPED_ARRAY_CONSTRUCTORS[dtype](
    buffer,
    inPlace ? start : 0,
    elementCount(shape),
  );
  const array = ndarray(dtype, shape, data);
  return fortranOrder ? fromFortranOrder(array) : array;
}

/** The header's text, checked to lie within the file. */
function headerText(bytes: Uint8Array): { headerEnd: number; text: string } {
  if (bytes.length < MAGIC.length + 4 || MAGIC.some((byte, i) => bytes[i] !== byte)) {
    throw new InputError("Not an NPY array: it does not start with the bytes \\x93NUMPY");
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const major = view.getUint8(6);
  const minor = view.getUint8(7);
  if (major < 1 || major > 3 || minor !== 0) {
    throw new InputError(`NPY format ${major}.${minor} is not supported: expected 1.0, 2.0 or 3.0`);
  }
  const prefix = major === 1 ? 10 : 12;
  if (bytes.length < prefix) throw new InputError("NPY array ends inside its header");
  const length = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > MAX_HEADER_LENGTH) {
    throw new InputError(
      `NPY header of ${length} bytes is too long: at most ${MAX_HEADER_LENGTH} are read`,
    );
  }
  const headerEnd = prefix + length;
  if (bytes.length < headerEnd) throw new InputError("NPY array ends inside its header");
  return { headerEnd, text: new TextDecoder().decode(bytes.subarray(prefix, headerEnd)) };
}

/** Parse the Python dictionary that NumPy writes: three known keys in any order, nothing else. */
function parseHeader(text: string) {
  const dictionary = /^\s*\{(.*)\}\s*$/s.exec(text)?.[1];
  const entry =
    /\s*(['"])(descr|fortran_order|shape)\1\s*:\s*(\([^()]*\)|'[^']*'|"[^"]*"|\w+)\s*(?:,|$)\s*/y;
  const values = new Map<string, string>();
  if (dictionary !== undefined) {
    for (let match = entry.exec(dictionary); match !== null; match = entry.exec(dictionary)) {
      values.set(match[2]!, match[3]!);
      if (entry.lastIndex === dictionary.length) break;
    }
  }
  const descr = values.get("descr");
  const order = values.get("fortran_order");
  const extents = values.get("shape");
  if (descr === undefined || extents === undefined || (order !== "True" && order !== "False")) {
    throw new InputError(`NPY header cannot be read: ${JSON.stringify(text.trim().slice(0, 200))}`);
  }
  const code = /^['"]([<>|=]?)(\w+)['"]$/.exec(descr);
  const dtype = DTYPES.get(code?.[2] ?? "");
  if (dtype === undefined) {
    throw new InputError(
      `NPY elements of type ${descr} are not supported: expected one of ${
        Object.keys(CODES).join(", ")
      }`,
    );
  }
  return {
    dtype,
    bigEndian: code?.[1] === ">" && bytesPerElement(dtype) > 1,
    fortranOrder: order === "True",
    shape: parseShape(extents),
  };
}

/** Parse `(14, 512, 512)`, `(7,)` or `()`. */
function parseShape(text: string): number[] {
  const inner = text.slice(1, -1).trim().replace(/,$/, "");
  const parts = inner === "" ? [] : inner.split(",").map((part) => part.trim());
  const shape = parts.map((part) => /^\d{1,15}$/.test(part) ? Number(part) : NaN);
  if (
    !text.startsWith("(") || shape.length > MAX_AXES || shape.some(Number.isNaN) ||
    elementCount(shape) > Number.MAX_SAFE_INTEGER / 8
  ) {
    throw new InputError(`NPY shape ${text.slice(0, 100)} cannot be read`);
  }
  return shape;
}

/** Reverse the bytes of each element, in place. */
function swapBytes(bytes: Uint8Array, size: number): void {
  for (let i = 0; i < bytes.length; i += size) bytes.subarray(i, i + size).reverse();
}

/** The same array with its elements moved from column-major to row-major order. */
function fromFortranOrder<D extends DataType>(source: NdArray<D>): NdArray<D> {
  const target = ndarray(source.dtype, source.shape);
  const strides: number[] = [];
  let stride = 1;
  for (const extent of source.shape) {
    strides.push(stride);
    stride *= extent;
  }
  const index = source.shape.map(() => 0);
  let from = 0;
  for (let to = 0; to < target.data.length; to++) {
    target.data[to] = source.data[from]!;
    for (let axis = index.length - 1; axis >= 0; axis--) {
      from += strides[axis]!;
      if (++index[axis]! < source.shape[axis]!) break;
      from -= strides[axis]! * source.shape[axis]!;
      index[axis] = 0;
    }
  }
  return target;
}
