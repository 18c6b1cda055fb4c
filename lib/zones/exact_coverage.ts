/**
 * How much of each pixel a zone covers, exactly.
 *
 * Every edge adds, to the pixels that it passes in a row, the signed area between itself and their
 * right side, and its height to all pixels further right; the sum from the left is the share that the
 * zone covers. This is what font renderers do, and the same figure that exactextract computes by
 * walking around each pixel (Baston 2016); only rows that are worked on are held.
 *
 * @module
 */
import { doubleArea, type ZoneShape } from "./zone_shape.ts";

/** Takes a stretch of pixels of a row, from the first to before the last, with the share covered. */
export type TakeRun = (row: number, first: number, end: number, share: number) => void;

/** Shares nearer than this to 0 and 1 differ from them by rounding only. */
const ROUNDING = 1e-9;

/** Numbers that an edge takes in a list: row of its upper end, then x, y, x, y from top to bottom, sign. */
const EDGE = 6;

/**
 * Find the shares that a zone covers.
 *
 * @param polygons The zone; its polygons must not overlap, nor edges cross.
 * @param width Columns of the raster.
 * @param height Rows of the raster.
 * @param scratch Of at least `width + 2` zeros, which are zeros again afterwards.
 * @param take Called row by row from the top, and in a row from the left.
 * @returns False where shares beyond 0 and 1 came out, so that polygons do overlap.
 */
export function exactCoverage(
  polygons: ZoneShape["polygons"],
  width: number,
  height: number,
  scratch: Float64Array,
  take: TakeRun,
): boolean {
  const edges = collectEdges(polygons, width, height);
  const count = edges.length / EDGE;
  const order = Uint32Array.from({ length: count }, (_, i) => EDGE * i)
    .sort((a, b) => edges[a]! - edges[b]!);
  const touched = new TouchedColumns(width + 2);
  const active: number[] = [];
  let sane = true;
  let next = 0;
  let row = count === 0 ? 0 : edges[order[0]!]!;
  while (active.length > 0 || next < count) {
    if (active.length === 0) row = Math.max(row, edges[order[next]!]!);
    while (next < count && edges[order[next]!]! <= row) active.push(order[next++]!);
    let kept = 0;
    for (const edge of active) {
      addEdge(edges, edge, row, width, scratch, touched);
      if (edges[edge + 4]! > row + 1) active[kept++] = edge;
    }
    active.length = kept;
    if (!emitRow(row, width, scratch, touched, take)) sane = false;
    row++;
  }
  return sane;
}

/** Edges that are not level, from top to bottom, within the rows of the raster. */
function collectEdges(
  polygons: ZoneShape["polygons"],
  width: number,
  height: number,
): Float64Array {
  let corners = 0;
  for (const ring of polygons.flat()) corners += ring.length / 2;
  const edges = new Float64Array(corners * EDGE);
  let used = 0;
  for (const polygon of polygons) {
    for (const [index, ring] of polygon.entries()) {
      // Outer rings count as positive and holes as negative, whichever way they run.
      const direction = doubleArea(ring) > 0 === (index === 0) ? -1 : 1;
      for (let i = 2; i < ring.length; i += 2) {
        let [xa, ya, xb, yb] = [ring[i - 2]!, ring[i - 1]!, ring[i]!, ring[i + 1]!];
        if (ya === yb) continue;
        let sign = direction;
        if (ya > yb) {
          [xa, ya, xb, yb] = [xb, yb, xa, ya];
          sign = -direction;
        }
        // What is right of the raster changes nothing in it.
        if (yb <= 0 || ya >= height || (xa >= width && xb >= width)) continue;
        const slope = (xb - xa) / (yb - ya);
        if (ya < 0) [xa, ya] = [xa - ya * slope, 0];
        if (yb > height) [xb, yb] = [xb - (yb - height) * slope, height];
        if (ya >= yb) continue;
        edges[used] = Math.floor(ya);
        edges[used + 1] = xa;
        edges[used + 2] = ya;
        edges[used + 3] = xb;
        edges[used + 4] = yb;
        edges[used + 5] = sign;
        used += EDGE;
      }
    }
  }
  return edges.subarray(0, used);
}

