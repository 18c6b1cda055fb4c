/**
 * Deflate in a zlib envelope: RFC 1950 and 1951.
 *
 * Codes are looked up whole, bits are taken from a buffer of 64, and matches are copied 16 bytes at a
 * time, so that both areas need room behind their ends. Whatever is unusual (a damaged stream, a preset
 * dictionary) is answered with -1; the caller asks zlib then.
 */
import { adler32 } from "./adler32";

/** Bits of a code that the first table resolves; longer codes go on in tables behind it. */
const LITERAL_BITS: u32 = 11;
const LITERAL_PLACES: u32 = (1 << LITERAL_BITS) - 1;
const OFFSET_BITS: u32 = 8;
const PRECODE_BITS: u32 = 7;
const MAX_BITS: u32 = 15;

// An entry of a table. 0-5: its bits, extra bits included; 8-11: without them; 12-15: flags; 16-31: the
// base of a length or distance, or the place of a further table. That is all, in 32 bits, but for the
// table of literals and lengths. There: 6-7: literals, 0 to 3; 32-55: these. So one entry stands for
// several literals and the length that follows them, which spares the processor guesses of what comes.
const ONE_LITERAL: u32 = 0x40;
const LITERALS_MASK: u32 = 0xc0;
const BITS_MASK: u32 = 0x3f;
/** A length, maybe behind literals. */
const LENGTH: u32 = 0x8000;
const SPECIAL: u32 = 0x4000;
const FURTHER: u32 = 0x2000;
/** End of the block; among distances: a code that stands for nothing. */
const END: u32 = 0x1000;

// Further tables have at least two codes each, and at most 16 or 128 places.
const literalTable = memory.data((LITERAL_PLACES + 1 + 144 * 16) * 8, 64);
const offsetTable = memory.data((256 + 16 * 128) * 4, 16);
const precodeTable = memory.data(128 * 4, 16);

const lengths = memory.data(288 + 32 + 140, 16);
const sorted = memory.data(288 * 2, 16);
const counts = memory.data(16 * 4, 16);
const starts = memory.data(17 * 4, 16);

const PRECODE_ORDER = memory.data<u8>([
  16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
]);
const LENGTH_BASE = memory.data<u16>([
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131,
  163, 195, 227, 258,
]);
const LENGTH_EXTRA = memory.data<u8>([
  0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
]);
const OFFSET_BASE = memory.data<u16>([
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049,
  3073, 4097, 6145, 8193, 12289, 16385, 24577,
]);
const OFFSET_EXTRA = memory.data<u8>([
  0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
]);

const LITERALS: u32 = 0;
const OFFSETS: u32 = 1;
const PRECODES: u32 = 2;
/** As LITERALS: its symbols 286 and 287 have codes, but no meaning. */
const FIXED: u32 = 3;

/** There is more output than there is room for; the room is full. */
const FULL: i32 = -2;

/** What a symbol means, without the length of its code; 0 for symbols that must not occur. */
function meaning(kind: u32, symbol: u32): u64 {
  if (kind === PRECODES) return symbol << 16;
  if (kind === OFFSETS) {
    if (symbol > 29) return SPECIAL | END;
    return ((<u32> load<u16>(OFFSET_BASE + (symbol << 1))) << 16) | load<u8>(OFFSET_EXTRA + symbol);
  }
  if (symbol < 256) return ONE_LITERAL | ((<u64> symbol) << 32);
  if (symbol === 256) return SPECIAL | END;
  if (symbol > 285) return 0;
  const index = symbol - 257;
  return LENGTH | ((<u32> load<u16>(LENGTH_BASE + (index << 1))) << 16) |
    load<u8>(LENGTH_EXTRA + index);
}

