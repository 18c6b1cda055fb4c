/**
 * LZW in the bit order of TIFF 6.0, section 13.
 *
 * The string of a code is that of the code before it and one byte more, so it is a stretch of the
 * output that ends one byte into the next code's. A table of where each code's output starts is thus all
 * there is to know, and decoding a code is one look-up and a copy of 16 bytes.
 */

const CLEAR: u32 = 256;
const END: u32 = 257;
const FIRST: u32 = 258;
/** Places of the table: codes of 12 bits, and where the last of them ends. */
const PLACES: u32 = 4097;

/** Where the string of each code starts; the single bytes have an area of their own. */
const starts = memory.data(4098 * 4, 16);
const bytes = memory.data(256 + 16, 16);
let prepared: bool = false;

function prepare(): void {
  for (let byte: u32 = 0; byte < 256; byte++) {
    store<u8>(bytes + byte, <u8> byte);
    store<u32>(starts + (byte << 2), bytes + byte);
  }
  prepared = true;
}

/**
 * Decode LZW and stop at the expected size.
 *
 * @param input First byte of the code.
 * @param inputSize Its bytes.
 * @param output Where the output goes; there is room for 4200 bytes more than `outputSize`.
 * @param outputSize Bytes expected.
 * @returns Bytes of output, or -1 - code where a code is not in the table.
 */
export function decodeLzw(input: usize, inputSize: u32, output: usize, outputSize: u32): i32 {
  if (!prepared) prepare();
  const inputEnd = input + inputSize;
  const outputEnd = output + outputSize;
  let from = input;
  let to = output;
  let buffer: u64 = 0; // the bits come from the top
  let left: u32 = 0;
  let next: u32 = FIRST;
  let width: u32 = 9;
  while (to < outputEnd) {
    if (left < 12) {
      if (from + 4 <= inputEnd) {
        buffer |= (<u64> bswap<u32>(load<u32>(from))) << (32 - left);
        from += 4;
        left += 32;
      } else {
        while (from < inputEnd) {
          buffer |= (<u64> load<u8>(from)) << (56 - left);
          from++;
          left += 8;
        }
        if (left < width) break;
      }
    }
    const code = <u32> (buffer >> (64 - width));
    buffer <<= width;
    left -= width;
    if ((code & ~1) === CLEAR) {
      if (code === END) break;
      next = FIRST;
      width = 9;
      continue;
    }
    store<u32>(starts + (next << 2), to);
    if (code >= next - 1 && code >= FIRST) {
      if (code >= next) return -1 - <i32> code;
      // A code that is about to be defined is the previous string and its first byte.
      store<u8>(to, load<u8>(load<u32>(starts + (code << 2))));
    }
    let source = load<u32>(starts + (code << 2));
    const length = select<u32>(1, load<u32>(starts + (code << 2) + 4) - source + 1, code < CLEAR);
    v128.store(to, v128.load(source));
    const end = to + length;
    while (to + 16 < end) {
      to += 16;
      source += 16;
      v128.store(to, v128.load(source));
    }
    to = end;
    next = min(next + 1, PLACES);
    // Codes become wider one code early: a slip of the first writers that became the standard.
    if (next >= (<u32> 1) << width && width < 12) width++;
  }
  return <i32> (min(to, outputEnd) - output);
}
