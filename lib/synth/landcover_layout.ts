/**
 * The map of a land-cover scene: hills, a river in its valley, forests, farmland, towns and roads.
 *
 * @module
 */
import { randomStream } from "../random/mod.ts";
import { coverWithShrubs, Farmland } from "./farmland.ts";
import { MATERIAL } from "./materials.ts";
import { FractalNoise, random, smoothStep, VoronoiCells } from "./noise.ts";
import { River } from "./river.ts";
import { RowCache } from "./row_cache.ts";
import { Settlements } from "./settlements.ts";
import { CLASS, cover, coverWithRoad, type Surface } from "./surface.ts";

/** Sides of the cells whose borders are roads, in pixels, and half the roads' width. */
const HIGHWAYS = { cell: 430, halfWidth: 1.5 } as const;
const LANES = { cell: 150, halfWidth: 0.85, share: 0.6 } as const;

/** How far roads and district borders wander from straight lines, in pixels. */
const WANDER = 26;

/** Thresholds of the woods' noise: forest above one, shrubs along its edge above the other. */
const WOODS = { forest: 0.55, edge: 0.537 } as const;

/** Metres above the sea of the lowest and highest land. */
const ELEVATION = { lowest: 140, range: 620 } as const;

/** One row of the map, with one pixel more at either side: index 0 is column −1. */
export interface LayoutRow {
  /** Class numbers. */
  readonly label: Uint8Array;
  /** Materials; see {@linkcode Surface}. */
  readonly first: Uint8Array;
  /** Second material. */
  readonly second: Uint8Array;
  /** Share of the second. */
  readonly mix: Float32Array;
  /** Brightness. */
  readonly light: Float32Array;
  /** Metres. */
  readonly elevation: Float32Array;
}

/** Rows of a scene's map, on demand. */
export class LandcoverLayout {
  readonly #length: number;
  readonly #layers: ReturnType<typeof createLayers>;
  readonly #terrain: RowCache<Float32Array>;
  readonly #rows: RowCache<LayoutRow>;
  readonly #surface: Surface = { label: 0, first: 0, second: 0, mix: 0, light: 1 };

  /**
   * @param seed Seed of the scene.
   * @param width Columns.
   * @param kept Rows that are looked at together.
   */
  constructor(seed: number, width: number, kept: number) {
    this.#length = width + 2;
    this.#layers = createLayers(seed, this.#length);
    this.#terrain = new RowCache<Float32Array>(
      4,
      () => new Float32Array(this.#length),
      (y, row) => this.#fillTerrain(y, row),
    );
    this.#rows = new RowCache<LayoutRow>(
      kept,
      () => createRow(this.#length),
      (y, row) => this.#fillRow(y, row),
    );
  }

  /** A row of the map; overwritten when rows further on are asked for. */
  row(y: number): LayoutRow {
    return this.#rows.get(y);
  }

