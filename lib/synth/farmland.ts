/**
 * Farmland: districts whose fields share a direction, cut into strips and the strips into parcels.
 *
 * @module
 */
import { random, randomDirection, type VoronoiHit } from "./noise.ts";
import { CLASS, cover, coverWithRoof, member, type Surface } from "./surface.ts";

/** Side of a farmhouse's yard in pixels. */
const YARD = 6;

/** One parcel in so many has a farmhouse in its corner. */
const FARM_SHARE = 0.06;

/** How one district is divided. */
interface District {
  readonly id: number;
  /** Direction of its strips. */
  readonly along: readonly [x: number, y: number];
  /** Width of its strips in pixels. */
  readonly strip: number;
  /** Mean length of its parcels in pixels. */
  readonly parcel: number;
}

/** Position within a division into pieces of uneven length. */
interface Piece {
  index: number;
  /** Pixels from the start of the piece. */
  start: number;
  /** Pixels to its end. */
  end: number;
}

/** The fields of all districts. */
export class Farmland {
  #district: District | null = null;
  readonly #strip: Piece = { index: 0, start: 0, end: 0 };
  readonly #parcel: Piece = { index: 0, start: 0, end: 0 };

  /**
   * Cover a pixel with what grows there.
   *
   * @param surface Overwritten.
   * @param hit Where the pixel lies in its district.
   * @param fine Texture of a few pixels, around one half.
   * @param grain Texture of one pixel, 0 to 1.
   */
  cover(surface: Surface, hit: VoronoiHit, fine: number, grain: number): void {
    const { id, along, strip, parcel } = this.#divide(hit.id);
    const across = hit.dx * along[0] + hit.dy * along[1];
    const down = hit.dy * along[0] - hit.dx * along[1];
    locatePiece(this.#strip, id, across, strip);
    const stripId = member(id, this.#strip.index, 1);
    locatePiece(this.#parcel, stripId, down, parcel);
    const parcelId = member(stripId, this.#parcel.index, 2);

    const margin = Math.min(
      this.#strip.start,
      this.#strip.end,
      this.#parcel.start,
      this.#parcel.end,
    );
    if (
      random(parcelId, 1) < FARM_SHARE && coverFarm(surface, parcelId, this.#strip, this.#parcel)
    ) {
      return;
    }
    coverParcel(surface, id, parcelId, this.#strip.start, fine, grain);
    // A balk of weeds, too narrow to be a class of its own.
    if (margin < 0.6) surface.light *= 0.86;
  }

  #divide(id: number): District {
    if (this.#district?.id !== id) {
      const strip = 14 + 22 * random(id, 1);
      this.#district = {
        id,
        along: randomDirection(id),
        strip,
        parcel: strip * (1.2 + 2 * random(id, 2)),
      };
    }
    return this.#district;
  }
}

/** Pieces of a line: their borders are a lattice with each point moved by up to a third. */
function locatePiece(piece: Piece, seed: number, position: number, size: number): void {
  const border = (index: number) => size * (index + 0.66 * (random(seed, index, 7) - 0.5));
  let index = Math.floor(position / size);
  if (position < border(index)) index--;
  else if (position >= border(index + 1)) index++;
  piece.index = index;
  piece.start = position - border(index);
  piece.end = border(index + 1) - position;
}

function coverFarm(surface: Surface, id: number, strip: Piece, parcel: Piece): boolean {
  const x = strip.start - 2;
  const y = parcel.start - 2;
  if (x < 0 || y < 0 || x > YARD + 2 || y > YARD + 2) return false;
  const wing = (x < YARD && y < 2.6) || (x < 2.6 && y < YARD);
  if (wing) coverWithRoof(surface, id);
  else cover(surface, CLASS.grassland, "greenGrass", "gravel", 0.35);
  return true;
}

function coverParcel(
  surface: Surface,
  district: number,
  id: number,
  across: number,
  fine: number,
  grain: number,
): void {
  const vigour = random(id, 2);
  // Wheels and ploughs leave lines along the strip.
  const furrow = 0.97 + 0.06 * random(id, Math.floor(across / 2), 3);
  const light = (0.9 + 0.2 * random(id, 3)) * furrow;
  const patch = fine - 0.5;
  const kind = random(id, 4);
  // Some districts plough, some graze.
  const ploughed = 0.35 + 0.35 * random(district, 5);
  if (kind < ploughed * 0.5) {
    cover(surface, CLASS.cropland, "cereal", "stubble", vigour * vigour + patch * 0.6, light);
  } else if (kind < ploughed) {
    cover(surface, CLASS.cropland, "maize", "darkSoil", 0.7 * vigour + patch * 0.6, light);
  } else if (kind < ploughed + 0.12) {
    cover(surface, CLASS.bareSoil, "brightSoil", "darkSoil", vigour + patch * 0.8, light);
  } else if (kind < ploughed + 0.2) {
    // Rows of trees with grass or soil between them: each pixel alone looks like something else.
    const trees = across % 3.4 < 1.7;
    if (trees) cover(surface, CLASS.orchard, "broadleaf", "maize", 0.3 * vigour + 0.3 * grain, 0.9);
    else cover(surface, CLASS.orchard, "greenGrass", "brightSoil", vigour, light);
  } else if (kind < ploughed + 0.25) {
    coverWithShrubs(surface, fine, grain);
  } else {
    cover(surface, CLASS.grassland, "greenGrass", "dryGrass", vigour * 0.8 + patch * 0.7, light);
  }
}

/** Bushes among dry grass. */
export function coverWithShrubs(surface: Surface, fine: number, grain: number): void {
  const bush = smallBush(fine, grain);
  cover(surface, CLASS.shrubland, "dryGrass", "broadleaf", bush, 1.05 - 0.3 * bush);
}

function smallBush(fine: number, grain: number): number {
  return 0.15 + (fine + 0.5 * grain > 0.78 ? 0.6 : 0.1) + 0.2 * grain;
}
