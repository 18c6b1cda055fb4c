/** `swath area`. @module */
import {
  type ClassInfo,
  countZoneClasses,
  designSample,
  estimateAreas,
  type Evaluation,
  formatJson,
  mapClassAreas,
  openRaster,
  parseScores,
  type RasterReader,
  readTextFile,
  stripRowsFor,
} from "../../mod.ts";
import {
  type AreaRow,
  areaRows,
  type AreaRowSpec,
  type AreaTableSpec,
  designTable,
  formatEstimate,
  type Level,
  LEVELS,
  plainColumns,
  readableColumns,
} from "../area/area_tables.ts";
import { chosenClasses } from "../classes.ts";
import { defineCommand } from "../command.ts";
import { CommandError } from "../errors.ts";
import type { CommandIo } from "../io.ts";
import { classesOption, formatOption } from "../options.ts";
import { flag, message, object, option, optional, withDefault } from "../optique.ts";
import { type AreaUnit, idCells } from "../stats/zone_tables.ts";
import { formatFacts, formatTable, TABLE_FORMATS, type TableFormat } from "../table.ts";
import {
  decimalNumber,
  numberList,
  oneOf,
  path,
  RASTER_EXTENSIONS,
  wholeNumber,
} from "../values.ts";
import { layZones, zoneOptions, zonesOption } from "../zones.ts";

export default defineCommand({
  name: "area",
  summary: "Estimate the areas of classes with their errors",
  description: [
    "Counting pixels of a map gives biased areas, as the map has errors. From a confusion matrix " +
    "(swath iou --format json) and the map that it is of, this estimates how much of each class there " +
    "is: area corrected for the errors, its standard error and interval, user's, producer's and overall " +
    "accuracy with theirs. It is the stratified estimator of Olofsson et al., Good practices for " +
    "estimating area and assessing accuracy of land change, Remote Sensing of Environment 148 (2014).",
    "The counts are taken as random samples from each class of the map, each independent of the others. " +
    "Pixels of whole patches are not: neighbours are wrong together, and intervals come out too narrow. " +
    "--design-effect says how many pixels count for one independent sample. Every class of the map needs " +
    "at least two samples.",
    "With --zones, areas are estimated zone by zone; the map is taken to be as good in each as it is over " +
    "all.",
    "--sample-design says how many samples to draw from each class of a map, for a standard error of " +
    "the overall accuracy: Cochran's size, shared out by area, with a least number for small classes.",
  ],
  examples: [
    {
      note: "Areas with 95 % intervals",
      command: "swath iou map.tif truth.tif --format json > iou.json\n" +
        "swath area --confusion iou.json --map map.tif",
    },
    {
      note: "Commune by commune; 50 pixels count for one independent sample",
      command: "swath iou map.tif truth.tif --format json > iou.json\n" +
        "swath area --confusion iou.json --map map.tif --zones communes.geojson --id nom --design-effect 50",
    },
    {
      note: "How many samples to draw for a standard error of 1 %",
      command: "swath area --sample-design --map map.tif --standard-error 0.01 --expected 0.8",
    },
  ],
  parser: object({
    confusion: optional(
      option("--confusion", path("FILE", { extensions: [".json"] }), {
        description:
          message`Scores with their confusion matrix, as swath iou --format json prints them`,
      }),
    ),
    map: optional(
      option("--map", path("FILE", { extensions: RASTER_EXTENSIONS }), {
        description: message`The class map`,
      }),
    ),
    mapped: optional(
      option("--mapped", numberList("COUNTS", { min: 0 }), {
        description: message`Pixels of each class in the map, in order, instead of --map`,
      }),
    ),
    pixelArea: optional(
      option("--pixel-area", decimalNumber("M2", { min: 0 }), {
        description: message`Square metres of a pixel, with --mapped`,
      }),
    ),
    zones: optional(zonesOption("Zones to estimate areas of, one by one")),
    ...zoneOptions,
    classes: classesOption(),
    level: withDefault(
      option("--level", oneOf("PERCENT", LEVELS), { description: message`Level of the intervals` }),
      "95" as const,
    ),
    designEffect: withDefault(
      option("--design-effect", decimalNumber("FACTOR", { min: 1 }), {
        description: message`Pixels of the confusion matrix that count for one independent sample`,
      }),
      1,
    ),
    unit: withDefault(
      option("--unit", oneOf("UNIT", ["m2", "ha", "km2"]), { description: message`Unit of areas` }),
      "ha" as const,
    ),
    sampleDesign: withDefault(
      flag("--sample-design", { description: message`Say how many samples each class needs` }),
      false,
    ),
    standardError: withDefault(
      option("--standard-error", decimalNumber("SHARE", { min: 0.0001, max: 0.5 }), {
        description: message`Standard error of the overall accuracy that --sample-design aims at`,
      }),
      0.01,
    ),
    expected: optional(
      option("--expected", numberList("SHARES", { min: 0, max: 1 }), {
        description:
          message`User's accuracies that --sample-design expects: one for all classes, or one for each in order; those of --confusion, or 0.85`,
      }),
    ),
    least: withDefault(
      option("--least", wholeNumber("COUNT", { min: 2 }), {
        description: message`Least samples of a class, for --sample-design`,
      }),
      50,
    ),
    format: formatOption(TABLE_FORMATS),
  }),
  async run(options, io) {
    const { confusion, map, mapped, zones, sampleDesign } = options;
    if (map === undefined && mapped === undefined) {
      throw new CommandError(
        "Missing --map FILE, or --mapped COUNTS: how much of the map each class is",
      );
    }
    if (map !== undefined && mapped !== undefined) {
      throw new CommandError("--map and --mapped do not go together: the map is counted");
    }
    if (zones !== undefined && map === undefined) throw new CommandError("--zones goes with --map");
    if (sampleDesign && zones !== undefined) {
      throw new CommandError("--sample-design is for a whole map, without --zones");
    }
    const evaluation = confusion === undefined ? null : parseScores(
      await readTextFile(confusion),
      confusion,
    );
    if (evaluation === null && !sampleDesign) {
      throw new CommandError(
        "Missing --confusion FILE",
        "Make it by comparing the map with samples: swath iou map.tif truth.tif --format json",
      );
    }
    const raster = map === undefined ? null : await openRaster(map);
    try {
      const classes = await chosenClasses(evaluation?.classes ?? raster?.info.classes ?? null, {
        classes: options.classes,
      });
      if (sampleDesign) return await writeDesign(options, evaluation, raster, classes, io);
      const parts = await estimateParts(options, evaluation!, raster, classes, io);
      await writeEstimates(parts, { ...options, classes }, io);
    } finally {
      raster?.close();
    }
  },
});

