/** `swath slurm`. @module */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { withFileErrors, writeFileAtomic } from "../../mod.ts";
import { defineCommand } from "../command.ts";
import { CommandError } from "../errors.ts";
import type { CommandIo } from "../io.ts";
import { jsonOption, overwriteOption, patchSizeOption } from "../options.ts";
import {
  argument,
  flag,
  message,
  object,
  option,
  optional,
  string,
  withDefault,
} from "../optique.ts";
import {
  absolute,
  formatJob,
  JOB_FILES,
  type MapJob,
  partsList,
  planShards,
  readJob,
} from "../slurm/job.ts";
import { formatShards, jobProgress, progressLine } from "../slurm/progress.ts";
import { formatSettings, jobScripts, type Resources } from "../slurm/scripts.ts";
import { requireSlurm, submit } from "../slurm/submit.ts";
import { nameList, oneOf, overlap, path, wholeNumber } from "../values.ts";

/** What the command's options say. */
interface MapOptions {
  readonly out: string;
  readonly scenes: string | undefined;
  readonly model: string | undefined;
  readonly zones: string | undefined;
  readonly report: boolean;
  readonly shards: number | undefined;
  readonly size: number;
  readonly overlap: { readonly value: number; readonly unit: "pixels" | "percent" } | undefined;
  readonly bands: readonly string[] | undefined;
  readonly stats: string | undefined;
  readonly partition: string | undefined;
  readonly account: string | undefined;
  readonly time: string;
  readonly cpus: number;
  readonly memory: string;
  readonly gpus: number;
  readonly tasks: number | undefined;
  readonly dryRun: boolean;
  readonly noSubmit: boolean;
  readonly overwrite: boolean;
}

export default defineCommand({
  name: "slurm",
  summary: "Map a catalogue of scenes on a cluster with Slurm",
  description: [
    "map cuts the scenes of a catalogue into shards of equal work, writes job scripts into a folder and " +
    "submits them: an array, in which each task maps one shard (tile, infer, stitch), and after it a job " +
    "that puts the maps of each scene together (mosaic), and with --zones and --report makes " +
    "statistics and pages.",
    "A task may be killed at any time. One that runs into its time limit, is preempted or loses its node " +
    "is queued again, and goes on below the last row that it had finished; shards of which even the " +
    "script was killed are submitted again by the job after them, twice. The maps are, byte by byte, " +
    "those of a single process.",
    "status tells how far a job is, by what it has made.",
    "Other engines run the same shards, which --no-submit prepares: docs/scaling.md.",
  ],
  examples: [
    {
      note: "What would be submitted",
      command: "swath slurm map --scenes scenes.ndjson --model model/ --shards 2 --size 64 " +
        "--out job --dry-run",
    },
    {
      note:
        "A GPU and eight cores a task, at most 32 tasks at a time; it is submitted without --dry-run",
      command: "swath slurm map --scenes scenes.ndjson --model model/ --zones zones.geojson " +
        "--report --shards 2 --gpus 1 --cpus 8 --memory 16G --time 2:00:00 --tasks 32 --size 64 " +
        "--out job --dry-run",
    },
    {
      note: "The same by GNU parallel",
      command: "swath slurm map --scenes scenes.ndjson --model model/ --shards 2 --size 64 " +
        "--out job --no-submit\n" +
        "export JOB=job/job.env\n" +
        "parallel --retries 5 bash job/scripts/map_shard.sh ::: 1 2 && bash job/scripts/map_finish.sh",
    },
    { note: "How far a job is", command: "swath slurm status --out job" },
  ],
  parser: object({
    action: argument(oneOf("ACTION", ["map", "status"]), {
      description: message`map submits a job, status tells how far it is`,
      errors: { endOfInput: message`Missing ACTION: map or status` },
    }),
    out: option("--out", path("DIR", { type: "directory" }), {
      description: message`Folder of the job, which all machines see`,
      errors: { missing: message`Missing --out DIR` },
    }),
    scenes: optional(
      option("--scenes", path("FILE", { extensions: [".ndjson", ".jsonl"] }), {
        description: message`Catalogue of scenes, one a line; see swath tile --help`,
      }),
    ),
    model: optional(
      option("--model", path("MODEL", { type: "directory" }), {
        description: message`Model directory, or a model of the Hugging Face hub`,
      }),
    ),
    zones: optional(
      option("--zones", path("FILE"), {
        description: message`Vector file of zones to make statistics of`,
      }),
    ),
    report: withDefault(
      flag("--report", { description: message`Make a page for each scene` }),
      false,
    ),
    shards: optional(
      option("--shards", wholeNumber("COUNT", { min: 1, max: 100_000 }), {
        description: message`Tasks that the work is cut into; one a scene by default`,
      }),
    ),
    size: patchSizeOption(),
    overlap: optional(
      option("--overlap", overlap(), {
        description: message`Pixels that patches share, or percent of the size; 12.5% by default`,
      }),
    ),
    bands: optional(
      option("--bands", nameList("BANDS"), {
        description: message`Bands to take, by name or number, where the scenes have others too`,
      }),
    ),
    stats: optional(
      option("--stats", path("FILE", { extensions: [".json"] }), {
        description: message`Statistics to normalize by, for a model that has none`,
      }),
    ),
    partition: optional(
      option("--partition", string({ metavar: "NAME" }), {
        description: message`Partition to submit to`,
      }),
    ),
    account: optional(
      option("--account", string({ metavar: "NAME" }), { description: message`Account to charge` }),
    ),
    time: withDefault(
      option("--time", string({ metavar: "TIME" }), {
        description:
          message`Time limit of a task, as sbatch takes it; a task that needs longer goes on`,
      }),
      "4:00:00",
    ),
    cpus: withDefault(
      option("--cpus", wholeNumber("COUNT", { min: 1, max: 1024 }), {
        description: message`Cores of a task`,
      }),
      4,
    ),
    memory: withDefault(
      option("--memory", string({ metavar: "SIZE" }), { description: message`Memory of a task` }),
      "8G",
    ),
    gpus: withDefault(
      option("--gpus", wholeNumber("COUNT", { min: 0, max: 1 }), {
        description: message`GPUs of a task: 1, or none`,
      }),
      0,
    ),
    tasks: optional(
      option("--tasks", wholeNumber("COUNT", { min: 1 }), {
        description: message`Tasks that run at the same time, at most`,
      }),
    ),
    dryRun: withDefault(
      flag("--dry-run", {
        description: message`Print what would be written and submitted instead`,
      }),
      false,
    ),
    noSubmit: withDefault(
      flag("--no-submit", {
        description: message`Write the job's files only: another engine runs scripts/map_shard.sh`,
      }),
      false,
    ),
    json: jsonOption(),
    overwrite: overwriteOption(),
  }),
  async run({ action, json, ...options }, io) {
    if (action === "status") return await printStatus(options.out, json, io);
    if (json) throw new CommandError("--json goes with status");
    await submitMap(options, io);
  },
});

