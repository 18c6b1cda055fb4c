/**
 * POSIX tar (ustar), as much of it as a patch stream needs: regular files, written with fixed
 * metadata so that the same samples give the same bytes; read strictly, so that no altered byte
 * passes, but with the long names (pax and GNU) that other tools write.
 *
 * Format: POSIX.1-2017, pax, https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { ByteSource } from "./byte_source.ts";
import { cutShort, StreamFault } from "./stream_fault.ts";

/** Everything in a tar is padded to blocks of this many bytes. */
export const BLOCK_BYTES = 512;
/** Largest member that is read or written. */
export const MAX_MEMBER_BYTES = 2 ** 31;
/** Largest extended header: it holds a name. */
const MAX_EXTENDED_HEADER_BYTES = 65_536;

const encoder = new TextEncoder();

/** A file in a tar. */
export interface TarMember {
  /** Its path, without a leading `./`. */
  readonly name: string;
  /** Bytes of its content. */
  readonly size: number;
}

/** Zeros that follow a member's content. */
export function paddingOf(size: number): number {
  return (BLOCK_BYTES - size % BLOCK_BYTES) % BLOCK_BYTES;
}

/** Zero blocks at the end of a tar: no tool writes as many, and a device of zeros has no end. */
const MAX_ZERO_BLOCKS = 2 ** 17;

/** The two zero blocks that end a tar. */
export function endOfArchive(): Uint8Array<ArrayBuffer> {
  return new Uint8Array(2 * BLOCK_BYTES);
}

/**
 * The header of a regular file: mode 0644, owner 0, modification time 0.
 *
 * @param member Name and size; a name that does not fit ustar's fields gets a pax header before it.
 * @returns One block, or three with a pax header.
 */
export function tarHeader(member: TarMember): Uint8Array<ArrayBuffer> {
  const name = encoder.encode(member.name);
  const split = splitName(name);
  if (split !== null) return headerBlock(split.name, split.prefix, member.size, "0");
  const record = encoder.encode(paxRecord("path", member.name));
  const content = new Uint8Array(record.length + paddingOf(record.length));
  content.set(record);
  const fallback = name.subarray(name.length - 100);
  const blocks = [
    headerBlock(encoder.encode("PaxHeader"), new Uint8Array(), record.length, "x"),
    content,
    headerBlock(fallback, new Uint8Array(), member.size, "0"),
  ];
  return Buffer.concat(blocks);
}

/** Fit a path into ustar's 100-byte name and 155-byte prefix; null where it does not. */
function splitName(path: Uint8Array): { name: Uint8Array; prefix: Uint8Array } | null {
  if (path.length <= 100) return { name: path, prefix: new Uint8Array() };
  const slash = path.indexOf(0x2f, path.length - 101);
  if (slash < 1 || slash > 155) return null;
  return { name: path.subarray(slash + 1), prefix: path.subarray(0, slash) };
}

/** A pax record: its own length in decimal, a space, `key=value`, a newline. */
function paxRecord(key: string, value: string): string {
  const rest = encoder.encode(` ${key}=${value}\n`).length;
  let length = rest + String(rest).length;
  if (String(length).length + rest !== length) length = rest + String(length).length;
  return `${length} ${key}=${value}\n`;
}

function headerBlock(
  name: Uint8Array,
  prefix: Uint8Array,
  size: number,
  type: string,
): Uint8Array<ArrayBuffer> {
  const block = new Uint8Array(BLOCK_BYTES);
  const text = (offset: number, value: string) => encoder.encodeInto(value, block.subarray(offset));
  block.set(name, 0);
  text(100, "0000644\0");
  text(108, "0000000\0");
  text(116, "0000000\0");
  text(124, `${size.toString(8).padStart(11, "0")}\0`);
  text(136, "00000000000\0");
  text(156, type);
  text(257, "ustar\x0000");
  block.set(prefix, 345);
  text(148, `${checksum(block).toString(8).padStart(6, "0")}\0 `);
  return block;
}

/** Sum of the header's bytes, with the checksum itself counted as spaces. */
function checksum(block: Uint8Array): number {
  let sum = 8 * 0x20;
  for (let i = 0; i < BLOCK_BYTES; i++) if (i < 148 || i >= 156) sum += block[i]!;
  return sum;
}

/** True if the block is a tar header: its checksum holds, written as common tools write it. */
export function isTarHeader(block: Uint8Array): boolean {
  if (block.length < BLOCK_BYTES) return false;
  // Six digits, NUL, space (or the other way round), or seven digits and a terminator. Other
  // spellings would let a flipped byte pass.
  const field = /^(?:([0-7]{6})(?:\0 | \0)|([0-7]{7})[\0 ])$/.exec(latin1(block, 148, 156));
  return field !== null && parseInt(field[1] ?? field[2]!, 8) === checksum(block);
}

