/** `swath polygonize`. @module */
import { join } from "node:path";
import {
  createFeatures,
  createGeoTiff,
  type FieldInfo,
  IGNORE_LABEL,
  openCrs,
  openRaster,
  polygonizeMap,
  type RasterReader,
  sieveRaster,
  VECTOR_FORMATS,
  vectorFormatOf,
} from "../../mod.ts";
import { chosenClasses } from "../classes.ts";
import { defineCommand } from "../command.ts";
import { CommandError } from "../errors.ts";
import type { CommandIo } from "../io.ts";
import {
  classesOption,
  fileArgument,
  headerOption,
  outputOption,
  overwriteOption,
} from "../options.ts";
import { choice, message, object, option, optional, string, withDefault } from "../optique.ts";
import { AREA_UNITS, className } from "../stats/zone_tables.ts";
import { decimalNumber, nameList, RASTER_EXTENSIONS, wholeNumber } from "../values.ts";

export default defineCommand({
  name: "polygonize",
  summary: "Turn the regions of a class map into polygons",
  description: [
    "Writes a polygon for each region of equal class, with class, class_name, pixels and area: GeoPackage, " +
    "FlatGeobuf or GeoJSON, by the extension of -o. Polygons follow the sides of pixels, so that their " +
    "areas are those of the pixels. Pixels without data are in no polygon. GeoJSON is in WGS 84, as " +
    "RFC 7946 wants it; the others keep the CRS of the map.",
    "--simplify smooths the stairs away: each border between two regions is simplified once (Douglas " +
    "and Peucker), so that neighbours keep the same border, and no gaps or overlaps open. Areas change a " +
    "little then; the attributes are those of the pixels.",
    "--smallest drops regions below a number of pixels first, as swath sieve does: they join their " +
    "largest neighbour. The map is read twice, some rows at a time; what is held are the borders of the " +
    "regions that have not ended, and some numbers for each region.",
  ],
  examples: [
    { note: "Polygons for QGIS", command: "swath polygonize map.tif -o map.gpkg" },
    {
      note: "A smallest mapping unit of half a hectare, and smooth borders",
      command: "swath polygonize map.tif --smallest 50 --simplify 10 -o map.fgb",
    },
    {
      note: "Buildings and roads only, where corners join",
      command: "swath polygonize map.tif --connectivity 8 --only building,road -o built.geojson",
    },
  ],
  parser: object({
    map: fileArgument("MAP", "Class map: one band of 8 bits; path or URL", {
      extensions: RASTER_EXTENSIONS,
    }),
    output: outputOption("Vector file to write: .gpkg, .fgb or .geojson"),
    connectivity: withDefault(
      option("--connectivity", choice(["4", "8"], { metavar: "COUNT" }), {
        description: message`Neighbours that make a region: 4 by edges, 8 by corners too`,
      }),
      "4" as const,
    ),
    simplify: withDefault(
      option("--simplify", decimalNumber("DISTANCE", { min: 0 }), {
        description:
          message`Greatest distance of simplified borders from the sides of pixels, in units of the CRS`,
      }),
      0,
    ),
    smallest: withDefault(
      option("--smallest", wholeNumber("PIXELS", { min: 1 }), {
        description: message`Regions of fewer pixels join their largest neighbour`,
      }),
      1,
    ),
    only: optional(
      option("--only", nameList("CLASSES"), {
        description: message`Classes to write, by name or number; all by default`,
      }),
    ),
    classes: classesOption(),
    crs: optional(
      option("--crs", string({ metavar: "CRS" }), {
        description: message`CRS of the map, where it has none`,
      }),
    ),
    overwrite: overwriteOption(),
    header: headerOption(),
  }),
  async run({ map, output, header, ...options }, io) {
    if (vectorFormatOf(output) === null) {
      throw new CommandError(
        `Cannot write ${JSON.stringify(output)}: its extension says no format`,
        `Expected one of ${VECTOR_FORMATS.map((format) => `.${format}`).join(", ")}`,
      );
    }
    const headers = Object.fromEntries(header.map(({ name, value }) => [name, value]));
    const reader = await openRaster(map, { headers });
    try {
      if (options.smallest <= 1) return await writePolygons(reader, output, options, io);
      const directory = await Deno.makeTempDir({ prefix: "swath-" });
      io.onInterrupt(() => Deno.removeSync(directory, { recursive: true }));
      try {
        const sieved = await sievedMap(reader, join(directory, "sieved.tif"), options, io);
        await writePolygons(sieved, output, options, io).finally(() => sieved.close());
      } finally {
        await Deno.remove(directory, { recursive: true });
      }
    } finally {
      reader.close();
    }
  },
});

