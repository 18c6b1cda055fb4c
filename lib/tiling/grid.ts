/**
 * The grid of patches that covers a scene.
 *
 * Patches of a scene all have the same size and come row by row. The last column and the last row are
 * shifted inwards, so that they see real surroundings; offsets are multiples of 16 all the same, so
 * that logits of overlapping patches share one lattice at any output stride that divides 16. At most
 * 15 columns and rows of the last patches then reach beyond the scene, where they are not valid.
 *
 * @module
 */
import { InputError } from "../errors.ts";
import type { PixelWindow } from "../geo/mod.ts";
import type { GridInfo, ResumeInfo, ShardInfo } from "../stream/mod.ts";
import { type SceneShard, type ShardPart, shardPart, visibleRows } from "./shard.ts";

/** Offsets of patches are multiples of this many pixels. */
export const GRID_ALIGNMENT = 16;
/** A patch that would be larger than its scene shrinks to the next multiple of this many pixels. */
const SMALL_SCENE_MULTIPLE = 32;

/** Options of {@linkcode planGrid}. */
export interface GridOptions {
  /** Columns of the scene. */
  readonly width: number;
  /** Rows of the scene. */
  readonly height: number;
  /** Columns and rows of a patch, at least 16. */
  readonly size: number;
  /** Pixels that neighbours share at least; 0 where left out. Not together with `stride`. */
  readonly overlap?: number;
  /** Pixels from one patch to the next at most. Not together with `overlap`. */
  readonly stride?: number;
  /** Part of the scene to cover; all of it where left out. */
  readonly window?: PixelWindow;
  /** Stop after this many patches. Not together with `shard`. */
  readonly limit?: number;
  /**
   * The part to go through, where several processes share the work: which of how many, or which rows of
   * patches, as {@linkcode shareOut} gives them.
   */
  readonly shard?: SceneShard | ShardPart;
  /** Rows of pixels of the area, or of the shard, that are finished: patches that they need alone are left out. */
  readonly finishedRows?: number;
}

/** Patches along one axis. */
export interface GridAxis {
  /** First pixel of each patch. */
  readonly offsets: readonly number[];
  /** First pixel that each patch answers for, and the end of the last one: one more than `offsets`. */
  readonly cuts: readonly number[];
}

/** How a scene is cut. */
export interface GridPlan {
  /** The covered part of the scene. */
  readonly area: PixelWindow;
  /** Size and number of the patches. */
  readonly grid: GridInfo;
  /** Patches from left to right, relative to `area`. */
  readonly columns: GridAxis;
  /** Patches from top to bottom, relative to `area`. */
  readonly rows: GridAxis;
  /** The rows of the area that the patches answer for; null for all of them. */
  readonly shard: ShardInfo | null;
  /** The first row of the area that is not finished; null where none is. */
  readonly resume: ResumeInfo | null;
  /** First row of patches to go through. */
  readonly firstRow: number;
  /** One more than the last row of patches to go through. */
  readonly endRow: number;
  /**
   * Numbers of the patches that are wanted, row by row from 0 at the top left of the grid; null for all.
   * See {@linkcode selectPatches}.
   */
  readonly selected: ReadonlySet<number> | null;
  /** Patches to go through, fewer than the grid has where they are limited, shared out or selected. */
  readonly patches: number;
}

/** One patch of a {@linkcode GridPlan}, relative to its area. */
export interface GridPatch {
  /** The patch. */
  readonly window: PixelWindow;
  /**
   * The part of it that it answers for: over all patches, each pixel of the area exactly once. Of no
   * rows where another shard answers for it, or all are finished.
   */
  readonly core: PixelWindow;
  /** Row and column in the grid. */
  readonly position: readonly [row: number, column: number];
}

