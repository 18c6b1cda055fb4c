/**
 * Sharing the patches of a scene among several processes, by rows of patches.
 *
 * Blending, and upsampling across the border of a patch, need the neighbours of a patch. A shard
 * therefore also goes through the rows of patches around its own that they can see; then its map is,
 * to the last bit, that part of the map of the whole scene.
 *
 * @module
 */
import { InputError } from "../errors.ts";
import type { ShardInfo } from "../stream/mod.ts";
import type { GridAxis } from "./grid.ts";

/** Which of how many. */
export interface SceneShard {
  /** From 1. */
  readonly number: number;
  /** How many there are. */
  readonly count: number;
}

/** What a shard goes through. */
export interface ShardRows {
  /** The rows of pixels that it answers for. */
  readonly info: ShardInfo;
  /** First row of patches. */
  readonly firstRow: number;
  /** One more than the last row of patches. */
  readonly endRow: number;
}

/** Largest output stride whose cells all patches share; see `GRID_ALIGNMENT`. */
const LARGEST_STRIDE = 16;
/** A pixel is interpolated between cells that begin less than this many pixels away. */
const REACH = 2 * LARGEST_STRIDE;

/**
 * The rows of a shard. Shards have the same number of rows of patches to go through, within one.
 *
 * @param rows Patches from top to bottom.
 * @param height Rows of pixels of a patch.
 * @param shard Which of how many.
 * @throws {InputError} If there is no such shard, or there are fewer rows of patches than shards.
 */
export function shardRows(
  rows: GridAxis,
  height: number,
  { number, count }: SceneShard,
): ShardRows {
  const what = `Cannot cut shard ${number}/${count}`;
  if (![number, count].every(Number.isSafeInteger) || number < 1 || number > count) {
    throw new InputError(`${what} as there are shards 1 to ${count}`);
  }
  const patchRows = rows.offsets.length;
  if (count > patchRows) {
    throw new InputError(
      `${what} as there are only ${patchRows} rows of patches: expected at most as many shards`,
    );
  }
  const borders = borderRows(rows, height, count);
  const [first, end] = [borders[number - 1]!, borders[number]!];
  const [top, bottom] = [rows.cuts[first]!, rows.cuts[end]!];
  const isSeen = (row: number) =>
    rows.offsets[row]! < bottom + REACH && rows.offsets[row]! + height > top - REACH;
  let [firstRow, endRow] = [first, end];
  while (firstRow > 0 && isSeen(firstRow - 1)) firstRow--;
  while (endRow < patchRows && isSeen(endRow)) endRow++;
  return { info: { number, count, y: top, height: bottom - top }, firstRow, endRow };
}

/**
 * The row of patches that each shard begins with, and the number of rows. Those in the middle have
 * neighbours on two sides to go through as well, and so fewer rows of their own.
 */
function borderRows({ offsets, cuts }: GridAxis, height: number, count: number): number[] {
  const patchRows = offsets.length;
  const middle = Math.ceil(patchRows / 2);
  const border = cuts[middle]!;
  const seen = offsets.filter((offset, row) => row < middle && offset + height > border - REACH);
  const extra = count === 1 ? 0 : seen.length;
  const share = (patchRows + 2 * extra * (count - 1)) / count;
  const borders = [0];
  for (let shard = 1; shard < count; shard++) {
    const wanted = Math.round(shard * share - (2 * shard - 1) * extra);
    // Every shard has a row of its own, however much it shares with its neighbours.
    borders.push(Math.min(Math.max(wanted, borders[shard - 1]! + 1), patchRows - (count - shard)));
  }
  return [...borders, patchRows];
}
