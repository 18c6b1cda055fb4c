/**
 * Which pixels belong to a zone by the rules of GDAL: those whose centre is inside, or all that it
 * touches. Both follow `llrasterize.cpp` of GDAL 3.9 down to the treatment of borders that run exactly
 * through centres or along the sides of pixels.
 *
 * @module
 */
import type { TakeRun } from "./exact_coverage.ts";
import type { PixelRing, ZoneShape } from "./zone_shape.ts";

/** Edges this near to the sides of pixels run along them, and touch those on one side only. */
const ALIGNED = 0.01;
/** Edges that differ by less in x or y are upright or level. */
const UPRIGHT = 0.01;
/** Least step down or up from one row to the next. */
const LEAST_STEP = 1e-9;

/**
 * Pixels whose centre is inside.
 *
 * @param polygons The zone; where its rings overlap, the area covered twice is outside.
 * @param width Columns of the raster.
 * @param height Rows of the raster.
 * @param take Called row by row from the top.
 */
export function centreCoverage(
  polygons: ZoneShape["polygons"],
  width: number,
  height: number,
  take: TakeRun,
): void {
  const { edges, level, first, last } = scanEdges(polygons.flat(), height);
  const order = Uint32Array.from({ length: edges.length / 4 }, (_, i) => 4 * i)
    .sort((a, b) => edges[a + 1]! - edges[b + 1]!);
  let active: number[] = [];
  let next = 0;
  for (let row = first; row <= last; row++) {
    const y = row + 0.5;
    while (next < order.length && edges[order[next]! + 1]! <= y) active.push(order[next++]!);
    active = active.filter((edge) => edges[edge + 3]! > y);
    const crossings = active.map((edge) => {
      const [xa, ya, xb, yb] = [edges[edge]!, edges[edge + 1]!, edges[edge + 2]!, edges[edge + 3]!];
      return Math.floor((y - ya) * (xb - xa) / (yb - ya) + xa + 0.5);
    }).sort((a, b) => a - b);
    const spans: Span[] = [];
    for (let i = 0; i + 1 < crossings.length; i += 2) {
      addSpan(spans, crossings[i]!, crossings[i + 1]!, width);
    }
    for (const [left, right] of level.get(row) ?? []) addSpan(spans, left, right, width);
    for (const [from, to] of merged(spans)) take(row, from, to, 1);
  }
}

type Span = readonly [first: number, end: number];

function addSpan(spans: Span[], first: number, end: number, width: number): void {
  const from = Math.max(0, first);
  const to = Math.min(width, end);
  if (from < to) spans.push([from, to]);
}

/** Spans of a row put together where they overlap or meet. */
function merged(spans: Span[]): Span[] {
  if (spans.length < 2) return spans;
  const result: [number, number][] = [];
  for (const [first, end] of spans.toSorted((a, b) => a[0] - b[0])) {
    const last = result.at(-1);
    if (last !== undefined && first <= last[1]) last[1] = Math.max(last[1], end);
    else result.push([first, end]);
  }
  return result;
}

/** Edges from top to bottom, as x, y, x, y; and those that run level through centres, by row. */
function scanEdges(rings: readonly PixelRing[], height: number) {
  const edges: number[] = [];
  const level = new Map<number, Span[]>();
  let [first, last] = [Infinity, -Infinity];
  for (const ring of rings) {
    for (let i = 2; i < ring.length; i += 2) {
      const [xa, ya, xb, yb] = [ring[i - 2]!, ring[i - 1]!, ring[i]!, ring[i + 1]!];
      first = Math.min(first, ya);
      last = Math.max(last, ya);
      if (ya < yb) edges.push(xa, ya, xb, yb);
      else if (ya > yb) edges.push(xb, yb, xa, ya);
      else if (xa > xb && ya - Math.floor(ya) === 0.5) {
        const row = Math.floor(ya);
        const spans = level.get(row) ?? [];
        spans.push([Math.floor(xb + 0.5), Math.floor(xa + 0.5)]);
        level.set(row, spans);
      }
    }
  }
  return {
    edges: Float64Array.from(edges),
    level,
    first: Math.max(0, Math.floor(first)),
    last: Math.min(height - 1, Math.floor(last)),
  };
}

