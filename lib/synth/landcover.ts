/**
 * A labelled land-cover scene as Sentinel-2 would see it.
 *
 * @module
 */
import { ndarray } from "../array/mod.ts";
import { IGNORE_LABEL } from "../classes/mod.ts";
import { randomStream } from "../random/mod.ts";
import { LandcoverLayout, type LayoutRow } from "./landcover_layout.ts";
import {
  LANDCOVER_BANDS,
  materialReflectances,
  PATH_RADIANCE,
  REFLECTANCE_BAND_COUNT,
} from "./materials.ts";
import { FractalNoise, hash, nearlyNormal } from "./noise.ts";
import { RowCache } from "./row_cache.ts";
import { checkRows, checkSceneOptions, type SyntheticScene } from "./scene.ts";
import { CLASS, LANDCOVER_CLASSES } from "./surface.ts";
import { utmGeoreference } from "./utm.ts";

/** What a land-cover scene is to be. */
export interface LandcoverOptions {
  /** Columns. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
  /** Seed, an integer from 0 to 2⁵³ − 1: the same one gives the same bytes. */
  readonly seed: number;
}

/** Value of pixels outside the satellite's swath. */
const NODATA = 0;

/** Share of the light that the lens spreads to the pixels beside, above and below. */
const SPREAD = 0.17;

/** Light that is left where a house or a wood to the south takes the sun. */
const SHADOW = { house: 0.62, wood: 0.78 } as const;

/** Standard deviation of the sensor's noise: a constant and a share of the signal. */
const SENSOR_NOISE = { floor: 14, share: 0.012 } as const;

/** Share of the width and height that the edge of the satellite's swath cuts off the north-east. */
const SWATH_EDGE = { width: 0.16, height: 0.6 } as const;

/**
 * A land-cover scene made by rule: 14 bands (Sentinel-2's thirteen as reflectance × 10000, and the
 * elevation), ten classes, a river with gravel banks, forests, fields in parcels, orchards, towns
 * with streets and houses, roads, hill shading, haze, noise, and a corner without data.
 *
 * Every pixel is a function of (seed, row, column), so any size takes the same memory for each row.
 *
 * @param options Size and seed.
 * @returns The scene; its rows are computed when asked for.
 * @throws {RangeError} If the size or the seed is not a fitting integer.
 *
 * @example
 * ```ts
 * import { synthLandcover } from "swath";
 *
 * const scene = synthLandcover({ width: 256, height: 256, seed: 1 });
 * const { image, labels } = scene.rows(0, 16);
 * if (image.shape.join() !== "14,16,256" || labels.data.length !== 16 * 256) throw new Error("shape");
 * ```
 */
export function synthLandcover(options: LandcoverOptions): SyntheticScene {
  const { width, height, seed } = options;
  checkSceneOptions(width, height, seed);
  const camera = new Camera(width, height, seed);
  return {
    name: `landcover-${seed}`,
    width,
    height,
    dtype: "uint16",
    bands: LANDCOVER_BANDS,
    nodata: NODATA,
    georeference: utmGeoreference(33, 600_000, 5_200_000, 10),
    classes: LANDCOVER_CLASSES,
    rows(start, count) {
      checkRows(start, count, height);
      const image = ndarray("uint16", [LANDCOVER_BANDS.length, count, width]);
      const labels = ndarray("uint8", [count, width]);
      for (let row = 0; row < count; row++) {
        camera.expose(start + row, image.data, row * width, count * width);
        camera.label(start + row, labels.data.subarray(row * width, (row + 1) * width));
      }
      return { image, labels };
    },
  };
}

/** Reflectance of a row before the lens, for all bands, with one pixel more at either side. */
interface RadianceRow {
  readonly bands: readonly Float32Array[];
}

