/** `swath change`. @module */
import {
  changeLegend,
  classesFromNames,
  type ClassInfo,
  commonClasses,
  countTransitions,
  createGeoTiff,
  drawSankey,
  IGNORE_LABEL,
  openRaster,
  type RasterReader,
  stripRowsFor,
  type Transition,
  writeChangeMap,
  type ZoneTransitions,
} from "../../mod.ts";
import {
  CHANGE_VIEWS,
  changeTable,
  type ChangeTableSpec,
  unitSize,
} from "../change/change_tables.ts";
import { chosenClasses } from "../classes.ts";
import { defineCommand } from "../command.ts";
import { CommandError } from "../errors.ts";
import type { CommandIo } from "../io.ts";
import {
  classesOption,
  compressionOption,
  fileArgument,
  formatOption,
  overwriteOption,
} from "../options.ts";
import { message, object, option, optional, withDefault } from "../optique.ts";
import { pictureKind, writeDrawing } from "../render/figure_file.ts";
import { checkTarget, isVectorOutput, writeTable } from "../stats/write_tables.ts";
import { TABLE_FORMATS } from "../table.ts";
import { oneOf, path, RASTER_EXTENSIONS } from "../values.ts";
import { layZones, type ZoneChoice, zoneOptions, zonesOption } from "../zones.ts";

export default defineCommand({
  name: "change",
  summary: "Say what became of what between two maps",
  description: [
    "Compares two class maps of the same pixels. By default it prints the transitions: a row for each pair " +
    "of a class before and a class after, with pixels, area and share. --show classes has a row for each " +
    "class: area before and after, gain, loss and net change. --show matrix has a row for each class " +
    "before and a column for each class after. Pixels without data in either map are left out.",
    "With --zones, it does so zone by zone; pixels count by the share that the zone covers.",
    "--change-map writes a map with a number for each transition, the largest first, in the colour of " +
    "the class after, 0 for what stayed, and names such as forest → road. --plot draws the flows between " +
    "the classes as a Sankey diagram.",
    "Maps have errors, and so have changes: where few pixels change, most of the changes of two maps may " +
    "be errors of the one or the other. For areas with intervals, take samples of the change map, and see " +
    "swath area.",
  ],
  examples: [
    { note: "What became of what", command: "swath change 2023-map.tif 2024-map.tif" },
    {
      note: "Gains and losses of each class, commune by commune",
      command:
        "swath change 2023-map.tif 2024-map.tif --show classes --zones communes.geojson --id nom",
    },
    {
      note: "A map of the changes, and a picture of the flows",
      command: "swath change 2023-map.tif 2024-map.tif --change-map changes.tif --plot flows.svg",
    },
  ],
  parser: object({
    before: fileArgument("BEFORE", "Class map of the earlier time", {
      extensions: RASTER_EXTENSIONS,
    }),
    after: fileArgument("AFTER", "Class map of the later time, of the same pixels", {
      extensions: RASTER_EXTENSIONS,
    }),
    zones: optional(zonesOption("Zones to compare in, one by one")),
    ...zoneOptions,
    classes: classesOption(),
    show: withDefault(
      option("--show", oneOf("ROWS", CHANGE_VIEWS), {
        description: message`What the table has rows of: transitions, classes or matrix`,
      }),
      "transitions" as const,
    ),
    unit: withDefault(
      option("--unit", oneOf("UNIT", ["m2", "ha", "km2"]), { description: message`Unit of areas` }),
      "ha" as const,
    ),
    changeMap: optional(
      option("--change-map", path("FILE"), {
        description: message`Also write a GeoTIFF with a number for each transition`,
      }),
    ),
    plot: optional(
      option("--plot", path("FILE"), {
        description: message`Also draw the flows: .svg, .png or .webp`,
      }),
    ),
    output: optional(
      option("-o", "--output", path("FILE"), {
        description: message`File to write the table to: .csv, .json, .ndjson or .md`,
      }),
    ),
    format: formatOption(TABLE_FORMATS, "Format of the table"),
    compression: compressionOption(),
    overwrite: overwriteOption(),
  }),
  async run(options, io) {
    const { plot, changeMap } = options;
    if (isVectorOutput(options)) {
      throw new CommandError(
        "A table of changes is no vector file: -o wants .csv, .json, .ndjson or .md",
      );
    }
    checkTarget(options);
    if (plot !== undefined) pictureKind(plot);
    const before = await openRaster(options.before);
    try {
      const after = await openRaster(options.after);
      try {
        const named = options.classes === undefined
          ? commonClasses(before, after)
          : (commonClasses(withoutNames(before), withoutNames(after)), null);
        const classes = await chosenClasses(named, { classes: options.classes });
        const zones = await transitions(before, after, options, io);
        const known = before.info.georeference.transform !== null &&
          (before.info.georeference.crs !== null || options.crs !== undefined);
        const spec: ChangeTableSpec = {
          idNames: zones.idNames,
          classes,
          unit: known ? options.unit : "pixels",
        };
        const whole = options.zones === undefined
          ? zones.zones[0]!.transitions
          : plot === undefined && changeMap === undefined
          ? []
          : (await countTransitions(before, after, crsOf(options)))[0]!.transitions;
        if (changeMap !== undefined) {
          await changeMapOf(before, after, whole, classes, { ...options, changeMap }, io);
        }
        if (plot !== undefined) {
          await writeDrawing(plot, flowsOf(whole, spec, options.before, options.after), options);
        }
        await writeTable(changeTable(zones.zones, options.show, spec), options, io);
      } finally {
        after.close();
      }
    } finally {
      before.close();
    }
  },
});

