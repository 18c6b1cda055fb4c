/**
 * Huffman codes of JPEG, and the bits that they are read from. ITU-T T.81 annexes C and F.
 *
 * @module
 */
import { RasterFault } from "../read_fault.ts";

/** Codes up to this many bits are found by one look into a table. */
const LOOK_BITS = 9;

/** A table for decoding. */
export interface HuffmanTable {
  /** For each pattern of the next bits: length of the code << 8 | value; 0 where it is longer. */
  readonly look: Uint16Array;
  /** Largest code of each length; −1 where there is none. */
  readonly largest: Int32Array;
  /** What to add to a code of each length to get the position of its value. */
  readonly shift: Int32Array;
  /** Values in the order of their codes. */
  readonly values: Uint8Array;
}

/**
 * Build a table.
 *
 * @param counts Number of codes of 1 to 16 bits.
 * @param values Values in the order of their codes.
 * @returns The table.
 * @throws {RasterFault} If there are more codes of a length than fit.
 */
export function huffmanTable(counts: Uint8Array, values: Uint8Array): HuffmanTable {
  const look = new Uint16Array(1 << LOOK_BITS);
  const largest = new Int32Array(18).fill(-1);
  const shift = new Int32Array(18);
  let code = 0;
  let position = 0;
  for (let length = 1; length <= 16; length++) {
    const count = counts[length - 1]!;
    if (code + count > 1 << length) {
      throw new RasterFault("JPEG data is damaged (a Huffman table has too many codes)");
    }
    shift[length] = position - code;
    for (let index = 0; index < count; index++, code++, position++) {
      if (length > LOOK_BITS) continue;
      const spare = LOOK_BITS - length;
      look.fill((length << 8) | values[position]!, code << spare, (code + 1) << spare);
    }
    if (count > 0) largest[length] = code - 1;
    code <<= 1;
  }
  return { look, largest, shift, values };
}

/** Reads bits of entropy-coded data up to the next marker. */
export class JpegBits {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  #buffer = 0;
  #available = 0;
  /** Zero bits that were added after the end; they may be looked at, but not used. */
  #added = 0;
  /** Where the next byte is read. */
  at: number;

  /**
   * Start reading.
   *
   * @param bytes The JPEG.
   * @param at Where the entropy-coded data starts.
   */
  constructor(bytes: Uint8Array<ArrayBuffer>, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  /** Read a Huffman code. */
  decode(table: HuffmanTable): number {
    if (this.#available < 16) this.#fill();
    const found = table.look[
      (this.#buffer >>> (this.#available - LOOK_BITS)) & ((1 << LOOK_BITS) - 1)
    ]!;
    if (found !== 0) {
      this.#available -= found >> 8;
      return found & 0xff;
    }
    for (let length = LOOK_BITS + 1; length <= 16; length++) {
      const code = (this.#buffer >>> (this.#available - length)) & ((1 << length) - 1);
      if (code <= table.largest[length]!) {
        this.#available -= length;
        return table.values[code + table.shift[length]!]!;
      }
    }
    throw new RasterFault("JPEG data is damaged (a code is not in its table)");
  }

  /** Read an unsigned number of up to 16 bits. */
  receive(count: number): number {
    if (this.#available < count) this.#fill();
    this.#available -= count;
    return (this.#buffer >>> this.#available) & ((1 << count) - 1);
  }

  /** Read a signed number: F.2.2.1 RECEIVE and EXTEND. */
  receiveSigned(count: number): number {
    if (count === 0) return 0;
    const value = this.receive(count);
    return value < 1 << (count - 1) ? value - (1 << count) + 1 : value;
  }

  /** Go to the restart marker that must come here and past it. */
  restart(): void {
    this.finish();
    const marker = this.#bytes[this.at + 1];
    if (this.#bytes[this.at] !== 0xff || marker === undefined || (marker & 0xf8) !== 0xd0) {
      throw new RasterFault("JPEG data is damaged (a restart marker is missing)");
    }
    this.at += 2;
    this.#buffer = 0;
    this.#available = 0;
    this.#added = 0;
  }

  /** End a stretch of data: go to the marker that follows, and check that data lasted until here. */
  finish(): void {
    if (this.#added > this.#available) this.#endsEarly();
    const bytes = this.#bytes;
    while (
      this.at < bytes.length &&
      !(bytes[this.at] === 0xff && bytes[this.at + 1] !== 0 && bytes[this.at + 1] !== 0xff)
    ) this.at++;
  }

  #fill(): void {
    if (this.#added > this.#available) this.#endsEarly();
    const bytes = this.#bytes;
    while (this.#available <= 24) {
      const byte = bytes[this.at];
      if (byte === undefined || (byte === 0xff && bytes[this.at + 1] !== 0)) {
        // A marker or the end: codes are looked up with zeros behind the last bit.
        this.#buffer <<= 8;
        this.#added += 8;
      } else {
        this.#buffer = (this.#buffer << 8) | byte;
        this.at += byte === 0xff ? 2 : 1;
      }
      this.#available += 8;
    }
  }

  #endsEarly(): never {
    throw new RasterFault("JPEG data ends early");
  }
}
