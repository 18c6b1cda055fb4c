/**
 * Rings of longitude and latitude that cross the antimeridian.
 *
 * RFC 7946 wants them cut in two there, and many are. Of those that are not, one longitude is near
 * 180 and the next near −180, and drawn as it stands the ring spans the world.
 *
 * @module
 */
import { type Position, type Ring, signedDoubleArea } from "./geometry.ts";

/** Half a turn, in degrees. */
const HALF_TURN = 180;
const TURN = 360;
/** How near to ±180 a longitude is the antimeridian itself. */
const NEAR = 1e-6;

/**
 * Make longitudes of a ring continuous: those beyond the antimeridian go on to 181, 182, …
 *
 * An edge of more than 180 degrees is taken to cross the antimeridian, save where it runs along a
 * whole parallel from −180 to 180, as along the edge of a map, and where the ring is a wide box drawn
 * counter-clockwise, as RFC 7946 wants it. A ring around a pole is closed through the pole.
 *
 * @param ring A closed ring of longitudes and latitudes in degrees.
 * @returns The ring; the same one where nothing crosses.
 *
 * @example
 * ```ts
 * import { unwrapRing } from "swath";
 *
 * const fiji = [[179, -17], [-179, -17], [-179, -16], [179, -16], [179, -17]];
 * if (Math.max(...unwrapRing(fiji).map(([x]) => x!)) !== 181) throw new Error("not across");
 * ```
 */
export function unwrapRing(ring: Ring): Ring {
  if (!crosses(ring) || isWideBox(ring)) return ring;
  const unwrapped: Position[] = [];
  let shift = 0;
  let before: number | null = null;
  for (const [x = NaN, y = NaN] of ring) {
    if (before !== null && isCrossing(before, x)) shift += before > x ? TURN : -TURN;
    unwrapped.push([x + shift, y]);
    before = x;
  }
  if (Math.abs(shift) < TURN) return unwrapped;
  // All the way round: the pole that is nearer closes it.
  const pole = unwrapped.reduce((sum, [, y = 0]) => sum + y, 0) < 0 ? -90 : 90;
  const [first, last] = [unwrapped[0]!, unwrapped.at(-1)!];
  return [...unwrapped, [last[0]!, pole], [first[0]!, pole], first];
}

function crosses(ring: Ring): boolean {
  for (let i = 1; i < ring.length; i++) {
    if (isCrossing(ring[i - 1]![0]!, ring[i]![0]!)) return true;
  }
  return false;
}

function isCrossing(from: number, to: number): boolean {
  const step = Math.abs(to - from);
  return step > HALF_TURN && step < TURN - NEAR &&
    Math.abs(from) <= HALF_TURN && Math.abs(to) <= HALF_TURN;
}

/** Four corners, the long sides along parallels, drawn counter-clockwise. */
function isWideBox(ring: Ring): boolean {
  if (ring.length !== 5 || signedDoubleArea(ring) <= 0) return false;
  return ring.slice(1).every(([x, y], i) => x === ring[i]![0] || y === ring[i]![1]);
}
