/** Arrays of the library as tensors of ONNX Runtime and back, without copies. @module */
import type * as Ort from "onnxruntime-node";
import type { DataType, NdArray, TypedArrays } from "../array/mod.ts";
import { ndarray, TYPED_ARRAY_CONSTRUCTORS } from "../array/mod.ts";

/** ONNX Runtime's package, once it is imported. */
export type OrtModule = typeof Ort;

/** A tensor of ONNX Runtime. */
export type OrtTensor = InstanceType<OrtModule["Tensor"]>;

/** True if the library has arrays of this element type of ONNX Runtime. */
export function isArrayType(type: string): type is DataType {
  return type in TYPED_ARRAY_CONSTRUCTORS;
}

/** The array as a tensor over the same memory. */
export function toTensor(ort: OrtModule, array: NdArray): Ort.Tensor {
  if (array.dtype !== "float16") {
    return new ort.Tensor(array.dtype, array.data as Float32Array, array.shape);
  }
  // The native part reads a Float16Array as empty (1.30.0), but knows the type over 16-bit integers.
  const { buffer, byteOffset, length } = array.data;
  const tensor = new ort.Tensor("uint16", new Uint16Array(buffer, byteOffset, length), array.shape);
  return Object.assign(tensor, { type: "float16" });
}

/** The tensor as an array over the same memory. */
export function fromTensor(tensor: Ort.Tensor): NdArray {
  const { type } = tensor;
  if (!isArrayType(type)) throw new Error(`internal: tensors of type ${type} are not supported`);
  const data = tensor.data as TypedArrays[DataType];
  const { buffer, byteOffset, length } = data;
  return ndarray(
    type,
    tensor.dims,
    type === "float16" ? new Float16Array(buffer, byteOffset, length) : data,
  );
}
