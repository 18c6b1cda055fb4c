/** `swath plot`. @module */
import { basename, dirname, join, resolve } from "node:path";
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { optional, withDefault } from "@optique/core/modifiers";
import { option } from "@optique/core/primitives";
import { string } from "@optique/core/valueparser";
import {
  curvesChart,
  learningCurves,
  parseMetricsLog,
  RUN_FILES,
  type RunLog,
  withFileErrors,
} from "../../mod.ts";
import { requirePictureName, writeChart } from "../chart.ts";
import { defineCommand } from "../command.ts";
import { fileArguments, overwriteOption } from "../options.ts";
import { drawPanel } from "../train/terminal_chart.ts";
import { path } from "../values.ts";

export default defineCommand({
  name: "plot",
  summary: "Draw the curves of trainings",
  description: [
    "Draws loss, a metric and the learning rate of one or more runs over the steps, as SVG or PNG by " +
    "the extension of -o, or in characters without it. RUN is the folder of a run, also while it " +
    "is being trained, or its metrics.ndjson.",
  ],
  examples: [
    { note: "In the terminal", command: "swath plot runs/first" },
    {
      note: "Compare two runs by the IoU of a class",
      command: "swath plot runs/first runs/second --metric val_iou/road -o curves.svg",
    },
  ],
  parser: object({
    runs: fileArguments("RUN", "Folder of a run, or its metrics.ndjson", { type: "directory" }),
    metric: withDefault(
      option("--metric", string({ metavar: "NAME" }), {
        description: message`Metric of the second panel, by its name in metrics.ndjson`,
      }),
      "val_miou",
    ),
    output: optional(
      option("-o", "--output", path("FILE", { extensions: [".svg", ".png"] }), {
        description: message`Picture to write, .svg or .png`,
      }),
    ),
    overwrite: overwriteOption(),
  }),
  async run({ runs, metric, output, overwrite }, io) {
    if (output !== undefined) requirePictureName(output);
    const panels = learningCurves(await readLogs(runs), metric);
    if (output === undefined) {
      const look = { columns: io.stdoutColumns, colors: io.stdoutColors };
      return await io.write(panels.map((panel) => drawPanel(panel, look)).join("\n"));
    }
    await writeChart(output, curvesChart(panels), overwrite);
  },
});

/** Logs under the names of their folders; under their paths where names are not distinct. */
async function readLogs(runs: readonly string[]): Promise<RunLog[]> {
  const names = runs.map(nameOf);
  const areDistinct = new Set(names).size === names.length;
  return await Promise.all(runs.map(async (run, index): Promise<RunLog> => {
    const file = isLog(run) ? run : join(run, RUN_FILES.metrics);
    const text = await withFileErrors("read", file, () => Deno.readTextFile(file));
    return { name: areDistinct ? names[index]! : run, records: parseMetricsLog(text, file) };
  }));
}

function nameOf(run: string): string {
  return basename(resolve(isLog(run) ? dirname(run) : run));
}

function isLog(run: string): boolean {
  return run.endsWith(".ndjson");
}
