/**
 * Polygons from the borders of a region.
 *
 * @module
 */
import type { Arc, Direction } from "./arcs.ts";

/** A closed line of lattice points, x and y in turn; the region is at its left. */
export type LatticeRing = readonly number[];

/** A border as a region walks along it, with itself at the left. */
interface Side {
  readonly points: readonly number[];
  readonly leaves: Direction;
  readonly arrives: Direction;
  used: boolean;
}

/**
 * Put the borders of a region together.
 *
 * @param region The region.
 * @param arcs Its borders, which may be simplified.
 * @returns Polygons, each an outer ring and its holes. Rings never touch themselves; a region whose parts
 * hang together at corners only has several polygons. What simplification left without area is gone.
 */
export function assembleRings(region: number, arcs: readonly Arc[]): LatticeRing[][] {
  const rings: LatticeRing[] = [];
  const starts = new Map<string, Side[]>();
  const sides: Side[] = [];
  for (const arc of arcs) {
    const along = arc.left === region;
    const points = along ? arc.points : reversed(arc.points);
    if (arc.closed) {
      rings.push(points);
      continue;
    }
    const side = {
      points,
      leaves: along ? arc.leaves : opposite(arc.arrives),
      arrives: along ? arc.arrives : opposite(arc.leaves),
      used: false,
    };
    sides.push(side);
    const key = `${points[0]},${points[1]}`;
    const list = starts.get(key);
    if (list === undefined) starts.set(key, [side]);
    else list.push(side);
  }
  for (const side of sides) if (!side.used) rings.push(...walk(side, starts));
  return nest(rings);
}

function opposite([x, y]: Direction): Direction {
  return [-x, -y];
}

function reversed(points: readonly number[]): number[] {
  const turned: number[] = [];
  for (let i = points.length - 2; i >= 0; i -= 2) turned.push(points[i]!, points[i + 1]!);
  return turned;
}

/** Walk around from a border, and cut the way where it comes to a node again. */
function walk(first: Side, starts: ReadonlyMap<string, readonly Side[]>): LatticeRing[] {
  const rings: LatticeRing[] = [];
  /** Nodes on the way with the place of each in `path`. */
  const nodes = new Map<string, number>();
  let path: number[] = [];
  let side = first;
  for (;;) {
    const { points } = side;
    const here = `${points[0]},${points[1]}`;
    if (!nodes.has(here)) nodes.set(here, path.length);
    side.used = true;
    for (let i = 0; i < points.length - 2; i += 2) path.push(points[i]!, points[i + 1]!);
    const there = `${points.at(-2)},${points.at(-1)}`;
    const met = nodes.get(there);
    if (met !== undefined) {
      // Been here: what lies between is a ring of its own.
      const ring = path.slice(met);
      rings.push([...ring, ring[0]!, ring[1]!]);
      path = path.slice(0, met);
      for (const [node, place] of nodes) if (place > met) nodes.delete(node);
      if (met === 0) return rings;
    }
    side = sharpest(side.arrives, starts.get(there)!);
  }
}

/** The border that goes on around the same pixel: of those that begin here, the one most to the left. */
function sharpest([dx, dy]: Direction, choices: readonly Side[]): Side {
  const free = choices.filter(({ used }) => !used);
  if (free.length === 1) return free[0]!;
  // Rows go down: a turn to the left has a negative cross product.
  const turn = ({ leaves: [ex, ey] }: Side) => Math.atan2(-(dx * ey - dy * ex), dx * ex + dy * ey);
  return free.reduce((best, side) => turn(side) > turn(best) ? side : best);
}

/** Twice the area; positive for outer rings, which run counter-clockwise where rows go down. */
function doubleArea(ring: LatticeRing): number {
  let sum = 0;
  for (let i = 2; i < ring.length; i += 2) {
    sum += ring[i]! * ring[i - 1]! - ring[i - 2]! * ring[i + 1]!;
  }
  return sum;
}

/** Give each hole to the outer ring around it. */
function nest(rings: readonly LatticeRing[]): LatticeRing[][] {
  const sized = rings.map((ring) => ({ ring, area: doubleArea(ring) }));
  const outer = sized.filter(({ area }) => area > 0).map(({ ring }): LatticeRing[] => [ring]);
  for (const { ring } of sized.filter(({ area }) => area < 0)) {
    const owner = outer.length === 1 ? outer[0] : outer.find(([around]) => isInside(around!, ring));
    owner?.push(ring);
  }
  return outer;
}

/** Whether a hole lies in a ring: by a point just beside its first side, off the lattice. */
function isInside(ring: LatticeRing, hole: LatticeRing): boolean {
  const [xa, ya, xb, yb] = [hole[0]!, hole[1]!, hole[2]!, hole[3]!];
  const length = Math.hypot(xb - xa, yb - ya);
  // The region is at the left of the hole's ring.
  const x = (xa + xb) / 2 + (yb - ya) / length * 1e-3;
  const y = (ya + yb) / 2 - (xb - xa) / length * 1e-3;
  let inside = false;
  for (let i = 2; i < ring.length; i += 2) {
    const [px, py, qx, qy] = [ring[i - 2]!, ring[i - 1]!, ring[i]!, ring[i + 1]!];
    if (py > y !== qy > y && x < px + (qx - px) * (y - py) / (qy - py)) inside = !inside;
  }
  return inside;
}