function withBits(entry: u64, bits: u32): u64 {
  return entry + (bits << 8) + bits;
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function put(kind: u32, table: usize, place: u32, entry: u64): void {
  if (kind === LITERALS || kind === FIXED) store<u64>(table + (place << 3), entry);
  else store<u32>(table + (place << 2), <u32> entry);
}

/** Build the table of a canonical code; false if it is not complete where it must be. */
function buildTable(
  kind: u32,
  table: usize,
  tableBits: u32,
  lens: usize,
  symbols: u32,
): bool {
  memory.fill(counts, 0, 64);
  for (let symbol: u32 = 0; symbol < symbols; symbol++) {
    const at = counts + ((<usize> load<u8>(lens + symbol)) << 2);
    store<u32>(at, load<u32>(at) + 1);
  }
  const used = symbols - load<u32>(counts);
  store<u32>(starts, 0);
  store<u32>(starts + 4, 0);
  let space: u32 = 0;
  for (let bits: u32 = 1; bits <= MAX_BITS; bits++) {
    const count = load<u32>(counts + (bits << 2));
    store<u32>(starts + ((bits + 1) << 2), load<u32>(starts + (bits << 2)) + count);
    space = (space << 1) + count;
    if (space > (<u32> 1) << bits) return false;
  }
  for (let symbol: u32 = 0; symbol < symbols; symbol++) {
    const bits = load<u8>(lens + symbol);
    if (bits === 0) continue;
    const at = starts + ((<usize> bits) << 2);
    const place = load<u32>(at);
    store<u32>(at, place + 1);
    store<u16>(sorted + (place << 1), <u16> symbol);
  }

  const size = (<u32> 1) << tableBits;
  if (space !== (<u32> 1) << MAX_BITS) {
    // Only a code of distances may be incomplete, with one symbol of one bit or none.
    if (kind !== OFFSETS || used > 1 || (used === 1 && load<u32>(counts + 4) !== 1)) return false;
    const one = used === 1 ? withBits(meaning(kind, load<u16>(sorted)), 1) : SPECIAL | END;
    for (let i: u32 = 0; i < size; i++) {
      put(kind, table, i, (i & 1) === 0 ? one : SPECIAL | END);
    }
    return true;
  }

  let code: u32 = 0; // bits reversed, as they come
  let place: u32 = 0;
  let next: u32 = size; // where the next further table starts
  let prefix: u32 = 0xffffffff;
  let furtherStart: u32 = 0;
  let furtherBits: u32 = 0;
  for (let bits: u32 = 1; bits <= MAX_BITS; bits++) {
    for (let count = load<u32>(counts + (bits << 2)); count > 0; count--) {
      const entry = meaning(kind, load<u16>(sorted + (place << 1)));
      place++;
      if (bits <= tableBits) {
        const filled = withBits(entry, bits);
        for (let i = code; i < size; i += (<u32> 1) << bits) put(kind, table, i, filled);
      } else {
        if ((code & (size - 1)) !== prefix) {
          prefix = code & (size - 1);
          furtherStart = next;
          // As many bits as it takes until the codes that start like this are complete.
          furtherBits = bits - tableBits;
          let room: u32 = count;
          while (room < (<u32> 1) << furtherBits) {
            furtherBits++;
            room = (room << 1) + load<u32>(counts + ((tableBits + furtherBits) << 2));
          }
          next = furtherStart + ((<u32> 1) << furtherBits);
          put(
            kind,
            table,
            prefix,
            SPECIAL | FURTHER | (furtherStart << 16) | (furtherBits << 8) | tableBits,
          );
        }
        const left = bits - tableBits;
        const filled = withBits(entry, left);
        for (
          let i = code >> tableBits;
          i < (<u32> 1) << furtherBits;
          i += (<u32> 1) << left
        ) {
          put(kind, table, furtherStart + i, filled);
        }
      }
      // The next code of this length, reversed: add one at the far end.
      let bit = (<u32> 1) << (bits - 1);
      while (bit !== 0 && (code & bit) !== 0) {
        code ^= bit;
        bit >>= 1;
      }
      code |= bit;
    }
  }
  return true;
}

/** Put literals, and a length, that follow one another within the bits of the table into one entry. */
function joinLiterals(): void {
  // From the end, as what follows lies at a lower place, whose entry must not be joined yet.
  for (let i: i32 = (1 << LITERAL_BITS) - 1; i >= 0; i--) {
    const place = literalTable + (<u32> i << 3);
    const one = load<u64>(place);
    if (((<u32> one) & LITERALS_MASK) === 0) continue;
    let bits = (<u32> one) & BITS_MASK;
    let literals = one >> 32;
    let count: u32 = 1;
    let rest: u32 = 0;
    for (;;) {
      const next = load<u64>(literalTable + ((<u32> i >> bits) << 3));
      const low = <u32> next;
      const taken = bits + ((low >> 8) & 15);
      if (taken > LITERAL_BITS) break;
      if ((low & LITERALS_MASK) !== 0) {
        if (count === 3) break;
        literals |= (next >> 32) << (count << 3);
        count++;
        bits = taken;
      } else {
        if ((low & LENGTH) === 0) break;
        rest = (low & 0xffff0000) | LENGTH | (taken << 8);
        bits += low & BITS_MASK;
        break;
      }
    }
    store<u64>(place, (literals << 32) | rest | (count << 6) | bits);
  }
}

function fixedLengths(): void {
  memory.fill(lengths, 8, 144);
  memory.fill(lengths + 144, 9, 112);
  memory.fill(lengths + 256, 7, 24);
  memory.fill(lengths + 280, 8, 8);
  memory.fill(lengths + 288, 5, 32);
}

/**
 * Decode a zlib stream.
 *
 * @param input Its first byte; 64 bytes behind its end are zero.
 * @param inputSize Its bytes.
 * @param output Where its output goes; there is room for 320 bytes more than `outputSize`.
 * @param outputSize Most bytes of output.
 * @returns Bytes of output, -1 for streams that are left to zlib, or -2 if there is more output than
 * room for it; the room is filled then.
 */
export function inflate(input: usize, inputSize: u32, output: usize, outputSize: u32): i32 {
  const inputEnd = input + inputSize;
  const outputEnd = output + outputSize;
  if (inputSize < 6) return -1;
  const method = <u32> load<u8>(input);
  const flags = <u32> load<u8>(input + 1);
  if ((method & 15) !== 8 || ((method << 8) | flags) % 31 !== 0 || (flags & 32) !== 0) return -1;
  let from = input + 2;
  let to = output;
  let buffer: u64 = 0;
  let left: u32 = 0;

  for (;;) {
    buffer |= load<u64>(from) << left;
    from += (63 - left) >> 3;
    left |= 56;
    const last = (<u32> buffer) & 1;
    const kind = (<u32> (buffer >> 1)) & 3;
    buffer >>= 3;
    left -= 3;

    if (kind === 0) {
      from -= left >> 3;
      buffer = 0;
      left = 0;
      // The bits that are left of a byte are skipped: `from` counts whole bytes.
      if (from + 4 > inputEnd) return -1;
      const size = <u32> load<u16>(from);
      if (size !== ((~(<u32> load<u16>(from + 2))) & 0xffff)) return -1;
      from += 4;
      if (from + size > inputEnd) return -1;
      if (to + size > outputEnd) {
        memory.copy(to, from, <u32> (outputEnd - to));
        return FULL;
      }
      memory.copy(to, from, size);
      from += size;
      to += size;
    } else {
      if (kind === 3) return -1;
      if (kind === 1) {
        fixedLengths();
        buildTable(OFFSETS, offsetTable, OFFSET_BITS, lengths + 288, 32);
        buildTable(FIXED, literalTable, LITERAL_BITS, lengths, 288);
      } else {
        const literals: u32 = 257 + ((<u32> buffer) & 31);
        const offsets: u32 = 1 + ((<u32> (buffer >> 5)) & 31);
        const precodes: u32 = 4 + ((<u32> (buffer >> 10)) & 15);
        buffer >>= 14;
        left -= 14;
        if (literals > 286 || offsets > 30) return -1;
        memory.fill(lengths, 0, 19);
        for (let i: u32 = 0; i < precodes; i++) {
          if (left < 3) {
            buffer |= load<u64>(from) << left;
            from += (63 - left) >> 3;
            left |= 56;
          }
          store<u8>(lengths + <u32> load<u8>(PRECODE_ORDER + i), <u8> (buffer & 7));
          buffer >>= 3;
          left -= 3;
        }
        if (!buildTable(PRECODES, precodeTable, PRECODE_BITS, lengths, 19)) return -1;
        const total = literals + offsets;
        for (let i: u32 = 0; i < total;) {
          buffer |= load<u64>(from) << left;
          from += (63 - left) >> 3;
          left |= 56;
          const entry = load<u32>(precodeTable + (((<u32> buffer) & 127) << 2));
          buffer >>= entry & BITS_MASK;
          left -= entry & BITS_MASK;
          const symbol = entry >> 16;
          if (symbol < 16) {
            store<u8>(lengths + i, <u8> symbol);
            i++;
            continue;
          }
          let value: u8 = 0;
          let repeat: u32 = 0;
          let extra: u32 = 0;
          if (symbol === 16) {
            if (i === 0) return -1;
            value = load<u8>(lengths + i - 1);
            extra = 2;
            repeat = 3 + ((<u32> buffer) & 3);
          } else if (symbol === 17) {
            extra = 3;
            repeat = 3 + ((<u32> buffer) & 7);
          } else {
            extra = 7;
            repeat = 11 + ((<u32> buffer) & 127);
          }
          buffer >>= extra;
          left -= extra;
          if (i + repeat > total) return -1;
          memory.fill(lengths + i, value, repeat);
          i += repeat;
        }
        if (load<u8>(lengths + 256) === 0) return -1;
        if (
          !buildTable(OFFSETS, offsetTable, OFFSET_BITS, lengths + literals, offsets) ||
          !buildTable(LITERALS, literalTable, LITERAL_BITS, lengths, literals)
        ) return -1;
      }

      joinLiterals();

      // Codes of a block. A turn takes 20 bits at most for literals and a length, and 28 for a distance.
      buffer |= load<u64>(from) << left;
      from += (63 - left) >> 3;
      left |= 56;
      let joined = load<u64>(literalTable + (((<u32> buffer) & LITERAL_PLACES) << 3));
      for (;;) {
        // Damaged streams run into the zeros behind the input, or past the room for the output.
        if (from > inputEnd + 16) return -1;
        if (to > outputEnd) return from - (left >> 3) > inputEnd ? -1 : FULL;
        let entry = <u32> joined;
        let saved = <u32> buffer;
        buffer >>= entry & BITS_MASK;
        left -= entry & BITS_MASK;
        store<u32>(to, <u32> (joined >> 32));
        to += (entry >> 6) & 3;
        if ((entry & LENGTH) === 0) {
          if ((entry & FURTHER) !== 0) {
            joined = load<u64>(
              literalTable +
                (((entry >> 16) + ((<u32> buffer) & (((<u32> 1) << ((entry >> 8) & 15)) - 1))) <<
                  3),
            );
            entry = <u32> joined;
            saved = <u32> buffer;
            buffer >>= entry & BITS_MASK;
            left -= entry & BITS_MASK;
            store<u8>(to, <u8> (joined >> 32));
            to += (entry >> 6) & 3;
          }
          if ((entry & LENGTH) === 0) {
            if ((entry & LITERALS_MASK) === 0) {
              if ((entry & END) !== 0) break;
              return -1;
            }
            buffer |= load<u64>(from) << left;
            from += (63 - left) >> 3;
            left |= 56;
            joined = load<u64>(literalTable + (((<u32> buffer) & LITERAL_PLACES) << 3));
            continue;
          }
        }
        const length = (entry >> 16) +
          ((saved & (((<u32> 1) << (entry & BITS_MASK)) - 1)) >> ((entry >> 8) & 15));

        entry = load<u32>(offsetTable + (((<u32> buffer) & 255) << 2));
        if ((entry & SPECIAL) !== 0) {
          if ((entry & FURTHER) === 0) return -1;
          buffer >>= OFFSET_BITS;
          left -= OFFSET_BITS;
          entry = load<u32>(
            offsetTable +
              (((entry >> 16) + ((<u32> buffer) & (((<u32> 1) << ((entry >> 8) & 15)) - 1))) << 2),
          );
          if ((entry & SPECIAL) !== 0) return -1;
        }
        const offset = (entry >> 16) +
          ((<u32> buffer & (((<u32> 1) << (entry & BITS_MASK)) - 1)) >> ((entry >> 8) & 15));
        buffer >>= entry & BITS_MASK;
        left -= entry & BITS_MASK;
        let source = to - offset;
        if (offset > <u32> (to - output)) return -1;

        buffer |= load<u64>(from) << left;
        from += (63 - left) >> 3;
        left |= 56;
        joined = load<u64>(literalTable + (((<u32> buffer) & LITERAL_PLACES) << 3));

        const end = to + length;
        if (offset >= 16) {
          v128.store(to, v128.load(source));
          while (to + 16 < end) {
            to += 16;
            source += 16;
            v128.store(to, v128.load(source));
          }
        } else if (offset === 1) {
          const same = i8x16.splat(load<i8>(source));
          v128.store(to, same);
          while (to + 16 < end) {
            to += 16;
            v128.store(to, same);
          }
        } else if (offset >= 8) {
          while (to < end) {
            store<u64>(to, load<u64>(source));
            to += 8;
            source += 8;
          }
        } else {
          while (to < end) {
            store<u8>(to, load<u8>(source));
            to++;
            source++;
          }
        }
        to = end;
      }
    }
    if (last !== 0) break;
    if (from - (left >> 3) > inputEnd) return -1;
  }

  from -= left >> 3;
  if (to > outputEnd) return from > inputEnd ? -1 : FULL;
  if (from + 4 > inputEnd) return -1;
  const stored = ((<u32> load<u8>(from)) << 24) | ((<u32> load<u8>(from + 1)) << 16) |
    ((<u32> load<u8>(from + 2)) << 8) | load<u8>(from + 3);
  const size = <u32> (to - output);
  if (adler32(output, size) !== stored) return -1;
  return size;
}
