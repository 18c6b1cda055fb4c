/**
 * Reader of the files that `torch.save` writes (`pytorch_model.bin`, `.pt`, `.pth`): a zip archive
 * of a pickle, which says how tensors lie in storages, and one entry for each storage.
 *
 * The pickle is read by {@link unpickle | a machine that builds tensors and nothing else}, so that
 * opening a file never runs code from it. The format from before PyTorch 1.6, which is not a zip
 * archive, is refused.
 *
 * @module
 */
import { InputError } from "../errors.ts";
import { openRandomAccessFile, type RandomAccessFile } from "../files/mod.ts";
import { abbreviateList } from "../text/mod.ts";
import { byteString, recognizeContent } from "./recognize_content.ts";
import { findTensor, type StoredTensor, type TensorSource } from "./tensor_source.ts";
import {
  findViewFault,
  gatherTensor,
  TORCH_TYPES,
  type TorchStorage,
  type TorchTensor,
  type TorchType,
} from "./torch_tensor.ts";
import {
  PickleFunction,
  type PickleKey,
  PickleObject,
  PickleTuple,
  type PickleValue,
  unpickle,
} from "./unpickler.ts";
import { type Fault, openZip, type ZipArchive } from "./zip.ts";

/** Checkpoints hold the state dictionary under one of these keys (mmsegmentation, Lightning, timm). */
const STATE_KEYS = ["state_dict", "model_state_dict", "model"] as const;

/** Pickles describe tensors in some hundred bytes each. */
const MAX_PICKLE_BYTES = 2 ** 28;

/** How to make a file that can be read. */
const RESAVE_HINT =
  "Save it again in Python: torch.save(torch.load(path, weights_only=True), new_path)";

/** A tensor as it is listed and as it lies in the file. */
interface NamedTensor extends StoredTensor {
  readonly tensor: TorchTensor;
}

/**
 * Open a file that `torch.save` wrote.
 *
 * The tensors may be the file's whole content or lie under `state_dict`, `model_state_dict` or
 * `model`; whatever else it holds beside them (epochs, optimizer states) is left alone.
 *
 * @param path The file.
 * @returns Its tensors, to be read when they are needed; close it, or declare it with `using`.
 * @throws {InputError} If the file cannot be read, is damaged, has the format from before PyTorch
 * 1.6, or refers to anything but tensors, which the message names.
 */
export async function openTorchFile(path: string): Promise<TensorSource> {
  const file = await openRandomAccessFile(path);
  const fault: Fault = (what, hint) =>
    new InputError(
      `Cannot read ${JSON.stringify(path)} as PyTorch weights: ${what}`,
      hint === undefined ? {} : { hint },
    );
  try {
    checkIsZip(file, fault);
    const archive = openZip(file, fault);
    const root = findRoot(archive, fault);
    const tensors = readTensorTable(archive, root, fault);
    const readStorage = cachedStorageReader(archive, root);
    return {
      path,
      format: "PyTorch",
      metadata: {},
      tensors,
      read(name) {
        const { dtype, tensor } = findTensor(tensors, name, path);
        return gatherTensor(tensor, dtype, readStorage(tensor.storage.key));
      },
      close: file.close,
      [Symbol.dispose]: file.close,
    };
  } catch (error) {
    file.close();
    throw error;
  }
}

function checkIsZip(file: RandomAccessFile, fault: Fault): void {
  const start = file.read(0, Math.min(file.size, 64));
  const text = byteString(start);
  if (text.startsWith("PK\x03\x04")) return;
  if (file.size === 0) throw fault("it is empty");
  if (text.startsWith("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19")) {
    throw fault("it has the format from before PyTorch 1.6, which is not supported", RESAVE_HINT);
  }
  const recognized = recognizeContent(start);
  if (recognized !== null) throw fault(`it is ${recognized.what}`, recognized.hint);
  if (start[0] === 0x80 && start[1]! <= 5) {
    throw fault("it is a bare Python pickle", "Save the tensors with torch.save");
  }
  throw fault("it is not a zip archive, which torch.save writes");
}

