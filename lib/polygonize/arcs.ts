/**
 * Borders between regions, found row by row.
 *
 * The corners of pixels are the points of a lattice, and a border runs along those sides of pixels that
 * have different regions on either side. Where three or four borders meet is a node; an arc runs from
 * node to node between the same two regions, or around in a circle. Rows go by once: pieces of arcs
 * grow downwards and sideways, two begin where a border has its highest point, and two end where it
 * has its lowest; an arc is whole when none of its ends is open.
 *
 * @module
 */

/** A border between two regions. */
export interface Arc {
  /** Corners of the lattice, x and y in turn; those between two straight sides are left out. */
  readonly points: readonly number[];
  /** Region at the left of someone who walks along the points, seen with rows going down. */
  readonly left: number;
  /** Region at the right. */
  readonly right: number;
  /** True for a border that meets no other: its last point is its first. */
  readonly closed: boolean;
  /** Directions in which it leaves its first point and arrives at its last, before it is simplified. */
  readonly leaves: Direction;
  readonly arrives: Direction;
}

/** A step along a side of a pixel. */
export type Direction = readonly [x: number, y: number];

/** A part of an arc, in the order in which it grew. */
interface Piece {
  readonly points: number[];
  readonly left: number;
  readonly right: number;
  /** The piece that began at the same point; null where it began at a node. */
  sibling: Piece | null;
  /** The piece that ended at the same point; null where it is open or ended at a node. */
  partner: Piece | null;
  /** The arc that it is known to belong to. */
  arc: ArcState;
}

/** What is known of an arc that grows. */
interface ArcState {
  /** The arc that it turned out to be a part of; itself for none. */
  parent: ArcState | null;
  /** Ends that still grow. */
  open: number;
}

/** Follows borders as rows of regions come. */
export class ArcTracer {
  readonly #width: number;
  readonly #take: (arc: Arc) => void;
  /** The piece that grows down at each column. */
  readonly #down: (Piece | null)[];
  #above: Int32Array;
  #y = 0;

  /**
   * Begin above the first row.
   *
   * @param width Columns.
   * @param outside Region of what is beyond the raster.
   * @param take Called with each arc when it is whole.
   */
  constructor(width: number, outside: number, take: (arc: Arc) => void) {
    this.#width = width;
    this.#take = take;
    this.#down = new Array<Piece | null>(width + 1).fill(null);
    // A column of the outside on either side.
    this.#above = new Int32Array(width + 2).fill(outside);
  }

  /**
   * Go on to the next row.
   *
   * @param regions Region of each pixel, with one of the outside before and after; a row of the outside
   * ends the raster.
   */
  next(regions: Int32Array): void {
    const above = this.#above;
    const y = this.#y++;
    let along: Piece | null = null;
    for (let x = 0; x <= this.#width; x++) {
      const [northWest, northEast] = [above[x]!, above[x + 1]!];
      const [southWest, southEast] = [regions[x]!, regions[x + 1]!];
      const up = northWest !== northEast;
      const down = southWest !== southEast;
      const left = northWest !== southWest;
      const right = northEast !== southEast;
      const degree = Number(up) + Number(down) + Number(left) + Number(right);
      if (degree === 0) continue;
      const fromAbove = up ? this.#down[x]! : null;
      const fromLeft: Piece | null = left ? along : null;
      this.#down[x] = null;
      along = null;
      if (degree > 2) {
        if (fromAbove !== null) this.#endAtNode(fromAbove, x, y);
        if (fromLeft !== null) this.#endAtNode(fromLeft, x, y);
        if (down) this.#down[x] = begin(x, y, southEast, southWest);
        if (right) along = begin(x, y, northEast, southEast);
      } else if (fromAbove !== null && down) {
        this.#down[x] = fromAbove;
      } else if (fromLeft !== null && right) {
        along = fromLeft;
      } else if (fromAbove !== null && right) {
        fromAbove.points.push(x, y);
        along = fromAbove;
      } else if (fromLeft !== null && down) {
        fromLeft.points.push(x, y);
        this.#down[x] = fromLeft;
      } else if (fromAbove !== null && fromLeft !== null) {
        this.#meet(fromAbove, fromLeft, x, y);
      } else {
        const [one, other] = [begin(x, y, southEast, southWest), begin(x, y, northEast, southEast)];
        one.sibling = other;
        other.sibling = one;
        other.arc = one.arc;
        one.arc.open = 2;
        this.#down[x] = one;
        along = other;
      }
    }
    this.#above = regions.slice();
  }