  #fillTerrain(y: number, row: Float32Array): void {
    const { hills, river } = this.#layers;
    hills.fillRow(-1, y, row);
    const channel = river.row(y);
    for (let index = 0; index < row.length; index++) {
      // The river has carved its valley.
      const carved = 0.25 + 0.75 * smoothStep(0, 190, channel.distance[index]!);
      row[index] = ELEVATION.lowest + ELEVATION.range * row[index]! * carved;
    }
  }

  #fillRow(y: number, row: LayoutRow): void {
    const { noise, buffers, highways, districts, farmland, settlements, river, grainSeed } =
      this.#layers;
    const { warpX, warpY, woods, species, outline, fine } = buffers;
    noise.warpX.fillRow(-1, y, warpX);
    noise.warpY.fillRow(-1, y, warpY);
    noise.woods.fillRow(-1, y, woods);
    noise.species.fillRow(-1, y, species);
    noise.outline.fillRow(-1, y, outline);
    noise.fine.fillRow(-1, y, fine);
    const terrain = this.#terrain.get(y);
    const north = this.#terrain.get(y - 1);
    const south = this.#terrain.get(y + 1);
    const channel = river.row(y);
    const surface = this.#surface;

    for (let index = 0; index < this.#length; index++) {
      const x = index - 1;
      const grain = random(grainSeed, x, y);
      const texture = fine[index]!;
      const movedX = x + WANDER * (warpX[index]! - 0.5);
      const movedY = y + WANDER * (warpY[index]! - 0.5);
      const bank = channel.distance[index]!;
      const highway = highways.locate(movedX, movedY);
      const district = districts.locate(movedX, movedY);
      const wet = bank < 0;

      if (highway.edge < HIGHWAYS.halfWidth) {
        coverWithRoad(surface, highway.edgeId, grain);
      } else if (wet) {
        const depth = smoothStep(0, 5, -bank);
        cover(surface, CLASS.water, "turbidWater", "clearWater", 0.5 * depth + 0.7 * texture - 0.2);
      } else if (bank < 14 * (channel.bar[index]! - 0.55)) {
        cover(surface, CLASS.bareSoil, "gravel", "darkSoil", 0.9 * texture, 0.95);
      } else if (settlements.cover(surface, x, y, outline[index]!, grain)) {
        // Streets and houses are in place.
      } else if (
        district.edge < LANES.halfWidth && random(district.edgeId, 9) < LANES.share
      ) {
        coverWithRoad(surface, district.edgeId, grain);
      } else {
        const meadow = 0.12 * (1 - smoothStep(4, 45, bank));
        const wooded = woods[index]! + 0.16 * (terrain[index]! - 380) / ELEVATION.range - meadow;
        if (wooded > WOODS.forest) {
          this.#coverWithForest(species[index]!, terrain[index]!, texture, grain);
        } else if (wooded > WOODS.edge) coverWithShrubs(surface, texture, grain);
        else if (meadow > 0.085) {
          cover(surface, CLASS.grassland, "greenGrass", "darkSoil", 0.4 * texture, 0.95);
        } else farmland.cover(surface, district, texture, grain);
      }

      row.label[index] = surface.label;
      row.first[index] = surface.first;
      row.second[index] = surface.second;
      row.mix[index] = surface.mix;
      const left = terrain[Math.max(0, index - 1)]!;
      const right = terrain[Math.min(this.#length - 1, index + 1)]!;
      row.light[index] = surface.light *
        (wet ? 1 : hillShade(right - left, south[index]! - north[index]!));
      row.elevation[index] = terrain[index]!;
    }
  }

  #coverWithForest(species: number, elevation: number, texture: number, grain: number): void {
    const surface = this.#surface;
    const conifer = species + 0.5 * (elevation - 400) / ELEVATION.range > 0.55;
    // Crowns and the gaps between them.
    const light = 0.72 + 0.3 * texture + 0.26 * grain;
    if (conifer) {
      cover(surface, CLASS.coniferForest, "conifer", "broadleaf", 0.45 * texture, light);
    } else {
      cover(surface, CLASS.broadleafForest, "broadleaf", "conifer", 0.6 * texture, light);
    }
  }
}

/** The sun stands in the south-east, as in the morning passes of the satellites; gradients in metres per two pixels. */
function hillShade(east: number, south: number): number {
  return Math.min(1.25, Math.max(0.7, 1 + 0.012 * (-0.6 * east - 0.8 * south)));
}

function createRow(length: number): LayoutRow {
  return {
    label: new Uint8Array(length),
    first: new Uint8Array(length).fill(MATERIAL.clearWater),
    second: new Uint8Array(length),
    mix: new Float32Array(length),
    light: new Float32Array(length),
    elevation: new Float32Array(length),
  };
}

function createLayers(seed: number, length: number) {
  const stream = randomStream(seed, "landcover");
  let counter = 0;
  const next = () => stream.integer(counter++, 2 ** 32);
  return {
    hills: new FractalNoise(next(), [420, 210, 100, 48, 22]),
    river: new River(next(), length),
    highways: new VoronoiCells(next(), HIGHWAYS.cell),
    districts: new VoronoiCells(next(), LANES.cell),
    settlements: new Settlements(next()),
    farmland: new Farmland(),
    grainSeed: next(),
    noise: {
      warpX: new FractalNoise(next(), [90, 40]),
      warpY: new FractalNoise(next(), [90, 40]),
      woods: new FractalNoise(next(), [170, 80, 40, 18, 8]),
      species: new FractalNoise(next(), [140, 60, 20]),
      outline: new FractalNoise(next(), [60, 30, 14]),
      fine: new FractalNoise(next(), [9, 5, 3]),
    },
    buffers: {
      warpX: new Float32Array(length),
      warpY: new Float32Array(length),
      woods: new Float32Array(length),
      species: new Float32Array(length),
      outline: new Float32Array(length),
      fine: new Float32Array(length),
    },
  };
}