interface ChangeChoice extends Omit<ZoneChoice, "zones"> {
  readonly zones?: string | undefined;
}

/** A map whose own names do not count. */
function withoutNames(reader: RasterReader): RasterReader {
  return { ...reader, info: { ...reader.info, classes: null } };
}

function crsOf({ crs }: ChangeChoice): { crs?: string } {
  return crs === undefined ? {} : { crs };
}

async function transitions(
  before: RasterReader,
  after: RasterReader,
  choice: ChangeChoice,
  io: CommandIo,
): Promise<{ readonly idNames: readonly string[]; readonly zones: ZoneTransitions[] }> {
  const { info } = before;
  const progress = io.progress("Comparing", "rows", info.height);
  const common = { ...crsOf(choice), onProgress: progress.update };
  try {
    if (choice.zones === undefined) {
      return { idNames: [], zones: await countTransitions(before, after, common) };
    }
    const blockRows = Math.max(info.block.height, after.info.block.height);
    const stripRows = stripRowsFor(info.width, blockRows, 2);
    using placed = await layZones({ ...choice, zones: choice.zones }, info, io, stripRows);
    const zones = await countTransitions(before, after, { ...common, placed });
    return { idNames: placed.idNames, zones };
  } finally {
    progress.finish();
  }
}

async function changeMapOf(
  before: RasterReader,
  after: RasterReader,
  whole: readonly Transition[],
  classes: readonly ClassInfo[] | null,
  { changeMap, compression, overwrite }: {
    readonly changeMap: string;
    readonly compression: "deflate" | "zstd" | "none";
    readonly overwrite: boolean;
  },
  io: CommandIo,
): Promise<void> {
  const { width, height, georeference } = before.info;
  const legend = changeLegend(whole, classes);
  using writer = await createGeoTiff(changeMap, {
    width,
    height,
    dtype: "uint8",
    bands: [{ name: "change", scale: 1, offset: 0 }],
    nodata: IGNORE_LABEL,
    georeference,
    classes: legend.classes,
    compression,
    overwrite,
  });
  io.onInterrupt(() => writer.abort());
  const progress = io.progress("Writing changes", "rows", height);
  try {
    await writeChangeMap(before, after, legend, writer, progress.update);
    await writer.finish();
  } finally {
    progress.finish();
  }
}

/** The flows of the whole map as a drawing. */
function flowsOf(
  whole: readonly Transition[],
  { classes, unit }: ChangeTableSpec,
  before: string,
  after: string,
): string {
  const numbers = [...new Set(whole.flatMap(({ from, to }) => [from, to]))].sort((a, b) => a - b);
  const named = numbers.map((number) => classes?.[number]?.name || String(number));
  const nodes = classesFromNames(named).map(({ name, color }, i) => ({
    name,
    color: classes?.[numbers[i]!]?.color ?? color,
  }));
  const name = (file: string) => file.replace(/^.*[/\\]/, "").replace(/\.\w+$/, "");
  return drawSankey({
    nodes,
    flows: whole.map(({ from, to, area }) => ({
      from: numbers.indexOf(from),
      to: numbers.indexOf(to),
      value: area / unitSize(unit),
    })),
    sides: [name(before), name(after)],
    title: `What became of what, in ${unit === "m2" ? "m²" : unit === "km2" ? "km²" : unit}`,
    format: (value) => value >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3))),
  });
}
