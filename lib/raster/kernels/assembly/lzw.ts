/**
 * LZW in the bit order of TIFF 6.0, section 13.
 *
 * The string of a code is that of the code before it and one byte more, so it is a stretch of the
 * output that ends one byte into the next code's. A table of where it starts and how long it is is thus
 * all there is to know, and decoding a code is one look-up and, mostly, a copy of 16 bytes.
 */

const CLEAR: u32 = 256;
const END: u32 = 257;
const FIRST: u32 = 258;
/** Places of the table: codes of 12 bits, and where the last of them ends. */
const PLACES: u32 = 4097;

/** Where the string of each code starts, and its length above; the single bytes have an area of their own. */
const strings = memory.data(4098 * 8, 16);
const bytes = memory.data(256 + 16, 16);
let prepared: bool = false;

// @ts-ignore: a decorator of AssemblyScript
@inline
function setString(code: u32, start: usize, length: u32): void {
  store<u64>(strings + (code << 3), <u64> start | (<u64> length << 32));
}

function prepare(): void {
  for (let byte: u32 = 0; byte < 256; byte++) {
    store<u8>(bytes + byte, <u8> byte);
    setString(byte, bytes + byte, 1);
  }
  prepared = true;
}

/**
 * Decode LZW and stop at the expected size.
 *
 * @param input First byte of the code; 8 bytes more can be read.
 * @param inputSize Its bytes.
 * @param output Where the output goes; there is room for 4200 bytes more than `outputSize`.
 * @param outputSize Bytes expected.
 * @returns Bytes of output, or -1 - code where a code is not in the table.
 */
export function decodeLzw(input: usize, inputSize: u32, output: usize, outputSize: u32): i32 {
  if (!prepared) prepare();
  const outputEnd = output + outputSize;
  let bit: u64 = 0;
  const bits = <u64> inputSize << 3;
  let to = output;
  let next: u32 = FIRST;
  let width: u64 = 9;
  let limit: u32 = 512;
  while (to < outputEnd) {
    // The bits come from the top. There are 8 bytes to read up to the last bit and beyond.
    const place = <v128> v128.load64_zero(input + <usize> (bit >> 3));
    const turned = i8x16.shuffle(place, place, 7, 6, 5, 4, 3, 2, 1, 0, 8, 8, 8, 8, 8, 8, 8, 8);
    const word = i64x2.extract_lane(turned, 0);
    const code = <u32> ((<u64> word << (bit & 7)) >> (64 - width));
    bit += width;
    if (bit > bits) break;
    if ((code & ~1) === CLEAR) {
      if (code === END) break;
      next = FIRST;
      width = 9;
      limit = 512;
      continue;
    }
    let string = load<u64>(strings + (code << 3));
    if (code >= next - 1 && code >= FIRST) {
      if (code >= next) return -1 - <i32> code;
      // The code before has just defined it: as its string, and then the first byte of that.
      store<u8>(to, load<u8>(<usize> <u32> string));
    }
    let source = <usize> <u32> string;
    const length = <u32> (string >> 32);
    setString(next, to, length + 1);
    v128.store(to, v128.load(source));
    const end = to + length;
    if (length > 16) {
      do {
        to += 16;
        source += 16;
        v128.store(to, v128.load(source));
      } while (to + 16 < end);
    }
    to = end;
    next = min(next + 1, PLACES);
    // Codes become wider one code early: a slip of the first writers that became the standard.
    if (next === limit) {
      width++;
      limit = width < 12 ? (<u32> 1) << <u32> width : PLACES + 1;
    }
  }
  return <i32> (min(to, outputEnd) - output);
}
