/** `swath stats`. @module */
import {
  bytesPerElement,
  type ClassInfo,
  countZoneClasses,
  createStitcher,
  createZoneClassSink,
  IGNORE_LABEL,
  mapArea,
  openRaster,
  type PlacedZones,
  type RasterReader,
  selectBands,
  stripRowsFor,
  summarizeZoneValues,
  type ZoneClasses,
  type ZoneClassSink,
} from "../../mod.ts";
import { chosenClasses } from "../classes.ts";
import { defineCommand } from "../command.ts";
import { CommandError } from "../errors.ts";
import type { CommandIo } from "../io.ts";
import { bandsOption, classesOption, formatOption, overwriteOption } from "../options.ts";
import { argument, flag, message, object, option, optional, withDefault } from "../optique.ts";
import {
  type AreaUnit,
  type BandZones,
  longClassTable,
  longValueTable,
  type TableSpec,
  valueAttributes,
  wideClassTable,
  wideValueTable,
} from "../stats/zone_tables.ts";
import {
  checkTarget,
  isVectorOutput,
  type TableTarget,
  writeTable,
  writeZones,
} from "../stats/write_tables.ts";
import { readPatches } from "../stream.ts";
import { TABLE_FORMATS } from "../table.ts";
import { numberList, oneOf, path, RASTER_EXTENSIONS } from "../values.ts";
import { layZones, type ZoneChoice, zoneOptions, zonesOption } from "../zones.ts";

/** Percentile that every table has. */
const MEDIAN = 50;

export default defineCommand({
  name: "stats",
  summary: "Sum a map or a raster up by zones",
  description: [
    "For each zone and class of a map: pixels, area and share. For rasters of values: count, mean, " +
    "min, max, standard deviation, sum, median and percentiles of each band, of the numbers as stored. " +
    "A raster of one band is a class map if it has class names or whole numbers of 8 bits; --kind says " +
    "otherwise. A map without class names goes by the numbers.",
    "Zones are moved to the CRS of the raster, their edges bent where they bend; GeoJSON without a crs " +
    "is WGS 84. They may overlap, have holes, be of many parts, and lie off the raster, where their " +
    "figures are 0. Edges that cross are drawn anew, and zones without a geometry are named in a warning.",
    "By --rule exact, each pixel counts by the share of it that the zone covers, as in exactextract; " +
    "centre and all-touched are the rules of GDAL. Areas are true to the ground: pixels of degrees and of " +
    "Mercator are measured on the ellipsoid, those of other projections taken at their word (UTM is off by " +
    "a thousandth at most, polar stereographic by some per cent). " +
    "inside_share is the share of the zone that lies on the raster, valid_share that of its pixels which " +
    "have data.",
    "Without MAP, it reads class maps from the patch stream at standard input, as upsample makes them. " +
    "The raster is read once, in pieces, whatever the number and size of the zones.",
    "Output is a table on a terminal and CSV otherwise; with -o, the extension says: .csv, .json, " +
    ".ndjson, .md, or .geojson, .fgb, .gpkg for the zones themselves with the figures as attributes. " +
    "--long has a row for each class or statistic, --wide one for each zone.",
  ],
  examples: [
    {
      note: "Land cover of each commune, in hectares",
      command: "swath stats map.tif --zones communes.geojson --id nom",
    },
    {
      note: "One row for each zone, for a spreadsheet",
      command: "swath stats map.tif --zones communes.geojson --id code,nom --wide -o communes.csv",
    },
    {
      note: "The zones with their figures, for QGIS",
      command: "swath stats map.tif --zones communes.geojson -o communes-cover.fgb",
    },
    {
      note: "Straight from the network",
      command: "swath tile scene.tif | swath infer model/ | swath upsample | " +
        "swath stats --zones communes.geojson --id nom",
    },
    {
      note: "Reflectance of two bands, with the tenth and the ninetieth percentile",
      command: "swath stats scene.tif --bands B04,B08 --percentiles 10,90 --zones communes.geojson",
    },
  ],
  parser: object({
    map: optional(
      argument(path("MAP", { extensions: RASTER_EXTENSIONS }), {
        description: message`Class map or raster; the stream at standard input where left out`,
      }),
    ),
    zones: zonesOption(),
    ...zoneOptions,
    kind: optional(
      option("--kind", oneOf("KIND", ["classes", "values"]), {
        description:
          message`What the numbers are: classes or values; told by the raster by default`,
      }),
    ),
    classes: classesOption(),
    bands: bandsOption("Bands of values to sum up, by name or number from 1; all by default"),
    percentiles: optional(
      option("--percentiles", numberList("LIST", { min: 0, max: 100 }), {
        description: message`Percentiles of values besides the median, such as 10,90`,
      }),
    ),
    unit: withDefault(
      option("--unit", oneOf("UNIT", ["m2", "ha", "km2"]), { description: message`Unit of areas` }),
      "ha" as const,
    ),
    wide: withDefault(
      flag("--wide", { description: message`A row for each zone; the default for values` }),
      false,
    ),
    long: withDefault(
      flag("--long", {
        description: message`A row for each class or statistic; the default for classes`,
      }),
      false,
    ),
    output: optional(
      option("-o", "--output", path("FILE"), {
        description: message`File to write: a table, or the zones with figures; by its extension`,
      }),
    ),
    format: formatOption(TABLE_FORMATS, "Format of the table"),
    overwrite: overwriteOption(),
  }),
  async run({ map, wide, long, ...options }, io) {
    if (wide && long) throw new CommandError("Either --wide or --long says what a row is");
    checkTarget(options);
    const shape = wide ? "wide" : long ? "long" : null;
    if (map === undefined) return await streamStats({ ...options, shape }, io);
    const raster = await openRaster(map);
    try {
      await rasterStats(raster, { ...options, shape }, io);
    } finally {
      raster.close();
    }
  },
});