/** Turns the map into what the sensor delivers. */
class Camera {
  readonly #width: number;
  readonly #height: number;
  readonly #layout: LandcoverLayout;
  readonly #radiance: RowCache<RadianceRow>;
  readonly #haze: FractalNoise;
  readonly #hazeRow: Float32Array;
  readonly #shade: Float32Array;
  readonly #noiseSeed: number;
  readonly #reflectances = Array.from(
    { length: REFLECTANCE_BAND_COUNT },
    (_, band) => materialReflectances(band),
  );

  constructor(width: number, height: number, seed: number) {
    const stream = randomStream(seed, "landcover camera");
    this.#width = width;
    this.#height = height;
    this.#layout = new LandcoverLayout(seed, width, 4);
    this.#haze = new FractalNoise(stream.integer(0, 2 ** 32), [320, 140, 60]);
    this.#noiseSeed = stream.integer(1, 2 ** 32);
    this.#hazeRow = new Float32Array(width + 2);
    this.#shade = new Float32Array(width + 2);
    this.#radiance = new RowCache<RadianceRow>(
      3,
      () => ({ bands: this.#reflectances.map(() => new Float32Array(width + 2)) }),
      (y, row) => this.#fillRadiance(y, row),
    );
  }

  /** Write a row of all bands; `bandStride` elements lie between two bands. */
  expose(y: number, out: Uint16Array, offset: number, bandStride: number): void {
    const north = this.#radiance.get(y - 1);
    const here = this.#radiance.get(y);
    const south = this.#radiance.get(y + 1);
    const covered = this.#coveredColumns(y);
    for (let band = 0; band < REFLECTANCE_BAND_COUNT; band++) {
      const seed = hash(this.#noiseSeed, band, 0);
      const above = north.bands[band]!;
      const middle = here.bands[band]!;
      const below = south.bands[band]!;
      const start = offset + band * bandStride;
      for (let x = 0; x < covered; x++) {
        const centre = middle[x + 1]!;
        const around = above[x + 1]! + below[x + 1]! + middle[x]! + middle[x + 2]!;
        const signal = centre + SPREAD * (around / 4 - centre) * 2;
        const sigma = SENSOR_NOISE.floor + SENSOR_NOISE.share * signal;
        const value = signal + sigma * nearlyNormal(seed, x, y);
        out[start + x] = value < 1 ? 1 : value + 0.5;
      }
    }
    const { elevation } = this.#layout.row(y);
    const start = offset + REFLECTANCE_BAND_COUNT * bandStride;
    for (let x = 0; x < covered; x++) out[start + x] = elevation[x + 1]! + 0.5;
  }

  /** Write the classes of a row. */
  label(y: number, out: Uint8Array): void {
    const covered = this.#coveredColumns(y);
    out.set(this.#layout.row(y).label.subarray(1, covered + 1));
    out.fill(IGNORE_LABEL, covered);
  }

  /** Columns of a row inside the satellite's swath, counted from the west. */
  #coveredColumns(y: number): number {
    const cut = 1 - (y + 0.5) / (SWATH_EDGE.height * this.#height);
    return this.#width - Math.max(0, Math.round(SWATH_EDGE.width * this.#width * cut));
  }

  #fillRadiance(y: number, row: RadianceRow): void {
    const layout = this.#layout.row(y);
    this.#fillShade(layout, this.#layout.row(y + 1));
    this.#haze.fillRow(-1, y, this.#hazeRow);
    const { first, second, mix, light } = layout;
    row.bands.forEach((out, band) => {
      const reflectances = this.#reflectances[band]!;
      const path = PATH_RADIANCE[band]!;
      for (let index = 0; index < out.length; index++) {
        const a = reflectances[first[index]!]!;
        const b = reflectances[second[index]!]!;
        const surface = (a + (b - a) * mix[index]!) * light[index]! * this.#shade[index]!;
        out[index] = surface + path * (0.7 + 0.6 * this.#hazeRow[index]!);
      }
    });
  }

  /** Shadows fall to the north. */
  #fillShade(layout: LayoutRow, south: LayoutRow): void {
    for (let index = 0; index < this.#shade.length; index++) {
      const label = layout.label[index]!;
      const neighbour = south.label[index]!;
      let shade = 1;
      if (neighbour === CLASS.building && label !== CLASS.building) shade = SHADOW.house;
      else if (isForest(neighbour) && !isForest(label)) shade = SHADOW.wood;
      this.#shade[index] = shade;
    }
  }
}

function isForest(label: number): boolean {
  return label === CLASS.broadleafForest || label === CLASS.coniferForest;
}
