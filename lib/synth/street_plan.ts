/**
 * Where things are in a street picture: the road or the crossing, the pavement, and what stands on
 * and beside them.
 *
 * @module
 */
import type { RandomStream } from "../random/mod.ts";
import { randomDirection } from "./noise.ts";

/** A unit vector. */
type Direction = readonly [x: number, y: number];

/** Something with an outline: a box or an ellipse, turned. */
export interface Thing {
  /** What it is. */
  readonly kind: "vehicle" | "pedestrian" | "boulder" | "roof" | "crown";
  /** Random bits, for its colour. */
  readonly id: number;
  /** Column of its middle. */
  readonly x: number;
  /** Row of its middle. */
  readonly y: number;
  /** Direction of its length. */
  readonly along: Direction;
  /** Half its length in pixels. */
  readonly halfLength: number;
  /** Half its width in pixels. */
  readonly halfWidth: number;
  /** An ellipse instead of a box. */
  readonly round: boolean;
  /** Pixels by which its shadow is shifted. */
  readonly shadow: number;
}

/** One straight road through a point. */
interface Road {
  readonly x: number;
  readonly y: number;
  readonly along: Direction;
  readonly halfWidth: number;
}

/** A street with all that is on it. */
export interface Street {
  /** Width of the pavement in pixels. */
  readonly pavement: number;
  /** What stands there, bottom to top. */
  readonly things: readonly Thing[];
  /** How a pixel lies to the road: pixels to its edge, negative on it, and whether it is painted white. */
  locate(x: number, y: number): { readonly edge: number; readonly marking: boolean };
}

/** Pixels of one and of all dashes of the middle line with their gaps. */
const DASH = { length: 7, period: 14 } as const;

/** How many of each kind a picture of 128×128 holds at least, and how many more. */
const NUMBERS = {
  vehicle: { least: 2, more: 4 },
  pedestrian: { least: 4, more: 7 },
  boulder: { least: 3, more: 5 },
  roof: { least: 0, more: 3 },
  crown: { least: 2, more: 6 },
} as const;

/** Plan the street of one picture. */
export function planStreet(stream: RandomStream, width: number, height: number): Street {
  let counter = 1000;
  const uniform = (from: number, to: number) => from + (to - from) * stream.uniform(counter++);
  const integer = (bound: number) => stream.integer(counter++, bound);

  const direction = randomDirection(integer(2 ** 32));
  const main: Road = {
    x: width * uniform(0.3, 0.7),
    y: height * uniform(0.3, 0.7),
    along: direction,
    halfWidth: uniform(12, 18),
  };
  const roads = [main];
  if (uniform(0, 1) < 0.45) {
    roads.push({ ...main, along: [-direction[1], direction[0]], halfWidth: uniform(9, 14) });
  }
  const pavement = uniform(4, 8);
  const locate = (x: number, y: number) => locateOnRoads(roads, x, y);

  const area = width * height / 128 ** 2;
  const things: Thing[] = [];
  const reach = 0.6 * Math.sqrt(width * width + height * height);
  /** A position along a road and across it. */
  const onRoad = (road: Road, along: number, across: number) => ({
    x: road.x + road.along[0] * along - road.along[1] * across,
    y: road.y + road.along[1] * along + road.along[0] * across,
  });
  const place = (thing: Omit<Thing, "id">) => {
    const free = things.every((other) => {
      const dx = thing.x - other.x;
      const dy = thing.y - other.y;
      const room = thing.halfLength + other.halfLength + 1;
      return dx * dx + dy * dy > room * room;
    });
    if (free) things.push({ ...thing, id: integer(2 ** 32) });
  };
  const repeat = (kind: keyof typeof NUMBERS, draw: () => void) => {
    const { least, more } = NUMBERS[kind];
    const count = Math.max(1, Math.round((least + integer(more + 1)) * area));
    for (let index = 0; index < count; index++) draw();
  };

  repeat("vehicle", () => {
    const road = roads[integer(roads.length)]!;
    const side = integer(2) === 0 ? -1 : 1;
    const [alongX, alongY] = road.along;
    const truck = uniform(0, 1) < 0.2;
    place({
      kind: "vehicle",
      ...onRoad(road, uniform(-reach, reach), side * road.halfWidth * 0.5),
      along: [side * alongX, side * alongY],
      halfLength: truck ? uniform(12, 15) : uniform(7.5, 9),
      halfWidth: truck ? 4.6 : uniform(3.4, 4),
      round: false,
      shadow: truck ? 3 : 1.5,
    });
  });
  repeat("pedestrian", () => {
    const road = roads[integer(roads.length)]!;
    const side = integer(2) === 0 ? -1 : 1;
    const crossing = uniform(0, 1) < 0.25;
    const across = crossing
      ? uniform(-road.halfWidth, road.halfWidth)
      : side * (road.halfWidth + uniform(1, pavement - 1));
    place({
      kind: "pedestrian",
      ...onRoad(road, uniform(-reach, reach), across),
      along: randomDirection(integer(2 ** 32)),
      halfLength: uniform(2.4, 3),
      halfWidth: uniform(1.8, 2.3),
      round: true,
      shadow: 2,
    });
  });
  /** Only where all of it stays off the road and the pavement. */
  const placeBeside = (kind: "boulder" | "roof" | "crown", least: number, most: number) => {
    const x = uniform(0, width);
    const y = uniform(0, height);
    const halfLength = uniform(least, most);
    const halfWidth = halfLength * uniform(0.6, 1);
    const overhang = kind === "crown" ? 0.6 : 1.2;
    if (locate(x, y).edge < pavement + overhang * halfLength) return;
    place({
      kind,
      x,
      y,
      along: kind === "roof" ? direction : randomDirection(integer(2 ** 32)),
      halfLength,
      halfWidth,
      round: kind !== "roof",
      shadow: kind === "boulder" ? 1 : 4,
    });
  };
  repeat("boulder", () => placeBeside("boulder", 1.8, 3.2));
  repeat("roof", () => placeBeside("roof", 8, 18));
  repeat("crown", () => placeBeside("crown", 5, 11));
  return { pavement, things, locate };
}

/** A pixel's place in a thing: pixels from its middle, lengthwise and sideways. */
export function distanceToBox(
  thing: Thing,
  x: number,
  y: number,
): { readonly along: number; readonly across: number } {
  const dx = x - thing.x;
  const dy = y - thing.y;
  return {
    along: dx * thing.along[0] + dy * thing.along[1],
    across: dy * thing.along[0] - dx * thing.along[1],
  };
}

function locateOnRoads(roads: readonly Road[], x: number, y: number) {
  let edge = Infinity;
  let crossed = 0;
  let marking = false;
  for (const road of roads) {
    const dx = x - road.x;
    const dy = y - road.y;
    const across = Math.abs(dy * road.along[0] - dx * road.along[1]);
    const along = dx * road.along[0] + dy * road.along[1];
    edge = Math.min(edge, across - road.halfWidth);
    if (across >= road.halfWidth) continue;
    crossed++;
    const dash = ((along % DASH.period) + DASH.period) % DASH.period < DASH.length;
    const kerb = road.halfWidth - across;
    marking ||= (across < 0.8 && dash) || (kerb > 1.5 && kerb < 2.6);
  }
  // Nothing is painted where two roads cross.
  return { edge, marking: marking && crossed === 1 };
}