/**
 * Pixels that a zone touches: those whose centre is inside, and those that its border passes.
 *
 * @param polygons The zone.
 * @param width Columns of the raster.
 * @param height Rows of the raster.
 * @param take Called row by row from the top.
 */
export function touchedCoverage(
  polygons: ZoneShape["polygons"],
  width: number,
  height: number,
  take: TakeRun,
): void {
  const border: number[] = [];
  for (const ring of polygons.flat()) {
    for (let i = 2; i < ring.length; i += 2) {
      touchEdge(ring[i - 2]!, ring[i - 1]!, ring[i]!, ring[i + 1]!, width, height, border);
    }
  }
  const cells = Float64Array.from(border).sort();
  let next = 0;
  const rowOf = (cell: number) => Math.floor(cell / width);
  const pending: Span[] = [];
  let pendingRow = -1;
  const flush = () => {
    for (const [first, end] of merged(pending)) take(pendingRow, first, end, 1);
    pending.length = 0;
  };
  /** Border pixels of the rows before, and those of the row itself. */
  const advance = (row: number) => {
    while (next < cells.length && rowOf(cells[next]!) <= row) {
      const cell = cells[next++]!;
      begin(rowOf(cell));
      pending.push([cell % width, cell % width + 1]);
    }
  };
  const begin = (row: number) => {
    if (row === pendingRow) return;
    flush();
    pendingRow = row;
  };
  centreCoverage(polygons, width, height, (row, first, end) => {
    advance(row);
    begin(row);
    pending.push([first, end]);
  });
  advance(height);
  flush();
}

/** The pixels that an edge passes (GDALdllImageLineAllTouched), as row × width + column. */
function touchEdge(
  xStart: number,
  yStart: number,
  xStop: number,
  yStop: number,
  width: number,
  height: number,
  cells: number[],
): void {
  if ((yStart < 0 && yStop < 0) || (yStart > height && yStop > height)) return;
  if ((xStart < 0 && xStop < 0) || (xStart > width && xStop > width)) return;
  let [x, y, xEnd, yEnd] = xStart > xStop
    ? [xStop, yStop, xStart, yStart]
    : [xStart, yStart, xStop, yStop];
  if (Math.abs(x - xEnd) < UPRIGHT) {
    if (isAligned(x) && isAligned(xEnd)) return;
    if (yEnd < y) [y, yEnd] = [yEnd, y];
    const column = Math.floor(xEnd);
    if (column < 0 || column >= width) return;
    const end = Math.min(height - 1, Math.floor(yEnd - ALIGNED));
    for (let row = Math.max(0, Math.floor(y)); row <= end; row++) cells.push(row * width + column);
    return;
  }
  if (Math.abs(y - yEnd) < UPRIGHT) {
    if (isAligned(y) && isAligned(yEnd)) return;
    const row = Math.floor(y);
    if (row < 0 || row >= height) return;
    const end = Math.min(width - 1, Math.floor(xEnd - ALIGNED));
    for (let column = Math.max(0, Math.floor(x)); column <= end; column++) {
      cells.push(row * width + column);
    }
    return;
  }
  const slope = (yEnd - y) / (xEnd - x);
  if (xEnd > width) {
    yEnd -= (xEnd - width) * slope;
    xEnd = width;
  }
  if (x < 0) {
    y -= x * slope;
    x = 0;
  }
  if (yEnd > y) {
    if (y < 0) {
      x -= y / slope;
      y = 0;
    }
    if (yEnd >= height) xEnd += (height - yEnd) / slope;
  } else {
    if (y >= height) {
      x += (height - y) / slope;
      y = height;
    }
    if (yEnd < 0) xEnd -= yEnd / slope;
  }
  while (x >= 0 && x < xEnd) {
    const column = Math.floor(x);
    const row = Math.floor(y);
    if (row >= 0 && row < height) cells.push(row * width + column);
    const toSide = Math.floor(x + 1) - x;
    if (Math.floor(y + toSide * slope) === row) {
      x += toSide;
      y += toSide * slope;
    } else {
      const toRow = slope < 0 ? Math.min(row - y, -LEAST_STEP) : Math.max(row + 1 - y, LEAST_STEP);
      x += toRow / slope;
      y += toRow;
    }
  }
}

function isAligned(coordinate: number): boolean {
  return Math.abs(coordinate - Math.round(coordinate)) < ALIGNED;
}
