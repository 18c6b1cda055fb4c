/**
 * What cutting scenes will cost, as a table.
 *
 * @module
 */
import {
  formatBytes,
  type GridInfo,
  type PlanSummary,
  summarizePlan,
  tileScene,
} from "../../mod.ts";
import { formatClock } from "../progress.ts";
import { type Column, formatTable, type TableFormat } from "../table.ts";
import { type CutOptions, type OpenScene, planScene } from "./open_scene.ts";
import type { ScenePaths } from "./scene_list.ts";

/** The plan of one scene. */
export interface ScenePlan {
  readonly paths: ScenePaths;
  readonly grid: GridInfo;
  readonly summary: PlanSummary;
}

/**
 * Sum up what cutting a scene will cost.
 *
 * The time is that of a trial: a row of patches in the middle is cut, and its rate holds for the rest.
 *
 * @param paths The scene.
 * @param scene The same, opened and planned.
 * @param options How it is to be cut.
 */
export async function planOf(
  paths: ScenePaths,
  { reader, labels, plan, bandCount }: OpenScene,
  options: CutOptions,
): Promise<ScenePlan> {
  const { area, grid } = plan;
  const top = plan.rows.offsets[Math.floor(grid.rows / 2)]!;
  const row = { ...area, y: area.y + top, height: Math.min(grid.height, area.height - top) };
  const trial = planScene(reader, { ...options, window: row, limit: undefined, shard: undefined });
  const started = performance.now();
  const items = tileScene(reader, trial, {
    ...(labels === null ? {} : { labels }),
    ...(options.bands === undefined ? {} : { bands: options.bands }),
  });
  for await (const _ of items);
  const seconds = (performance.now() - started) / 1000;
  const summary = summarizePlan(plan, {
    bands: bandCount,
    dtype: reader.info.dtype,
    labels: labels !== null,
    block: reader.info.block,
    patchesPerSecond: trial.patches / seconds,
  });
  return { paths, grid, summary };
}

/** Print plans, one line a scene. */
export function formatPlans(plans: readonly ScenePlan[], format: TableFormat): string {
  return formatTable(COLUMNS, plans, format);
}

/** All scenes together, in one line. */
export function formatTotal(plans: readonly ScenePlan[]): string {
  const total = (key: "patches" | "streamBytes" | "seconds") =>
    plans.reduce((sum, { summary }) => sum + (summary[key] ?? 0), 0);
  return `${plans.length} scenes: ${total("patches")} patches, a stream of ${
    formatBytes(total("streamBytes"))
  }, ${formatDuration(total("seconds"))} to cut`;
}

function formatDuration(seconds: number): string {
  return seconds < 1 ? "under 1 s" : formatClock(seconds);
}

const COLUMNS: readonly Column<ScenePlan>[] = [
  { title: "scene", key: "scene", value: ({ paths }) => paths.name },
  { title: "patches", key: "patches", value: ({ summary }) => summary.patches },
  {
    title: "grid",
    key: "grid",
    value: ({ grid }) => `${grid.columns}x${grid.rows}`,
  },
  {
    title: "size",
    key: "size",
    value: ({ grid }) => `${grid.width}x${grid.height}`,
  },
  {
    title: "overlap",
    key: "overlap",
    value: ({ summary }) => summary.overlap,
    format: ({ summary }) => `${summary.overlap} (${summary.overlapPercent.toFixed(1)}%)`,
  },
  {
    title: "redundancy",
    key: "redundancy",
    value: ({ summary }) => summary.redundancy,
    format: ({ summary }) => summary.redundancy.toFixed(2),
  },
  bytesColumn("stream", "streamBytes"),
  bytesColumn("tile holds", "tileBytes"),
  bytesColumn("stitch holds", "stitchBytes"),
  {
    title: "time to cut",
    key: "seconds",
    value: ({ summary }) => summary.seconds,
    format: ({ summary }) => formatDuration(summary.seconds ?? 0),
  },
];

function bytesColumn(
  title: string,
  key: "streamBytes" | "tileBytes" | "stitchBytes",
): Column<ScenePlan> {
  return {
    title,
    key,
    value: ({ summary }) => summary[key],
    format: ({ summary }) => formatBytes(summary[key]),
  };
}