/** Columns of a row that edges pass, each once. */
class TouchedColumns {
  readonly columns: Uint32Array;
  readonly #marks: Uint8Array;
  count = 0;

  constructor(columns: number) {
    this.columns = new Uint32Array(columns);
    this.#marks = new Uint8Array(columns);
  }

  add(column: number): void {
    if (this.#marks[column] === 1) return;
    this.#marks[column] = 1;
    this.columns[this.count++] = column;
  }

  /** The columns from left to right; forgets them. */
  take(): Uint32Array {
    const taken = this.columns.subarray(0, this.count);
    if (this.count <= 16) insertionSort(taken);
    else taken.sort();
    for (const column of taken) this.#marks[column] = 0;
    this.count = 0;
    return taken;
  }
}

function insertionSort(values: Uint32Array): void {
  for (let i = 1; i < values.length; i++) {
    const value = values[i]!;
    let at = i - 1;
    for (; at >= 0 && values[at]! > value; at--) values[at + 1] = values[at]!;
    values[at + 1] = value;
  }
}

/** Add the part of an edge that is in a row. */
function addEdge(
  edges: Float64Array,
  edge: number,
  row: number,
  width: number,
  scratch: Float64Array,
  touched: TouchedColumns,
): void {
  const xTop = edges[edge + 1]!;
  const yTop = edges[edge + 2]!;
  const xBottom = edges[edge + 3]!;
  const yBottom = edges[edge + 4]!;
  const top = yTop > row ? yTop : row;
  const bottom = yBottom < row + 1 ? yBottom : row + 1;
  if (bottom <= top) return;
  const slope = (xBottom - xTop) / (yBottom - yTop);
  const xa = top === yTop ? xTop : xTop + (top - yTop) * slope;
  const xb = bottom === yBottom ? xBottom : xTop + (bottom - yTop) * slope;
  const rise = edges[edge + 5]! * (bottom - top);
  const [left, right] = xa < xb ? [xa, xb] : [xb, xa];
  if (left >= width) return;
  if (right <= 0) {
    // All pixels are to its right.
    scratch[0]! += rise;
    touched.add(0);
    return;
  }
  const column = Math.floor(left);
  if (right <= column + 1 && left >= 0) {
    const inside = (left + right) / 2 - column;
    scratch[column]! += rise * (1 - inside);
    scratch[column + 1]! += rise * inside;
    touched.add(column);
    touched.add(column + 1);
    return;
  }
  const risePerColumn = rise / (right - left);
  let from = left;
  if (left < 0) {
    scratch[0]! += -left * risePerColumn;
    touched.add(0);
    from = 0;
  }
  const end = right < width ? right : width;
  for (let at = Math.floor(from); from < end; at++) {
    const to = end < at + 1 ? end : at + 1;
    const part = (to - from) * risePerColumn;
    const inside = (from + to) / 2 - at;
    scratch[at]! += part * (1 - inside);
    scratch[at + 1]! += part * inside;
    touched.add(at);
    touched.add(at + 1);
    from = to;
  }
}

/** Sum from the left, and hand out stretches of the same share. */
function emitRow(
  row: number,
  width: number,
  scratch: Float64Array,
  touched: TouchedColumns,
  take: TakeRun,
): boolean {
  const columns = touched.take();
  let sane = true;
  let sum = 0;
  let first = 0;
  let current = 0;
  for (const column of columns) {
    sum += scratch[column]!;
    scratch[column] = 0;
    if (column >= width) continue;
    let share = sum;
    if (Math.abs(share) < ROUNDING) share = 0;
    else if (Math.abs(share - 1) < ROUNDING) share = 1;
    else if (share < 0 || share > 1) sane = false;
    if (share === current) continue;
    if (current > 0) take(row, first, column, current);
    first = column;
    current = share;
  }
  if (current > 0 && first < width) take(row, first, width, current);
  return sane;
}