async function printStatus(folder: string, json: boolean, io: CommandIo): Promise<void> {
  const progress = await jobProgress(folder, await readJob(folder));
  await io.write(formatShards(progress, json ? "json" : "table"));
  io.info(progressLine(progress));
}

async function submitMap(options: MapOptions, io: CommandIo): Promise<void> {
  const { scenes, model, zones, report, dryRun, overwrite } = options;
  if (scenes === undefined) {
    throw new CommandError(
      "Missing --scenes FILE",
      "A catalogue has a scene a line: swath tile --help",
    );
  }
  if (model === undefined) throw new CommandError("Missing --model MODEL");
  const folder = absolute(options.out);
  const cut = { size: options.size, overlap: options.overlap ?? DEFAULT_OVERLAP };
  const job: MapJob = {
    version: 1,
    scenes: absolute(scenes),
    model: await isDirectory(model) ? absolute(model) : model,
    zones: zones === undefined ? null : absolute(zones),
    report,
    shards: await planShards(scenes, cut, options.shards ?? null),
  };
  const files = new Map([
    [JOB_FILES.job, formatJob(job)],
    [JOB_FILES.parts, partsList(job)],
    [JOB_FILES.settings, formatSettings(settingsOf(job, folder, options, cut))],
    ...Object.entries(jobScripts(mapResources(options, folder), finishResources(options, folder)))
      .map(([name, text]) => [`${JOB_FILES.scripts}/${name}`, text] as const),
  ]);
  const limit = options.tasks === undefined ? "" : `%${options.tasks}`;
  const exported = `--export=ALL,JOB=${join(folder, JOB_FILES.settings)}`;
  const script = (name: string) => join(folder, JOB_FILES.scripts, name);
  const map = [`--array=1-${job.shards.length}${limit}`, exported, script("map.sbatch")];
  const finish = (after: string) => [
    `--dependency=afterany:${after}`,
    exported,
    script("finish.sbatch"),
  ];
  if (dryRun) {
    const listing = [...files].map(([name, text]) =>
      `==> ${join(options.out, name)} <==\n${text}\n`
    );
    const commands = [map, finish("JOB")].map((args) => `sbatch ${args.join(" ")}\n`);
    return await io.write(`${listing.join("")}${commands.join("")}`);
  }
  await refuseOtherJob(folder, overwrite);
  if (!options.noSubmit) await requireSlurm();
  for (const kind of [JOB_FILES.scripts, JOB_FILES.logs, "parts"]) {
    const path = join(folder, kind);
    await withFileErrors("create", path, () => Deno.mkdir(path, { recursive: true }));
  }
  for (const [name, text] of files) {
    await writeFileAtomic(join(folder, name), text, { overwrite: true });
  }
  if (options.noSubmit) {
    io.info(
      `wrote ${options.out}: set JOB=${join(options.out, JOB_FILES.settings)} and run ` +
        `scripts/map_shard.sh for shards 1 to ${job.shards.length}, then scripts/map_finish.sh`,
    );
    return;
  }
  const mapJob = await submit(map);
  const finishJob = await submit(finish(mapJob));
  await writeFileAtomic(
    join(folder, JOB_FILES.submitted),
    `map\t${mapJob}\nfinish\t${finishJob}\n`,
    { overwrite: true },
  );
  const names = new Set(job.shards.flat().map(({ scene }) => scene));
  io.info(
    `submitted job ${mapJob}, ${job.shards.length} shards of ${names.size} scenes, and ${finishJob} after it; ` +
      `see: swath slurm status --out ${options.out}`,
  );
}

