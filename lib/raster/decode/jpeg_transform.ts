/**
 * From coefficients to samples, with the integer arithmetic of the Independent JPEG Group's library
 * (`jidctint.c`, after Loeffler, Ligtenberg and Moschytz 1989), so that pixels are the same to the
 * last bit as in the GDAL that rasterio brings along.
 *
 * Chroma at half the resolution of luma is brought to full resolution by the transform itself: 8
 * coefficients become 16 samples, as in that library since its version 7. libjpeg-turbo filters the
 * samples instead; at sharp edges its colours differ by a few levels.
 *
 * @module
 */
import { RasterFault } from "../read_fault.ts";
import type { ComponentCoefficients } from "./jpeg_coefficients.ts";

/** Constants are scaled by 2^13; the first pass keeps 2 bits more. */
const CONST_BITS = 13;
const PASS1_BITS = 2;
const fix = (factor: number) => Math.floor(factor * (1 << CONST_BITS) + 0.5);

const FIX_0_298631336 = fix(0.298631336);
const FIX_0_390180644 = fix(0.390180644);
const FIX_0_541196100 = fix(0.541196100);
const FIX_0_765366865 = fix(0.765366865);
const FIX_0_899976223 = fix(0.899976223);
const FIX_1_175875602 = fix(1.175875602);
const FIX_1_501321110 = fix(1.501321110);
const FIX_1_847759065 = fix(1.847759065);
const FIX_1_961570560 = fix(1.961570560);
const FIX_2_053119869 = fix(2.053119869);
const FIX_2_562915447 = fix(2.562915447);
const FIX_3_072711026 = fix(3.072711026);

const FIX_0_071888074 = fix(0.071888074);
const FIX_0_138617169 = fix(0.138617169);
const FIX_0_275899379 = fix(0.275899379);
const FIX_0_410524528 = fix(0.410524528);
const FIX_0_509795579 = fix(0.509795579);
const FIX_0_601344887 = fix(0.601344887);
const FIX_0_666655658 = fix(0.666655658);
const FIX_0_766367282 = fix(0.766367282);
const FIX_0_897167586 = fix(0.897167586);
const FIX_1_065388962 = fix(1.065388962);
const FIX_1_093201867 = fix(1.093201867);
const FIX_1_125726048 = fix(1.125726048);
const FIX_1_247225013 = fix(1.247225013);
const FIX_1_306562965 = fix(1.306562965);
const FIX_1_353318001 = fix(1.353318001);
const FIX_1_387039845 = fix(1.387039845);
const FIX_1_407403738 = fix(1.407403738);
const FIX_1_835730603 = fix(1.835730603);
const FIX_1_971951411 = fix(1.971951411);
const FIX_2_286341144 = fix(2.286341144);
const FIX_3_141271809 = fix(3.141271809);

/** One line of 8 coefficients to 8 or 16 sums, not yet scaled; `round` is added to each. */
type Kernel = (coefficients: Int32Array, round: number, sums: Int32Array) => void;

/**
 * Samples of a component at the resolution of the image.
 *
 * @param component Its coefficients.
 * @param horizontal Columns of the image for each sample.
 * @param vertical Rows of the image for each sample.
 * @param width Columns of the image.
 * @param height Rows of the image.
 * @returns Shape (height, width).
 * @throws {RasterFault} If a factor is not a whole number.
 */
export function inverseTransform(
  component: ComponentCoefficients,
  horizontal: number,
  vertical: number,
  width: number,
  height: number,
): Uint8Array<ArrayBuffer> {
  if (!Number.isInteger(horizontal) || !Number.isInteger(vertical)) {
    throw new RasterFault(`unsupported: JPEG with chroma sampled by ${horizontal}x${vertical}`);
  }
  const { blocks, across, down, quantization } = component;
  const columns = horizontal % 2 === 0 ? 16 : 8;
  const rows = vertical % 2 === 0 ? 16 : 8;
  const columnKernel = rows === 16 ? sixteenPoints : eightPoints;
  const rowKernel = columns === 16 ? sixteenPoints : eightPoints;
  const stride = across * columns;
  const samples = new Uint8ClampedArray(stride * down * rows);
  const work = new Int32Array(8 * 16);
  const line = new Int32Array(8);
  const sums = new Int32Array(16);
  for (let blockRow = 0; blockRow < down; blockRow++) {
    for (let blockColumn = 0; blockColumn < across; blockColumn++) {
      const at = 64 * (blockRow * across + blockColumn);
      transformColumns(blocks, at, quantization, rows, columnKernel, line, sums, work);
      const to = blockRow * rows * stride + blockColumn * columns;
      transformRows(work, rows, columns, rowKernel, line, sums, samples, to, stride);
    }
  }
  // What the transform leaves of the factors is done by repeating samples.
  const repeatAcross = horizontal * 8 / columns;
  const repeatDown = vertical * 8 / rows;
  return repeated(samples, stride, repeatAcross, repeatDown, width, height);
}

