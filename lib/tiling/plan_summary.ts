/**
 * What cutting a scene will cost, before it is done.
 *
 * @module
 */
import { bytesPerElement, type DataType } from "../array/mod.ts";
import type { GridPlan } from "./grid.ts";

/** What the samples will hold, for {@linkcode summarizePlan}. */
export interface PlanContents {
  /** Bands of the image. */
  readonly bands: number;
  /** Element type of the image. */
  readonly dtype: DataType;
  /** True if labels come along. */
  readonly labels: boolean;
  /** Columns and rows of the blocks of the file; those of a patch where left out. */
  readonly block?: { readonly width: number; readonly height: number };
  /** Patches that the slowest stage handles in a second; null where unknown. */
  readonly patchesPerSecond: number | null;
}

/** What a plan costs. */
export interface PlanSummary {
  /** Patches to go through; those without data are left out of the stream. */
  readonly patches: number;
  /** Pixels that neighbours share at least. */
  readonly overlap: number;
  /** The same as a share of the patch's size, in percent. */
  readonly overlapPercent: number;
  /** Pixels in patches for each pixel of the scene; 1 where nothing is computed twice. */
  readonly redundancy: number;
  /** Bytes in the stream, at most. */
  readonly streamBytes: number;
  /**
   * Bytes of pixels that `tile` holds at most: two runs of patches, and the blocks under a row of them, of
   * which those that wait for their turn lie on disk but for a few, unless they are as wide as the scene.
   * What workers decode ahead of a large scene comes on top: one run for each, and one more.
   */
  readonly tileBytes: number;
  /** Bytes of pixels that `stitch` holds: a row of patches of the class map. */
  readonly stitchBytes: number;
  /** Expected time in seconds; null where the rate is unknown. */
  readonly seconds: number | null;
}

/** `tile` reads as many neighbouring patches of a row at once as fit into this many bytes, ... */
const READ_BYTES = 8 << 20;
/** ... or into this many, where each block of the file is needed by the whole row and not kept so long. */
const WIDE_READ_BYTES = 192 << 20;
/** Blocks that wait for the next row of patches lie on disk but for so many bytes of them. */
const WAITING_BYTES = 8 << 20;
/** Headers and JSON of a sample in the stream, roughly. */
const SAMPLE_OVERHEAD_BYTES = 4096;

/**
 * Say what a plan costs.
 *
 * @param plan The plan.
 * @param contents What the samples will hold.
 *
 * @example
 * ```ts
 * import { planGrid, summarizePlan } from "swath";
 *
 * const plan = planGrid({ width: 10980, height: 10980, size: 512, overlap: 64 });
 * const summary = summarizePlan(plan, {
 *   bands: 14, dtype: "uint16", labels: false, patchesPerSecond: 4,
 * });
 * if (summary.patches !== 625 || summary.overlapPercent !== 12.5) throw new Error("unexpected plan");
 * ```
 */
export function summarizePlan(plan: GridPlan, contents: PlanContents): PlanSummary {
  const { area, grid, patches } = plan;
  const patchPixels = grid.width * grid.height;
  const imageBytes = contents.bands * bytesPerElement(contents.dtype);
  const bytesPerPixel = imageBytes + 1 + (contents.labels ? 1 : 0);
  const { block = grid } = contents;
  const areaPixels = plan.shard === null
    ? area.width * area.height * patches / (grid.columns * grid.rows)
    : area.width * plan.shard.height;
  return {
    patches,
    overlap: grid.overlap,
    overlapPercent: 100 * grid.overlap / Math.max(grid.width, grid.height),
    redundancy: patches * patchPixels / areaPixels,
    streamBytes: patches * (patchPixels * bytesPerPixel + SAMPLE_OVERHEAD_BYTES),
    tileBytes: 2 * patchesPerRead(plan, bytesPerPixel, block.width) * patchPixels * bytesPerPixel +
      waitingBytes(plan, bytesPerPixel, block),
    stitchBytes: area.width * grid.height,
    seconds: contents.patchesPerSecond === null ? null : patches / contents.patchesPerSecond,
  };
}

/** Bytes of blocks that stay in memory until the row of patches that needs them has been cut. */
function waitingBytes(
  { area, grid }: GridPlan,
  bytesPerPixel: number,
  block: { readonly width: number; readonly height: number },
): number {
  const rows = Math.min(area.height, (Math.ceil(grid.height / block.height) + 1) * block.height);
  const bytes = area.width * rows * bytesPerPixel;
  return block.width >= area.width ? bytes : Math.min(bytes, WAITING_BYTES);
}

/**
 * How many neighbouring patches of a row `tile` reads at once.
 *
 * @param plan The plan.
 * @param bytesPerPixel Bytes of all that is read for a pixel.
 * @param blockWidth Columns of the blocks of the file.
 */
export function patchesPerRead(plan: GridPlan, bytesPerPixel: number, blockWidth: number): number {
  const { width, height, columns } = plan.grid;
  const isWide = blockWidth > 4 * width &&
    plan.area.width * height * bytesPerPixel > WIDE_READ_BYTES;
  const bytes = isWide ? WIDE_READ_BYTES : READ_BYTES;
  return Math.min(columns, Math.max(1, Math.floor(bytes / (width * height * bytesPerPixel))));
}
