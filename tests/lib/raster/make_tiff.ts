/**
 * TIFF files made by hand, independently of the library's own writer: every layout, byte order,
 * codec and sample width that the reader claims to read.
 */
import { deflateSync, zstdCompressSync } from "node:zlib";

/** Compression schemes by name. */
export const CODECS = { none: 1, lzw: 5, deflate: 8, packbits: 32773, zstd: 50000 } as const;
export type Codec = keyof typeof CODECS;

/** A further tag: numbers as shorts, longs or doubles, or text. */
export type TagValue =
  | { readonly short: readonly number[] }
  | { readonly long: readonly number[] }
  | { readonly double: readonly number[] }
  | { readonly text: string };

/** One image of a file. */
export interface TiffSpec {
  readonly width: number;
  readonly height: number;
  readonly bands: number;
  /** Bits of a sample. */
  readonly bits: number;
  /** 1 unsigned, 2 signed, 3 floating point. */
  readonly sampleFormat?: 1 | 2 | 3;
  /** Bits of each sample as an unsigned number, shape (bands, height, width). */
  readonly samples: readonly (number | bigint)[];
  /** Size of tiles; strips where left out. */
  readonly tile?: readonly [number, number];
  readonly rowsPerStrip?: number;
  readonly planar?: boolean;
  readonly codec?: Codec;
  readonly predictor?: 1 | 2 | 3;
  /** The stored bytes of the blocks, where they are made by other means. */
  readonly blocks?: readonly Uint8Array[];
  /** Blocks that are not stored, by their number. */
  readonly sparse?: readonly number[];
  readonly tags?: Readonly<Record<number, TagValue>>;
}

/** Byte order and dialect of a file. */
export interface FileSpec {
  readonly littleEndian?: boolean;
  readonly big?: boolean;
}

/** A file with one image or several in a chain. */
export function makeTiff(
  images: TiffSpec | readonly TiffSpec[],
  { littleEndian = true, big = false }: FileSpec = {},
): Uint8Array<ArrayBuffer> {
  const bytes: number[] = littleEndian ? [0x49, 0x49] : [0x4d, 0x4d];
  const put = (value: number | bigint, size: number, at = bytes.length) => {
    let rest = BigInt.asUintN(8 * size, BigInt(value));
    const digits = Array.from({ length: size }, () => {
      const digit = Number(rest & 0xffn);
      rest >>= 8n;
      return digit;
    });
    if (!littleEndian) digits.reverse();
    for (const [index, digit] of digits.entries()) bytes[at + index] = digit;
  };
  put(big ? 43 : 42, 2);
  if (big) {
    put(8, 2);
    put(0, 2);
  }
  const offsetBytes = big ? 8 : 4;
  let link = bytes.length;
  put(0, offsetBytes);
  for (const image of "width" in images ? [images] : images) {
    const blocks = encodeBlocks(image, littleEndian);
    const offsets = blocks.map((block) => {
      if (block === null) return 0;
      const offset = bytes.length;
      for (const byte of block) bytes.push(byte);
      return offset;
    });
    const counts = blocks.map((block) => block?.length ?? 0);
    const tags = tagsOf(image, offsets, counts);
    const directory = [...tags].sort(([a], [b]) => a - b).map(([tag, value]) => {
      return { tag, ...encodeValue(value, littleEndian) };
    });
    const located = directory.map((entry) => {
      if (entry.data.length <= offsetBytes) return { ...entry, offset: null };
      if (bytes.length % 2 === 1) bytes.push(0);
      const offset = bytes.length;
      for (const byte of entry.data) bytes.push(byte);
      return { ...entry, offset };
    });
    if (bytes.length % 2 === 1) bytes.push(0);
    put(bytes.length, offsetBytes, link);
    put(located.length, big ? 8 : 2);
    for (const { tag, type, count, data, offset } of located) {
      put(tag, 2);
      put(type, 2);
      put(count, offsetBytes);
      if (offset !== null) put(offset, offsetBytes);
      else for (let index = 0; index < offsetBytes; index++) bytes.push(data[index] ?? 0);
    }
    link = bytes.length;
    put(0, offsetBytes);
  }
  return Uint8Array.from(bytes);
}

