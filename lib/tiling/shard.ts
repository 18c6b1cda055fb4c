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
import type { GridAxis } from "./grid.ts";

/** Which of how many. */
export interface SceneShard {
  /** From 1. */
  readonly number: number;
  /** How many there are. */
  readonly count: number;
}

/** The rows of patches of a scene that a shard answers for. */
export interface ShardPart extends SceneShard {
  /** First row of patches. */
  readonly first: number;
  /** One more than the last row of patches. */
  readonly end: number;
}

/** Largest output stride whose cells all patches share; see `GRID_ALIGNMENT`. */
const LARGEST_STRIDE = 16;
/** A pixel is interpolated between cells that begin less than this many pixels away. */
export const REACH: number = 2 * LARGEST_STRIDE;

/**
 * The part of a scene that a shard answers for. Shards have the same number of rows of patches to go
 * through, within one.
 *
 * @param rows Patches from top to bottom.
 * @param height Rows of pixels of a patch.
 * @param shard Which of how many.
 * @throws {InputError} If there is no such shard, or there are fewer rows of patches than shards.
 */
export function shardPart(rows: GridAxis, height: number, shard: SceneShard): ShardPart {
  const patchRows = rows.offsets.length;
  checkShard(shard, patchRows);
  const borders = borderRows(rows, height, shard.count);
  return { ...shard, first: borders[shard.number - 1]!, end: borders[shard.number]! };
}

/** Refuse shards that do not exist, or would have nothing to do. */
export function checkShard({ number, count }: SceneShard, patchRows: number): void {
  const what = `Cannot cut shard ${number}/${count}`;
  if (![number, count].every(Number.isSafeInteger) || number < 1 || number > count) {
    throw new InputError(`${what} as there are shards 1 to ${count}`);
  }
  if (count > patchRows) {
    throw new InputError(
      `${what} as there are only ${patchRows} rows of patches: expected at most as many shards`,
    );
  }
}

/**
 * The rows of patches that rows of pixels can see.
 *
 * @param rows Patches from top to bottom.
 * @param height Rows of pixels of a patch.
 * @param top First row of pixels.
 * @param bottom One more than the last row of pixels.
 * @returns The first row of patches, and one more than the last.
 */
export function visibleRows(
  { offsets }: GridAxis,
  height: number,
  top: number,
  bottom: number,
): { firstRow: number; endRow: number } {
  const first = offsets.findIndex((offset) => offset + height > top - REACH);
  const end = offsets.findIndex((offset) => offset >= bottom + REACH);
  return { firstRow: first < 0 ? offsets.length : first, endRow: end < 0 ? offsets.length : end };
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
