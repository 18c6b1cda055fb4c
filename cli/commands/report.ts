/** `swath report`. @module */
import {
  bandIndex,
  buildReport,
  formatBytes,
  readLegend,
  withFileErrors,
  writeFileAtomic,
} from "../../mod.ts";
import project from "../../deno.json" with { type: "json" };
import { namedClasses } from "../classes.ts";
import { defineCommand } from "../command.ts";
import { CommandError } from "../errors.ts";
import {
  bandsOption,
  classesOption,
  outputOption,
  overwriteOption,
  paletteOption,
} from "../options.ts";
import { argument, message, multiple, object, option, optional, string } from "../optique.ts";
import { path, RASTER_EXTENSIONS } from "../values.ts";

export default defineCommand({
  name: "report",
  summary: "Put a map, its scores and its training into one page",
  description: [
    "Writes one HTML file that loads nothing from anywhere and can be sent by mail: the map, which is moved " +
    "and zoomed by pointer, fingers and keys, over the scene; a legend that hides classes; areas, scores, " +
    "the confusion matrix, zones in a table that sorts and filters and is linked with the map, the curves " +
    "of trainings, and where everything comes from. It is light or dark as the reader's system is.",
    "Each MAP is a class map; several of the same pixels can be switched between, and the first one is " +
    "scored. RUN is the folder of a training. Scores come from --scores, or from --truth, which is " +
    "shown as a map as well.",
    "The page stays below 15 MB: where a map is too large for that, its finest resolutions are left out, " +
    "and the page says which it keeps. Areas and shares are always counted over all pixels.",
    "Zones are a vector file with figures as attributes, such as swath stats writes.",
  ],
  examples: [
    {
      note: "A map over its scene",
      command: "swath report map.tif --scene scene.tif -o report.html",
    },
    {
      note: "With scores against the truth, and the training of its model",
      command: "swath report map.tif runs/first --scene scene.tif --truth truth.tif -o report.html",
    },
    {
      note: "In false colours, under other names",
      command:
        "swath report map.tif --scene scene.tif --bands B08,B04,B03 --title 'Land cover 2024' -o report.html",
    },
  ],
  parser: object({
    inputs: multiple(
      argument(path("RUN|MAP", { extensions: RASTER_EXTENSIONS }), {
        description: message`Class maps of the same pixels, and folders of trainings`,
      }),
      { min: 1, errors: { tooFew: message`Missing RUN|MAP` } },
    ),
    output: outputOption("Page to write, .html"),
    scene: optional(
      option("--scene", path("FILE", { extensions: RASTER_EXTENSIONS }), {
        description: message`Scene to show below the map`,
      }),
    ),
    bands: bandsOption("Bands of the scene for red, green and blue, by name or number from 1"),
    index: optional(
      option("--index", string({ metavar: "INDEX" }), {
        description:
          message`Show an index of the scene, or an expression over its bands; see swath render`,
      }),
    ),
    truth: optional(
      option("--truth", path("FILE", { extensions: RASTER_EXTENSIONS }), {
        description: message`True classes: shown, and what the map is scored against`,
      }),
    ),
    confidence: optional(
      option("--confidence", path("FILE", { extensions: RASTER_EXTENSIONS }), {
        description: message`Confidence of the map, as stitch --confidence writes it`,
      }),
    ),
    scores: optional(
      option("--scores", path("FILE", { extensions: [".json"] }), {
        description: message`Scores, as iou --format json writes them`,
      }),
    ),
    zones: optional(
      option(
        "--zones",
        path("FILE", { extensions: [".geojson", ".fgb", ".gpkg", ".shp", ".json"] }),
        {
          description: message`Zones with figures as attributes`,
        },
      ),
    ),
    model: optional(
      option("--model", path("MODEL", { type: "directory" }), {
        description: message`Folder of the model that made the map, for its hash and origin`,
      }),
    ),
    title: optional(
      option("--title", string({ metavar: "TEXT" }), { description: message`Headline` }),
    ),
    classes: classesOption(),
    palette: paletteOption(),
    overwrite: overwriteOption(),
  }),
  async run({ inputs, output, bands, index, classes, palette, overwrite, ...files }, io) {
    if (!/\.html?$/i.test(output)) {
      throw new CommandError(
        `Cannot write a report into "${output}": expected a name that ends in .html`,
      );
    }
    if ((bands ?? index) !== undefined && files.scene === undefined) {
      throw new CommandError(`--${bands === undefined ? "index" : "bands"} goes with --scene`);
    }
    if (files.truth !== undefined && files.scores !== undefined) {
      throw new CommandError("Scores come from --scores or from --truth, not from both");
    }
    const maps: string[] = [];
    const runs: string[] = [];
    for (const input of inputs) (await isDirectory(input) ? runs : maps).push(input);
    for (const [name, value] of Object.entries(files)) {
      if (value !== undefined && name !== "title" && name !== "scores" && maps.length === 0) {
        throw new CommandError(`--${name} goes with a map`);
      }
    }
    const progress = io.progress("Reading", "rows");
    const given = Object.fromEntries(
      Object.entries(files).filter(([, value]) => value !== undefined),
    );
    const { html, resolution } = await buildReport({
      ...given,
      maps,
      runs,
      look: {
        ...(bands === undefined ? {} : { bands }),
        ...(index === undefined ? {} : { index: bandIndex(index) }),
      },
      ...(classes === undefined ? {} : { classes: await namedClasses(classes) }),
      ...(palette === undefined
        ? {}
        : { legend: { entries: await readLegend(palette), source: palette } }),
      made: [
        ["swath", project.version],
        ["Deno", Deno.version.deno],
        ["made on", new Date().toISOString().slice(0, 10)],
        ["command line", io.commandLine],
      ],
    }, progress.update).finally(progress.finish);
    await writeFileAtomic(output, html, { overwrite });
    io.info(`wrote ${output}, ${formatBytes(new TextEncoder().encode(html).length)}`);
    if (resolution !== "") io.debug(resolution);
  },
});

async function isDirectory(path: string): Promise<boolean> {
  if (/^https?:/i.test(path)) return false;
  return await withFileErrors("read", path, async () => (await Deno.stat(path)).isDirectory);
}