function tagsOf(
  image: TiffSpec,
  offsets: readonly number[],
  counts: readonly number[],
): Map<number, TagValue> {
  const { width, height, bands, bits, sampleFormat = 1, codec = "none", tile } = image;
  const tags = new Map<number, TagValue>([
    [256, { long: [width] }],
    [257, { long: [height] }],
    [258, { short: new Array(bands).fill(bits) }],
    [259, { short: [CODECS[codec]] }],
    [262, { short: [1] }],
    [277, { short: [bands] }],
    [284, { short: [image.planar ? 2 : 1] }],
    [339, { short: new Array(bands).fill(sampleFormat) }],
  ]);
  if (image.predictor !== undefined) tags.set(317, { short: [image.predictor] });
  if (tile === undefined) {
    tags.set(273, { long: offsets });
    tags.set(278, { long: [image.rowsPerStrip ?? height] });
    tags.set(279, { long: counts });
  } else {
    tags.set(322, { long: [tile[0]] });
    tags.set(323, { long: [tile[1]] });
    tags.set(324, { long: offsets });
    tags.set(325, { long: counts });
  }
  for (const [tag, value] of Object.entries(image.tags ?? {})) tags.set(Number(tag), value);
  return tags;
}

function encodeValue(
  value: TagValue,
  littleEndian: boolean,
): { type: number; count: number; data: Uint8Array } {
  if ("text" in value) {
    const data = new TextEncoder().encode(`${value.text}\0`);
    return { type: 2, count: data.length, data };
  }
  const [type, size, numbers] = "short" in value
    ? [3, 2, value.short] as const
    : "long" in value
    ? [4, 4, value.long] as const
    : [12, 8, value.double] as const;
  const view = new DataView(new ArrayBuffer(size * numbers.length));
  for (const [index, number] of numbers.entries()) {
    if (type === 3) view.setUint16(index * 2, number, littleEndian);
    else if (type === 4) view.setUint32(index * 4, number, littleEndian);
    else view.setFloat64(index * 8, number, littleEndian);
  }
  return { type, count: numbers.length, data: new Uint8Array(view.buffer) };
}

function encodeBlocks(image: TiffSpec, littleEndian: boolean): (Uint8Array | null)[] {
  const { width, height, bands, bits, samples, tile, codec = "none", predictor = 1 } = image;
  if (image.blocks !== undefined) return [...image.blocks];
  const [blockWidth, blockHeight] = tile ?? [width, Math.min(height, image.rowsPerStrip ?? height)];
  const blocks: (Uint8Array | null)[] = [];
  const groups = image.planar
    ? Array.from({ length: bands }, (_, band) => [band])
    : [Array.from({ length: bands }, (_, band) => band)];
  for (const group of groups) {
    for (let top = 0; top < height; top += blockHeight) {
      for (let left = 0; left < width; left += blockWidth) {
        if (image.sparse?.includes(blocks.length)) {
          blocks.push(null);
          continue;
        }
        const rows: (number | bigint)[][] = [];
        const last = tile === undefined ? Math.min(height, top + blockHeight) : top + blockHeight;
        for (let y = top; y < last; y++) {
          const row: (number | bigint)[] = [];
          for (let x = left; x < left + blockWidth; x++) {
            for (const band of group) {
              // Beyond the image, writers leave what they like.
              row.push(
                x < width && y < height ? samples[(band * height + y) * width + x]! : 3,
              );
            }
          }
          rows.push(row);
        }
        const packed = rows.map((row) => packRow(row, bits, group.length, predictor, littleEndian));
        const plain = Uint8Array.from(packed.flatMap((row) => [...row]));
        blocks.push(compress(plain, codec));
      }
    }
  }
  return blocks;
}

