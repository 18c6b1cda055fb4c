/**
 * Opens weights whatever file holds them: safetensors, PyTorch's format, or several such files with
 * an index that says which tensor is where.
 *
 * @module
 */
import { dirname, join } from "node:path";
import { InputError } from "../errors.ts";
import { readTextFile } from "../files/mod.ts";
import { openSafetensors } from "./safetensors.ts";
import { isJsonObject, JsonFault, parseStrictJson } from "./strict_json.ts";
import { findTensor, type StoredTensor, type TensorSource } from "./tensor_source.ts";
import { openTorchFile } from "./torch_file.ts";

/** Index files list tensors by name: no deeper, and as many as a header may. */
const INDEX_LIMITS = { depth: 4, keys: 1_000_000 };

/**
 * Open a file of weights.
 *
 * @param path A `.safetensors` file; an index of several (`….index.json`), whose files lie beside it;
 * or anything else, which is taken for a file that `torch.save` wrote.
 * @returns Its tensors, to be read when they are needed; close it, or declare it with `using`.
 * @throws {InputError} If a file cannot be read, is damaged, or lacks a tensor that the index lists.
 */
export async function openWeights(path: string): Promise<TensorSource> {
  if (path.endsWith(".index.json")) return await openSharded(path);
  return path.endsWith(".safetensors") ? await openSafetensors(path) : await openTorchFile(path);
}

async function openSharded(path: string): Promise<TensorSource> {
  const fileOf = await readIndex(path);
  const shards = new Map<string, TensorSource>();
  const close = () => {
    for (const shard of shards.values()) shard.close();
  };
  try {
    const tensors = new Map<string, StoredTensor>();
    for (const [name, file] of fileOf) {
      let shard = shards.get(file);
      if (shard === undefined) {
        shard = await openWeights(join(dirname(path), file));
        shards.set(file, shard);
      }
      tensors.set(name, findTensor(shard.tensors, name, shard.path));
    }
    const [first] = shards.values();
    return {
      path,
      format: first?.format ?? "safetensors",
      metadata: first?.metadata ?? {},
      tensors,
      read(name) {
        findTensor(tensors, name, path);
        return shards.get(fileOf.get(name)!)!.read(name);
      },
      close,
      [Symbol.dispose]: close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

/** The file of each tensor. */
async function readIndex(path: string): Promise<ReadonlyMap<string, string>> {
  const fault = (what: string) =>
    new InputError(`Cannot read the index of weights ${JSON.stringify(path)}: it ${what}`);
  const text = await readTextFile(path);
  let json: unknown;
  try {
    json = parseStrictJson(text, INDEX_LIMITS);
  } catch (error) {
    throw error instanceof JsonFault ? fault(error.message) : error;
  }
  if (!isJsonObject(json) || !isJsonObject(json["weight_map"])) {
    throw fault('has no object "weight_map"');
  }
  const fileOf = new Map<string, string>();
  for (const [name, file] of Object.entries(json["weight_map"])) {
    // Files lie beside the index: a path out of its directory is an attack, not a model.
    if (typeof file !== "string" || !/^[^/\\]+\.(safetensors|bin|pt|pth)$/.test(file)) {
      throw fault(`gives ${JSON.stringify(file)} as the file of ${JSON.stringify(name)}`);
    }
    fileOf.set(name, file);
  }
  return fileOf;
}