/** What the options say. */
interface StatsChoice extends ZoneChoice, TableTarget {
  readonly kind?: "classes" | "values" | undefined;
  readonly classes?: string | undefined;
  readonly bands?: readonly string[] | undefined;
  readonly percentiles?: readonly number[] | undefined;
  readonly unit: AreaUnit;
  readonly shape: "wide" | "long" | null;
}

async function rasterStats(
  raster: RasterReader,
  choice: StatsChoice,
  io: CommandIo,
): Promise<void> {
  const { info } = raster;
  const stripRows = stripRowsFor(info.width, info.block.height, bytesPerElement(info.dtype));
  using placed = await layZones(choice, info, io, stripRows);
  const kind = choice.kind ?? kindOf(raster, choice);
  const progress = io.progress("Summing up", "rows", info.height);
  try {
    if (kind === "classes") {
      if (choice.bands !== undefined || choice.percentiles !== undefined) {
        throw new CommandError(
          `--bands and --percentiles are for values, and ${
            JSON.stringify(info.source)
          } is a class map`,
          "Take its numbers as values: --kind values",
        );
      }
      const zones = await countZoneClasses(raster, placed, progress.update);
      progress.finish();
      await writeClasses(zones, placed, info.classes, choice, io);
    } else {
      const bands = choice.bands === undefined
        ? info.bands.map((_, band) => band)
        : selectBands(info, choice.bands);
      const percentiles = [MEDIAN, ...choice.percentiles ?? []];
      const statistics = await summarizeZoneValues(raster, placed, {
        bands,
        percentiles,
        onProgress: progress.update,
      });
      progress.finish();
      const zones = bands.map((band, i): BandZones => ({
        band: info.bands[band]!.name,
        zones: statistics[i]!,
      }));
      await writeValues(zones, percentiles, placed, choice, io);
    }
  } finally {
    progress.finish();
  }
}