interface AreaChoice {
  readonly mapped?: readonly number[] | undefined;
  readonly pixelArea?: number | undefined;
  readonly zones?: string | undefined;
  readonly layer?: string | undefined;
  readonly id?: readonly string[] | undefined;
  readonly rule: "exact" | "centre" | "all-touched";
  readonly zonesCrs?: string | undefined;
  readonly crs?: string | undefined;
  readonly designEffect: number;
  readonly level: Level;
  readonly unit: AreaUnit;
  readonly standardError: number;
  readonly expected?: readonly number[] | undefined;
  readonly least: number;
  readonly format?: TableFormat | undefined;
}

/** Areas by class in square metres, or in pixels where their size is not known. */
async function mappedAreas(
  { mapped, pixelArea, crs }: AreaChoice,
  raster: RasterReader | null,
  io: CommandIo,
): Promise<{ readonly mapped: ArrayLike<number>; readonly area: number | null }> {
  if (raster === null) {
    const sum = mapped!.reduce((total, count) => total + count, 0);
    return { mapped: mapped!, area: pixelArea === undefined ? null : sum * pixelArea };
  }
  const progress = io.progress("Counting", "rows", raster.info.height);
  try {
    const { pixels, area } = await mapClassAreas(raster, {
      ...(crs === undefined ? {} : { crs }),
      onProgress: progress.update,
    });
    if (area === null) return { mapped: pixels, area: null };
    return { mapped: area, area: area.reduce((total, part) => total + part, 0) };
  } finally {
    progress.finish();
  }
}

