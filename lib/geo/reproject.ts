/**
 * Geometries in another coordinate reference system.
 *
 * A straight edge in one system is a curve in another, so edges get further vertices where they bend.
 * What leaves the part of the world that a projection is made for has no place there, or one far
 * off; callers who know which part they want say so, and geometries are cut to it first.
 *
 * @module
 */
import { InputError } from "../errors.ts";
import { clipRing } from "./clip.ts";
import { createTransformation, type Crs, openCrs, type Transformation } from "./crs.ts";
import type { Bounds, Geometry, Position, Ring } from "./geometry.ts";
import { unwrapRing } from "./antimeridian.ts";

/** An edge is halved at most this many times. */
const MAX_HALVINGS = 12;
/** An edge of geographic coordinates is looked at in pieces of at most this many degrees. */
const LONGEST_DEGREES = 10;

/** Options of {@linkcode reprojectGeometry}. */
export interface ReprojectOptions {
  /**
   * How far the edges may be from where they belong, in units of the system wanted; 1/1000 of the
   * longer side of the geometry's edge where left out.
   */
  readonly tolerance?: number;
  /** Part of the source's system outside of which polygons are cut off, before they are moved. */
  readonly within?: Bounds;
}

/**
 * Move a geometry to another coordinate reference system.
 *
 * @param geometry The geometry.
 * @param from CRS that it is in; see {@linkcode openCrs} for what is understood.
 * @param to CRS that it is wanted in.
 * @param options Tolerance, and the part that is wanted.
 * @returns The geometry there, with two coordinates a position. Edges that would bend have more
 * vertices. Rings of longitudes that jump across the antimeridian are taken across it.
 * @throws {InputError} If a CRS is not known, or a position has no place in the system wanted.
 *
 * @example
 * ```ts
 * import { reprojectGeometry } from "swath";
 *
 * const point = { type: "Point", coordinates: [15, 0] } as const;
 * const moved = await reprojectGeometry(point, "EPSG:4326", "EPSG:32633");
 * if (moved.type !== "Point" || Math.round(moved.coordinates[0]!) !== 500000) throw new Error("x");
 * ```
 */
export async function reprojectGeometry(
  geometry: Geometry,
  from: string,
  to: string,
  options: ReprojectOptions = {},
): Promise<Geometry> {
  const source = await openCrs(from);
  const transformation = await createTransformation(source, await openCrs(to));
  return moveGeometry(geometry, source, transformation, options);
}

/**
 * Move a geometry by a transformation that is open already.
 *
 * @param geometry The geometry.
 * @param source CRS that it is in.
 * @param transformation From that CRS to the one wanted.
 * @param options Tolerance, and the part that is wanted.
 * @throws {InputError} If a position has no place in the system wanted.
 */
export function moveGeometry(
  geometry: Geometry,
  source: Crs,
  transformation: Transformation,
  options: ReprojectOptions = {},
): Geometry {
  const move = (position: Position) => movePosition(position, transformation);
  const moveLine = (line: readonly Position[]) => bendLine(line, source, transformation, options);
  const movePolygon = (rings: readonly Ring[]) => movedPolygon(rings, source, options, moveLine);
  switch (geometry.type) {
    case "Point":
      return { ...geometry, coordinates: move(geometry.coordinates) };
    case "MultiPoint":
      return { ...geometry, coordinates: geometry.coordinates.map(move) };
    case "LineString":
      return { ...geometry, coordinates: moveLine(geometry.coordinates) };
    case "MultiLineString":
      return { ...geometry, coordinates: geometry.coordinates.map(moveLine) };
    case "Polygon":
      return { ...geometry, coordinates: movePolygon(geometry.coordinates) };
    case "MultiPolygon":
      return {
        ...geometry,
        coordinates: geometry.coordinates.map(movePolygon).filter((rings) => rings.length > 0),
      };
    case "GeometryCollection":
      return {
        ...geometry,
        geometries: geometry.geometries.map((part) =>
          moveGeometry(part, source, transformation, options)
        ),
      };
  }
}

function movedPolygon(
  rings: readonly Ring[],
  source: Crs,
  { within }: ReprojectOptions,
  moveLine: (line: Ring) => Position[],
): Ring[] {
  const moved: Ring[] = [];
  for (const [index, ring] of rings.entries()) {
    const whole = source.geographic ? unwrapRing(ring) : ring;
    const part = within === undefined ? whole : clipRing(whole, within);
    if (part.length >= 4) moved.push(moveLine(part));
    // A polygon is nothing without its outer ring.
    else if (index === 0) return [];
  }
  return moved;
}

function movePosition([x = NaN, y = NaN]: Position, transformation: Transformation): Position {
  const moved = transformation.forward(x, y);
  if (Number.isFinite(moved[0]) && Number.isFinite(moved[1])) return moved;
  throw new InputError(`Cannot reproject ${x}, ${y}: it has no place in the system wanted`);
}

/** A line with further vertices where it bends. */
function bendLine(
  line: readonly Position[],
  source: Crs,
  transformation: Transformation,
  { tolerance }: ReprojectOptions,
): Position[] {
  if (transformation.identity) return line.map(([x = NaN, y = NaN]) => [x, y]);
  const moved: Position[] = [];
  let last: Position | null = null;
  let lastMoved: Position | null = null;
  for (const position of line) {
    const there = movePosition(position, transformation);
    if (last !== null && lastMoved !== null) {
      const pieces = source.geographic ? piecesOf(last, position) : 1;
      let [from, fromMoved] = [last, lastMoved];
      for (let piece = 1; piece <= pieces; piece++) {
        const to = piece === pieces ? position : between(last, position, piece / pieces);
        const toMoved = piece === pieces ? there : movePosition(to, transformation);
        bendEdge(from, to, fromMoved, toMoved, transformation, tolerance, moved, 0);
        moved.push(toMoved);
        [from, fromMoved] = [to, toMoved];
      }
    } else {
      moved.push(there);
    }
    last = position;
    lastMoved = there;
  }
  return moved;
}

/** An edge may bend one way and back, so that its middle says nothing; short pieces do not. */
function piecesOf([xa = 0, ya = 0]: Position, [xb = 0, yb = 0]: Position): number {
  return Math.max(1, Math.ceil(Math.hypot(xb - xa, yb - ya) / LONGEST_DEGREES));
}

function between([xa = 0, ya = 0]: Position, [xb = 0, yb = 0]: Position, share: number): Position {
  return [xa + (xb - xa) * share, ya + (yb - ya) * share];
}

/** Add the vertices between the ends of an edge. */
function bendEdge(
  from: Position,
  to: Position,
  fromMoved: Position,
  toMoved: Position,
  transformation: Transformation,
  tolerance: number | undefined,
  moved: Position[],
  halvings: number,
): void {
  if (halvings === MAX_HALVINGS) return;
  const middle = between(from, to, 0.5);
  const there = transformation.forward(middle[0]!, middle[1]!);
  if (!Number.isFinite(there[0]) || !Number.isFinite(there[1])) return;
  const straight = between(fromMoved, toMoved, 0.5);
  const length = Math.hypot(toMoved[0]! - fromMoved[0]!, toMoved[1]! - fromMoved[1]!);
  const allowed = tolerance ?? length / 1000;
  if (Math.hypot(there[0] - straight[0]!, there[1] - straight[1]!) <= allowed) return;
  bendEdge(from, middle, fromMoved, there, transformation, tolerance, moved, halvings + 1);
  moved.push(there);
  bendEdge(middle, to, there, toMoved, transformation, tolerance, moved, halvings + 1);
}
