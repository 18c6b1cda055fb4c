/**
 * Halving the resolution, for overviews: each pixel from up to 2×2 pixels above it.
 *
 * Pixels without data have no say; where all four have none, neither has the result.
 *
 * @module
 */
import { type DataType, TYPED_ARRAY_CONSTRUCTORS } from "../../array/mod.ts";
import { type Cells, cellsOf, createCells } from "./cells.ts";

/**
 * How a pixel of an overview comes from those above it: `mode` takes the most frequent value (the
 * first in reading order among equals), `average` the mean (rounded to the nearest integer, halves
 * up), `nearest` the upper left one.
 */
export type OverviewResampling = "mode" | "average" | "nearest";

/** A band of rows: the pixels that {@linkcode Downsample} halves. */
export interface CellRows {
  /** Pixels of one band. */
  readonly cells: Cells;
  /** Columns. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
}

/** Halves rows of one band; odd last columns and rows stand alone. */
export type Downsample = (rows: CellRows) => Cells;

/**
 * A function that halves the rows of a raster.
 *
 * @param resampling How.
 * @param dtype Element type of the raster.
 * @param nodata Value of pixels without data; null where there is none. NaN never counts as data for
 * averages.
 * @throws {RangeError} If 64-bit integers are to be averaged.
 */
export function createDownsample(
  resampling: OverviewResampling,
  dtype: DataType,
  nodata: number | null,
): Downsample {
  switch (resampling) {
    case "nearest":
      return (rows) => everySecond(rows, createCells(dtype, halfArea(rows)));
    case "mode": {
      const missing = nodata === null ? null : nodataCell(dtype, nodata);
      return (rows) => mostFrequent(rows, createCells(dtype, halfArea(rows)), missing);
    }
    case "average":
      if (dtype === "int64" || dtype === "uint64") {
        throw new RangeError(`internal: overviews of ${dtype} cannot be averages`);
      }
      return (rows) => averages(rows, dtype, nodata);
  }
}

/** Columns or rows of the next overview. */
export function half(extent: number): number {
  return Math.ceil(extent / 2);
}

function halfArea({ width, height }: CellRows): number {
  return half(width) * half(height);
}

function nodataCell(dtype: DataType, nodata: number): number {
  const value = new TYPED_ARRAY_CONSTRUCTORS[dtype](1);
  if (value instanceof BigInt64Array || value instanceof BigUint64Array) value[0] = BigInt(nodata);
  else value[0] = nodata;
  return cellsOf(value)[0]!;
}

function everySecond({ cells, width, height }: CellRows, out: Cells): Cells {
  let target = 0;
  for (let y = 0; y < height; y += 2) {
    for (let x = 0; x < width; x += 2) out[target++] = cells[y * width + x]!;
  }
  return out;
}

function mostFrequent(
  { cells, width, height }: CellRows,
  out: Cells,
  nodata: number | null,
): Cells {
  let target = 0;
  for (let y = 0; y < height; y += 2) {
    const upper = y * width;
    const lower = y + 1 < height ? upper + width : upper;
    for (let x = 0; x < width; x += 2) {
      // A column or row that stands alone counts twice, which does not change the mode.
      const right = x + 1 < width ? x + 1 : x;
      const a = cells[upper + x]!;
      const b = cells[upper + right]!;
      const c = cells[lower + x]!;
      const d = cells[lower + right]!;
      out[target++] = a === b && a === c && a === d ? a : mode(a, b, c, d, nodata);
    }
  }
  return out;
}

function mode(a: number, b: number, c: number, d: number, nodata: number | null): number {
  const ofA = a === nodata ? 0 : 1 + Number(a === b) + Number(a === c) + Number(a === d);
  const ofB = b === nodata ? 0 : 1 + Number(b === c) + Number(b === d);
  const ofC = c === nodata ? 0 : 1 + Number(c === d);
  const ofD = d === nodata ? 0 : 1;
  let best = a;
  let most = ofA;
  if (ofB > most) {
    best = b;
    most = ofB;
  }
  if (ofC > most) {
    best = c;
    most = ofC;
  }
  return ofD > most ? d : best;
}

function averages(
  rows: CellRows,
  dtype: Exclude<DataType, "int64" | "uint64">,
  nodata: number | null,
) {
  const { cells, width, height } = rows;
  const { buffer, byteOffset, length } = cells;
  const values = new TYPED_ARRAY_CONSTRUCTORS[dtype](buffer, byteOffset, length);
  const out = new TYPED_ARRAY_CONSTRUCTORS[dtype](halfArea(rows));
  const whole = !dtype.startsWith("float");
  // As stored: 0.1 is another number in 32 bits.
  const missing = new TYPED_ARRAY_CONSTRUCTORS[dtype](1).fill(nodata ?? 0)[0]!;
  const isData = (value: number) => value === value && (nodata === null || value !== missing);
  let target = 0;
  for (let y = 0; y < height; y += 2) {
    const lastRow = Math.min(y + 1, height - 1);
    for (let x = 0; x < width; x += 2) {
      const lastColumn = Math.min(x + 1, width - 1);
      let sum = 0;
      let count = 0;
      let first = values[y * width + x]!;
      for (let row = y; row <= lastRow; row++) {
        for (let column = x; column <= lastColumn; column++) {
          const value = values[row * width + column]!;
          if (!isData(value)) continue;
          if (count === 0) first = value;
          sum += value;
          count++;
        }
      }
      let mean = count === 0 ? first : sum / count;
      if (whole) mean = Math.floor(mean + 0.5);
      // The mean of data must not read as no data.
      out[target++] = count > 0 && !isData(mean) ? first : mean;
    }
  }
  return cellsOf(out);
}
