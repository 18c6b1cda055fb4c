/**
 * Rasters of bytes as pyramids of deflated tiles, which a page opens one at a time.
 *
 * @module
 */
import { deflateRawSync } from "node:zlib";
import type { PageLevel, PagePyramid } from "./report_data.ts";

/** Marks pixels without data. */
export const NO_DATA = 255;

/** Columns and rows of a tile: a few of them fill a screen. */
const TILE_SIZE = 512;

/** A raster of bytes. */
export interface ByteRaster {
  readonly width: number;
  readonly height: number;
  /** Row by row; 255 is no data. */
  readonly data: Uint8Array;
}

/** A pyramid and its bytes. */
export interface BuiltPyramid {
  /** The pyramid, but for the element that holds its bytes. */
  readonly pyramid: Omit<PagePyramid, "blob">;
  /** Its tiles, one after the other. */
  readonly bytes: Uint8Array;
}

/**
 * Build a pyramid that takes at most so many bytes: resolutions too fine for that are left out.
 *
 * @param raster The finest resolution.
 * @param budget Bytes that all tiles may take together; the coarsest resolution is kept in any case.
 * @param halve Makes a raster of half the size.
 */
export function buildPyramid(
  raster: ByteRaster,
  budget: number,
  halve: (raster: ByteRaster) => ByteRaster,
): BuiltPyramid {
  const rasters = [raster];
  while (Math.max(rasters.at(-1)!.width, rasters.at(-1)!.height) > TILE_SIZE) {
    rasters.push(halve(rasters.at(-1)!));
  }
  const kept: { level: Omit<PageLevel, "offsets">; tiles: Uint8Array[] }[] = [];
  let total = 0;
  // The coarsest first: a resolution that does not fit any more leaves out the finer ones as well.
  for (const candidate of rasters.reverse()) {
    const tiles = deflatedTiles(candidate, kept.length === 0 ? Infinity : budget - total);
    if (tiles === null) break;
    total += tiles.reduce((sum, tile) => sum + tile.length, 0);
    const { width, height } = candidate;
    const [columns, rows] = [Math.ceil(width / TILE_SIZE), Math.ceil(height / TILE_SIZE)];
    kept.unshift({ level: { width, height, columns, rows }, tiles });
  }
  const bytes = new Uint8Array(total);
  let end = 0;
  const levels = kept.map(({ level, tiles }) => {
    const offsets = tiles.map((tile) => {
      bytes.set(tile, end);
      end += tile.length;
      return end - tile.length;
    });
    return { ...level, offsets: [...offsets, end] };
  });
  return { pyramid: { tileSize: TILE_SIZE, levels }, bytes };
}

/** Deflated tiles, row by row; null as soon as they take more than they may. */
function deflatedTiles({ width, height, data }: ByteRaster, most: number): Uint8Array[] | null {
  const tiles: Uint8Array[] = [];
  let total = 0;
  for (let top = 0; top < height; top += TILE_SIZE) {
    for (let left = 0; left < width; left += TILE_SIZE) {
      const columns = Math.min(TILE_SIZE, width - left);
      const rows = Math.min(TILE_SIZE, height - top);
      const tile = new Uint8Array(columns * rows);
      for (let row = 0; row < rows; row++) {
        const from = (top + row) * width + left;
        tile.set(data.subarray(from, from + columns), row * columns);
      }
      const deflated = deflateRawSync(tile, { level: 9 });
      tiles.push(deflated);
      total += deflated.length;
      if (total > most) return null;
    }
  }
  return tiles;
}

/** Half the size, of classes: the one that most of four pixels have, and the first of equals. */
export function halveClasses(raster: ByteRaster): ByteRaster {
  return halved(raster, (a, b, c, d) => {
    if (a !== NO_DATA && (a === b || a === c || a === d)) return a;
    if (b !== NO_DATA && (b === c || b === d)) return b;
    if (c !== NO_DATA && c === d) return c;
    return a !== NO_DATA ? a : b !== NO_DATA ? b : c !== NO_DATA ? c : d;
  });
}

/** Half the size, of values: means of those that there are. */
export function halveValues(raster: ByteRaster): ByteRaster {
  return halved(raster, (...four) => {
    let sum = 0;
    let count = 0;
    for (const value of four) {
      if (value === NO_DATA) continue;
      sum += value;
      count++;
    }
    return count === 0 ? NO_DATA : Math.round(sum / count);
  });
}

function halved(
  { width, height, data }: ByteRaster,
  merge: (a: number, b: number, c: number, d: number) => number,
): ByteRaster {
  const [columns, rows] = [Math.ceil(width / 2), Math.ceil(height / 2)];
  const half = new Uint8Array(columns * rows);
  for (let row = 0; row < rows; row++) {
    const upper = 2 * row * width;
    const lower = Math.min(height - 1, 2 * row + 1) * width;
    for (let column = 0; column < columns; column++) {
      const left = 2 * column;
      const right = Math.min(width - 1, left + 1);
      half[row * columns + column] = merge(
        data[upper + left]!,
        data[upper + right]!,
        data[lower + left]!,
        data[lower + right]!,
      );
    }
  }
  return { width: columns, height: rows, data: half };
}