/**
 * Plan how to cut a scene into patches.
 *
 * @param options Size of the scene and of the patches. The distance between patches is rounded down to
 * a multiple of 16, which makes the overlap larger than asked for by up to 15 pixels.
 * @returns The plan. A scene that is smaller than a patch gives one patch of the scene's size, rounded
 * up to a multiple of 32.
 * @throws {InputError} If size, overlap, stride, window, limit, shard or finished rows make no sense.
 *
 * @example
 * ```ts
 * import { planGrid } from "swath";
 *
 * const { grid, columns } = planGrid({ width: 1200, height: 512, size: 512, overlap: 64 });
 * if (grid.columns !== 3 || grid.rows !== 1) throw new Error("three patches");
 * if (columns.offsets.join() !== "0,448,688") throw new Error(columns.offsets.join());
 * ```
 */
export function planGrid(options: GridOptions): GridPlan {
  const { width, height, size, limit, shard } = options;
  requireInteger("size", size, GRID_ALIGNMENT);
  if (limit !== undefined) requireInteger("limit", limit, 1);
  const step = stepOf(options);
  const area = options.window ?? { x: 0, y: 0, width, height };
  requireInside(area, width, height);
  const patchWidth = patchExtent(area.width, size);
  const patchHeight = patchExtent(area.height, size);
  const columns = planAxis(area.width, patchWidth, step);
  const rows = planAxis(area.height, patchHeight, step);
  if (limit !== undefined && shard !== undefined) {
    throw new InputError("Cannot tile with both a limit and a shard: give one of them");
  }
  const part: ShardPart = shard === undefined
    ? { number: 1, count: 1, first: 0, end: rows.offsets.length }
    : isPart(shard)
    ? shard
    : shardPart(rows, patchHeight, shard);
  const [top, bottom] = [rows.cuts[part.first]!, rows.cuts[part.end]!];
  const start = Math.min(bottom, top + finishedRows(options));
  const { firstRow, endRow } = start === bottom
    ? { firstRow: part.end, endRow: part.end }
    : visibleRows(rows, patchHeight, start, bottom);
  const count = columns.offsets.length * (endRow - firstRow);
  return {
    area,
    grid: {
      width: patchWidth,
      height: patchHeight,
      columns: columns.offsets.length,
      rows: rows.offsets.length,
      overlap: size - step,
    },
    columns,
    rows,
    shard: shard === undefined
      ? null
      : { number: part.number, count: part.count, y: top, height: bottom - top },
    resume: start === top ? null : { y: start },
    firstRow,
    endRow,
    selected: null,
    patches: Math.min(count, limit ?? count),
  };
}

/**
 * The patches of a plan, row by row from left to right.
 *
 * @param plan The plan.
 */
export function* patchesOf(plan: GridPlan): Generator<GridPatch, void, undefined> {
  const { grid: { columns }, selected, firstRow } = plan;
  let left = plan.patches;
  for (let index = firstRow * columns; left > 0; index++) {
    if (selected !== null && !selected.has(index)) continue;
    left--;
    yield patchAt(plan, Math.floor(index / columns), index % columns);
  }
}

/**
 * Go through some patches of a plan only.
 *
 * @param plan The plan.
 * @param selected Numbers of the patches, row by row from 0 at the top left of the grid.
 * @returns The plan without all others, which count neither as samples nor as skipped.
 *
 * @example
 * ```ts
 * import { patchesOf, planGrid, selectPatches } from "swath";
 *
 * const plan = selectPatches(planGrid({ width: 64, height: 64, size: 32 }), new Set([0, 3]));
 * const positions = [...patchesOf(plan)].map(({ position }) => position.join());
 * if (positions.join(" ") !== "0,0 1,1") throw new Error(positions.join(" "));
 * ```
 */
export function selectPatches(plan: GridPlan, selected: ReadonlySet<number>): GridPlan {
  const { grid: { columns }, firstRow, endRow } = plan;
  let count = 0;
  for (let index = firstRow * columns; index < endRow * columns; index++) {
    if (selected.has(index)) count++;
  }
  const all = columns * (endRow - firstRow);
  // A limit holds for what is left.
  return { ...plan, selected, patches: plan.patches < all ? Math.min(plan.patches, count) : count };
}

/**
 * One patch of a plan.
 *
 * @param plan The plan.
 * @param row Zero-based row in the grid.
 * @param column Zero-based column in the grid.
 */