interface PolygonizeChoice {
  readonly connectivity: "4" | "8";
  readonly simplify: number;
  readonly smallest: number;
  readonly only?: readonly string[] | undefined;
  readonly classes?: string | undefined;
  readonly crs?: string | undefined;
  readonly overwrite: boolean;
}

/** The map without its small regions, in a file of its own. */
async function sievedMap(
  reader: RasterReader,
  path: string,
  { smallest, connectivity }: PolygonizeChoice,
  io: CommandIo,
): Promise<RasterReader> {
  const { width, height, georeference, classes, bands, nodata } = reader.info;
  const marker = nodata ?? IGNORE_LABEL;
  using writer = await createGeoTiff(path, {
    width,
    height,
    georeference,
    classes,
    bands,
    dtype: "uint8",
    nodata: marker,
    overviews: "none",
  });
  const progress = io.progress("Sieving", "rows", 3 * height);
  await sieveRaster(reader, writer, marker, {
    threshold: smallest,
    connectivity: connectivity === "8" ? 8 : 4,
    onProgress: progress.update,
  }).finally(() => progress.finish());
  await writer.finish();
  return await openRaster(path);
}

const FIELDS: readonly FieldInfo[] = [
  { name: "class", type: "integer" },
  { name: "class_name", type: "string" },
  { name: "pixels", type: "integer" },
];

async function writePolygons(
  map: RasterReader,
  output: string,
  choice: PolygonizeChoice,
  io: CommandIo,
): Promise<void> {
  const { info } = map;
  const crs = info.georeference.crs ?? choice.crs ?? null;
  const classes = await chosenClasses(info.classes, { classes: choice.classes });
  const wanted = choice.only?.map((name) => {
    const number = classes?.findIndex((entry) => entry.name === name) ?? -1;
    if (number >= 0) return number;
    if (/^\d+$/.test(name)) return Number(name);
    throw new CommandError(
      `Cannot write class ${JSON.stringify(name)}: ${
        classes === null
          ? "the map has no class names, and numbers are expected"
          : `there are ${classes.map((entry) => entry.name).filter(Boolean).join(", ")}`
      }`,
    );
  });
  const fields = [...FIELDS, ...(crs === null ? [] : [{ name: "area_ha", type: "real" } as const])];
  using writer = await createFeatures(output, { crs, fields, overwrite: choice.overwrite });
  io.onInterrupt(() => writer.abort());
  const progress = io.progress("Following borders", "rows", 2 * info.height);
  let [written, other] = [0, 0];
  try {
    const regions = polygonizeMap(map, {
      connectivity: choice.connectivity === "8" ? 8 : 4,
      tolerance: choice.simplify / await pixelSize(map, choice.crs),
      ...(choice.crs === undefined ? {} : { crs: choice.crs }),
      onProgress: progress.update,
    });
    for await (const { class: number, pixels, area, geometry } of regions) {
      if (wanted !== undefined && !wanted.includes(number)) {
        other++;
        continue;
      }
      const properties = {
        class: number,
        class_name: className(classes, number),
        pixels,
        area_ha: area === null ? null : area / AREA_UNITS.ha,
      };
      await writer.write({ geometry, properties });
      written++;
    }
    await writer.finish();
  } finally {
    progress.finish();
  }
  io.info(
    `wrote ${output}: ${written} ${written === 1 ? "polygon" : "polygons"}` +
      (other > 0 ? `; ${other} regions are of other classes` : ""),
  );
}

/** The shorter side of a pixel, in units of the CRS. */
async function pixelSize({ info }: RasterReader, crs: string | undefined): Promise<number> {
  if (crs !== undefined) await openCrs(crs);
  const { transform } = info.georeference;
  if (transform === null) return 1;
  const [, a, b, , d, e] = transform;
  return Math.min(Math.hypot(a, d), Math.hypot(b, e));
}
