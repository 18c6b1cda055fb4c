/**
 * What lies beside a map and belongs into its report: scores, trainings, and where everything comes from.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import type { ClassInfo } from "../classes/mod.ts";
import { withFileErrors } from "../files/mod.ts";
import { computeScores, type Evaluation, OVERALL_SCORES, scoresDocument } from "../metrics/mod.ts";
import type { RasterInfo } from "../raster/mod.ts";
import { formatBytes } from "../text/mod.ts";
import { learningCurves, type RunLog } from "../train/mod.ts";
import { openModel } from "../weights/mod.ts";
import type { PageFacts, PagePanel, PageScores } from "./report_data.ts";

/** Metrics of a validation, the first that there is. */
const METRICS = ["val_miou", "val_accuracy", "val_loss"];

/** What people call what logs call otherwise. */
const METRIC_TITLES: Readonly<Record<string, string>> = {
  loss: "Loss",
  val_miou: "Mean IoU in validation",
  val_accuracy: "Pixel accuracy in validation",
  "learning rate": "Learning rate",
};

/**
 * Scores as the page shows them.
 *
 * @param evaluation The counts.
 * @param classes Classes of the report, which count where the scores name none.
 * @param source Where they come from.
 */
export function pageScores(
  evaluation: Evaluation,
  classes: readonly ClassInfo[],
  source: string,
): PageScores {
  const scores = computeScores(evaluation.matrix);
  const document = scoresDocument(evaluation, scores);
  const { invalid, ignored, unpredicted } = document.leftOut;
  const count = (pixels: number) => pixels.toLocaleString("en-US");
  return {
    source,
    overall: OVERALL_SCORES.map(([key, name]) => [name, document[key]]),
    classes: document.perClass.map((row) => ({
      class: row.class,
      name: evaluation.classes === null ? classes[row.class]?.name ?? row.name : row.name,
      iou: row.iou,
      dice: row.dice,
      precision: row.precision,
      recall: row.recall,
      support: row.support,
      predicted: row.predicted,
    })),
    confusion: document.confusion,
    conventions: [
      `${count(scores.pixels)} pixels are scored, all together; scores are not means over patches.`,
      `Left out: ${count(ignored)} pixels without a true class, ${
        count(invalid)
      } without data and ${count(unpredicted)} that the map does not name.`,
      "IoU is the intersection of truth and map over their union. Precision is the share of a mapped class " +
      "that is right (user's accuracy), recall the share of a true class that is found (producer's accuracy).",
      "Means leave out classes that are in neither truth nor map. n/a stands for 0/0.",
    ],
  };
}

/**
 * Curves of trainings as the page shows them.
 *
 * @param runs Their logs.
 */
export function pageCurves(runs: readonly RunLog[]): PagePanel[] {
  if (runs.length === 0) return [];
  const names = new Set(runs.flatMap(({ records }) => records.flatMap(Object.keys)));
  const metric = METRICS.find((name) => names.has(name)) ?? METRICS[0]!;
  return learningCurves(runs, metric).map(({ title, points }) => ({
    title: METRIC_TITLES[title] ?? title,
    curves: [...Map.groupBy(points, ({ run, series }) => `${run}\n${series}`)].map(([, own]) => {
      const { run, series } = own[0]!;
      return {
        name: runs.length > 1 ? `${run}, ${series}` : series,
        dashed: series === "training" && title === "loss",
        points: own.map(({ step, value }) => [step, Number(value.toPrecision(5))] as const),
      };
    }),
  }));
}

/**
 * What is to be known of a raster.
 *
 * @param heading What it is in the report.
 * @param info The raster.
 * @param more Further facts.
 */
export async function rasterFacts(
  heading: string,
  info: RasterInfo,
  more: readonly (readonly [string, string])[] = [],
): Promise<PageFacts> {
  const { width, height, bands, dtype, georeference, source } = info;
  return {
    heading,
    facts: [
      ["file", nameOf(source)],
      [
        "pixels",
        `${width} x ${height}, ${
          bands.length === 1 ? "1 band" : `${bands.length} bands`
        } of ${dtype}`,
      ],
      ["CRS", georeference.crs ?? "not known by a code"],
      ...more,
      ...await fileFacts(source),
    ],
  };
}

/**
 * What is to be known of a model.
 *
 * @param heading What it is in the report.
 * @param directory Its folder.
 * @returns Its network, bands and origin, and the hash of its weights.
 */
export async function modelFacts(heading: string, directory: string): Promise<PageFacts> {
  using model = await openModel(directory);
  const { card, config } = model;
  const facts: [string, string][] = [["model", nameOf(directory)]];
  if (typeof config["model_type"] === "string") facts.push(["network", config["model_type"]]);
  if (card.bands !== null) facts.push(["bands", card.bands.join(", ")]);
  const { source, licence, history } = card.provenance;
  if (source !== null) facts.push(["began with", source]);
  if (licence !== null) facts.push(["licence", licence]);
  if (history.length > 0) facts.push(["made by", history.join("\n")]);
  const weights = join(directory, "model.safetensors");
  return { heading, facts: [...facts, ...await fileFacts(weights, "weights SHA-256")] };
}

/** Size and hash of a file; nothing of what is no file here. */
export async function fileFacts(
  path: string,
  name = "SHA-256",
): Promise<(readonly [string, string])[]> {
  try {
    if (!(await Deno.stat(path)).isFile) return [];
  } catch (error) {
    // A URL, or weights in several files.
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
  return await withFileErrors("read", path, async () => {
    using file = await Deno.open(path);
    const hash = createHash("sha256");
    const buffer = new Uint8Array(1 << 20);
    let size = 0;
    for (let count; (count = await file.read(buffer)) !== null;) {
      hash.update(buffer.subarray(0, count));
      size += count;
    }
    return [["size", formatBytes(size)], [name, hash.digest("hex")]];
  });
}

/** The last part of a path; a report tells nobody where its author keeps files. */
function nameOf(path: string): string {
  return path.replace(/[/\\]+$/, "").split(/[/\\]/).at(-1) ?? path;
}