/** Reads the members of a tar, or of several tars one after the other, in order. */
export class TarReader {
  #source: ByteSource;
  #member: TarMember | null = null;
  #ended = false;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /**
   * Go to the next regular file. Its content must be read or skipped before the next call.
   *
   * @returns The file; null at the end of the last tar.
   * @throws {StreamFault} If the tar is damaged or cut short.
   */
  async next(): Promise<TarMember | null> {
    let longName: string | null = null;
    let paxSize: number | null = null;
    for (;;) {
      const block = await this.#source.peek(BLOCK_BYTES);
      if (block.length === 0 && this.#ended) return null;
      if (block.length < BLOCK_BYTES) throw cutShort(this.#where());
      if (block.every((byte) => byte === 0)) {
        await this.#skipZeroBlocks();
        continue;
      }
      if (!isTarHeader(block)) {
        throw new StreamFault(`it is damaged: no tar header ${this.#where()}`);
      }
      this.#ended = false;
      const type = String.fromCharCode(block[156]!);
      const member = { name: longName ?? nameOf(block), size: paxSize ?? sizeOf(block) };
      this.#source.skip(BLOCK_BYTES);
      this.#member = member;
      if (type === "x" || type === "g" || type === "L" || type === "K") {
        const text = new TextDecoder().decode(await this.content(MAX_EXTENDED_HEADER_BYTES));
        if (type === "L") longName = cleanName(text.replace(/\0.*$/s, ""));
        if (type === "x") {
          const records = parsePax(text);
          const path = records.get("path");
          if (path !== undefined) longName = cleanName(path);
          const size = records.get("size");
          if (size !== undefined) paxSize = Number(size);
        }
        continue;
      }
      if (!Number.isSafeInteger(member.size) || member.size > MAX_MEMBER_BYTES) {
        throw new StreamFault(
          `"${member.name}" claims ${member.size} bytes: at most ${MAX_MEMBER_BYTES} are read`,
        );
      }
      if (type === "0" || type === "\0" || type === "7") return member;
      if (type !== "5") {
        throw new StreamFault(`"${member.name}" is not a regular file but of tar type "${type}"`);
      }
      longName = null;
      paxSize = null;
    }
  }

  /**
   * The content of the current member, at the start of a buffer of its own.
   *
   * @param limit Largest size that is acceptable.
   */
  async content(limit: number): Promise<Uint8Array<ArrayBuffer>> {
    const { name, size } = this.#member!;
    if (!(size <= limit)) {
      throw new StreamFault(`"${name}" claims ${size} bytes: at most ${limit} are read`);
    }
    const bytes = new Uint8Array(size);
    if (await this.#source.readInto(bytes) < size) throw cutShort(`inside "${name}"`);
    await this.#skipPadding();
    return bytes;
  }

  /** Where the content of the current member starts, before it is read or skipped. */
  get contentPosition(): number {
    return this.#source.position;
  }

  /** Pass over the content of the current member. */
  async skipContent(): Promise<void> {
    await this.#source.discard(this.#member!.size);
    await this.#skipPadding();
  }

  async #skipPadding(): Promise<void> {
    const { name, size } = this.#member!;
    const padding = await this.#source.peek(paddingOf(size));
    if (padding.length < paddingOf(size)) throw cutShort(`after "${name}"`);
    if (padding.some((byte) => byte !== 0)) {
      throw new StreamFault(`it is damaged: the padding after "${name}" is not zero`);
    }
    this.#source.skip(padding.length);
  }

  /** Pass over the end of an archive: at least two zero blocks, as `cat a.tar b.tar` has between. */
  async #skipZeroBlocks(): Promise<void> {
    let count = 0;
    for (;;) {
      const block = await this.#source.peek(BLOCK_BYTES);
      if (block.length < BLOCK_BYTES || block.some((byte) => byte !== 0)) break;
      this.#source.skip(BLOCK_BYTES);
      if (++count > MAX_ZERO_BLOCKS) {
        throw new StreamFault(`it goes on with zeros ${this.#where()}`);
      }
    }
    if (count < 2) throw cutShort(this.#where());
    this.#ended = true;
  }

  #where(): string {
    return this.#member === null ? "before its first member" : `after "${this.#member.name}"`;
  }
}

function latin1(block: Uint8Array, start: number, end: number): string {
  return String.fromCharCode(...block.subarray(start, end));
}

/** A NUL-terminated UTF-8 field. */
function textField(block: Uint8Array, start: number, length: number): string {
  const field = block.subarray(start, start + length);
  const end = field.indexOf(0);
  return new TextDecoder().decode(end < 0 ? field : field.subarray(0, end));
}

function nameOf(block: Uint8Array): string {
  const name = textField(block, 0, 100);
  // GNU tar's own magic is "ustar  ", and it keeps times where POSIX has the prefix.
  const prefix = latin1(block, 257, 263) === "ustar\0" ? textField(block, 345, 155) : "";
  return cleanName(prefix === "" ? name : `${prefix}/${name}`);
}

function cleanName(name: string): string {
  return name.replace(/^(?:\.\/)+/, "");
}

/** Octal digits, or a base-256 number where the first byte is 0x80 (GNU, for sizes from 8 GiB). */
function sizeOf(block: Uint8Array): number {
  if (block[124] === 0x80) {
    return block.subarray(125, 136).reduce((size, byte) => size * 256 + byte, 0);
  }
  const field = latin1(block, 124, 136).replace(/[\0 ]+$/, "").trimStart();
  return /^[0-7]+$/.test(field) ? parseInt(field, 8) : NaN;
}

/** Records of a pax header. */
function parsePax(text: string): Map<string, string> {
  const bytes = encoder.encode(text);
  const records = new Map<string, string>();
  for (let start = 0; start < bytes.length;) {
    const space = bytes.indexOf(0x20, start);
    const length = Number(new TextDecoder().decode(bytes.subarray(start, space)));
    if (space < 0 || !Number.isInteger(length) || length <= space - start) {
      throw new StreamFault("it is damaged: a pax header cannot be read");
    }
    const record = new TextDecoder().decode(bytes.subarray(space + 1, start + length - 1));
    const equals = record.indexOf("=");
    records.set(record.slice(0, equals), record.slice(equals + 1));
    start += length;
  }
  return records;
}