  #endAtNode(piece: Piece, x: number, y: number): void {
    piece.points.push(x, y);
    const arc = arcOf(piece);
    arc.open--;
    if (arc.open === 0) this.#take(wholeArc(piece));
  }

  /** Two ends at their lowest point. */
  #meet(one: Piece, other: Piece, x: number, y: number): void {
    one.points.push(x, y);
    other.points.push(x, y);
    one.partner = other;
    other.partner = one;
    const [a, b] = [arcOf(one), arcOf(other)];
    if (a === b) a.open -= 2;
    else {
      a.open += b.open - 2;
      b.parent = a;
    }
    if (a.open === 0) this.#take(wholeArc(one));
  }
}

function begin(x: number, y: number, left: number, right: number): Piece {
  const arc = { parent: null, open: 1 };
  return { points: [x, y], left, right, sibling: null, partner: null, arc };
}

function arcOf(piece: Piece): ArcState {
  let state = piece.arc;
  while (state.parent !== null) state = state.parent;
  piece.arc = state;
  return state;
}

/** Put the pieces of an arc together, from one of its ends. */
function wholeArc(any: Piece): Arc {
  // Back along the arc to where it begins: at a node, or once around.
  let first = any;
  let backwards = false;
  for (;;) {
    const before: Piece | null = backwards ? first.partner : first.sibling;
    if (before === null) break;
    first = before;
    backwards = !backwards;
    if (first === any && !backwards) break;
  }
  const points: number[] = [];
  let piece: Piece | null = first;
  let reversed = backwards;
  const [left, right] = reversed ? [first.right, first.left] : [first.left, first.right];
  let closed = false;
  while (piece !== null) {
    append(points, piece.points, reversed);
    const after: Piece | null = reversed ? piece.sibling : piece.partner;
    if (after === first) {
      closed = true;
      break;
    }
    piece = after;
    reversed = !reversed;
  }
  const corners = withoutStraight(points, closed);
  return {
    points: corners,
    left,
    right,
    closed,
    leaves: step(corners, 0),
    arrives: step(corners, corners.length - 4),
  };
}

/** Direction from a point to the next. */
function step(points: readonly number[], at: number): Direction {
  return [
    Math.sign(points[at + 2]! - points[at]!),
    Math.sign(points[at + 3]! - points[at + 1]!),
  ];
}

/** Add points but for the first, where it is the last one that is there. */
function append(points: number[], more: readonly number[], reversed: boolean): void {
  const count = more.length / 2;
  for (let i = 0; i < count; i++) {
    const at = 2 * (reversed ? count - 1 - i : i);
    const [x, y] = [more[at]!, more[at + 1]!];
    if (i === 0 && points.at(-2) === x && points.at(-1) === y) continue;
    points.push(x, y);
  }
}

/** Leave out points in the middle of straight lines, which highest and lowest points may be. */
function withoutStraight(points: readonly number[], closed: boolean): number[] {
  const kept: number[] = [];
  const count = points.length / 2;
  for (let i = 0; i < count; i++) {
    const [x, y] = [points[2 * i]!, points[2 * i + 1]!];
    const inner = i > 0 && i < count - 1;
    if (inner) {
      const [px, py] = [kept.at(-2)!, kept.at(-1)!];
      const [nx, ny] = [points[2 * i + 2]!, points[2 * i + 3]!];
      if ((x - px) * (ny - y) === (y - py) * (nx - x)) continue;
    }
    kept.push(x, y);
  }
  if (!closed || kept.length < 10) return kept;
  // A ring may begin in the middle of a straight line as well.
  const [px, py] = [kept.at(-4)!, kept.at(-3)!];
  const [x, y, nx, ny] = [kept[0]!, kept[1]!, kept[2]!, kept[3]!];
  if ((x - px) * (ny - y) !== (y - py) * (nx - x)) return kept;
  const rest = kept.slice(2, -2);
  return [...rest, rest[0]!, rest[1]!];
}