/** The archive's one folder, with a trailing slash; its name is that of the file when it was saved. */
function findRoot(archive: ZipArchive, fault: Fault): string {
  const pickles = [...archive.entries.keys()].filter((name) => /^[^/]+\/data\.pkl$/.test(name));
  const [pickle] = pickles;
  if (pickle === undefined || pickles.length > 1) {
    throw fault("it is a zip archive without the data.pkl that torch.save writes");
  }
  const root = pickle.slice(0, -"data.pkl".length);
  if (archive.entries.has(`${root}constants.pkl`)) {
    throw fault(
      "it is a TorchScript program, not weights",
      "Save the weights alone in Python: torch.save(torch.jit.load(path).state_dict(), new_path)",
    );
  }
  const byteOrder = archive.entries.get(`${root}byteorder`);
  if (byteOrder !== undefined) {
    const order = new TextDecoder().decode(archive.read(byteOrder));
    if (order !== "little") throw fault(`its byte order is ${JSON.stringify(order)}, not little`);
  }
  return root;
}

/** Tensors that share a storage mostly follow one another, so that one storage is kept. */
function cachedStorageReader(archive: ZipArchive, root: string) {
  let cached: { key: string; bytes: Uint8Array<ArrayBuffer> } | null = null;
  return (key: string): Uint8Array<ArrayBuffer> => {
    if (cached?.key !== key) {
      cached = { key, bytes: archive.read(archive.entries.get(`${root}data/${key}`)!) };
    }
    return cached.bytes;
  };
}

function readTensorTable(
  archive: ZipArchive,
  root: string,
  fault: Fault,
): ReadonlyMap<string, NamedTensor> {
  const pickle = archive.entries.get(`${root}data.pkl`)!;
  if (pickle.size > MAX_PICKLE_BYTES) {
    throw fault(
      `its pickle has ${pickle.size} bytes, and at most ${MAX_PICKLE_BYTES} are accepted`,
    );
  }
  const value = unpickle(archive.read(pickle), {
    globals: torchGlobals(fault),
    persistentLoad: (id) => loadStorage(id, archive, root, fault),
    fault,
  });
  const tensors = new Map<string, NamedTensor>();
  for (const [key, item] of findStateDictionary(value, fault)) {
    const tensor = asTensor(item);
    if (typeof key !== "string" || tensor === null) continue;
    const quoted = JSON.stringify(key);
    const viewFault = findViewFault(tensor);
    if (viewFault !== null) throw fault(`tensor ${quoted} ${viewFault}`);
    const { name: storedType, dtype } = tensor.type;
    if (dtype === null) {
      throw fault(`tensor ${quoted} has the element type ${storedType}, which is not supported`);
    }
    tensors.set(key, { name: key, dtype, storedType, shape: tensor.shape, tensor });
  }
  return tensors;
}

/** The dictionary that has tensors: the whole content or the value of one of {@linkcode STATE_KEYS}. */
function findStateDictionary(
  value: PickleValue,
  fault: Fault,
): ReadonlyMap<PickleKey, PickleValue> {
  const hasTensors = (
    candidate: PickleValue | undefined,
  ): candidate is Map<PickleKey, PickleValue> =>
    candidate instanceof Map && [...candidate.values()].some((item) => asTensor(item) !== null);
  if (hasTensors(value)) return value;
  if (value instanceof Map) {
    for (const key of STATE_KEYS) {
      const nested = value.get(key);
      if (hasTensors(nested)) return nested;
    }
    if (value.size === 0) return value;
    throw fault(
      `it holds no tensors, neither directly nor under ${STATE_KEYS.join(", ")}: it holds ${
        abbreviateList([...value.keys()].map((key) => JSON.stringify(String(key))), 8)
      }`,
    );
  }
  throw fault("it holds no dictionary of tensors", "Save model.state_dict() with torch.save");
}

class TorchTensorValue extends PickleObject {
  override readonly kind = "tensor";
  constructor(readonly tensor: TorchTensor) {
    super();
  }
}

class TorchStorageValue extends PickleObject {
  override readonly kind = "storage";
  constructor(readonly storage: TorchStorage) {
    super();
  }
}