function transformColumns(
  blocks: Int16Array,
  at: number,
  quantization: Uint16Array,
  rows: number,
  kernel: Kernel,
  line: Int32Array,
  sums: Int32Array,
  work: Int32Array,
): void {
  const shift = CONST_BITS - PASS1_BITS;
  for (let column = 0; column < 8; column++) {
    let rest = 0;
    for (let row = 0; row < 8; row++) {
      const place = row * 8 + column;
      const coefficient = blocks[at + place]! * quantization[place]!;
      line[row] = coefficient;
      if (row > 0) rest |= coefficient;
    }
    if (rest === 0) {
      const value = line[0]! << PASS1_BITS;
      for (let row = 0; row < rows; row++) work[row * 8 + column] = value;
      continue;
    }
    kernel(line, 1 << (shift - 1), sums);
    for (let row = 0; row < rows; row++) work[row * 8 + column] = sums[row]! >> shift;
  }
}

function transformRows(
  work: Int32Array,
  rows: number,
  columns: number,
  kernel: Kernel,
  line: Int32Array,
  sums: Int32Array,
  samples: Uint8ClampedArray,
  at: number,
  stride: number,
): void {
  const shift = CONST_BITS + PASS1_BITS + 3;
  // Half a step for rounding, and 128 as the samples are centred at 0.
  const round = (1 << (shift - 1)) + (128 << shift);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < 8; column++) line[column] = work[row * 8 + column]!;
    kernel(line, round, sums);
    const to = at + row * stride;
    for (let column = 0; column < columns; column++) samples[to + column] = sums[column]! >> shift;
  }
}

function eightPoints(c: Int32Array, round: number, sums: Int32Array): void {
  const c1 = c[1]!;
  const c2 = c[2]!;
  const c3 = c[3]!;
  const c5 = c[5]!;
  const c6 = c[6]!;
  const c7 = c[7]!;

  const even = Math.imul(c2 + c6, FIX_0_541196100);
  const even2 = even - Math.imul(c6, FIX_1_847759065);
  const even3 = even + Math.imul(c2, FIX_0_765366865);
  const even0 = ((c[0]! + c[4]!) << CONST_BITS) + round;
  const even1 = ((c[0]! - c[4]!) << CONST_BITS) + round;
  const t10 = even0 + even3;
  const t13 = even0 - even3;
  const t11 = even1 + even2;
  const t12 = even1 - even2;

  const z5 = Math.imul(c7 + c3 + c5 + c1, FIX_1_175875602);
  const z1 = -Math.imul(c7 + c1, FIX_0_899976223);
  const z2 = -Math.imul(c5 + c3, FIX_2_562915447);
  const z3 = z5 - Math.imul(c7 + c3, FIX_1_961570560);
  const z4 = z5 - Math.imul(c5 + c1, FIX_0_390180644);
  const odd0 = Math.imul(c7, FIX_0_298631336) + z1 + z3;
  const odd1 = Math.imul(c5, FIX_2_053119869) + z2 + z4;
  const odd2 = Math.imul(c3, FIX_3_072711026) + z2 + z3;
  const odd3 = Math.imul(c1, FIX_1_501321110) + z1 + z4;

  sums[0] = t10 + odd3;
  sums[7] = t10 - odd3;
  sums[1] = t11 + odd2;
  sums[6] = t11 - odd2;
  sums[2] = t12 + odd1;
  sums[5] = t12 - odd1;
  sums[3] = t13 + odd0;
  sums[4] = t13 - odd0;
}

