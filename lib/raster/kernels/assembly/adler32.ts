/** The checksum of zlib streams: RFC 1950. */

const MODULUS: u32 = 65521;
/** As many bytes as 32-bit sums hold, in whole vectors: less than 5552. */
const STRETCH: u32 = 5536;

/**
 * Adler-32.
 *
 * @param at First byte.
 * @param size Number of bytes.
 */
export function adler32(at: usize, size: u32): u32 {
  let first: u32 = 1;
  let second: u32 = 0;
  const weightsLow = i16x8(16, 15, 14, 13, 12, 11, 10, 9);
  const weightsHigh = i16x8(8, 7, 6, 5, 4, 3, 2, 1);
  while (size > 0) {
    const stretch = min(size, STRETCH);
    const vectors = stretch >> 4;
    size -= stretch;
    second += first * (vectors << 4);
    let sums = i32x4.splat(0);
    let sumsOfSums = i32x4.splat(0);
    let weighted = i32x4.splat(0);
    for (let i: u32 = 0; i < vectors; i++) {
      const bytes = v128.load(at);
      at += 16;
      sumsOfSums = i32x4.add(sumsOfSums, sums);
      sums = i32x4.add(
        sums,
        i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(bytes)),
      );
      weighted = i32x4.add(
        weighted,
        i32x4.add(
          i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_u(bytes), weightsLow),
          i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_u(bytes), weightsHigh),
        ),
      );
    }
    first += horizontal(sums);
    second += (horizontal(sumsOfSums) << 4) + horizontal(weighted);
    for (let i = vectors << 4; i < stretch; i++) {
      first += load<u8>(at++);
      second += first;
    }
    first %= MODULUS;
    second %= MODULUS;
  }
  return (second << 16) | first;
}

function horizontal(lanes: v128): u32 {
  return <u32> (i32x4.extract_lane(lanes, 0) + i32x4.extract_lane(lanes, 1) +
    i32x4.extract_lane(lanes, 2) + i32x4.extract_lane(lanes, 3));
}
