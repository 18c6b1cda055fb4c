/**
 * Fewer points for a border (Douglas and Peucker 1973). Borders are simplified before polygons are made
 * of them, so that neighbours keep the same border, and no gap opens between them.
 *
 * @module
 */

/**
 * Simplify a line; its ends stay.
 *
 * @param points x and y in turn.
 * @param tolerance Greatest distance of a point that is left out from the line.
 * @param closed True for a ring, whose last point is its first; it keeps three corners at least.
 * @returns x and y in turn.
 */
export function simplifyLine(
  points: readonly number[],
  tolerance: number,
  closed: boolean,
): readonly number[] {
  const count = points.length / 2;
  if (tolerance <= 0 || count <= (closed ? 4 : 2)) return points;
  const kept = new Uint8Array(count);
  kept[0] = kept[count - 1] = 1;
  if (closed) {
    // Two halves, from the first point to the one that is farthest from it, and a third corner.
    const far = farthest(points, 0, count - 1).index;
    kept[far] = 1;
    keepBetween(points, kept, 0, far, tolerance);
    keepBetween(points, kept, far, count - 1, tolerance);
    if (kept.reduce((sum, keep) => sum + keep, 0) < 4) {
      const [a, b] = [farthest(points, 0, far), farthest(points, far, count - 1)];
      kept[a.distance > b.distance ? a.index : b.index] = 1;
    }
  } else keepBetween(points, kept, 0, count - 1, tolerance);
  const simple: number[] = [];
  for (let i = 0; i < count; i++) {
    if (kept[i] === 1) simple.push(points[2 * i]!, points[2 * i + 1]!);
  }
  return simple;
}

/** Mark the points that a line between two of them needs. */
function keepBetween(
  points: readonly number[],
  kept: Uint8Array,
  first: number,
  last: number,
  tolerance: number,
): void {
  const pending = [first, last];
  while (pending.length > 0) {
    const to = pending.pop()!;
    const from = pending.pop()!;
    if (to - from < 2) continue;
    const { index, distance } = farthest(points, from, to);
    if (distance <= tolerance) continue;
    kept[index] = 1;
    pending.push(from, index, index, to);
  }
}

/** The point between two others that is farthest from the line through them. */
function farthest(points: readonly number[], from: number, to: number) {
  const [ax, ay, bx, by] = [
    points[2 * from]!,
    points[2 * from + 1]!,
    points[2 * to]!,
    points[2 * to + 1]!,
  ];
  const [dx, dy] = [bx - ax, by - ay];
  const square = dx * dx + dy * dy;
  let [index, largest] = [from + 1, -1];
  for (let i = from + 1; i < to; i++) {
    const [px, py] = [points[2 * i]! - ax, points[2 * i + 1]! - ay];
    const share = square === 0 ? 0 : Math.min(1, Math.max(0, (px * dx + py * dy) / square));
    const distance = Math.hypot(px - share * dx, py - share * dy);
    if (distance > largest) [index, largest] = [i, distance];
  }
  return { index, distance: largest };
}