function kindOf({ info }: RasterReader, { classes, bands }: StatsChoice): "classes" | "values" {
  if (info.bands.length > 1 || bands !== undefined) return "values";
  const [band] = info.bands;
  const whole = info.dtype === "uint8" && band?.scale === 1 && band.offset === 0;
  return info.classes !== null || classes !== undefined || whole ? "classes" : "values";
}

/** Statistics of the one scene of a stream. */
async function streamStats(choice: StatsChoice, io: CommandIo): Promise<void> {
  if (choice.kind === "values" || choice.bands !== undefined || choice.percentiles !== undefined) {
    throw new CommandError("A stream is summed up by its classes, not by values");
  }
  let begun: {
    readonly placed: PlacedZones;
    readonly sink: ZoneClassSink;
    readonly stitcher: ReturnType<typeof createStitcher>;
    readonly classes: readonly ClassInfo[] | null;
  } | null = null;
  try {
    for await (const item of readPatches(io, "Summing up")) {
      if (item.type === "header") {
        if (begun !== null) {
          throw new CommandError(
            "The stream has more than one scene, which lie on different grids",
            "Put their maps together with `swath mosaic`, and sum that up",
          );
        }
        const area = mapArea(item.header);
        const source = item.header.scene!.name;
        const placed = await layZones(choice, { ...area, source }, io);
        const sink = createZoneClassSink(area.width, placed, IGNORE_LABEL);
        const stitcher = createStitcher(item.header, { map: sink });
        begun = { placed, sink, stitcher, classes: item.header.classes };
      } else if (begun === null) continue;
      else if (item.type === "sample") await begun.stitcher.add(item.sample);
      else await begun.stitcher.finish();
    }
    if (begun === null) throw new CommandError("No samples received");
    await writeClasses(begun.sink.finish(), begun.placed, begun.classes, choice, io);
  } finally {
    begun?.placed[Symbol.dispose]();
  }
}

async function writeClasses(
  zones: readonly ZoneClasses[],
  placed: PlacedZones,
  own: readonly ClassInfo[] | null,
  choice: StatsChoice,
  io: CommandIo,
): Promise<void> {
  const classes = await chosenClasses(own, { classes: choice.classes });
  const spec: TableSpec = { idNames: placed.idNames, classes, unit: choice.unit };
  const { output } = choice;
  if (output !== undefined && isVectorOutput(choice)) {
    refuseLong(choice);
    const { columns, rows } = wideClassTable(zones, spec);
    return await writeZones({ columns: withoutIds(columns, placed), rows }, choice, {
      ...choice,
      output,
    });
  }
  const table = choice.shape === "wide" ? wideClassTable(zones, spec) : longClassTable(zones, spec);
  await writeTable(table, choice, io);
}

async function writeValues(
  bands: readonly BandZones[],
  percentiles: readonly number[],
  placed: PlacedZones,
  choice: StatsChoice,
  io: CommandIo,
): Promise<void> {
  const spec: TableSpec = { idNames: placed.idNames, classes: null, unit: choice.unit };
  if (bands.some(({ zones }) => zones.some(({ approximate }) => approximate))) {
    io.warn("percentiles of zones with very many different values are approximate");
  }
  const { output } = choice;
  if (output !== undefined && isVectorOutput(choice)) {
    refuseLong(choice);
    return await writeZones(valueAttributes(bands, percentiles, spec), choice, {
      ...choice,
      output,
    });
  }
  const table = choice.shape === "long"
    ? longValueTable(bands, percentiles, spec)
    : wideValueTable(bands, percentiles, spec);
  await writeTable(table, choice, io);
}

function refuseLong({ shape, output }: StatsChoice): void {
  if (shape !== "long") return;
  throw new CommandError(`${JSON.stringify(output)} has a feature for each zone, which is --wide`);
}

/** The zones have what names them already; numbers are new. */
function withoutIds<Column extends { readonly key: string }>(
  columns: readonly Column[],
  { idNames }: PlacedZones,
): Column[] {
  return columns.filter(({ key }) => !idNames.includes(key) || key === "zone");
}