/** Estimates of the whole map, or of each zone. */
async function estimateParts(
  choice: AreaChoice,
  { matrix }: Evaluation,
  raster: RasterReader | null,
  classes: readonly ClassInfo[] | null,
  io: CommandIo,
): Promise<{ readonly ids: readonly string[]; readonly parts: AreaRowSpec[] }> {
  const options = {
    designEffect: choice.designEffect,
    names: (classes ?? []).map(({ name }) => name),
  };
  if (choice.zones === undefined || raster === null) {
    const { mapped, area } = await mappedAreas(choice, raster, io);
    return {
      ids: [],
      parts: [{ estimates: estimateAreas(matrix, mapped, options), area, zone: {} }],
    };
  }
  const { info } = raster;
  const stripRows = stripRowsFor(info.width, info.block.height, 1);
  using placed = await layZones({ ...choice, zones: choice.zones }, info, io, stripRows);
  const progress = io.progress("Counting", "rows", info.height);
  const zones = await countZoneClasses(raster, placed, progress.update)
    .finally(() => progress.finish());
  const parts: AreaRowSpec[] = [];
  for (const { zone, classes: found, area } of zones) {
    if (found.length === 0) continue;
    const mapped = new Float64Array(Math.max(...found.map((entry) => entry.class)) + 1);
    for (const entry of found) mapped[entry.class] = entry.area;
    const estimates = estimateAreas(matrix, mapped, options);
    parts.push({ estimates, area, zone: idCells(placed.idNames, zone) });
  }
  const empty = zones.length - parts.length;
  if (empty > 0) io.warn(`${empty} ${empty === 1 ? "zone has" : "zones have"} no pixel with data`);
  return { ids: Object.keys(parts[0]?.zone ?? {}), parts };
}

async function writeEstimates(
  { ids, parts }: { readonly ids: readonly string[]; readonly parts: readonly AreaRowSpec[] },
  choice: AreaChoice & AreaTableSpec,
  io: CommandIo,
): Promise<void> {
  const format = choice.format ?? (io.stdoutIsTerminal ? "table" : "csv");
  const rows = parts.flatMap((part) => areaRows(part, choice));
  if (format === "json") {
    const overall = parts.map(({ estimates, zone }) => ({ ...zone, ...estimates.overallAccuracy }));
    return await io.write(`${
      formatJson({
        level: Number(choice.level),
        designEffect: choice.designEffect,
        overallAccuracy: ids.length === 0 ? overall[0] : overall,
        areas: rows,
      })
    }\n`);
  }
  if (format === "csv" || format === "ndjson") {
    return await io.write(formatTable(plainColumns(rows), rows, format));
  }
  const hasArea = parts.some(({ area }) => area !== null);
  const table = formatTable<AreaRow>(readableColumns(ids, hasArea, choice), rows, format);
  const facts: [string, string][] = ids.length > 0 ? [] : [
    ["overall accuracy", formatEstimate(parts[0]!.estimates.overallAccuracy, choice.level)],
    ["intervals", `${choice.level} %, as ± half their width`],
  ];
  await io.write(table + (format === "table" && facts.length > 0 ? `\n${formatFacts(facts)}` : ""));
}

async function writeDesign(
  choice: AreaChoice,
  evaluation: Evaluation | null,
  raster: RasterReader | null,
  classes: readonly ClassInfo[] | null,
  io: CommandIo,
): Promise<void> {
  const { mapped } = await mappedAreas(choice, raster, io);
  const { expected, standardError, least } = choice;
  if (expected !== undefined && expected.length > 1 && expected.length < mapped.length) {
    throw new CommandError(
      `--expected has ${expected.length} accuracies, and the map has classes up to ${
        mapped.length - 1
      }`,
      "Give one for all classes, or one for each in order",
    );
  }
  const design = designSample(mapped, {
    standardError,
    least,
    expected: (number) => {
      if (expected !== undefined) return expected.length === 1 ? expected[0]! : expected[number]!;
      return evaluation === null ? 0.85 : usersAccuracy(evaluation, number) ?? 0.85;
    },
  });
  const format = choice.format ?? (io.stdoutIsTerminal ? "table" : "csv");
  const { columns, rows } = designTable(design, classes);
  const sum = rows.reduce((total, { samples }) => total + samples, 0);
  const facts: [string, string][] = [
    ["samples in all", `${sum}`],
    ["asked for", `${design.total}, for a standard error of ${standardError}`],
  ];
  await io.write(
    formatTable(columns, rows, format) + (format === "table" ? `\n${formatFacts(facts)}` : ""),
  );
}

function usersAccuracy({ matrix }: Evaluation, number: number): number | null {
  if (number >= matrix.classCount) return null;
  let mapped = 0;
  for (let truth = 0; truth < matrix.classCount; truth++) mapped += matrix.count(truth, number);
  return mapped === 0 ? null : matrix.count(number, number) / mapped;
}
