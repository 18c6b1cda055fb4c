/**
 * How far a map job is, told by what it has made.
 *
 * @module
 */
import { join } from "node:path";
import { readPartialMap } from "../../mod.ts";
import { type Column, formatTable, type TableFormat } from "../table.ts";
import { JOB_FILES, type MapJob, partPath } from "./job.ts";
import { queueStates } from "./submit.ts";

/** A shard of a job. */
export interface ShardProgress {
  readonly shard: number;
  readonly scenes: readonly string[];
  /** Scenes of which its map is finished. */
  readonly finished: number;
  /** Scenes of which its map is begun. */
  readonly begun: number;
  /** Rows of pixels that it answers for, and those that are finished. */
  readonly rows: number;
  readonly finishedRows: number;
  /** What Slurm says of its task; null where it has none. */
  readonly task: string | null;
}

/** A job. */
export interface JobProgress {
  readonly shards: readonly ShardProgress[];
  /** Maps of whole scenes, and how many there will be; statistics and pages, null where none are wanted. */
  readonly maps: number;
  readonly scenes: number;
  readonly stats: number | null;
  readonly reports: number | null;
}

/** Look at what a job has made. */
export async function jobProgress(folder: string, job: MapJob): Promise<JobProgress> {
  const tasks = await queueStates(await submittedJobs(folder, "map"));
  const shards: ShardProgress[] = [];
  for (const [index, scenes] of job.shards.entries()) {
    const shard = index + 1;
    const paths = scenes.map(({ scene }) => partPath(folder, shard, scene));
    const isFinished = await Promise.all(paths.map(exists));
    const begun = await Promise.all(paths.map(rowsPutAside));
    shards.push({
      shard,
      scenes: scenes.map(({ scene }) => scene),
      finished: isFinished.filter(Boolean).length,
      begun: begun.filter((rows, i) => rows !== null && !isFinished[i]).length,
      rows: scenes.reduce((sum, { rows }) => sum + rows, 0),
      finishedRows: scenes.reduce(
        (sum, { rows }, i) => sum + (isFinished[i] ? rows : begun[i] ?? 0),
        0,
      ),
      task: tasks?.get(shard) ?? null,
    });
  }
  const names = [...new Set(job.shards.flat().map(({ scene }) => scene))];
  const made = async (kind: string, extension: string) => {
    const found = await Promise.all(
      names.map((name) => exists(join(folder, kind, `${name}.${extension}`))),
    );
    return found.filter(Boolean).length;
  };
  return {
    shards,
    maps: await made("maps", "tif"),
    scenes: names.length,
    stats: job.zones === null ? null : await made("stats", "csv"),
    reports: job.report ? await made("reports", "html") : null,
  };
}

/** Numbers that Slurm gave to jobs of a kind. */
export async function submittedJobs(folder: string, kind: string): Promise<string[]> {
  try {
    const text = await Deno.readTextFile(join(folder, JOB_FILES.submitted));
    return text.trim().split("\n").map((line) => line.split("\t"))
      .flatMap(([name, number]) => name === kind && number !== undefined ? [number] : []);
  } catch {
    return [];
  }
}

/** Rows that stitch has put aside; null where the map is not begun. */
async function rowsPutAside(path: string): Promise<number | null> {
  try {
    return (await readPartialMap(path))?.rows ?? null;
  } catch {
    // It is being made, or is damaged, which the task will say.
    return 0;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch {
    return false;
  }
}

/** What a shard is doing, in a word. */
export function stateOf({ finished, begun, scenes, task }: ShardProgress): string {
  if (finished === scenes.length) return "finished";
  if (task !== null) return task;
  return finished + begun > 0 ? "broken off" : "waiting";
}

const COLUMNS: readonly Column<ShardProgress>[] = [
  { title: "shard", key: "shard", value: ({ shard }) => shard },
  { title: "state", key: "state", value: stateOf },
  { title: "scenes", key: "scenes", value: ({ scenes }) => scenes.join(" ") },
  { title: "finished", key: "finished", value: ({ finished }) => finished },
  { title: "begun", key: "begun", value: ({ begun }) => begun },
  {
    title: "rows",
    key: "finished_rows",
    value: ({ finishedRows }) => finishedRows,
  },
  { title: "of", key: "rows", value: ({ rows }) => rows },
];

/** Shards as a table. */
export function formatShards(progress: JobProgress, format: TableFormat): string {
  return formatTable(COLUMNS, progress.shards, format);
}

/** The job in one line. */
export function progressLine({ shards, maps, scenes, stats, reports }: JobProgress): string {
  const finished = shards.filter((shard) => stateOf(shard) === "finished").length;
  const rows = shards.reduce((sum, shard) => sum + shard.rows, 0);
  const finishedRows = shards.reduce((sum, shard) => sum + shard.finishedRows, 0);
  return [
    `${finished} of ${shards.length} shards finished, ${
      Math.floor(100 * finishedRows / rows)
    } % of the rows`,
    `${maps} of ${scenes} maps`,
    ...(stats === null ? [] : [`statistics of ${stats}`]),
    ...(reports === null ? [] : [`pages of ${reports}`]),
  ].join("; ");
}
