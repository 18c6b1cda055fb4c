/**
 * Words of 16 bits, pixel by pixel, as planes; on the way, predictor 2 is undone, and pixels without data
 * are found.
 */

/** True once a word was nodata. */
let found: bool = false;
/** The word that marks pixels without data, eight times, and whether there is one at all. */
let nodata: v128 = i16x8.splat(0);
let hasNodata: bool = false;

/**
 * Separate the samples of rows.
 *
 * @param source Rows of pixels, their samples side by side.
 * @param rows Number of rows.
 * @param width Pixels of a row.
 * @param samples Samples of a pixel.
 * @param target Where the planes go: shape (samples, rows, width); that of a single sample may be `source`.
 * @param line Room for 8 rows of words of one sample, and 512 bytes more.
 * @param differences True if each sample is stored as its difference from that of the pixel before.
 * @param word The word that marks pixels without data; -1 if there is none.
 * @param holes Where it is said which pixels have that word in a sample: shape (rows, width), bytes that
 * are not 0 there.
 * @returns True if there are such pixels.
 */
export function separate16(
  source: usize,
  rows: u32,
  width: u32,
  samples: u32,
  target: usize,
  line: usize,
  differences: bool,
  word: i32,
  holes: usize,
): bool {
  found = false;
  hasNodata = word >= 0;
  nodata = i16x8.splat(<i16> word);
  if (hasNodata) memory.fill(holes, 0, rows * width);
  const rowBytes = (width * samples) << 1;
  const planeBytes = (width * rows) << 1;
  for (let row: u32 = 0; row < rows; row++) {
    const from = source + row * rowBytes;
    const to = target + ((row * width) << 1);
    const hole = holes + row * width;
    if (samples === 1) {
      if (differences) sumRow(from, width, to);
      else if (to !== from) memory.copy(to, from, rowBytes);
      if (hasNodata) findNodata(to, width, hole);
    } else if (samples < 8) {
      for (let sample: u32 = 0; sample < samples; sample++) {
        const plane = to + sample * planeBytes;
        separateOne(from + (sample << 1), width, samples, plane, differences);
        if (hasNodata) findNodata(plane, width, hole);
      }
    } else {
      for (let group: u32 = 0; group < samples; group += 8) {
        // The last group of 8 may share some samples with the one before.
        const first = min(group, samples - 8);
        separateEight(
          from + (first << 1),
          width,
          samples,
          to + first * planeBytes,
          planeBytes,
          line,
          differences,
          hole,
        );
      }
    }
  }
  return found;
}

