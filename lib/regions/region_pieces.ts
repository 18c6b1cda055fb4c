/**
 * Regions of equal class, found row by row: every pixel gets the number of a piece, and pieces turn out
 * to belong together as rows go on.
 *
 * @module
 */
import type { NdArray } from "../array/mod.ts";
import type { RasterReader } from "../raster/mod.ts";

/** Pixels read at once. */
const STRIP_PIXELS = 2 ** 20;

/** No data, and no neighbour. */
export const NONE = -1;

/** Rows of the map, some at a time. */
export async function* mapStrips(map: RasterReader) {
  const { width, height, block } = map.info;
  const wanted = Math.max(1, Math.floor(STRIP_PIXELS / width));
  const step = wanted > block.height ? wanted - wanted % block.height : wanted;
  for (let y = 0; y < height; y += step) {
    const rows = Math.min(step, height - y);
    const { image, valid } = await map.read({ x: 0, y, width, height: rows });
    yield { values: (image as NdArray<"uint8">).data, valid: valid.data, rows };
  }
}

/** A row and the pieces that its pixels belong to. */
export interface Line {
  readonly values: Uint8Array;
  readonly valid: Uint8Array;
  /** Piece of each pixel; −1 without data. */
  readonly ids: Int32Array;
  /** Pieces of the row above; null in the first row. */
  readonly above: Int32Array | null;
  /** Pieces that turn out to be of one region. */
  readonly joined: readonly (readonly [number, number])[];
}

/** Gives each pixel the number of a piece of a region, the same in every pass. */
export class PieceNumbers {
  readonly #width: number;
  readonly #connectivity: 4 | 8;
  #count = 0;
  #above: { readonly ids: Int32Array; readonly values: Uint8Array } | null = null;

  /**
   * Begin above the first row.
   *
   * @param width Columns.
   * @param connectivity Whether corners join (8) or only edges (4).
   */
  constructor(width: number, connectivity: 4 | 8) {
    this.#width = width;
    this.#connectivity = connectivity;
  }

  /** Number the pixels of the next row. */
  next(values: Uint8Array, valid: Uint8Array): Pick<Line, "ids" | "above" | "joined"> {
    const ids = new Int32Array(this.#width).fill(NONE);
    const joined: [number, number][] = [];
    const above = this.#above;
    const reach = this.#connectivity === 8 ? [0, -1, 1] : [0];
    for (let x = 0; x < this.#width; x++) {
      if (valid[x] === 0) continue;
      const take = (other: number) => {
        if (ids[x] === NONE) ids[x] = other;
        else if (ids[x] !== other) joined.push([ids[x]!, other]);
      };
      if (x > 0 && ids[x - 1] !== NONE && values[x - 1] === values[x]) take(ids[x - 1]!);
      if (above !== null) {
        for (const dx of reach) {
          const other = above.ids[x + dx];
          if (other === undefined || other === NONE || above.values[x + dx] !== values[x]) continue;
          take(other);
        }
      }
      if (ids[x] === NONE) ids[x] = this.#count++;
    }
    this.#above = { ids, values: values.slice() };
    return { ids, above: above?.ids ?? null, joined };
  }
}
