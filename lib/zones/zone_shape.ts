/**
 * The shape of a zone on the grid of a raster.
 *
 * @module
 */

/** A closed ring in pixels: x and y in turn, the first corner again at the end. */
export type PixelRing = Float64Array;

/** The part of a zone that matters to a raster. */
export interface ZoneShape {
  /** Polygons, each an outer ring and its holes; none where the zone is off the raster. */
  readonly polygons: readonly (readonly PixelRing[])[];
  /** Share of the zone's area that `polygons` hold; what is far off the raster is cut away. */
  readonly kept: number;
}

/** Twice the signed area of a ring, in pixels; positive where it runs clockwise as rows go down. */
export function doubleArea(ring: PixelRing): number {
  let sum = 0;
  const [x0 = 0, y0 = 0] = ring;
  for (let i = 2; i < ring.length; i += 2) {
    sum += (ring[i - 2]! - x0) * (ring[i + 1]! - y0) - (ring[i]! - x0) * (ring[i - 1]! - y0);
  }
  return sum;
}

/** Area of polygons in pixels, whichever way their rings run. */
export function shapeArea(polygons: ZoneShape["polygons"]): number {
  let area = 0;
  for (const [outer, ...holes] of polygons) {
    area += Math.abs(doubleArea(outer!)) / 2;
    for (const hole of holes) area -= Math.abs(doubleArea(hole)) / 2;
  }
  return area;
}

/** Edges beyond which a zone is taken as it is drawn: looking for crossings would take too long. */
const MAX_CHECKED_EDGES = 100_000;

/**
 * Look for edges of a zone that cross.
 *
 * @param polygons The zone.
 * @returns Where the first crossing is, in pixels; null where there is none, or the zone has more than
 * 100,000 edges.
 */
export function findCrossing(polygons: ZoneShape["polygons"]): readonly [number, number] | null {
  const edges: number[] = [];
  for (const ring of polygons.flat()) {
    for (let i = 2; i < ring.length; i += 2) {
      edges.push(ring[i - 2]!, ring[i - 1]!, ring[i]!, ring[i + 1]!);
    }
  }
  const count = edges.length / 4;
  if (count > MAX_CHECKED_EDGES) return null;
  const left = Float64Array.from(
    { length: count },
    (_, i) => Math.min(edges[4 * i]!, edges[4 * i + 2]!),
  );
  const order = Uint32Array.from({ length: count }, (_, i) => i).sort((a, b) =>
    left[a]! - left[b]!
  );
  for (let i = 0; i < count; i++) {
    const a = 4 * order[i]!;
    const right = Math.max(edges[a]!, edges[a + 2]!);
    const top = Math.min(edges[a + 1]!, edges[a + 3]!);
    const bottom = Math.max(edges[a + 1]!, edges[a + 3]!);
    for (let j = i + 1; j < count && left[order[j]!]! < right; j++) {
      const b = 4 * order[j]!;
      if (Math.max(edges[b + 1]!, edges[b + 3]!) <= top) continue;
      if (Math.min(edges[b + 1]!, edges[b + 3]!) >= bottom) continue;
      const crossing = crossingOf(edges, a, b);
      if (crossing !== null) return crossing;
    }
  }
  return null;
}

/** Where two edges cross, each with its ends on different sides of the other. */
function crossingOf(edges: readonly number[], a: number, b: number): [number, number] | null {
  const [ax, ay, bx, by] = [edges[a]!, edges[a + 1]!, edges[a + 2]!, edges[a + 3]!];
  const [cx, cy, dx, dy] = [edges[b]!, edges[b + 1]!, edges[b + 2]!, edges[b + 3]!];
  const side = (x: number, y: number) => (bx - ax) * (y - ay) - (by - ay) * (x - ax);
  const otherSide = (x: number, y: number) => (dx - cx) * (y - cy) - (dy - cy) * (x - cx);
  // Corners that lie on an edge but for rounding do not count as crossings.
  const slack = 1e-9 *
    (Math.abs(bx - ax) + Math.abs(by - ay) + Math.abs(dx - cx) + Math.abs(dy - cy));
  const differ = (p: number, q: number) => (p > slack && q < -slack) || (p < -slack && q > slack);
  const [c, d] = [side(cx, cy), side(dx, dy)];
  if (!differ(c, d) || !differ(otherSide(ax, ay), otherSide(bx, by))) return null;
  const share = c / (c - d);
  return [cx + (dx - cx) * share, cy + (dy - cy) * share];
}
