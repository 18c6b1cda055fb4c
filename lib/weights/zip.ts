/**
 * Reader of the zip archives that PyTorch writes: entries stored without compression, found through
 * the central directory, zip64 included (PKWARE APPNOTE 6.3). Anything else that zip allows is
 * refused by name, as no weights file needs it.
 *
 * @module
 */
import { crc32 } from "node:zlib";
import type { RandomAccessFile } from "../files/mod.ts";

/** Makes the error for what is wrong with a file. */
export type Fault = (what: string, hint?: string) => Error;

/** A file in an archive. */
export interface ZipEntry {
  /** Path in the archive, such as `archive/data/0`. */
  readonly name: string;
  /** How it is compressed. */
  readonly method: number;
  /** Length in bytes. */
  readonly size: number;
  /** Checksum of its bytes; 0 where it was written without one. */
  readonly crc32: number;
  /** Position of its local header. */
  readonly headerPosition: number;
}

/** An archive whose directory has been read. */
export interface ZipArchive {
  /** Entries by name. */
  readonly entries: ReadonlyMap<string, ZipEntry>;
  /** Read an entry, which must be stored without compression and have its checksum. */
  read(entry: ZipEntry): Uint8Array<ArrayBuffer>;
}

const SIGNATURES = {
  localHeader: 0x04034b50,
  directoryEntry: 0x02014b50,
  endOfDirectory: 0x06054b50,
  zip64EndOfDirectory: 0x06064b50,
  zip64Locator: 0x07064b50,
} as const;

const END_OF_DIRECTORY_BYTES = 22;
const ZIP64_LOCATOR_BYTES = 20;
const ZIP64_END_OF_DIRECTORY_BYTES = 56;
const DIRECTORY_ENTRY_BYTES = 46;
const LOCAL_HEADER_BYTES = 30;
const MAX_COMMENT_BYTES = 0xffff;

/** In the fields of 32 bits: the number is in the zip64 extra field. */
const SEE_ZIP64 = 0xffff_ffff;
const ZIP64_EXTRA_FIELD = 1;

/** What PyTorch writes where checksums are switched off (`torch.serialization.set_crc32_options`). */
const NO_CHECKSUM = 0;

const ENCRYPTED_FLAG = 1;
const STORED = 0;

/**
 * Read the directory of an archive.
 *
 * @param file The open file.
 * @param fault Makes the error for a damaged or unusual archive.
 * @returns The archive.
 */
export function openZip(file: RandomAccessFile, fault: Fault): ZipArchive {
  const { position, size, count } = findDirectory(file, fault);
  if (position + size > file.size) throw fault("its zip directory lies beyond the end of the file");
  const entries = new Map<string, ZipEntry>();
  const directory = file.read(position, size);
  const view = viewOf(directory);
  let at = 0;
  for (let index = 0; index < count; index++) {
    if (
      at + DIRECTORY_ENTRY_BYTES > size || view.getUint32(at, true) !== SIGNATURES.directoryEntry
    ) {
      throw fault(`its zip directory is damaged at entry ${index + 1} of ${count}`);
    }
    const nameEnd = at + DIRECTORY_ENTRY_BYTES + view.getUint16(at + 28, true);
    const extraEnd = nameEnd + view.getUint16(at + 30, true);
    const entryEnd = extraEnd + view.getUint16(at + 32, true);
    if (entryEnd > size) throw fault(`its zip directory is cut off in entry ${index + 1}`);
    const name = decodeName(directory.subarray(at + DIRECTORY_ENTRY_BYTES, nameEnd), fault);
    const extra = directory.subarray(nameEnd, extraEnd);
    const entry = parseEntry(name, viewOf(directory.subarray(at, nameEnd)), extra, fault);
    if (entries.has(name)) throw fault(`its zip directory lists ${JSON.stringify(name)} twice`);
    entries.set(name, entry);
    at = entryEnd;
  }
  return { entries, read: (entry) => readEntry(file, entry, fault) };
}

function readEntry(
  file: RandomAccessFile,
  entry: ZipEntry,
  fault: Fault,
): Uint8Array<ArrayBuffer> {
  if (entry.method !== STORED) {
    throw fault(
      `entry ${
        JSON.stringify(entry.name)
      } is compressed (method ${entry.method}), and PyTorch stores without compression`,
    );
  }
  const damaged = () => fault(`entry ${JSON.stringify(entry.name)} of its zip archive is damaged`);
  if (entry.headerPosition + LOCAL_HEADER_BYTES > file.size) throw damaged();
  const header = viewOf(file.read(entry.headerPosition, LOCAL_HEADER_BYTES));
  if (header.getUint32(0, true) !== SIGNATURES.localHeader) throw damaged();
  const start = entry.headerPosition + LOCAL_HEADER_BYTES +
    header.getUint16(26, true) + header.getUint16(28, true);
  if (start + entry.size > file.size) throw damaged();
  const bytes = file.read(start, entry.size);
  if (entry.crc32 !== NO_CHECKSUM && crc32(bytes) !== entry.crc32) {
    throw fault(`entry ${JSON.stringify(entry.name)} does not have the checksum that it should`);
  }
  return bytes;
}