function sixteenPoints(c: Int32Array, round: number, sums: Int32Array): void {
  const c1 = c[1]!;
  const c2 = c[2]!;
  const c3 = c[3]!;
  const c4 = c[4]!;
  const c5 = c[5]!;
  const c6 = c[6]!;
  const c7 = c[7]!;

  const base = (c[0]! << CONST_BITS) + round;
  const wide = Math.imul(c4, FIX_1_306562965);
  const narrow = Math.imul(c4, FIX_0_541196100);
  const low = Math.imul(c2 - c6, FIX_0_275899379);
  const high = Math.imul(c2 - c6, FIX_1_387039845);
  const e0 = high + Math.imul(c6, FIX_2_562915447);
  const e1 = low + Math.imul(c2, FIX_0_899976223);
  const e2 = high - Math.imul(c2, FIX_0_601344887);
  const e3 = low - Math.imul(c6, FIX_0_509795579);
  const t20 = base + wide + e0;
  const t27 = base + wide - e0;
  const t21 = base + narrow + e1;
  const t26 = base + narrow - e1;
  const t22 = base - narrow + e2;
  const t25 = base - narrow - e2;
  const t23 = base - wide + e3;
  const t24 = base - wide - e3;

  let odd1 = Math.imul(c1 + c3, FIX_1_353318001);
  let odd2 = Math.imul(c1 + c5, FIX_1_247225013);
  let odd3 = Math.imul(c1 + c7, FIX_1_093201867);
  let odd4 = Math.imul(c1 - c7, FIX_0_897167586);
  let odd5 = Math.imul(c1 + c5, FIX_0_666655658);
  let odd6 = Math.imul(c1 - c3, FIX_0_410524528);
  const odd0 = odd1 + odd2 + odd3 - Math.imul(c1, FIX_2_286341144);
  const odd7 = odd4 + odd5 + odd6 - Math.imul(c1, FIX_1_835730603);
  const z35 = Math.imul(c3 + c5, FIX_0_138617169);
  odd1 += z35 + Math.imul(c3, FIX_0_071888074);
  odd2 += z35 - Math.imul(c5, FIX_1_125726048);
  const z53 = Math.imul(c5 - c3, FIX_1_407403738);
  odd5 += z53 - Math.imul(c5, FIX_0_766367282);
  odd6 += z53 + Math.imul(c3, FIX_1_971951411);
  const z37 = -Math.imul(c3 + c7, FIX_0_666655658);
  odd1 += z37;
  odd3 += z37 + Math.imul(c7, FIX_1_065388962);
  const z73 = -Math.imul(c3 + c7, FIX_1_247225013);
  odd4 += z73 + Math.imul(c7, FIX_3_141271809);
  odd6 += z73;
  const z57 = -Math.imul(c5 + c7, FIX_1_353318001);
  odd2 += z57;
  odd3 += z57;
  const z75 = Math.imul(c7 - c5, FIX_0_410524528);
  odd4 += z75;
  odd5 += z75;

  sums[0] = t20 + odd0;
  sums[15] = t20 - odd0;
  sums[1] = t21 + odd1;
  sums[14] = t21 - odd1;
  sums[2] = t22 + odd2;
  sums[13] = t22 - odd2;
  sums[3] = t23 + odd3;
  sums[12] = t23 - odd3;
  sums[4] = t24 + odd4;
  sums[11] = t24 - odd4;
  sums[5] = t25 + odd5;
  sums[10] = t25 - odd5;
  sums[6] = t26 + odd6;
  sums[9] = t26 - odd6;
  sums[7] = t27 + odd7;
  sums[8] = t27 - odd7;
}

function repeated(
  samples: Uint8ClampedArray,
  stride: number,
  across: number,
  down: number,
  width: number,
  height: number,
): Uint8Array<ArrayBuffer> {
  const image = new Uint8Array(width * height);
  for (let row = 0, to = 0; row < height; row++) {
    const from = Math.floor(row / down) * stride;
    if (across === 1) {
      image.set(samples.subarray(from, from + width), to);
      to += width;
      continue;
    }
    for (let column = 0; column < width; column++) {
      image[to++] = samples[from + Math.floor(column / across)]!;
    }
  }
  return image;
}
