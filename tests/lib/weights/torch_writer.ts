import { crc32 } from "node:zlib";

/** A zip archive of stored entries. */
export function zip(entries: Readonly<Record<string, Uint8Array>>): Uint8Array {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let position = 0;
  for (const [name, bytes] of Object.entries(entries)) {
    const encoded = new TextEncoder().encode(name);
    const common = new DataView(new ArrayBuffer(26));
    common.setUint32(10, crc32(bytes), true);
    common.setUint32(14, bytes.length, true);
    common.setUint32(18, bytes.length, true);
    common.setUint16(22, encoded.length, true);
    const fields = new Uint8Array(common.buffer);
    const local = join([text("PK\x03\x04"), fields, encoded, bytes]);
    const tail = new DataView(new ArrayBuffer(14));
    tail.setUint32(10, position, true);
    directory.push(
      join([text("PK\x01\x02\x00\x00"), fields, new Uint8Array(tail.buffer), encoded]),
    );
    parts.push(local);
    position += local.length;
  }
  const listing = join(directory);
  const end = new DataView(new ArrayBuffer(22));
  end.setUint32(0, 0x06054b50, true);
  end.setUint16(8, parts.length, true);
  end.setUint16(10, parts.length, true);
  end.setUint32(12, listing.length, true);
  end.setUint32(16, position, true);
  return join([...parts, listing, new Uint8Array(end.buffer)]);
}

/** Opcodes as strings of one character a byte, and the pieces of a state dictionary made of them. */
export const pickle = {
  /** A short text. */
  text: (value: string) =>
    "\x8c" + String.fromCharCode(new TextEncoder().encode(value).length) +
    byteString(new TextEncoder().encode(value)),
  /** A number of 31 bits. */
  int: (value: number) => "J" + byteString(new Uint8Array(new Int32Array([value]).buffer)),
  /** A tuple. */
  tuple: (...items: string[]) => `(${items.join("")}t`,
  /** A name that the pickle imports. */
  global: (module: string, name: string) => `c${module}\n${name}\n`,
  /** Call a function. */
  call: (callee: string, ...args: string[]) => `${callee}(${args.join("")}tR`,
  /** A storage. */
  storage: (storageClass: string, key: string, count: number) =>
    pickle.tuple(
      pickle.text("storage"),
      pickle.global("torch", storageClass),
      pickle.text(key),
      pickle.text("cpu"),
      pickle.int(count),
    ) + "Q",
  /** A tensor over a storage. */
  tensor: (storage: string, offset: number, shape: number[], strides: number[]) =>
    pickle.call(
      pickle.global("torch._utils", "_rebuild_tensor_v2"),
      storage,
      pickle.int(offset),
      pickle.tuple(...shape.map(pickle.int)),
      pickle.tuple(...strides.map(pickle.int)),
      "\x89",
      "N",
    ),
  /** A dictionary. */
  dict: (items: Readonly<Record<string, string>>) =>
    `}(${Object.entries(items).map(([key, value]) => pickle.text(key) + value).join("")}u`,
};

/** A file as torch.save writes it, from the body of its pickle and its storages. */
export function torchFile(
  body: string,
  storages: Readonly<Record<string, Uint8Array>> = {},
  others: Readonly<Record<string, Uint8Array>> = {},
): Uint8Array {
  return zip({
    "archive/data.pkl": text(`\x80\x02${body}.`),
    ...Object.fromEntries(
      Object.entries(storages).map(([key, bytes]) => [`archive/data/${key}`, bytes]),
    ),
    ...others,
  });
}

/** Bytes from text of one character a byte. */
export function text(value: string): Uint8Array {
  return Uint8Array.from(value, (character) => character.charCodeAt(0));
}

function byteString(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let position = 0;
  for (const part of parts) {
    joined.set(part, position);
    position += part.length;
  }
  return joined;
}