/** One row of samples as bytes, predictor included. */
function packRow(
  row: readonly (number | bigint)[],
  bits: number,
  step: number,
  predictor: number,
  littleEndian: boolean,
): Uint8Array {
  const mask = (1n << BigInt(bits)) - 1n;
  const values = row.map((value) => BigInt(value) & mask);
  if (predictor === 2) {
    for (let index = values.length - 1; index >= step; index--) {
      values[index] = (values[index]! - values[index - step]!) & mask;
    }
  }
  if (predictor === 3) {
    const size = bits / 8;
    const bytes = new Uint8Array(values.length * size);
    for (const [index, value] of values.entries()) {
      for (let byte = 0; byte < size; byte++) {
        bytes[byte * values.length + index] = Number(
          (value >> BigInt(8 * (size - 1 - byte))) & 0xffn,
        );
      }
    }
    for (let index = bytes.length - 1; index >= step; index--) {
      bytes[index]! -= bytes[index - step]!;
    }
    return bytes;
  }
  if (bits % 8 === 0 && bits !== 24) {
    return Uint8Array.from(values.flatMap((value) => {
      const digits = Array.from(
        { length: bits / 8 },
        (_, byte) => Number((value >> BigInt(8 * byte)) & 0xffn),
      );
      return littleEndian ? digits : digits.reverse();
    }));
  }
  const text = values.map((value) => value.toString(2).padStart(bits, "0")).join("");
  return Uint8Array.from(
    { length: Math.ceil(text.length / 8) },
    (_, byte) => parseInt(text.slice(8 * byte, 8 * byte + 8).padEnd(8, "0"), 2),
  );
}

function compress(plain: Uint8Array, codec: Codec): Uint8Array {
  switch (codec) {
    case "none":
      return plain;
    case "deflate":
      return new Uint8Array(deflateSync(plain));
    case "zstd":
      return new Uint8Array(zstdCompressSync(plain));
    case "packbits":
      return packbits(plain);
    case "lzw":
      return encodeLzw(plain);
  }
}

function packbits(plain: Uint8Array): Uint8Array {
  const code: number[] = [];
  for (let at = 0; at < plain.length;) {
    let run = 1;
    while (run < 128 && at + run < plain.length && plain[at + run] === plain[at]) run++;
    if (run > 1) {
      code.push(257 - run, plain[at]!);
      at += run;
    } else {
      const start = at++;
      while (at - start < 128 && at < plain.length && plain[at] !== plain[at + 1]) at++;
      code.push(at - start - 1, ...plain.subarray(start, at));
    }
  }
  return Uint8Array.from(code);
}

/** LZW as TIFF 6.0 has it. */
export function encodeLzw(plain: Uint8Array): Uint8Array<ArrayBuffer> {
  const bits: number[] = [];
  let width = 9;
  const emit = (code: number) => {
    for (let bit = width - 1; bit >= 0; bit--) bits.push((code >> bit) & 1);
  };
  let table = new Map<string, number>();
  const reset = () => {
    emit(256);
    table = new Map();
    width = 9;
  };
  const codeOf = (text: string) => text.length === 1 ? text.charCodeAt(0) : table.get(text)!;
  reset();
  let known = "";
  for (const byte of plain) {
    const longer = known + String.fromCharCode(byte);
    if (longer.length === 1 || table.has(longer)) {
      known = longer;
      continue;
    }
    emit(codeOf(known));
    table.set(longer, 258 + table.size);
    // The width of a code follows from the table as the decoder has it: one entry behind.
    if (258 + table.size === 4094) reset();
    else if (258 + table.size >= (1 << width)) width++;
    known = String.fromCharCode(byte);
  }
  if (known !== "") emit(codeOf(known));
  if (258 + table.size + 1 >= (1 << width) && width < 12) width++;
  emit(257);
  while (bits.length % 8 !== 0) bits.push(0);
  return Uint8Array.from(
    { length: bits.length / 8 },
    (_, byte) => parseInt(bits.slice(8 * byte, 8 * byte + 8).join(""), 2),
  );
}
