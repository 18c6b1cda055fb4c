/**
 * The registry of commands. Names and summaries are here, so that listing them loads none of them.
 *
 * @module
 */
import type { Command } from "../command.ts";

/** The verb that completion scripts call; see `completion.ts`. It is not for people, and not listed. */
export const COMPLETE_VERB = "__complete";

/** Headings of the list of commands, in order. */
export const COMMAND_GROUPS = ["Pipeline", "Maps", "Models", "Data", "Pictures", "Shell"] as const;

/** A command before it is loaded. */
export interface CommandEntry {
  /** Heading that it is listed under. */
  readonly group: (typeof COMMAND_GROUPS)[number];
  /** One line; the same as in the command. */
  readonly summary: string;
  /** Import the command. */
  load(): Promise<{ readonly default: Command }>;
}

/** All commands by name, in the order of the list. */
export const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  tile: {
    group: "Pipeline",
    summary: "Cut scenes into a stream of patches",
    load: () => import("./tile.ts"),
  },
  normalize: {
    group: "Pipeline",
    summary: "Normalize the images of a patch stream, or fit the statistics to do so",
    load: () => import("./normalize.ts"),
  },
  infer: {
    group: "Pipeline",
    summary: "Run a network over the patches of a stream",
    load: () => import("./infer.ts"),
  },
  refine: {
    group: "Pipeline",
    summary: "Let the borders of classes follow the image",
    load: () => import("./refine.ts"),
  },
  upsample: {
    group: "Pipeline",
    summary: "Turn logits into class maps of the patches' size",
    load: () => import("./upsample.ts"),
  },
  stitch: {
    group: "Pipeline",
    summary: "Put the patches of a stream together into a map",
    load: () => import("./stitch.ts"),
  },
  mosaic: {
    group: "Pipeline",
    summary: "Put maps together: of shards, or of neighbouring scenes",
    load: () => import("./mosaic.ts"),
  },
  slurm: {
    group: "Pipeline",
    summary: "Map a catalogue of scenes on a cluster with Slurm",
    load: () => import("./slurm.ts"),
  },
  iou: {
    group: "Pipeline",
    summary: "Score a map against the truth",
    load: () => import("./iou.ts"),
  },
  sieve: {
    group: "Maps",
    summary: "Drop small regions from a class map",
    load: () => import("./sieve.ts"),
  },
  stats: {
    group: "Maps",
    summary: "Sum a map or a raster up by zones",
    load: () => import("./stats.ts"),
  },
  area: {
    group: "Maps",
    summary: "Estimate the areas of classes with their errors",
    load: () => import("./area.ts"),
  },
  change: {
    group: "Maps",
    summary: "Say what became of what between two maps",
    load: () => import("./change.ts"),
  },
  polygonize: {
    group: "Maps",
    summary: "Turn the regions of a class map into polygons",
    load: () => import("./polygonize.ts"),
  },
  train: {
    group: "Models",
    summary: "Train a network on labelled patches",
    load: () => import("./train.ts"),
  },
  test: {
    group: "Models",
    summary: "Score a model on labelled patches",
    load: () => import("./test.ts"),
  },
  models: {
    group: "Models",
    summary: "List the networks that can be trained",
    load: () => import("./models.ts"),
  },
  calibrate: {
    group: "Models",
    summary: "Fit a model's temperature to labelled patches",
    load: () => import("./calibrate.ts"),
  },
  params: {
    group: "Models",
    summary: "Count the parameters and multiply-adds of a network, part by part",
    load: () => import("./params.ts"),
  },
  classify: {
    group: "Models",
    summary: "Say what whole images show",
    load: () => import("./classify.ts"),
  },
  synth: {
    group: "Data",
    summary: "Make labelled scenes by rule",
    load: () => import("./synth.ts"),
  },
  split: {
    group: "Data",
    summary: "Divide labelled patches into training, validation and test by blocks of ground",
    load: () => import("./split.ts"),
  },
  info: {
    group: "Data",
    summary: "Say what a raster, a patch stream or a model directory holds",
    load: () => import("./info.ts"),
  },
  render: {
    group: "Pictures",
    summary: "Draw rasters and patch streams as pictures",
    load: () => import("./render.ts"),
  },
  plot: {
    group: "Pictures",
    summary: "Draw trainings, scores and zones as charts",
    load: () => import("./plot.ts"),
  },
  report: {
    group: "Pictures",
    summary: "Put a map, its scores and its training into one page",
    load: () => import("./report.ts"),
  },
  completion: {
    group: "Shell",
    summary: "Print a script that completes commands in a shell",
    load: () => import("./completion.ts"),
  },
  help: {
    group: "Shell",
    summary: "List the commands, or describe one",
    load: () => import("./help.ts"),
  },
};

/** The entry of a verb; null if there is no such command. */
export function findCommand(verb: string): CommandEntry | null {
  return Object.hasOwn(COMMANDS, verb) ? COMMANDS[verb]! : null;
}
