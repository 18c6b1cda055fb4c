/**
 * A map job: the catalogue of scenes in shards, and the folder that everything about it lies in.
 *
 * @module
 */
import { join, resolve } from "node:path";
import { formatJson, type GridPlan, InputError, shareOut, withFileErrors } from "../../mod.ts";
import { CommandError } from "../errors.ts";
import { type CutOptions, openScene } from "../tile/open_scene.ts";
import { listScenes } from "../tile/scene_list.ts";

/** What a shard answers for in a scene. */
export interface ShardScene {
  /** Name of the scene. */
  readonly scene: string;
  /** Its file; null where it has several. */
  readonly file: string | null;
  /** Rows of pixels. */
  readonly rows: number;
}

/** A map job as its folder keeps it. */
export interface MapJob {
  /** Version of the file. */
  readonly version: 1;
  /** Catalogue of scenes. */
  readonly scenes: string;
  /** Model directory. */
  readonly model: string;
  /** Vector file of zones; null for none. */
  readonly zones: string | null;
  /** True if each scene gets a page. */
  readonly report: boolean;
  /** What each shard answers for. */
  readonly shards: readonly (readonly ShardScene[])[];
}

/** Names of what the folder of a job holds. */
export const JOB_FILES = {
  /** What the job is. */
  job: "job.json",
  /** Settings of the scripts. */
  settings: "job.env",
  /** Lines of shard and scene. */
  parts: "parts.tsv",
  /** Numbers that Slurm has given to jobs. */
  submitted: "jobs.tsv",
  /** The scripts. */
  scripts: "scripts",
  /** What tasks have said. */
  logs: "logs",
} as const;

/**
 * Plan the shards of a catalogue.
 *
 * @param catalogue The catalogue.
 * @param cut How scenes are cut.
 * @param count How many shards; null for one a scene.
 * @throws {InputError} If a scene cannot be opened, or there are fewer rows of patches than shards.
 */
export async function planShards(
  catalogue: string,
  cut: Pick<CutOptions, "size" | "overlap">,
  count: number | null,
): Promise<MapJob["shards"]> {
  const scenes = await listScenes({ scenes: [], catalogue, labels: [], join: false });
  const plans: GridPlan[] = [];
  for (const paths of scenes) {
    using scene = await openScene(paths, { ...WHOLE, ...cut });
    plans.push(scene.plan);
  }
  const shards = count ?? scenes.length;
  return Array.from(
    { length: shards },
    (_, index) =>
      shareOut(plans, { number: index + 1, count: shards }).flatMap((part, scene) => {
        if (part === null) return [];
        const { cuts } = plans[scene]!.rows;
        const { name, files } = scenes[scene]!;
        return [{
          scene: name,
          file: files.length === 1 ? absolute(files[0]!) : null,
          rows: cuts[part.end]! - cuts[part.first]!,
        }];
      }),
  );
}

const WHOLE: Omit<CutOptions, "size" | "overlap"> = {
  stride: undefined,
  window: undefined,
  limit: undefined,
  shard: undefined,
  resumeFrom: undefined,
  bbox: undefined,
  bboxCrs: undefined,
  aoi: undefined,
  overview: undefined,
  bands: undefined,
  scale: undefined,
  offset: undefined,
  header: [],
  maxMemory: undefined,
};

/** The map that a shard makes of its part of a scene. */
export function partPath(folder: string, shard: number, scene: string): string {
  return join(folder, "parts", `${scene}.${shard}.tif`);
}

/** The list that the scripts read: a line for each shard and scene, with the file of the scene where it has one. */
export function partsList({ shards }: MapJob): string {
  const lines = shards.flatMap((scenes, index) =>
    scenes.map(({ scene, file }) => `${index + 1}\t${scene}\t${file ?? ""}\n`)
  );
  return lines.join("");
}

/** The job as its folder keeps it. */
export function formatJob(job: MapJob): string {
  return `${formatJson(job)}\n`;
}

/**
 * Read the job of a folder.
 *
 * @throws {CommandError} If there is none.
 * @throws {InputError} If its file is damaged.
 */
export async function readJob(folder: string): Promise<MapJob> {
  const path = join(folder, JOB_FILES.job);
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) {
      return await withFileErrors("read", path, () => Promise.reject(error));
    }
    throw new CommandError(
      `There is no map job in ${JSON.stringify(folder)}`,
      "Submit one: swath slurm map --scenes scenes.ndjson --model model/ --out DIR",
    );
  }
  try {
    const job = JSON.parse(text) as MapJob;
    if (job.version === 1 && Array.isArray(job.shards)) return job;
  } catch {
    // Said below.
  }
  throw new InputError(`Cannot read ${JSON.stringify(path)}: it is not the file of a map job`);
}

/** A path that holds on every machine and in every folder; addresses stay as they are. */
export function absolute(path: string): string {
  return /^https?:\/\//i.test(path) ? path : resolve(path);
}
