/**
 * The records of a file of finished rows: a frame of four numbers, JSON, and content; see
 * `partial_map.ts`.
 *
 * @module
 */
import { crc32 } from "node:zlib";
import type { MapIdentity } from "./map_identity.ts";

/** `SwR1`. */
export const MAGIC = 0x53775231;
/** Magic number, lengths of JSON and content, and CRC-32 of both, each of four bytes. */
export const FRAME_BYTES = 16;
/** Longest JSON that is believed. */
const MAX_HEAD = 16 << 20;

/** A piece of rows of a layer. */
export interface RowRecord {
  readonly layer: string;
  /** First row. */
  readonly y: number;
  /** Number of rows. */
  readonly rows: number;
  /** Where its content begins in the file. */
  readonly position: number;
  /** Bytes of its content. */
  readonly length: number;
}

/** What of a file can be trusted. */
export interface ScannedRecords {
  /** What it is a map of; null where the file does not begin with that. */
  readonly identity: MapIdentity | null;
  /** Pieces of rows, as far as all layers have them. */
  readonly records: readonly RowRecord[];
  /** Bytes of all that. */
  readonly end: number;
}

/**
 * Read a file of finished rows up to the first record that is not whole, not right or out of order.
 *
 * @param file The file, from its start.
 */
export async function scanRecords(file: Deno.FsFile): Promise<ScannedRecords> {
  const { size } = await file.stat();
  await file.seek(0, Deno.SeekMode.Start);
  let position = 0;
  let identity: MapIdentity | null = null;
  const records: RowRecord[] = [];
  const rows = new Map<string, number>();
  let trusted = { count: 0, end: 0 };
  for (;;) {
    const record = await readRecord(file, size - position);
    if (record === null) break;
    const { head, headBytes, length } = record;
    const content = position + FRAME_BYTES + headBytes;
    position = content + length;
    if (identity === null) {
      identity = head as MapIdentity;
      for (const { name } of identity.layers ?? []) rows.set(name, 0);
      if (rows.size === 0) return { identity: null, records: [], end: 0 };
    } else {
      const { layer, y, rows: count } = head as Pick<RowRecord, "layer" | "y" | "rows">;
      if (rows.get(layer) !== y || !(count > 0)) break;
      rows.set(layer, y + count);
      records.push({ layer, y, rows: count, position: content, length });
    }
    if (new Set(rows.values()).size === 1) trusted = { count: records.length, end: position };
  }
  return { identity, records: records.slice(0, trusted.count), end: trusted.end };
}

/** The next record; null where it is not whole or not right. */
async function readRecord(
  file: Deno.FsFile,
  left: number,
): Promise<{ head: unknown; headBytes: number; length: number } | null> {
  const frame = await readBytes(file, FRAME_BYTES, left);
  if (frame === null) return null;
  const view = new DataView(frame.buffer);
  const [magic, headBytes, length, checksum] = [0, 4, 8, 12].map((at) => view.getUint32(at)) as [
    number,
    number,
    number,
    number,
  ];
  if (magic !== MAGIC || headBytes > MAX_HEAD) return null;
  const body = await readBytes(file, headBytes + length, left - FRAME_BYTES);
  if (body === null || crc32(body) !== checksum) return null;
  const head: unknown = JSON.parse(new TextDecoder().decode(body.subarray(0, headBytes)));
  return { head, headBytes, length };
}

async function readBytes(
  file: Deno.FsFile,
  length: number,
  left: number,
): Promise<Uint8Array<ArrayBuffer> | null> {
  if (length > left) return null;
  const bytes = new Uint8Array(length);
  for (let filled = 0; filled < length;) {
    const count = await file.read(bytes.subarray(filled));
    if (count === null) return null;
    filled += count;
  }
  return bytes;
}
