/**
 * What a file of weights is to the rest of the library, whatever format holds it: named tensors that
 * are listed at once and read when they are needed.
 *
 * @module
 */
import { InputError } from "../errors.ts";
import type { DataType, NdArray } from "../array/mod.ts";

/** A tensor in a file. */
export interface StoredTensor {
  /** Name, such as `segformer.encoder.patch_embeddings.0.proj.weight`. */
  readonly name: string;
  /** Element type that it is read as. */
  readonly dtype: DataType;
  /** Element type as the file calls it, such as `BF16`, which is read as float32. */
  readonly storedType: string;
  /** Extent of each axis; `[]` is a scalar. */
  readonly shape: readonly number[];
}

/** An open file of weights. */
export interface TensorSource extends Disposable {
  /** The file as it was named. */
  readonly path: string;
  /** Format, such as `safetensors` or `PyTorch`. */
  readonly format: string;
  /** Text by key that the file carries, such as `{"format": "pt"}`. */
  readonly metadata: Readonly<Record<string, string>>;
  /** The tensors by name, in file order. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /**
   * Read a tensor.
   *
   * @param name One of `tensors`.
   * @returns The tensor in row-major order; bfloat16 becomes float32.
   * @throws {InputError} If the file has no such tensor or cannot be read.
   */
  read(name: string): NdArray;
  /** Release the file; harmless when repeated. */
  close(): void;
}

/** The tensor of that name, or an error that names the file. */
export function findTensor<T extends StoredTensor>(
  tensors: ReadonlyMap<string, T>,
  name: string,
  path: string,
): T {
  const tensor = tensors.get(name);
  if (tensor === undefined) {
    throw new InputError(
      `Cannot read tensor ${JSON.stringify(name)} from ${
        JSON.stringify(path)
      }: the file does not hold it`,
    );
  }
  return tensor;
}

/**
 * Read every tensor of a source.
 *
 * @param source The open file.
 * @returns The tensors by name, in file order.
 * @throws {InputError} As {@linkcode TensorSource.read}.
 */
export function readAllTensors(source: TensorSource): Map<string, NdArray> {
  return new Map([...source.tensors.keys()].map((name) => [name, source.read(name)]));
}

/**
 * Refuse weights that hold NaN or infinity, which a training that diverged leaves behind.
 *
 * @param name The tensor's name, for the error.
 * @param array The tensor.
 * @param path The file it comes from, for the error.
 * @throws {InputError} If a value is not finite; it says how many and where the first one is.
 */
export function checkFinite(name: string, array: NdArray, path: string): void {
  if (!array.dtype.startsWith("float")) return;
  const data = array.data as Float16Array | Float32Array | Float64Array;
  let count = 0;
  let first = -1;
  for (let index = 0; index < data.length; index++) {
    if (!Number.isFinite(data[index]!)) {
      if (count === 0) first = index;
      count++;
    }
  }
  if (count > 0) {
    throw new InputError(
      `Cannot use the weights of ${JSON.stringify(path)}: ${count} of ${data.length} values of ${
        JSON.stringify(name)
      } are not finite, the first at index ${first}: ${data[first]}`,
    );
  }
}
