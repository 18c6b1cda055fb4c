/**
 * Streets from a drone: small colour pictures with road, vehicles and pedestrians, the exercise that
 * courses on segmentation begin with.
 *
 * @module
 */
import { ndarray } from "../array/mod.ts";
import type { ClassInfo } from "../classes/mod.ts";
import { type RandomStream, randomStream } from "../random/mod.ts";
import type { BandInfo } from "../raster/mod.ts";
import { FractalNoise, hash, nearlyNormal, random } from "./noise.ts";
import { checkRows, checkSceneOptions, type SyntheticScene } from "./scene.ts";
import { distanceToBox, planStreet, type Street, type Thing } from "./street_plan.ts";

/** What street pictures are to be. */
export interface RoadsOptions {
  /** Columns; 128 where left out. */
  readonly width?: number;
  /** Rows; 128 where left out. */
  readonly height?: number;
  /** Seed, an integer from 0 to 2⁵³ − 1: the same one gives the same bytes. */
  readonly seed: number;
  /** Number of pictures; 1 where left out. The first ones do not depend on it. */
  readonly count?: number;
}

/** Classes of street pictures, in order of their numbers. */
const ROADS_CLASSES: readonly ClassInfo[] = [
  { name: "background", color: "#8fb07a" },
  { name: "road", color: "#55555c" },
  { name: "vehicle", color: "#d1352f" },
  { name: "pedestrian", color: "#f2c230" },
];

const BANDS: readonly BandInfo[] = ["red", "green", "blue"].map((name) => ({
  name,
  scale: 1,
  offset: 0,
}));

type Color = readonly [red: number, green: number, blue: number];

const PALETTE = {
  grass: [96, 122, 66],
  dryGrass: [150, 142, 96],
  soil: [142, 116, 88],
  asphalt: [104, 104, 108],
  concrete: [150, 148, 142],
  pavement: [168, 162, 152],
  marking: [222, 222, 214],
  crown: [58, 84, 44],
  glass: [48, 56, 66],
  skin: [196, 156, 128],
} as const satisfies Record<string, Color>;

/** Car bodies and clothes; roofs take from it too, so that colour alone decides nothing. */
const PAINTS: readonly Color[] = [
  [212, 212, 210],
  [46, 48, 54],
  [128, 130, 134],
  [164, 44, 40],
  [44, 78, 140],
  [176, 128, 60],
  [84, 108, 84],
];

/** Standard deviation of the camera's noise. */
const NOISE = 4;

/**
 * Street pictures made by rule: 3 bands (red, green, blue) of uint8, four classes. Vehicles are boxes
 * on the lanes and pedestrians a few pixels on pavements and crossings; boulders, bushes and roofs
 * have their sizes and colours but not their places.
 *
 * @param options Size, seed and number of pictures.
 * @returns One scene a picture, named `roads-<seed>-<index>`, without georeference.
 * @throws {RangeError} If the size, the seed or the count is not a fitting integer.
 *
 * @example
 * ```ts
 * import { synthRoads } from "swath";
 *
 * const [picture] = synthRoads({ seed: 1, count: 4 });
 * const { image } = picture!.rows(0, picture!.height);
 * if (image.shape.join() !== "3,128,128") throw new Error("shape");
 * ```
 */
export function synthRoads(options: RoadsOptions): SyntheticScene[] {
  const { width = 128, height = 128, seed, count = 1 } = options;
  checkSceneOptions(width, height, seed);
  if (!Number.isSafeInteger(count) || count < 1) {
    throw new RangeError(`internal: the number of pictures must be at least 1: got ${count}`);
  }
  return Array.from({ length: count }, (_, index) => roadsPicture(width, height, seed, index));
}

function roadsPicture(width: number, height: number, seed: number, index: number): SyntheticScene {
  const stream = randomStream(seed, `roads ${index}`);
  const painter = new Painter(planStreet(stream, width, height), stream, width);
  return {
    name: `roads-${seed}-${index}`,
    width,
    height,
    dtype: "uint8",
    bands: BANDS,
    nodata: null,
    georeference: { crs: null, transform: null, geoKeys: null, pixelIsPoint: false },
    classes: ROADS_CLASSES,
    rows(start, count) {
      checkRows(start, count, height);
      const image = ndarray("uint8", [BANDS.length, count, width]);
      const labels = ndarray("uint8", [count, width]);
      for (let row = 0; row < count; row++) {
        painter.paintRow(start + row, image.data, labels.data, row * width, count * width);
      }
      return { image, labels };
    },
  };
}

/** Colours the plan of a street. */
class Painter {
  readonly #street: Street;
  readonly #texture: FractalNoise;
  readonly #ground: FractalNoise;
  readonly #seed: number;
  readonly #textureRow: Float32Array;
  readonly #groundRow: Float32Array;
  readonly #soilColor: Color;
  readonly #roadColor: Color;
  readonly #color: [number, number, number] = [0, 0, 0];