/** A storage class; `type` is null for the class of untyped bytes. */
class StorageClassValue extends PickleObject {
  override readonly kind = "storage class";
  constructor(readonly type: TorchType | null) {
    super();
  }
}

class TorchTypeValue extends PickleObject {
  override readonly kind = "element type";
  constructor(readonly type: TorchType) {
    super();
  }
}

function asTensor(value: PickleValue): TorchTensor | null {
  return value instanceof TorchTensorValue ? value.tensor : null;
}

/** Every name that a weights file may use; all others are refused. */
function torchGlobals(fault: Fault): ReadonlyMap<string, PickleValue> {
  const globals = new Map<string, PickleValue>();
  const define = (name: string, apply: (args: readonly PickleValue[]) => PickleValue) =>
    globals.set(name, new PickleFunction(name, apply));

  define("collections.OrderedDict", (args) => {
    if (args.length > 0) throw fault("its pickle makes an OrderedDict from arguments");
    return new Map();
  });
  define("torch.Size", ([extents]) => {
    if (extents instanceof PickleTuple || Array.isArray(extents)) {
      return new PickleTuple(extents instanceof PickleTuple ? extents.items : extents);
    }
    throw fault("its pickle makes a torch.Size from something that is no tuple");
  });
  define("torch._utils._rebuild_tensor", (args) => rebuildTensor(args, null, fault));
  define("torch._utils._rebuild_tensor_v2", (args) => rebuildTensor(args, null, fault));
  define(
    "torch._utils._rebuild_tensor_v3",
    (args) => rebuildTensor(args, args[6] ?? null, fault),
  );
  define("torch._utils._rebuild_parameter", ([data]) => {
    if (data instanceof TorchTensorValue) return data;
    throw fault("its pickle makes a parameter from something that is no tensor");
  });
  for (const { storageClass, ...type } of TORCH_TYPES) {
    globals.set(`torch.${type.name}`, new TorchTypeValue(type));
    if (storageClass !== null) {
      globals.set(`torch.${storageClass}`, new StorageClassValue(type));
    }
  }
  globals.set("torch.storage.UntypedStorage", new StorageClassValue(null));
  return globals;
}

/** `('storage', class, key, location, number of elements)` is all that may be referred to. */
function loadStorage(
  id: PickleValue,
  archive: ZipArchive,
  root: string,
  fault: Fault,
): PickleValue {
  const [tag, storageClass, key, , count] = id instanceof PickleTuple ? id.items : [];
  if (
    tag !== "storage" || !(storageClass instanceof StorageClassValue) ||
    typeof key !== "string" || !isCount(count)
  ) {
    throw fault("its pickle refers to something that is no storage of a tensor");
  }
  const entry = archive.entries.get(`${root}data/${key}`);
  if (entry === undefined) throw fault(`storage ${JSON.stringify(key)} is missing from the file`);
  const byteLength = count * (storageClass.type?.width ?? 1);
  if (entry.size !== byteLength) {
    throw fault(
      `storage ${
        JSON.stringify(key)
      } has ${entry.size} bytes, and its ${count} elements take ${byteLength}`,
    );
  }
  return new TorchStorageValue({ key, type: storageClass.type, byteLength });
}

/** `(storage, offset, size, stride, …)`; the type is the storage's unless it is given. */
function rebuildTensor(
  args: readonly PickleValue[],
  givenType: PickleValue,
  fault: Fault,
): PickleValue {
  const [storage, offset, shape, strides] = args;
  const type = givenType instanceof TorchTypeValue
    ? givenType.type
    : storage instanceof TorchStorageValue
    ? storage.storage.type
    : null;
  if (
    !(storage instanceof TorchStorageValue) || type === null || !isCount(offset) ||
    !isCountTuple(shape) || !isCountTuple(strides)
  ) {
    throw fault("its pickle describes a tensor without a storage, type, offset, shape and strides");
  }
  return new TorchTensorValue({
    storage: storage.storage,
    type,
    offset,
    shape: shape.items as number[],
    strides: strides.items as number[],
  });
}

function isCount(value: PickleValue | undefined): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function isCountTuple(value: PickleValue | undefined): value is PickleTuple {
  return value instanceof PickleTuple && value.items.every(isCount);
}
