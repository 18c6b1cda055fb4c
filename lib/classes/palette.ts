/**
 * Colours for classes that bring none.
 *
 * The first seven are Okabe and Ito's palette for colour-blind readers ("Color Universal Design",
 * 2008) without its black, which reads as no data on a map. The rest are picked one at a time: the
 * colour whose nearest neighbour is farthest away in Oklab (Ottosson, 2020), as seen with normal
 * vision, deuteranopia and protanopia, whichever is worst. A class's colour depends on its number
 * alone, so that maps of models with more classes look alike.
 *
 * @module
 */

const OKABE_ITO = [
  "#e69f00",
  "#56b4e9",
  "#009e73",
  "#f0e442",
  "#0072b2",
  "#d55e00",
  "#cc79a7",
] as const;

/** Levels of each channel among the candidates: 12³ colours, enough to choose 256 from. */
const LEVELS = 12;

/** Oklab lightness of the candidates: darker ones read as black, lighter ones as paper. */
const LIGHTNESS = { darkest: 0.4, lightest: 0.92 } as const;

/** Colours that differ; class numbers of 8-bit maps have no more. */
const DISTINCT_COLORS = 256;

type Vector = readonly [number, number, number];
type Matrix = readonly [Vector, Vector, Vector];

const IDENTITY: Matrix = [[1, 0, 0], [0, 1, 0], [0, 0, 1]];

/** Full dichromacy in linear RGB, from Machado, Oliveira and Fernandes (2009), table 1. */
const DEUTERANOPIA: Matrix = [
  [0.367322, 0.860646, -0.227968],
  [0.280085, 0.672501, 0.047413],
  [-0.011820, 0.042940, 0.968881],
];
const PROTANOPIA: Matrix = [
  [0.152286, 1.052583, -0.204868],
  [0.114503, 0.786281, 0.099216],
  [-0.003882, -0.048116, 1.051998],
];
const VISIONS = [IDENTITY, DEUTERANOPIA, PROTANOPIA] as const;

/** A colour as each vision sees it. */
interface Candidate {
  readonly color: string;
  readonly seen: readonly Vector[];
}

/**
 * Colours for a number of classes.
 *
 * @param count How many classes.
 * @returns Colours as `#rrggbb`; they differ up to 256 classes, and start again after that.
 *
 * @example
 * ```ts
 * import { classPalette } from "swath";
 *
 * const [first] = classPalette(11);
 * if (first !== "#e69f00") throw new Error("the palette starts with Okabe and Ito's orange");
 * ```
 */
export function classPalette(count: number): string[] {
  const colors = count <= OKABE_ITO.length
    ? OKABE_ITO
    : extendPalette(OKABE_ITO, Math.min(count, DISTINCT_COLORS));
  return Array.from({ length: count }, (_, index) => colors[index % colors.length]!);
}

function extendPalette(start: readonly string[], count: number): string[] {
  const candidates = makeCandidates();
  const distances = new Float64Array(candidates.length).fill(Infinity);
  const keepAwayFrom = (seen: readonly Vector[]) => {
    candidates.forEach((candidate, index) => {
      distances[index] = Math.min(distances[index]!, squaredDistance(candidate.seen, seen));
    });
  };
  // Black is no data and white is paper.
  for (const color of ["#000000", "#ffffff", ...start]) keepAwayFrom(seenBy(color));

  const colors = [...start];
  while (colors.length < count) {
    const { color, seen } = candidates[distances.indexOf(Math.max(...distances))]!;
    colors.push(color);
    keepAwayFrom(seen);
  }
  return colors;
}

function makeCandidates(): Candidate[] {
  const channels = Array.from(
    { length: LEVELS },
    (_, level) => Math.round(level * 255 / (LEVELS - 1)),
  );
  return channels.flatMap((red) =>
    channels.flatMap((green) =>
      channels.map((blue) => {
        const color = `#${[red, green, blue].map(hexByte).join("")}`;
        return { color, seen: seenBy(color) };
      })
    )
  ).filter(({ seen: [normal] }) => {
    const [lightness] = normal!;
    return lightness >= LIGHTNESS.darkest && lightness <= LIGHTNESS.lightest;
  });
}

function hexByte(value: number): string {
  return value.toString(16).padStart(2, "0");
}

/** Smallest squared distance between two colours over all visions. */
function squaredDistance(a: readonly Vector[], b: readonly Vector[]): number {
  let smallest = Infinity;
  a.forEach(([l, m, s], vision) => {
    const other = b[vision]!;
    const squared = (l - other[0]) ** 2 + (m - other[1]) ** 2 + (s - other[2]) ** 2;
    smallest = Math.min(smallest, squared);
  });
  return smallest;
}

function seenBy(color: string): Vector[] {
  const linear = [1, 3, 5].map((start) => {
    const value = Number.parseInt(color.slice(start, start + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return VISIONS.map((matrix) => oklab(multiply(matrix, linear)));
}

function multiply(matrix: Matrix, vector: Vector): Vector {
  const row = (r: Vector) => r[0] * vector[0] + r[1] * vector[1] + r[2] * vector[2];
  return [row(matrix[0]), row(matrix[1]), row(matrix[2])];
}

/** Oklab coordinates of a linear RGB colour; out-of-gamut results of the simulations are limited. */
function oklab(linear: Vector): Vector {
  const limited = linear.map((value) => Math.min(1, Math.max(0, value))) as [
    number,
    number,
    number,
  ];
  const cones = multiply([
    [0.4122214708, 0.5363325363, 0.0514459929],
    [0.2119034982, 0.6806995451, 0.1073969566],
    [0.0883024619, 0.2817188376, 0.6299787005],
  ], limited).map(Math.cbrt) as [number, number, number];
  return multiply([
    [0.2104542553, 0.7936177850, -0.0040720468],
    [1.9779984951, -2.4285922050, 0.4505937099],
    [0.0259040371, 0.7827717662, -0.8086757660],
  ], cones);
}
