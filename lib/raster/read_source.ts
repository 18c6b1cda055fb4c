/**
 * Random access to the bytes of a raster, whether they lie in a file, behind a URL or in memory.
 *
 * @module
 */
import { InputError } from "../errors.ts";
import { withFileErrors } from "../files/mod.ts";
import { formatBytes } from "../text/mod.ts";
import { type FileIdentity, identify, readFileAt } from "./local_file.ts";
import { RasterFault } from "./read_fault.ts";

/** Most bytes between two stretches of a local file that are read to save a system call. */
const FILE_GAP = 4096;
/** Most bytes of one read of a local file. */
const FILE_READ = 8 << 20;

/** A stretch of a file. */
export interface ByteRange {
  /** First byte. */
  readonly offset: number;
  /** Number of bytes. */
  readonly length: number;
}

/** How often and how much was read. */
export interface ByteTraffic {
  /** Reads of the file, or requests to the server. */
  requests: number;
  /** Bytes that came. */
  bytes: number;
}

/** Bytes that can be read anywhere. */
export interface ByteSource {
  /** Total number of bytes. */
  readonly size: number;
  /** True if each read waits for another machine, so that it pays to read ahead. */
  readonly remote: boolean;
  /** What was read so far. */
  readonly traffic: Readonly<ByteTraffic>;
  /** For a local file, so that other threads can read it themselves; null for others. */
  readonly file: SharedFile | null;
  /**
   * Read stretches of the file.
   *
   * @param ranges Stretches that lie inside the file.
   * @returns Their bytes, in the order asked for.
   * @throws {RasterFault} If a stretch leaves the file.
   */
  read(ranges: readonly ByteRange[]): Promise<Uint8Array<ArrayBuffer>[]>;
  /** Release the file. */
  close(): void;
}

/** A local file that other threads read as well. */
export interface SharedFile {
  /** Which file it is. */
  readonly identity: FileIdentity;
  /** Count what another thread has read of it. */
  countRead(range: ByteRange): void;
}

/** Read one stretch. */
export async function readRange(
  source: ByteSource,
  offset: number,
  length: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const [bytes] = await source.read([{ offset, length }]);
  return bytes!;
}

/** Stretches that are read as one, and where each of those asked for lies in them. */
export interface MergedRanges {
  /** What to read, in the order of the file. */
  readonly reads: readonly ByteRange[];
  /** For each stretch asked for: the read that holds it, and where it starts there. */
  readonly parts: readonly { readonly read: number; readonly start: number }[];
}

/**
 * Join stretches that lie next to each other.
 *
 * @param ranges Stretches in any order.
 * @param maxGap Most bytes between two that are read in vain to join them.
 * @param maxLength Most bytes of a joined read.
 * @returns The reads.
 */
export function mergeRanges(
  ranges: readonly ByteRange[],
  maxGap: number,
  maxLength: number,
): MergedRanges {
  const order = ranges.map((_, index) => index).sort((a, b) =>
    ranges[a]!.offset - ranges[b]!.offset
  );
  const reads: { offset: number; length: number }[] = [];
  const parts: { read: number; start: number }[] = new Array(ranges.length);
  for (const index of order) {
    const { offset, length } = ranges[index]!;
    const last = reads.at(-1);
    const joined = last === undefined
      ? Infinity
      : Math.max(last.length, offset + length - last.offset);
    if (
      last !== undefined && offset - (last.offset + last.length) <= maxGap && joined <= maxLength
    ) {
      last.length = joined;
    } else {
      reads.push({ offset, length });
    }
    parts[index] = { read: reads.length - 1, start: offset - reads.at(-1)!.offset };
  }
  return { reads, parts };
}

/** Refuse a stretch that leaves the file, before anything is allocated for it. */
export function checkRange({ offset, length }: ByteRange, size: number): void {
  if (!(offset >= 0 && length >= 0 && offset + length <= size)) {
    throw new RasterFault(
      `it ends at byte ${size}, but bytes ${offset} to ${
        offset + length
      } are needed: it is truncated or damaged`,
    );
  }
}

/**
 * Open a file for random access.
 *
 * @param path Path of a regular file.
 * @returns Its bytes.
 * @throws {InputError} If it cannot be opened or does not allow seeking.
 */
export function openFileSource(path: string): Promise<ByteSource> {
  return withFileErrors("read", path, async () => {
    const stat = await Deno.stat(path);
    if (stat.isDirectory) {
      throw new InputError(`Cannot read ${JSON.stringify(path)}: it is a directory`);
    }
    if (!stat.isFile) {
      throw new InputError(
        `Cannot read ${
          JSON.stringify(path)
        }: it is a pipe or device, and a raster must be a regular file`,
      );
    }
    const file = await Deno.open(path, { read: true });
    return new FileSource(file, identify(path, file));
  });
}

class FileSource implements ByteSource, SharedFile {
  readonly #file: Deno.FsFile;
  readonly identity: FileIdentity;
  readonly remote = false;
  readonly file = this;
  readonly traffic: ByteTraffic = { requests: 0, bytes: 0 };

  constructor(file: Deno.FsFile, identity: FileIdentity) {
    this.#file = file;
    this.identity = identity;
  }

  get size(): number {
    return this.identity.size;
  }

  read(ranges: readonly ByteRange[]): Promise<Uint8Array<ArrayBuffer>[]> {
    return Promise.resolve().then(() => {
      const { reads, parts } = mergeRanges(ranges, FILE_GAP, FILE_READ);
      const buffers = reads.map((range) => this.#readOne(range));
      return parts.map(({ read, start }, index) =>
        buffers[read]!.subarray(start, start + ranges[index]!.length)
      );
    });
  }

  #readOne(range: ByteRange): Uint8Array<ArrayBuffer> {
    checkRange(range, this.size);
    const bytes = new Uint8Array(range.length);
    readFileAt(this.#file, range.offset, bytes);
    this.countRead(range);
    return bytes;
  }

  countRead({ length }: ByteRange): void {
    this.traffic.requests++;
    this.traffic.bytes += length;
  }

  close(): void {
    this.#file.close();
  }
}

/** Bytes that are in memory already. */
export class MemorySource implements ByteSource {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly remote = false;
  readonly file = null;
  readonly size: number;
  readonly traffic: ByteTraffic;

  /**
   * Wrap bytes.
   *
   * @param bytes The whole file.
   * @param traffic What it took to get them.
   */
  constructor(bytes: Uint8Array<ArrayBuffer>, traffic: ByteTraffic = { requests: 0, bytes: 0 }) {
    this.#bytes = bytes;
    this.size = bytes.length;
    this.traffic = traffic;
  }

  read(ranges: readonly ByteRange[]): Promise<Uint8Array<ArrayBuffer>[]> {
    return Promise.resolve().then(() =>
      ranges.map((range) => {
        checkRange(range, this.size);
        return this.#bytes.slice(range.offset, range.offset + range.length);
      })
    );
  }

  close(): void {}
}

/** Read a whole source where it is no larger than a limit. */
export function readAll(source: ByteSource, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  if (source.size > limit) {
    throw new RasterFault(
      `it has ${formatBytes(source.size)}, more than the limit of ${formatBytes(limit)}`,
    );
  }
  return readRange(source, 0, source.size);
}
