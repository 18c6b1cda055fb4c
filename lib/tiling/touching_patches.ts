/**
 * Which patches of a grid a set of polygons touches.
 *
 * @module
 */
import { type Bounds, clipRing, geometryBounds, type Ring, signedDoubleArea } from "../geo/mod.ts";
import type { GridPlan } from "./grid.ts";
import { REACH } from "./shard.ts";

/**
 * Find the patches that the map inside polygons depends on: those that reach into one of them, or come
 * so near that a pixel in it is interpolated with theirs.
 *
 * @param plan The plan.
 * @param polygons Each an outer ring and its holes, in pixels of the scene (not of the plan's area).
 * @returns Numbers of the patches, for {@linkcode selectPatches}.
 */
export function touchingPatches(
  plan: GridPlan,
  polygons: readonly (readonly Ring[])[],
): Set<number> {
  const { area, grid, columns, rows } = plan;
  const touching = new Set<number>();
  for (const rings of polygons) {
    const bounds = geometryBounds({ type: "Polygon", coordinates: rings });
    if (bounds === null) continue;
    for (const [row, y] of rows.offsets.entries()) {
      const top = area.y + y - REACH;
      const bottom = area.y + y + grid.height + REACH;
      if (bottom <= bounds[1] || top >= bounds[3]) continue;
      const strip = clipAll(rings, [-Infinity, top, Infinity, bottom]);
      for (const [column, x] of columns.offsets.entries()) {
        const left = area.x + x - REACH;
        const right = area.x + x + grid.width + REACH;
        if (right <= bounds[0] || left >= bounds[2]) continue;
        if (hasArea(clipAll(strip, [left, top, right, bottom]))) {
          touching.add(row * grid.columns + column);
        }
      }
    }
  }
  return touching;
}

function clipAll(rings: readonly Ring[], bounds: Bounds): Ring[] {
  return rings.map((ring) => clipRing(ring, bounds));
}

/** Whether something of the outer ring is outside the holes. */
function hasArea([outer, ...holes]: readonly Ring[]): boolean {
  if (outer === undefined || outer.length === 0) return false;
  const area = Math.abs(signedDoubleArea(outer));
  const inHoles = holes.reduce((sum, hole) => sum + Math.abs(signedDoubleArea(hole)), 0);
  // A ring that crosses itself may have no area by this measure, and is better taken than left out.
  return area === 0 || area - inHoles > 1e-9 * area;
}