interface DirectoryLocation {
  readonly position: number;
  readonly size: number;
  readonly count: number;
}

function findDirectory(file: RandomAccessFile, fault: Fault): DirectoryLocation {
  const tailLength = Math.min(
    file.size,
    ZIP64_LOCATOR_BYTES + END_OF_DIRECTORY_BYTES + MAX_COMMENT_BYTES,
  );
  const tailStart = file.size - tailLength;
  const tail = viewOf(file.read(tailStart, tailLength));
  for (let at = tailLength - END_OF_DIRECTORY_BYTES; at >= 0; at--) {
    if (tail.getUint32(at, true) !== SIGNATURES.endOfDirectory) continue;
    if (at + END_OF_DIRECTORY_BYTES + tail.getUint16(at + 20, true) !== tailLength) continue;
    const locator = at - ZIP64_LOCATOR_BYTES;
    if (locator >= 0 && tail.getUint32(locator, true) === SIGNATURES.zip64Locator) {
      return readZip64Directory(file, exactNumber(tail, locator + 8, fault), fault);
    }
    if (tail.getUint16(at + 4, true) !== 0) throw fault("it is one part of a split zip archive");
    return {
      count: tail.getUint16(at + 10, true),
      size: tail.getUint32(at + 12, true),
      position: tail.getUint32(at + 16, true),
    };
  }
  throw fault("its zip directory, which comes last, is missing: the file is cut off");
}

function readZip64Directory(
  file: RandomAccessFile,
  position: number,
  fault: Fault,
): DirectoryLocation {
  const missing = () => fault("its zip64 directory is not where it should be");
  if (position + ZIP64_END_OF_DIRECTORY_BYTES > file.size) throw missing();
  const view = viewOf(file.read(position, ZIP64_END_OF_DIRECTORY_BYTES));
  if (view.getUint32(0, true) !== SIGNATURES.zip64EndOfDirectory) throw missing();
  if (view.getUint32(16, true) !== 0) throw fault("it is one part of a split zip archive");
  return {
    count: exactNumber(view, 32, fault),
    size: exactNumber(view, 40, fault),
    position: exactNumber(view, 48, fault),
  };
}

function parseEntry(name: string, view: DataView, extra: Uint8Array, fault: Fault): ZipEntry {
  const quoted = JSON.stringify(name);
  if (view.getUint16(8, true) & ENCRYPTED_FLAG) throw fault(`its entry ${quoted} is encrypted`);
  const sizes = [view.getUint32(20, true), view.getUint32(24, true), view.getUint32(42, true)];
  const [, size, headerPosition] = withZip64Numbers(sizes, extra, fault);
  return {
    name,
    method: view.getUint16(10, true),
    size: size!,
    crc32: view.getUint32(16, true),
    headerPosition: headerPosition!,
  };
}

/** The zip64 extra field holds, in order, only the numbers that do not fit in 32 bits. */
function withZip64Numbers(numbers: readonly number[], extra: Uint8Array, fault: Fault): number[] {
  if (!numbers.includes(SEE_ZIP64)) return [...numbers];
  const view = viewOf(extra);
  for (let at = 0; at + 4 <= extra.length;) {
    const length = view.getUint16(at + 2, true);
    const end = at + 4 + length;
    if (view.getUint16(at, true) === ZIP64_EXTRA_FIELD && end <= extra.length) {
      let next = at + 4;
      return numbers.map((number) => {
        if (number !== SEE_ZIP64) return number;
        if (next + 8 > end) throw fault("its zip64 sizes are incomplete");
        next += 8;
        return exactNumber(view, next - 8, fault);
      });
    }
    at = end;
  }
  throw fault("its zip64 sizes are missing");
}

function exactNumber(view: DataView, at: number, fault: Fault): number {
  const number = Number(view.getBigUint64(at, true));
  if (!Number.isSafeInteger(number)) throw fault(`its zip directory claims ${number} bytes`);
  return number;
}

function decodeName(bytes: Uint8Array, fault: Fault): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw fault("its zip directory has a name that is not UTF-8");
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
