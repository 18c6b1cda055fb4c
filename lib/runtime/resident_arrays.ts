/**
 * Arrays that stay on the device from run to run: parameters, statistics and the optimizer's state of a
 * training on a GPU.
 *
 * What the device holds is kept under the memory of the caller's array that it stands for. It is copied
 * there when it is asked for, and forgotten when the caller has written new elements.
 *
 * @module
 */
import type * as Ort from "onnxruntime-node";
import type { NdArray } from "../array/mod.ts";
import { encodeModel, Graph } from "../onnx/mod.ts";
import type { OrtModule, OrtTensor } from "./tensor.ts";

/** What stands for an array on the device. */
interface Resident {
  /** The caller's array. */
  readonly array: NdArray<"float32">;
  /** Its elements on the device, as a vector. */
  readonly tensor: OrtTensor;
  /** True if the caller's memory has the same elements. */
  isCopied: boolean;
}

/** Arrays on the device; several sessions may share them. */
export class ResidentArrays implements AsyncDisposable {
  readonly #ort: OrtModule;
  readonly #residents = new Map<string, Resident>();
  readonly #buffers = new WeakMap<ArrayBufferLike, number>();
  #bufferCount = 0;
  /** Sessions that multiply a vector by one: from the device to the caller, and the other way. */
  #copiers: Promise<Record<"download" | "upload", Ort.InferenceSession>> | null = null;

  /** Start without any array. */
  constructor(ort: OrtModule) {
    this.#ort = ort;
  }

  /**
   * The tensor that stands for an array.
   *
   * @returns Null where the caller's memory is all that there is.
   */
  find(array: NdArray<"float32">): OrtTensor | null {
    return this.#residents.get(this.#keyOf(array))?.tensor ?? null;
  }

  /** Copy an array to the device, unless it is there. */
  async upload(array: NdArray<"float32">): Promise<OrtTensor> {
    const known = this.find(array);
    if (known !== null) return known;
    const { upload } = await this.#open();
    const x = new this.#ort.Tensor("float32", array.data, [array.data.length]);
    const { y } = await upload.run({ x });
    this.#keep({ array, tensor: y as OrtTensor, isCopied: true });
    return y as OrtTensor;
  }

  /**
   * Let a tensor stand for an array from now on, instead of what stood for it before.
   *
   * @param array The caller's array, whose elements are out of date.
   * @param tensor What a session computed.
   */
  replace(array: NdArray<"float32">, tensor: OrtTensor): void {
    this.#keep({ array, tensor, isCopied: false });
  }

  /** Bring the caller's memory up to date. */
  async download(): Promise<void> {
    for (const resident of this.#residents.values()) {
      if (resident.isCopied) continue;
      // A tensor on the device cannot be read by itself (1.30.0): that ends the process.
      const { download } = await this.#open();
      const { y } = await download.run({ x: resident.tensor });
      resident.array.data.set((y as OrtTensor).data as Float32Array);
      resident.isCopied = true;
    }
  }

  /** Forget what the device holds, as the caller has written new elements. */
  forget(): void {
    for (const { tensor } of this.#residents.values()) tensor.dispose();
    this.#residents.clear();
  }

  /** Free the device's memory. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.forget();
    if (this.#copiers === null) return;
    for (const session of Object.values(await this.#copiers)) await session.release();
  }

  #keep(resident: Resident): void {
    const key = this.#keyOf(resident.array);
    this.#residents.get(key)?.tensor.dispose();
    this.#residents.set(key, resident);
  }

  /** The same for all arrays over the same memory. */
  #keyOf({ data: { buffer, byteOffset, length } }: NdArray<"float32">): string {
    let number = this.#buffers.get(buffer);
    if (number === undefined) this.#buffers.set(buffer, number = this.#bufferCount++);
    return `${number} ${byteOffset} ${length}`;
  }

  #open(): Promise<Record<"download" | "upload", Ort.InferenceSession>> {
    return this.#copiers ??= this.#load();
  }

  async #load(): Promise<Record<"download" | "upload", Ort.InferenceSession>> {
    const graph = new Graph("copy");
    graph.output("y", graph.op("Mul", [graph.input("x", "float32", ["length"]), 1]));
    const model = encodeModel(graph);
    const load = (location: "cpu" | "gpu-buffer") =>
      this.#ort.InferenceSession.create(model, {
        executionProviders: ["webgpu", "cpu"],
        preferredOutputLocation: location,
      });
    return { download: await load("cpu"), upload: await load("gpu-buffer") };
  }
}
