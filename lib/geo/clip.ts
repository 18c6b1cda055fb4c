/**
 * Cutting rings to a rectangle (Sutherland and Hodgman 1974).
 *
 * @module
 */
import type { Bounds, Position, Ring } from "./geometry.ts";

/**
 * The part of a ring inside a rectangle.
 *
 * Where the ring leaves the rectangle, the result runs along the rectangle's side, so that parts that
 * hang together by nothing else are one ring still: the area that it encloses is right, and its edges
 * on the side may lie on one another.
 *
 * @param ring A closed ring.
 * @param bounds The rectangle.
 * @returns A closed ring; empty where nothing is inside.
 */
export function clipRing(ring: Ring, bounds: Bounds): Position[] {
  const [west, south, east, north] = bounds;
  if (ring.every(([x = NaN, y = NaN]) => x >= west && x <= east && y >= south && y <= north)) {
    return [...ring];
  }
  let open: Position[] = isClosed(ring) ? ring.slice(0, -1) : [...ring];
  open = clipSide(open, 0, west, 1);
  open = clipSide(open, 0, east, -1);
  open = clipSide(open, 1, south, 1);
  open = clipSide(open, 1, north, -1);
  return open.length === 0 ? [] : [...open, open[0]!];
}

function isClosed(ring: Ring): boolean {
  const [first, last] = [ring[0], ring.at(-1)];
  return ring.length > 1 && first![0] === last![0] && first![1] === last![1];
}

/** The part on one side of a line along an axis: where sign × (coordinate − limit) is not negative. */
function clipSide(ring: readonly Position[], axis: 0 | 1, limit: number, sign: 1 | -1): Position[] {
  const kept: Position[] = [];
  let before = ring.at(-1);
  for (const position of ring) {
    const here = sign * (position[axis]! - limit);
    const there = sign * (before![axis]! - limit);
    if (here < 0 !== there < 0) {
      const share = there / (there - here);
      const crossing = before!.map((value, i) => value + (position[i]! - value) * share);
      crossing[axis] = limit;
      kept.push(crossing);
    }
    if (here >= 0) kept.push(position);
    before = position;
  }
  return kept;
}
