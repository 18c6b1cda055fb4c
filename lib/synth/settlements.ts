/**
 * Towns: streets, blocks of houses with gardens, and halls at the edge.
 *
 * @module
 */
import { hash, random, randomDirection } from "./noise.ts";
import { CLASS, cover, coverWithRoad, coverWithRoof, member, type Surface } from "./surface.ts";

/** Side of the squares of which most hold one town, in pixels. */
const SPACING = 330;

/** Share of the squares with a town. */
const SHARE = 0.85;

/** Width of a street in pixels. */
const STREET = 2;

/** One town. */
interface Town {
  readonly id: number;
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  /** Direction of its streets. */
  readonly along: readonly [x: number, y: number];
  /** Distance from street to street, both ways, in pixels. */
  readonly block: readonly [across: number, down: number];
}

/** The towns of the plane. */
export class Settlements {
  readonly #seed: number;
  #column = NaN;
  #row = NaN;
  #town: Town | null = null;

  /** @param seed 32 bits. */
  constructor(seed: number) {
    this.#seed = seed;
  }

  /**
   * Cover a pixel if it lies in a town.
   *
   * @param surface Overwritten in a town.
   * @param x Column.
   * @param y Row.
   * @param outline Noise around one half that frays the edge.
   * @param grain Texture of one pixel, 0 to 1.
   * @returns Whether it lies in a town.
   */
  cover(surface: Surface, x: number, y: number, outline: number, grain: number): boolean {
    const column = Math.floor(x / SPACING);
    const row = Math.floor(y / SPACING);
    if (column !== this.#column || row !== this.#row) {
      this.#column = column;
      this.#row = row;
      this.#town = foundTown(hash(this.#seed, column, row), column, row);
    }
    const town = this.#town;
    if (town === null) return false;
    const dx = x - town.x;
    const dy = y - town.y;
    if (dx * dx + dy * dy > 2.3 * town.radius * town.radius) return false;
    const density = 1 - Math.sqrt(dx * dx + dy * dy) / town.radius + 2.4 * (outline - 0.5);
    if (density < 0) return false;

    const across = dx * town.along[0] + dy * town.along[1];
    const down = dy * town.along[0] - dx * town.along[1];
    const blockX = Math.floor(across / town.block[0]);
    const blockY = Math.floor(down / town.block[1]);
    const inX = across - blockX * town.block[0];
    const inY = down - blockY * town.block[1];
    const block = member(town.id, blockX, blockY);
    if (inX < STREET || inY < STREET) {
      coverWithRoad(surface, town.id, grain);
      return true;
    }
    const width = town.block[0] - STREET;
    const depth = town.block[1] - STREET;
    if (density < 0.35 && random(block, 1) < 0.3) {
      coverHall(surface, block, inX - STREET, inY - STREET, width, depth);
    } else {
      coverLot(surface, block, inX - STREET, inY - STREET, width, depth, density, grain);
    }
    return true;
  }
}

function foundTown(id: number, column: number, row: number): Town | null {
  if (random(id, 1) > SHARE) return null;
  const radius = 36 + 44 * random(id, 2);
  // The whole town, frayed edge included, stays in its square.
  const room = SPACING - 2 * 1.5 * radius;
  const place = (index: number, salt: number) =>
    index * SPACING + 1.5 * radius + Math.max(0, room) * random(id, salt);
  return {
    id,
    x: place(column, 3),
    y: place(row, 4),
    radius,
    along: randomDirection(id),
    block: [13 + 5 * random(id, 5), 22 + 10 * random(id, 6)],
  };
}

/** A hall for industry with its paved yard takes the whole block. */
function coverHall(
  surface: Surface,
  block: number,
  x: number,
  y: number,
  width: number,
  depth: number,
): void {
  const inside = x > 1.5 && x < width - 1.5 && y > 2 && y < depth * (0.6 + 0.3 * random(block, 2));
  if (inside) coverWithRoof(surface, block);
  else cover(surface, CLASS.road, "asphalt", "gravel", 0.6 * random(block, 3));
}

/** Two rows of lots back to back, on each a house with a garden; the centre is built up. */
function coverLot(
  surface: Surface,
  block: number,
  x: number,
  y: number,
  width: number,
  depth: number,
  density: number,
  grain: number,
): void {
  const columns = 2;
  const rows = Math.max(1, Math.floor(depth / 6.5));
  const lotWidth = width / columns;
  const lotDepth = depth / rows;
  const column = Math.min(columns - 1, Math.floor(x / lotWidth));
  const row = Math.min(rows - 1, Math.floor(y / lotDepth));
  const lot = member(block, column, row);
  const inX = x - column * lotWidth;
  const inY = y - row * lotDepth;
  const gap = density > 0.6 ? 0.2 : 0.7 + 0.8 * random(lot, 4);
  const built = random(lot, 5) < 0.6 + 0.5 * density;
  const street = column === 0 ? inX : lotWidth - inX;
  const house = street > 0.5 && street < lotWidth * (0.75 + 0.2 * density) &&
    inY > gap && inY < lotDepth - gap;
  if (built && house) coverWithRoof(surface, lot);
  else if (!built && random(lot, 6) < 0.4) {
    cover(surface, CLASS.broadleafForest, "broadleaf", "greenGrass", 0.4 * grain, 0.95);
  } else cover(surface, CLASS.grassland, "greenGrass", "broadleaf", 0.6 * grain);
}
