/**
 * A report from files: reads them, and puts them together within a size that can be sent around.
 *
 * @module
 */
import { basename, join } from "node:path";
import {
  type ClassInfo,
  classPalette,
  IGNORE_LABEL,
  type LegendEntry,
  recolorClasses,
} from "../classes/mod.ts";
import { InputError } from "../errors.ts";
import { readTextFile, statOrNull } from "../files/mod.ts";
import { groundScale } from "../geo/mod.ts";
import { evaluateRasters, type Evaluation, parseScores } from "../metrics/mod.ts";
import { openRaster, type RasterInfo } from "../raster/mod.ts";
import type { LookOptions } from "../render/mod.ts";
import { checkLabelRaster } from "../tiling/mod.ts";
import { parseMetricsLog, RUN_FILES, type RunLog } from "../train/mod.ts";
import { fileFacts, modelFacts, pageCurves, pageScores, rasterFacts } from "./gather.ts";
import { readConfidence, readLayer, readScene, reportClasses } from "./read_layers.ts";
import { readZones } from "./read_zones.ts";
import type { PageFacts, PageLevel, ReportData } from "./report_data.ts";
import { reportPage } from "./report_page.ts";

/** Bytes of a page: what can be sent around by mail. */
const DEFAULT_MAX_BYTES = 15_000_000;
/** Bytes that scripts, tables and outlines are given. */
const OVERHEAD_BYTES = 1_000_000;
/** Bytes of base64 for each byte. */
const BASE64 = 4 / 3;
/** Shares of the rest. */
const SHARES = { maps: 0.65, scene: 0.2, confidence: 0.15 } as const;

/** What goes into a report. */
export interface ReportInputs {
  /** Class maps of the same pixels; the first one is the map that scores and areas are of. */
  readonly maps: readonly string[];
  /** Folders of trainings. */
  readonly runs: readonly string[];
  /** Scene below the map. */
  readonly scene?: string;
  /** Truth: a map of its own, and what the map is scored against where there are no scores. */
  readonly truth?: string;
  /** Confidence of the map. */
  readonly confidence?: string;
  /** Scores as `swath iou` writes them. */
  readonly scores?: string;
  /** Zones with their figures. */
  readonly zones?: string;
  /** Folder of the model that made the map. */
  readonly model?: string;
  /** Headline; the name of the map where left out. */
  readonly title?: string;
  /** Classes instead of the map's own. */
  readonly classes?: readonly ClassInfo[];
  /** Colours instead of theirs. */
  readonly legend?: { readonly entries: readonly LegendEntry[]; readonly source: string };
  /** How the scene is shown. */
  readonly look?: LookOptions;
  /** What made the report: name and value. */
  readonly made: readonly (readonly [name: string, value: string])[];
  /** Most bytes of the page; 15 MB where left out. */
  readonly maxBytes?: number;
}

/** A report. */
export interface Report {
  /** The page. */
  readonly html: string;
  /** What resolutions it keeps, in words; empty where it has no map. */
  readonly resolution: string;
}

/**
 * Make a report.
 *
 * @param inputs What goes into it.
 * @param onProgress Told how many rows of the maps are read, and how many there are.
 * @throws {InputError} If a file cannot be read, or they do not belong together.
 */
