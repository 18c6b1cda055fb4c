/** `swath plot`. @module */
import { basename, dirname, join, resolve } from "node:path";
import {
  type ChartSpec,
  choroplethChart,
  CLASS_MEASURES,
  classScores,
  classScoresChart,
  CONFUSION_SHARES,
  confusionCells,
  confusionChart,
  curvesChart,
  type Evaluation,
  learningCurves,
  parseMetricsLog,
  parseScores,
  readLegend,
  readTextFile,
  readZoneFigures,
  reliabilityChart,
  RUN_FILES,
  type RunLog,
  scoresDocument,
  sharesChart,
  withFileErrors,
  zoneShares,
} from "../../mod.ts";
import { requirePictureName, writeChart } from "../chart.ts";
import { chosenClasses } from "../classes.ts";
import { defineCommand } from "../command.ts";
import { CommandError } from "../errors.ts";
import { classesOption, fileArguments, overwriteOption, paletteOption } from "../options.ts";
import { message, object, option, optional, string, withDefault } from "../optique.ts";
import { textBars, textConfusion, textReliability, textShares } from "../plot/text_charts.ts";
import { drawPanel } from "../train/terminal_chart.ts";
import { oneOf, path } from "../values.ts";

/** Kinds of charts: of trainings, of scores, and of zones. */
const KINDS = ["curves", "confusion", "classes", "reliability", "shares", "map"] as const;

type Kind = (typeof KINDS)[number];

export default defineCommand({
  name: "plot",
  summary: "Draw trainings, scores and zones as charts",
  description: [
    "Draws a chart as SVG or PNG by the extension of -o, or in characters without it. What FILE is says " +
    "what is drawn, and --kind which of several charts.",
    "The folder of a run, also while it is being trained, or its metrics.ndjson: curves, which are loss, " +
    "a metric and the learning rate over the steps; of several runs together.",
    "Scores, as iou --format json writes them: confusion, a heat map of what is taken for what; classes, a " +
    "score of each class as bars; reliability, how often predictions of each confidence are right (iou " +
    "--calibration counts them).",
    "Zones, as stats -o zones.geojson writes them: shares of the classes as stacked bars; map, one figure " +
    "of the zones as colours, which --column names.",
    "Numbers are printed in the charts, so that they can be read in black and white; colours are those of " +
    "the classes, or ramps that get darker evenly.",
  ],
  examples: [
    { note: "In the terminal", command: "swath plot runs/first" },
    {
      note: "Compare two runs by the IoU of a class",
      command: "swath plot runs/first runs/second --metric val_iou/road -o curves.svg",
    },
    { note: "What is taken for what", command: "swath plot scores.json -o confusion.png" },
    {
      note: "The recall of each class",
      command: "swath plot scores.json --kind classes --metric recall -o recall.svg",
    },
  ],
  parser: object({
    files: fileArguments("FILE", "Folder of a run or its metrics.ndjson, scores, or zones"),
    kind: optional(
      option("--kind", oneOf("KIND", KINDS), {
        description: message`Which chart; the first one that there is for the file by default`,
      }),
    ),
    metric: optional(
      option("--metric", string({ metavar: "NAME" }), {
        description:
          message`Metric of the second panel of curves, by its name in metrics.ndjson (val_miou by default); score of classes: iou (the default), dice, precision, recall`,
      }),
    ),
    of: withDefault(
      option("--of", oneOf("WHAT", CONFUSION_SHARES), {
        description:
          message`What the confusion matrix gives shares of: the true class, or the mapped one`,
      }),
      "true" as const,
    ),
    column: optional(
      option("--column", string({ metavar: "NAME" }), {
        description: message`Attribute of zones that their map shows`,
      }),
    ),
    id: optional(
      option("--id", string({ metavar: "NAME" }), {
        description: message`Attribute that names the zones`,
      }),
    ),
    classes: classesOption(),
    palette: paletteOption(),
    output: optional(
      option("-o", "--output", path("FILE", { extensions: [".svg", ".png"] }), {
        description: message`Picture to write, .svg or .png`,
      }),
    ),
    overwrite: overwriteOption(),
  }),
  async run({ files, output, overwrite, ...options }, io) {
    if (output !== undefined) requirePictureName(output);
    const look = { columns: io.stdoutColumns, colors: io.stdoutColors };
    const { chart, text } = await makeChart(files, options, look);
    if (output !== undefined) return await writeChart(output, chart(), overwrite);
    if (text === null) {
      throw new CommandError("A map is not drawn in characters", "Write it with -o map.svg");
    }
    await io.write(text());
  },
});

/** What is to be drawn. */
interface PlotOptions {
  readonly kind: Kind | undefined;
  readonly metric: string | undefined;
  readonly of: (typeof CONFUSION_SHARES)[number];
  readonly column: string | undefined;
  readonly id: string | undefined;
  readonly classes: string | undefined;
  readonly palette: string | undefined;
}

/** A chart as a picture, and in characters where it can be. */
interface Chart {
  readonly chart: () => ChartSpec;
  readonly text: (() => string) | null;
}