  constructor(street: Street, stream: RandomStream, width: number) {
    const bits = (counter: number) => stream.integer(counter, 2 ** 32);
    this.#street = street;
    this.#texture = new FractalNoise(bits(1), [6, 3, 2]);
    this.#ground = new FractalNoise(bits(2), [48, 20, 9]);
    this.#seed = bits(3);
    this.#textureRow = new Float32Array(width);
    this.#groundRow = new Float32Array(width);
    this.#soilColor = stream.uniform(4) < 0.6 ? PALETTE.dryGrass : PALETTE.soil;
    this.#roadColor = stream.uniform(5) < 0.7 ? PALETTE.asphalt : PALETTE.concrete;
  }

  paintRow(
    y: number,
    image: Uint8Array,
    labels: Uint8Array,
    offset: number,
    bandStride: number,
  ): void {
    const color = this.#color;
    this.#texture.fillRow(0, y, this.#textureRow);
    this.#ground.fillRow(0, y, this.#groundRow);
    for (let x = 0; x < this.#textureRow.length; x++) {
      labels[offset + x] = this.#paintPixel(x, y, this.#textureRow[x]!, this.#groundRow[x]!);
      for (let band = 0; band < 3; band++) {
        const noise = NOISE * nearlyNormal(hash(this.#seed, band, 1), x, y);
        const value = Math.round(color[band]! + noise);
        image[offset + band * bandStride + x] = Math.min(255, Math.max(0, value));
      }
    }
  }

  /** Leaves the pixel's colour in `#color` and returns its class. */
  #paintPixel(x: number, y: number, texture: number, ground: number): number {
    const color = this.#color;
    let label = 0;
    const { edge, marking } = this.#street.locate(x, y);
    if (edge < 0) {
      label = 1;
      blend(color, this.#roadColor, this.#roadColor, 0);
      if (marking) blend(color, PALETTE.marking, this.#roadColor, 0.3 * texture);
    } else if (edge < this.#street.pavement) {
      blend(color, PALETTE.pavement, PALETTE.concrete, texture);
    } else {
      blend(color, PALETTE.grass, this.#soilColor, 2.2 * ground - 0.6);
    }
    let light = 0.82 + 0.36 * texture;
    for (const thing of this.#street.things) {
      // The sun stands in the south-west: shadows reach up and to the right.
      if (covers(thing, x - thing.shadow, y + thing.shadow)) light *= 0.68;
    }
    for (const thing of this.#street.things) {
      if (!covers(thing, x, y)) continue;
      light = 0.92 + 0.16 * texture;
      label = paintThing(color, thing, x, y, texture, label);
    }
    for (let band = 0; band < 3; band++) color[band]! *= light;
    return label;
  }
}

/** Paint what lies on the ground and return the pixel's class. */
function paintThing(
  color: [number, number, number],
  thing: Thing,
  x: number,
  y: number,
  texture: number,
  ground: number,
): number {
  const paint = PAINTS[thing.id % PAINTS.length]!;
  const { along, across } = distanceToBox(thing, x, y);
  switch (thing.kind) {
    case "vehicle": {
      const position = along / thing.halfLength;
      const windows = Math.abs(across) < thing.halfWidth - 1 &&
        ((position > 0.25 && position < 0.55) || (position > -0.8 && position < -0.6));
      blend(color, windows ? PALETTE.glass : paint, PALETTE.marking, windows ? 0 : 0.1 * texture);
      return 2;
    }
    case "pedestrian": {
      const head = along * along + across * across < 0.8;
      blend(color, head ? PALETTE.skin : paint, PALETTE.glass, 0.2 * texture);
      return 3;
    }
    case "boulder":
      blend(color, PALETTE.concrete, paint, 0.5);
      return ground;
    case "roof":
      blend(color, paint, PALETTE.soil, 0.35 + (across > 0 ? 0.2 : 0));
      return ground;
    case "crown":
      blend(color, PALETTE.crown, PALETTE.grass, 1.6 * texture - 0.4);
      return ground;
  }
}

function covers(thing: Thing, x: number, y: number): boolean {
  const { along, across } = distanceToBox(thing, x, y);
  if (!thing.round) {
    return Math.abs(along) < thing.halfLength && Math.abs(across) < thing.halfWidth;
  }
  const u = along / thing.halfLength;
  const v = across / thing.halfWidth;
  const rough = thing.kind === "crown" ? 0.3 * random(thing.id, x >> 1, y >> 1) : 0;
  return u * u + v * v < 1 - rough;
}

function blend(out: [number, number, number], a: Color, b: Color, share: number): void {
  const mix = Math.min(1, Math.max(0, share));
  for (let band = 0; band < 3; band++) out[band] = a[band]! + (b[band]! - a[band]!) * mix;
}