export async function buildReport(
  inputs: ReportInputs,
  onProgress: (done: number, total: number) => void = () => {},
): Promise<Report> {
  const { maps, truth, made } = inputs;
  const budget = ((inputs.maxBytes ?? DEFAULT_MAX_BYTES) - OVERHEAD_BYTES) / BASE64;
  const sources = [...maps, ...(truth === undefined ? [] : [truth])];
  const infos = await Promise.all(sources.map(rasterInfo));
  const [first] = infos;
  for (const info of infos.slice(1)) checkLabelRaster(first!, info);
  const layers = [];
  for (const [index, source] of sources.entries()) {
    layers.push(
      await readLayer(source, budget * SHARES.maps / sources.length, (done, total) => {
        onProgress(index * total + done, sources.length * total);
      }),
    );
  }

  const own = inputs.classes ?? infos.find(({ classes }) => classes !== null)?.classes ?? null;
  const evaluation = await evaluationOf(inputs, own);
  const named = own ?? evaluation?.[1].classes ?? null;
  const { legend } = inputs;
  const colored = legend === undefined
    ? named
    : recolorClasses(named, legend.entries, legend.source);
  const classes = reportClasses(colored, layers, classPalette(256));

  const blobs = new Map<string, Uint8Array>();
  const provenance: PageFacts[] = [{ heading: "Report", facts: made }];
  let map: ReportData["map"] = null;
  if (first !== undefined) {
    const { width, height, georeference } = first;
    const scale = groundScale(georeference, width, height);
    const pixel = scale === null ? null : Math.sqrt(scale.metresPerColumn * scale.metresPerRow);
    const notes: string[] = [];
    const names = layerNames(sources, truth);
    const pageLayers = layers.map(({ built, counts, areas }, index) => {
      const blob = `map-${index}`;
      blobs.set(blob, built.bytes);
      notes.push(`${names[index]} at ${resolutionOf(built.pyramid.levels[0]!, first, pixel)}`);
      return {
        name: names[index]!,
        pyramid: { ...built.pyramid, blob },
        counts: [...counts.subarray(0, classes.length)],
        areas: areas === null ? null : Array.from(areas.subarray(0, classes.length), Math.round),
        missing: counts[255]!,
      };
    });
    for (const [index, info] of infos.entries()) {
      provenance.push(await rasterFacts(names[index]!, info));
    }
    let confidence = null;
    if (inputs.confidence !== undefined) {
      const built = await readConfidence(inputs.confidence, first, budget * SHARES.confidence);
      blobs.set("confidence", built.bytes);
      confidence = { ...built.pyramid, blob: "confidence" };
      notes.push(`confidence at ${resolutionOf(built.pyramid.levels[0]!, first, pixel)}`);
    }
    let scene = null;
    if (inputs.scene !== undefined) {
      const picture = await readScene(inputs.scene, inputs.look ?? {}, budget * SHARES.scene);
      checkLabelRaster(picture.info, first);
      blobs.set("scene", picture.bytes);
      scene = { blob: "scene", type: "image/webp", caption: picture.caption };
      notes.push(`scene at ${resolutionOf(picture, first, pixel)}`);
      provenance.push(await rasterFacts("Scene", picture.info, [["shown", picture.caption]]));
    }
    map = {
      width,
      height,
      metres: pixel,
      transform: georeference.transform,
      crs: georeference.crs,
      layers: pageLayers,
      confidence,
      scene,
      resolution: `Kept in this page: ${
        notes.join(", ")
      }. Areas and shares are counted over all ${width} x ${height} pixels.`,
    };
  }

  const zones = inputs.zones === undefined
    ? null
    : await readZones(inputs.zones, first ?? null, classes);
  if (inputs.zones !== undefined) {
    provenance.push({
      heading: "Zones",
      facts: [["file", basename(inputs.zones)], ...await fileFacts(inputs.zones)],
    });
  }
  const runs = await Promise.all(inputs.runs.map(readRun));
  for (const run of inputs.runs) {
    const best = join(run, RUN_FILES.best);
    const heading = inputs.runs.length > 1 ? `Model of ${basename(run)}` : "Model";
    if ((await statOrNull(best))?.isDirectory) provenance.push(await modelFacts(heading, best));
  }
  if (inputs.model !== undefined) provenance.push(await modelFacts("Model", inputs.model));

  const data: ReportData = {
    title: inputs.title ?? titleOf(inputs),
    subtitle: subtitleOf(first, layers[0]?.counts),
    classes: classes.map(({ name, color }) => ({ name, color })),
    map,
    scores: evaluation === null ? null : pageScores(evaluation[1], classes, evaluation[0]),
    zones,
    curves: pageCurves(runs),
    provenance,
  };
  return { html: reportPage(data, blobs), resolution: map?.resolution ?? "" };
}

/** Scores from their file, or of the map against the truth; with where they come from. */
async function evaluationOf(
  { scores, truth, maps }: ReportInputs,
  classes: readonly ClassInfo[] | null,
): Promise<readonly [string, Evaluation] | null> {
  if (scores !== undefined) {
    const text = await readTextFile(scores);
    return [basename(scores), parseScores(text, scores)];
  }
  const [map] = maps;
  if (truth === undefined || map === undefined) return null;
  const [mapped, labels] = await Promise.all([openRaster(map), openRaster(truth)]);
  try {
    const evaluation = await evaluateRasters(mapped, labels, { classes });
    return [`${basename(map)} against ${basename(truth)}`, evaluation];
  } finally {
    mapped.close();
    labels.close();
  }
}

async function rasterInfo(source: string): Promise<RasterInfo> {
  const raster = await openRaster(source);
  raster.close();
  return raster.info;
}

async function readRun(run: string): Promise<RunLog> {
  const file = join(run, RUN_FILES.metrics);
  const text = await readTextFile(file);
  return { name: basename(run), records: parseMetricsLog(text, file) };
}

/** Names of the maps: of their files where there are several. */
function layerNames(sources: readonly string[], truth: string | undefined): string[] {
  const count = sources.length - (truth === undefined ? 0 : 1);
  return sources.map((source, index) =>
    index >= count ? "Truth" : count === 1 ? "Map" : basename(source).replace(/\.\w+$/, "")
  );
}

function resolutionOf(
  kept: Pick<PageLevel, "width" | "height">,
  map: RasterInfo,
  pixel: number | null,
): string {
  if (kept.width >= map.width) return "full resolution";
  const factor = map.width / kept.width;
  const size = `${kept.width} x ${kept.height} pixels`;
  return pixel === null
    ? size
    : `${size} of ${(pixel * factor).toFixed(pixel * factor < 10 ? 1 : 0)} m`;
}

function titleOf({ maps, runs, title }: ReportInputs): string {
  const [map] = maps;
  if (title !== undefined) return title;
  if (map !== undefined) return `Land cover: ${basename(map).replace(/\.\w+$/, "")}`;
  if (runs.length > 0) return `Training: ${runs.map((run) => basename(run)).join(", ")}`;
  throw new InputError(
    "Cannot make a report of nothing: expected a map or the folder of a training",
  );
}

function subtitleOf(info: RasterInfo | undefined, counts: Float64Array | undefined): string {
  if (info === undefined || counts === undefined) return "";
  const { width, height, georeference: { crs } } = info;
  const present = counts.subarray(0, IGNORE_LABEL).filter((count) => count > 0).length;
  const parts = [`${width} x ${height} pixels`, present === 1 ? "1 class" : `${present} classes`];
  if (crs !== null) parts.push(crs);
  return parts.join(" · ");
}