const DEFAULT_OVERLAP = { value: 12.5, unit: "percent" } as const;

function settingsOf(
  job: MapJob,
  folder: string,
  { stats, bands, size, cpus }: MapOptions,
  { overlap }: { readonly overlap: { readonly value: number; readonly unit: string } },
) {
  const isDeno = /^deno(\.exe)?$/.test(Deno.execPath().split(/[/\\]/).at(-1)!);
  return {
    SCENES: job.scenes,
    SHARDS: `${job.shards.length}`,
    MODEL: job.model,
    OUT: folder,
    SCRIPTS: join(folder, JOB_FILES.scripts),
    PARTS: join(folder, JOB_FILES.parts),
    ZONES: job.zones ?? "",
    REPORT: job.report ? "1" : "0",
    // As this command was started, so that tasks run the same version.
    SWATH: isDeno
      ? [Deno.execPath(), "run", "-A", fileURLToPath(new URL("../main.ts", import.meta.url))]
      : [Deno.execPath()],
    TILE_OPTIONS: [
      "--size",
      `${size}`,
      "--overlap",
      overlap.unit === "percent" ? `${overlap.value}%` : `${overlap.value}`,
      ...(bands === undefined ? [] : ["--bands", bands.join(",")]),
    ],
    NORMALIZE: stats === undefined ? [] : ["--stats", absolute(stats)],
    INFER_OPTIONS: ["--threads", `${cpus}`],
    STATS_OPTIONS: [],
  };
}

function mapResources(options: MapOptions, folder: string): Resources {
  const { partition, account, time, cpus, memory, gpus } = options;
  return {
    partition: partition ?? null,
    account: account ?? null,
    time,
    ntasks: 1,
    "cpus-per-task": cpus,
    mem: memory,
    "gpus-per-task": gpus === 0 ? null : gpus,
    output: join(folder, JOB_FILES.logs, "map-%a.log"),
  };
}

function finishResources({ partition, account, memory }: MapOptions, folder: string): Resources {
  return {
    partition: partition ?? null,
    account: account ?? null,
    time: "4:00:00",
    ntasks: 1,
    mem: memory,
    output: join(folder, JOB_FILES.logs, "finish.log"),
  };
}

/** A folder may hold a job that is to be submitted again: what it has made is kept. */
async function refuseOtherJob(folder: string, overwrite: boolean): Promise<void> {
  if (overwrite || !await isFile(join(folder, JOB_FILES.job))) return;
  throw new CommandError(
    `There is a map job in ${JSON.stringify(folder)}`,
    "Submit it again, keeping what it has made, with --overwrite; or choose another --out",
  );
}

async function isDirectory(path: string): Promise<boolean> {
  return (await Deno.stat(path).catch(() => null))?.isDirectory ?? false;
}

async function isFile(path: string): Promise<boolean> {
  return (await Deno.stat(path).catch(() => null))?.isFile ?? false;
}