async function makeChart(
  files: readonly string[],
  options: PlotOptions,
  look: { readonly columns: number; readonly colors: boolean },
): Promise<Chart> {
  const content = await contentOf(files[0]!);
  const kind = options.kind ?? (options.column !== undefined ? "map" : CONTENT_KINDS[content][0]!);
  if (!CONTENT_KINDS[content].includes(kind)) {
    throw new CommandError(
      `Cannot draw ${kind} of "${files[0]}", which holds ${content}: expected ${
        CONTENT_KINDS[content].join(", ")
      }`,
    );
  }
  if (files.length > 1) {
    const others = await Promise.all(files.slice(1).map(contentOf));
    if ([content, ...others].some((held) => held !== "runs")) {
      throw new CommandError(
        `Cannot draw ${files.length} files in one chart: only runs are drawn together`,
      );
    }
  }
  if (content === "runs") {
    const panels = learningCurves(await readLogs(files), options.metric ?? "val_miou");
    return {
      chart: () => curvesChart(panels),
      text: () => panels.map((panel) => drawPanel(panel, look)).join("\n"),
    };
  }
  return content === "scores"
    ? await scoreChart(files[0]!, kind, options)
    : await zoneChart(files[0]!, kind, options);
}

async function scoreChart(file: string, kind: Kind, options: PlotOptions): Promise<Chart> {
  const text = await readTextFile(file);
  const parsed = parseScores(text, file);
  const evaluation: Evaluation = {
    ...parsed,
    classes: await namedAs(parsed.classes, options),
  };
  if (kind === "reliability") {
    const { calibration } = scoresDocument(evaluation);
    if (calibration === undefined) {
      throw new CommandError(
        `Cannot draw the reliability of "${file}" as its confidences were not counted`,
        "Count them with swath iou --calibration",
      );
    }
    return { chart: () => reliabilityChart(calibration), text: () => textReliability(calibration) };
  }
  if (kind === "confusion") {
    const note = `percent of the ${options.of} class; rows are true classes, columns mapped ones`;
    return {
      chart: () => confusionChart(evaluation, options.of),
      text: () => textConfusion(confusionCells(evaluation, options.of), note),
    };
  }
  const measure = CLASS_MEASURES.find((name) => name === (options.metric ?? "iou"));
  if (measure === undefined) {
    throw new CommandError(
      `Cannot draw the score "${options.metric}" of classes: expected ${CLASS_MEASURES.join(", ")}`,
    );
  }
  return {
    chart: () => classScoresChart(evaluation, measure),
    text() {
      const { rows, mean } = classScores(evaluation, measure);
      const bars = rows.map(({ name, score }) => ({ name, value: score, label: score.toFixed(3) }));
      return textBars(bars, `mean ${measure} ${mean === null ? "n/a" : mean.toFixed(4)}`);
    },
  };
}

async function zoneChart(file: string, kind: Kind, options: PlotOptions): Promise<Chart> {
  const figures = await readZoneFigures(file, await zoneClasses(options), options.id);
  if (kind === "shares") {
    return { chart: () => sharesChart(figures), text: () => textShares(zoneShares(figures)) };
  }
  const { column } = options;
  if (column === undefined) {
    throw new CommandError("Missing --column, the attribute of zones that their map shows");
  }
  return { chart: () => choroplethChart(figures, column), text: null };
}

/** Names and colours of the classes that attributes of zones are named after. */
async function zoneClasses(options: PlotOptions): Promise<Evaluation["classes"]> {
  const { classes, palette } = options;
  if (classes !== undefined || palette === undefined) return await chosenClasses(null, options);
  // Attributes have names and no numbers.
  const legend = await readLegend(palette);
  return legend.flatMap(({ name, color }) => name === null ? [] : [{ name, color }]);
}

/** Classes under the names and in the colours of the options, as many as there are. */
async function namedAs(
  own: Evaluation["classes"],
  options: PlotOptions,
): Promise<Evaluation["classes"]> {
  const named = await chosenClasses(own, options);
  if (own === null || named!.length === own.length) return named;
  throw new CommandError(`Cannot name ${own.length} classes with ${named!.length} names`);
}

/** What files hold, and the charts of it, the usual one first. */
const CONTENT_KINDS: Readonly<Record<"runs" | "scores" | "zones", readonly Kind[]>> = {
  runs: ["curves"],
  scores: ["confusion", "classes", "reliability"],
  zones: ["shares", "map"],
};

/** What a file holds. */
async function contentOf(file: string): Promise<keyof typeof CONTENT_KINDS> {
  if (isLog(file)) return "runs";
  const { isDirectory } = await withFileErrors("read", file, () => Deno.stat(file));
  if (isDirectory) return "runs";
  using opened = await withFileErrors("read", file, () => Deno.open(file));
  const start = new Uint8Array(4096);
  const length = await withFileErrors("read", file, () => opened.read(start)) ?? 0;
  const head = new TextDecoder("latin1").decode(start.subarray(0, length));
  return /^\s*\{/.test(head) && /"swath"\s*:/.test(head) ? "scores" : "zones";
}

/** Logs under the names of their folders; under their paths where names are not distinct. */
async function readLogs(runs: readonly string[]): Promise<RunLog[]> {
  const names = runs.map(nameOf);
  const areDistinct = new Set(names).size === names.length;
  return await Promise.all(runs.map(async (run, index): Promise<RunLog> => {
    const file = isLog(run) ? run : join(run, RUN_FILES.metrics);
    const text = await readTextFile(file);
    return { name: areDistinct ? names[index]! : run, records: parseMetricsLog(text, file) };
  }));
}

function nameOf(run: string): string {
  return basename(resolve(isLog(run) ? dirname(run) : run));
}

function isLog(run: string): boolean {
  return run.endsWith(".ndjson");
}
