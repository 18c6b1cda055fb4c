/**
 * The patch stream as a tar in the WebDataset convention: members of one sample share a key and
 * differ by extension, `<key>.json` first, then one `.npy` file for each array.
 *
 * Convention: https://github.com/webdataset/webdataset
 *
 * @module
 */
import { crc32 } from "node:zlib";
import { bytesOf } from "../array/mod.ts";
import type { ByteSource } from "./byte_source.ts";
import { npyHeader } from "./npy.ts";
import { ARRAY_NAMES } from "./sample.ts";
import type { Sample, StreamHeader } from "./sample.ts";
import { StreamFault } from "./stream_fault.ts";
import type { StreamEncoder, StreamRecord } from "./stream_record.ts";
import {
  endOfArchive,
  MAX_MEMBER_BYTES,
  paddingOf,
  tarHeader,
  type TarMember,
  TarReader,
} from "./tar.ts";
import { type ArrayEntry, arraysOf, parseJson, sampleJson } from "./wire.ts";

const HEADER_NAME = "_stream.json";
const END_NAME = "_end.json";
/** Largest JSON member: a header with thousands of bands and classes stays far below. */
const MAX_JSON_BYTES = 16 * 1024 * 1024;
const NPY_NAMES = new Map<string, string>(ARRAY_NAMES.map((name) => [`${name}.npy`, name]));

/** Encodes a stream as tar. */
export const tarEncoder: StreamEncoder = {
  header(header) {
    const text = jsonBytes(header);
    return { text, parts: member(HEADER_NAME, [text]) };
  },
  sample(sample: Sample, header: StreamHeader) {
    const entries: Record<string, ArrayEntry> = {};
    const members: Uint8Array[] = [];
    for (const [name, array] of arraysOf(sample)) {
      const parts = [npyHeader(array), bytesOf(array)];
      const checksum = crc32(parts[1]!, crc32(parts[0]!));
      entries[name] = { dtype: array.dtype, shape: [...array.shape], crc32: checksum };
      members.push(...member(`${sample.key}.${name}.npy`, parts));
    }
    const text = jsonBytes(sampleJson(sample, header, entries));
    return { text, parts: [...member(`${sample.key}.json`, [text]), ...members] };
  },
  end: (end) => member(END_NAME, [jsonBytes(end)]),
  close: () => [endOfArchive()],
};

function jsonBytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

/** A tar member in pieces; the content is not copied. */
function member(name: string, content: readonly Uint8Array[]): Uint8Array[] {
  const size = content.reduce((sum, part) => sum + part.length, 0);
  return [tarHeader({ name, size }), ...content, new Uint8Array(paddingOf(size))];
}

/** The content of an array's member. */
export function takeContent(tar: TarReader): Promise<Uint8Array<ArrayBuffer>> {
  return tar.content(MAX_MEMBER_BYTES);
}

/** A sample of which some members have arrived. */
interface PartialSample<File> {
  readonly key: string;
  text: Uint8Array | null;
  json: unknown;
  readonly files: Map<string, File>;
}

/**
 * Read a stream as tar.
 *
 * The order of a sample's members does not matter, as webdataset's own writer puts `.image.npy`
 * before `.json`. Members with other extensions are passed over.
 *
 * @param source The bytes.
 * @param take What to take of the current member, an array.
 */
export async function* readTarRecords<File>(
  source: ByteSource,
  take: (tar: TarReader, member: TarMember) => Promise<File>,
): AsyncGenerator<StreamRecord<File>> {
  const tar = new TarReader(source);
  let sample: PartialSample<File> | null = null;
  // Set as soon as all that the JSON lists is there, so that a sample need not wait for the next one.
  let finishedKey: string | null = null;
  for (let found = await tar.next(); found !== null; found = await tar.next()) {
    const { key, extension } = splitKey(found.name);
    if (/(?:^|\/)\._/.test(found.name)) { // metadata that macOS's tar adds
      await tar.skipContent();
      continue;
    }
    const isMark = found.name === HEADER_NAME || found.name === END_NAME;
    if (sample !== null && (isMark || sample.key !== key)) {
      yield recordOf(sample);
      sample = null;
    }
    if (isMark) {
      const text = await tar.content(MAX_JSON_BYTES);
      const json = parseJson(text, found.name === HEADER_NAME ? "its header" : "its end mark");
      yield { kind: found.name === HEADER_NAME ? "header" : "end", text, json };
      finishedKey = null;
      continue;
    }
    const array = NPY_NAMES.get(extension);
    if (extension !== "json" && array === undefined) {
      await tar.skipContent();
      continue;
    }
    if (key === finishedKey) throw new StreamFault(`"${found.name}" comes twice`);
    sample ??= { key, text: null, json: null, files: new Map() };
    if (array === undefined ? sample.text !== null : sample.files.has(array)) {
      throw new StreamFault(`"${found.name}" comes twice`);
    }
    if (array === undefined) {
      sample.text = await tar.content(MAX_JSON_BYTES);
      sample.json = parseJson(sample.text, `"${found.name}"`);
    } else {
      sample.files.set(array, await take(tar, found));
    }
    if (isComplete(sample)) {
      yield recordOf(sample);
      finishedKey = key;
      sample = null;
    }
  }
  if (sample !== null) yield recordOf(sample);
}

/** Split at the first dot of the file name, as WebDataset does. */
function splitKey(name: string): { key: string; extension: string } {
  const dot = name.indexOf(".", name.lastIndexOf("/") + 1);
  return dot < 0
    ? { key: name, extension: "" }
    : { key: name.slice(0, dot), extension: name.slice(dot + 1) };
}

function isComplete<File>({ json, files }: PartialSample<File>): boolean {
  const arrays = json !== null && typeof json === "object" && "arrays" in json && json.arrays;
  return typeof arrays === "object" && arrays !== null &&
    Object.keys(arrays).every((name) => files.has(name));
}

function recordOf<File>({ key, text, json, files }: PartialSample<File>): StreamRecord<File> {
  if (text === null) throw new StreamFault(`sample "${key}" has no "${key}.json"`);
  return { kind: "sample", key, text, json, files };
}
