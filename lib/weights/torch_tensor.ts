/**
 * PyTorch's element types, and its tensors as views of storages: an offset, a shape and strides over
 * a run of elements that several tensors may share.
 *
 * @module
 */
import {
  type DataType,
  elementCount,
  formatShape,
  type NdArray,
  TYPED_ARRAY_CONSTRUCTORS,
  type TypedArrays,
} from "../array/mod.ts";
import { elementsFromBytes, widenBfloat16 } from "./elements.ts";

/** An element type of PyTorch. */
export interface TorchType {
  /** PyTorch's name, such as `bfloat16`. */
  readonly name: string;
  /** What it is read as; null where there is no counterpart. */
  readonly dtype: DataType | null;
  /** Bytes of an element. */
  readonly width: number;
}

/** Element types by PyTorch's name, with the name of the storage class that old versions use. */
export const TORCH_TYPES: readonly (TorchType & { readonly storageClass: string | null })[] = [
  { name: "float32", dtype: "float32", width: 4, storageClass: "FloatStorage" },
  { name: "float64", dtype: "float64", width: 8, storageClass: "DoubleStorage" },
  { name: "float16", dtype: "float16", width: 2, storageClass: "HalfStorage" },
  { name: "bfloat16", dtype: "float32", width: 2, storageClass: "BFloat16Storage" },
  { name: "int64", dtype: "int64", width: 8, storageClass: "LongStorage" },
  { name: "int32", dtype: "int32", width: 4, storageClass: "IntStorage" },
  { name: "int16", dtype: "int16", width: 2, storageClass: "ShortStorage" },
  { name: "int8", dtype: "int8", width: 1, storageClass: "CharStorage" },
  { name: "uint8", dtype: "uint8", width: 1, storageClass: "ByteStorage" },
  { name: "bool", dtype: "bool", width: 1, storageClass: "BoolStorage" },
  { name: "uint16", dtype: "uint16", width: 2, storageClass: null },
  { name: "uint32", dtype: "uint32", width: 4, storageClass: null },
  { name: "uint64", dtype: "uint64", width: 8, storageClass: null },
  { name: "complex64", dtype: null, width: 8, storageClass: "ComplexFloatStorage" },
  { name: "complex128", dtype: null, width: 16, storageClass: "ComplexDoubleStorage" },
  { name: "float8_e4m3fn", dtype: null, width: 1, storageClass: null },
  { name: "float8_e5m2", dtype: null, width: 1, storageClass: null },
];

/** Elements that tensors are views of. */
export interface TorchStorage {
  /** Name of its entry in the archive. */
  readonly key: string;
  /** Type of its elements; null for a storage of bytes whose tensors bring their own types. */
  readonly type: TorchType | null;
  /** Length in bytes. */
  readonly byteLength: number;
}

/** A view of a storage; offset and strides count elements. */
export interface TorchTensor {
  /** What it is a view of. */
  readonly storage: TorchStorage;
  /** Type of its elements. */
  readonly type: TorchType;
  /** First element. */
  readonly offset: number;
  /** Extent of each axis. */
  readonly shape: readonly number[];
  /** Elements between neighbours along each axis; 0 repeats one. */
  readonly strides: readonly number[];
}

/** As many axes as PyTorch's own serialized tensors have at most. */
const MAX_AXES = 64;

/** Most bytes of a tensor that repeats elements, which a file of a few bytes could claim. */
const MAX_REPEATED_BYTES = 2 ** 30;

/**
 * What is wrong with a tensor's place in its storage.
 *
 * @returns A phrase to be put after the tensor's name; null where nothing is wrong.
 */
export function findViewFault(tensor: TorchTensor): string | null {
  const { storage, type, offset, shape, strides } = tensor;
  if (shape.length !== strides.length || shape.length > MAX_AXES) {
    return `has ${shape.length} extents and ${strides.length} strides`;
  }
  if (shape.includes(0)) return null;
  const count = elementCount(shape);
  const last = shape.reduce((sum, extent, axis) => sum + (extent - 1) * strides[axis]!, offset);
  if ((last + 1) * type.width > storage.byteLength) {
    return `of shape ${
      formatShape(shape)
    } reaches element ${last} of a storage of ${storage.byteLength} bytes`;
  }
  if (count * type.width > Math.max(storage.byteLength, MAX_REPEATED_BYTES)) {
    return `of shape ${
      formatShape(shape)
    } repeats a storage of ${storage.byteLength} bytes beyond ${MAX_REPEATED_BYTES} bytes`;
  }
  return null;
}

/**
 * Gather the elements of a tensor.
 *
 * @param tensor A tensor without {@linkcode findViewFault | faults}, of a type with a counterpart.
 * @param dtype What its type is read as.
 * @param bytes Its storage.
 * @returns The elements in row-major order, in a buffer of their own.
 */
export function gatherTensor(
  tensor: TorchTensor,
  dtype: DataType,
  bytes: Uint8Array<ArrayBuffer>,
): NdArray {
  const { type, shape } = tensor;
  // bfloat16 is gathered as it is stored and widened afterwards.
  const storedType: DataType = type.name === "bfloat16" ? "uint16" : dtype;
  const gathered = gatherBytes(tensor, storedType, bytes);
  const data: TypedArrays[DataType] = type.name === "bfloat16"
    ? widenBfloat16(gathered)
    : elementsFromBytes(dtype, gathered);
  return { dtype, shape, data };
}

function gatherBytes(
  { type, offset, shape, strides }: TorchTensor,
  storedType: DataType,
  bytes: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  if (shape.includes(0)) return new Uint8Array(0);
  const count = elementCount(shape);
  if (isRowMajor(shape, strides)) {
    return bytes.slice(offset * type.width, (offset + count) * type.width);
  }
  const wholeElements = Math.floor(bytes.length / type.width);
  const source = new TYPED_ARRAY_CONSTRUCTORS[storedType](bytes.buffer, 0, wholeElements);
  const target = new TYPED_ARRAY_CONSTRUCTORS[storedType](count);
  let next = 0;
  const copy = (axis: number, position: number) => {
    if (axis === shape.length) {
      target[next++] = source[position]!;
      return;
    }
    for (let index = 0; index < shape[axis]!; index++) {
      copy(axis + 1, position + index * strides[axis]!);
    }
  };
  copy(0, offset);
  return new Uint8Array(target.buffer);
}

function isRowMajor(shape: readonly number[], strides: readonly number[]): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    // The stride of an axis of extent 1 is never used.
    if (shape[axis] !== 1 && strides[axis] !== expected) return false;
    expected *= shape[axis]!;
  }
  return true;
}