export function patchAt(plan: GridPlan, row: number, column: number): GridPatch {
  const [x, left, right] = axisAt(plan.columns, column);
  const [y, top, bottom] = axisAt(plan.rows, row);
  const { shard, resume } = plan;
  const isOwn = shard === null || top >= shard.y && bottom <= shard.y + shard.height;
  const start = Math.max(top, Math.min(bottom, resume?.y ?? top));
  return {
    window: { x, y, width: plan.grid.width, height: plan.grid.height },
    core: { x: left, y: start, width: right - left, height: isOwn ? bottom - start : 0 },
    position: [row, column],
  };
}

function isPart(shard: SceneShard | ShardPart): shard is ShardPart {
  return "first" in shard;
}

function finishedRows({ finishedRows = 0, limit }: GridOptions): number {
  requireInteger("finished rows", finishedRows, 0);
  if (finishedRows > 0 && limit !== undefined) {
    throw new InputError("Cannot tile with a limit where some rows are finished");
  }
  return finishedRows;
}

function axisAt({ offsets, cuts }: GridAxis, index: number): [number, number, number] {
  return [offsets[index]!, cuts[index]!, cuts[index + 1]!];
}

/** Distance between patches: what was asked for, rounded down to the lattice. */
function stepOf({ size, overlap, stride }: GridOptions): number {
  if (overlap !== undefined && stride !== undefined) {
    throw new InputError("Cannot tile with both an overlap and a stride: give one of them");
  }
  if (overlap !== undefined) {
    requireInteger("overlap", overlap, 0);
    if (overlap > size - GRID_ALIGNMENT) {
      throw new InputError(
        `Cannot tile with overlap ${overlap} as overlap must be <= size - ${GRID_ALIGNMENT}: current size is ${size}`,
      );
    }
  }
  if (stride !== undefined) {
    requireInteger("stride", stride, GRID_ALIGNMENT);
    if (stride > size) {
      throw new InputError(
        `Cannot tile with stride ${stride} as stride must be <= size: current size is ${size}`,
      );
    }
  }
  const wanted = stride ?? size - (overlap ?? 0);
  return wanted - wanted % GRID_ALIGNMENT;
}

function requireInteger(name: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least) {
    throw new InputError(
      `Cannot tile with ${name} ${value}: ${name} must be an integer >= ${least}`,
    );
  }
}

function requireInside({ x, y, width, height }: PixelWindow, columns: number, rows: number): void {
  const whole = [x, y, width, height].every(Number.isSafeInteger);
  if (
    !whole || x < 0 || y < 0 || width < 1 || height < 1 || x + width > columns || y + height > rows
  ) {
    throw new InputError(
      `Cannot tile the window of ${width}x${height} pixels at column ${x}, row ${y} as it must lie in the scene: its size is ${columns}x${rows}`,
    );
  }
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}

function patchExtent(extent: number, size: number): number {
  return Math.min(size, roundUp(extent, SMALL_SCENE_MULTIPLE));
}

/**
 * Where a patch of a grid begins along an axis.
 *
 * @param index Zero-based number of the patch.
 * @param extent Pixels of the covered area.
 * @param size Pixels of a patch.
 * @param step Pixels from one patch to the next, except to the last one.
 */
export function patchOffset(index: number, extent: number, size: number, step: number): number {
  return Math.min(index * step, roundUp(Math.max(0, extent - size), GRID_ALIGNMENT));
}

/** Place patches along an axis and cut it in the middle of what neighbours share. */
function planAxis(extent: number, size: number, step: number): GridAxis {
  const count = 1 + Math.ceil(Math.max(0, extent - size) / step);
  const offsets = Array.from(
    { length: count },
    (_, index) => patchOffset(index, extent, size, step),
  );
  const cuts = [0];
  for (let index = 1; index < count; index++) {
    cuts.push(Math.floor((offsets[index - 1]! + size + offsets[index]!) / 2));
  }
  cuts.push(extent);
  return { offsets, cuts };
}