/** Mark the pixels of a row of one sample that have no data. */
function findNodata(at: usize, width: u32, hole: usize): void {
  let x: u32 = 0;
  for (; x + 8 <= width; x += 8) markEight(i16x8.eq(v128.load(at + (x << 1)), nodata), hole + x);
  const word = i16x8.extract_lane_u(nodata, 0);
  for (; x < width; x++) {
    if (load<u16>(at + (x << 1)) === word) {
      store<u8>(hole + x, 255);
      found = true;
    }
  }
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function markEight(equal: v128, hole: usize): void {
  if (!v128.any_true(equal)) return;
  const bytes = i8x16.narrow_i16x8_s(equal, equal);
  store<u64>(hole, load<u64>(hole) | i64x2.extract_lane(bytes, 0));
  found = true;
}

function separateOne(
  from: usize,
  width: u32,
  samples: u32,
  to: usize,
  differences: bool,
): void {
  const step = samples << 1;
  const end = to + (width << 1);
  if (differences) {
    let sum: u32 = 0;
    for (; to < end; to += 2, from += step) {
      sum += load<u16>(from);
      store<u16>(to, <u16> sum);
    }
  } else {
    for (; to < end; to += 2, from += step) store<u16>(to, load<u16>(from));
  }
}

/** Sums along a row of one sample: within 8 words by doubling steps, then on from the last of them. */
function sumRow(from: usize, width: u32, to: usize): void {
  const end = to + (width << 1);
  const zero = i16x8.splat(0);
  let last = zero;
  for (; to + 16 <= end; to += 16, from += 16) {
    let words = v128.load(from);
    words = i16x8.add(words, i16x8.shuffle(zero, words, 7, 8, 9, 10, 11, 12, 13, 14));
    words = i16x8.add(words, i16x8.shuffle(zero, words, 6, 7, 8, 9, 10, 11, 12, 13));
    words = i16x8.add(words, i16x8.shuffle(zero, words, 4, 5, 6, 7, 8, 9, 10, 11));
    words = i16x8.add(words, last);
    v128.store(to, words);
    last = i16x8.shuffle(words, words, 7, 7, 7, 7, 7, 7, 7, 7);
  }
  let sum: u32 = i16x8.extract_lane_u(last, 7);
  for (; to < end; to += 2, from += 2) {
    sum += load<u16>(from);
    store<u16>(to, <u16> sum);
  }
}

/**
 * Eight samples of a row: turned in squares of 8 by 8 words, on lines of their own first, as planes of
 * a power of two bytes would push one another out of the cache.
 */
function separateEight(
  from: usize,
  width: u32,
  samples: u32,
  to: usize,
  planeBytes: u32,
  line: usize,
  differences: bool,
  hole: usize,
): void {
  const step = samples << 1;
  const lineBytes = (width << 1) + 64;
  const keep = i16x8.splat(differences ? -1 : 0);
  let sum = i16x8.splat(0);
  let x: u32 = 0;
  for (; x + 8 <= width; x += 8) {
    sum = i16x8.add(v128.and(sum, keep), v128.load(from));
    const r0 = sum;
    sum = i16x8.add(v128.and(sum, keep), v128.load(from + step));
    const r1 = sum;
    sum = i16x8.add(v128.and(sum, keep), v128.load(from + 2 * step));
    const r2 = sum;
    sum = i16x8.add(v128.and(sum, keep), v128.load(from + 3 * step));
    const r3 = sum;
    sum = i16x8.add(v128.and(sum, keep), v128.load(from + 4 * step));
    const r4 = sum;
    sum = i16x8.add(v128.and(sum, keep), v128.load(from + 5 * step));
    const r5 = sum;
    sum = i16x8.add(v128.and(sum, keep), v128.load(from + 6 * step));
    const r6 = sum;
    sum = i16x8.add(v128.and(sum, keep), v128.load(from + 7 * step));
    const r7 = sum;
    from += step << 3;

    const a0 = i16x8.shuffle(r0, r1, 0, 8, 1, 9, 2, 10, 3, 11);
    const a1 = i16x8.shuffle(r0, r1, 4, 12, 5, 13, 6, 14, 7, 15);
    const a2 = i16x8.shuffle(r2, r3, 0, 8, 1, 9, 2, 10, 3, 11);
    const a3 = i16x8.shuffle(r2, r3, 4, 12, 5, 13, 6, 14, 7, 15);
    const a4 = i16x8.shuffle(r4, r5, 0, 8, 1, 9, 2, 10, 3, 11);
    const a5 = i16x8.shuffle(r4, r5, 4, 12, 5, 13, 6, 14, 7, 15);
    const a6 = i16x8.shuffle(r6, r7, 0, 8, 1, 9, 2, 10, 3, 11);
    const a7 = i16x8.shuffle(r6, r7, 4, 12, 5, 13, 6, 14, 7, 15);
    const b0 = i32x4.shuffle(a0, a2, 0, 4, 1, 5);
    const b1 = i32x4.shuffle(a0, a2, 2, 6, 3, 7);
    const b2 = i32x4.shuffle(a1, a3, 0, 4, 1, 5);
    const b3 = i32x4.shuffle(a1, a3, 2, 6, 3, 7);
    const b4 = i32x4.shuffle(a4, a6, 0, 4, 1, 5);
    const b5 = i32x4.shuffle(a4, a6, 2, 6, 3, 7);
    const b6 = i32x4.shuffle(a5, a7, 0, 4, 1, 5);
    const b7 = i32x4.shuffle(a5, a7, 2, 6, 3, 7);
    const c0 = i64x2.shuffle(b0, b4, 0, 2);
    const c1 = i64x2.shuffle(b0, b4, 1, 3);
    const c2 = i64x2.shuffle(b1, b5, 0, 2);
    const c3 = i64x2.shuffle(b1, b5, 1, 3);
    const c4 = i64x2.shuffle(b2, b6, 0, 2);
    const c5 = i64x2.shuffle(b2, b6, 1, 3);
    const c6 = i64x2.shuffle(b3, b7, 0, 2);
    const c7 = i64x2.shuffle(b3, b7, 1, 3);
    let at = line + (x << 1);
    v128.store(at, c0);
    at += lineBytes;
    v128.store(at, c1);
    at += lineBytes;
    v128.store(at, c2);
    at += lineBytes;
    v128.store(at, c3);
    at += lineBytes;
    v128.store(at, c4);
    at += lineBytes;
    v128.store(at, c5);
    at += lineBytes;
    v128.store(at, c6);
    at += lineBytes;
    v128.store(at, c7);
    if (hasNodata) {
      markEight(
        v128.or(
          v128.or(
            v128.or(i16x8.eq(c0, nodata), i16x8.eq(c1, nodata)),
            v128.or(i16x8.eq(c2, nodata), i16x8.eq(c3, nodata)),
          ),
          v128.or(
            v128.or(i16x8.eq(c4, nodata), i16x8.eq(c5, nodata)),
            v128.or(i16x8.eq(c6, nodata), i16x8.eq(c7, nodata)),
          ),
        ),
        hole + x,
      );
    }
  }
  for (; x < width; x++, from += step) {
    sum = i16x8.add(v128.and(sum, keep), v128.load(from));
    const at = line + (x << 1);
    store<u16>(at, i16x8.extract_lane_u(sum, 0));
    store<u16>(at + lineBytes, i16x8.extract_lane_u(sum, 1));
    store<u16>(at + 2 * lineBytes, i16x8.extract_lane_u(sum, 2));
    store<u16>(at + 3 * lineBytes, i16x8.extract_lane_u(sum, 3));
    store<u16>(at + 4 * lineBytes, i16x8.extract_lane_u(sum, 4));
    store<u16>(at + 5 * lineBytes, i16x8.extract_lane_u(sum, 5));
    store<u16>(at + 6 * lineBytes, i16x8.extract_lane_u(sum, 6));
    store<u16>(at + 7 * lineBytes, i16x8.extract_lane_u(sum, 7));
    if (hasNodata && v128.any_true(i16x8.eq(sum, nodata))) {
      store<u8>(hole + x, 255);
      found = true;
    }
  }
  for (let sample: u32 = 0; sample < 8; sample++) {
    memory.copy(to + sample * planeBytes, line + sample * lineBytes, width << 1);
  }
}
