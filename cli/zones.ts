/**
 * Zones as options name them, laid over a raster.
 *
 * @module
 */
import {
  abbreviateList,
  COVERAGE_RULES,
  type CoverageRule,
  openFeatures,
  type PlacedZones,
  placeZones,
  type ZonalRaster,
} from "../mod.ts";
import type { CommandIo } from "./io.ts";
import { message, option, optional, string, text, withDefault } from "./optique.ts";
import { nameList, oneOf, path } from "./values.ts";

/** Extensions of the vector files that can be read. */
const VECTOR_EXTENSIONS = [".geojson", ".json", ".geojsonl", ".gpkg", ".fgb", ".shp"];
/** Zones that a warning names. */
const NAMED_ZONES = 5;

/** `--zones`: a vector file. */
export function zonesOption(description = "Zones: GeoJSON, GeoPackage, FlatGeobuf or Shapefile") {
  return option("--zones", path("FILE", { extensions: VECTOR_EXTENSIONS }), {
    description: [text(description)],
    errors: { missing: message`Missing --zones FILE` },
  });
}

/** What says how zones are read and laid: `--layer`, `--id`, `--rule`, `--zones-crs`, `--crs`. */
export const zoneOptions = {
  layer: optional(
    option("--layer", string({ metavar: "NAME" }), {
      description: message`Layer of a GeoPackage, where it has several`,
    }),
  ),
  id: optional(
    option("--id", nameList("COLUMNS"), {
      description: message`Columns that name the zones; numbers from 1 in file order by default`,
    }),
  ),
  rule: withDefault(
    option("--rule", oneOf("RULE", COVERAGE_RULES), {
      description:
        message`Pixels that count: exact (by the share that the zone covers), centre (centre inside), all-touched`,
    }),
    "exact" as const,
  ),
  zonesCrs: optional(
    option("--zones-crs", string({ metavar: "CRS" }), {
      description: message`CRS of the zones, such as EPSG:2154, whatever their file says`,
    }),
  ),
  crs: optional(
    option("--crs", string({ metavar: "CRS" }), {
      description: message`CRS of the raster, where it has none`,
    }),
  ),
};

/** What {@linkcode zoneOptions} give. */
export interface ZoneChoice {
  readonly zones: string;
  readonly layer?: string | undefined;
  readonly id?: readonly string[] | undefined;
  readonly rule: CoverageRule;
  readonly zonesCrs?: string | undefined;
  readonly crs?: string | undefined;
}

/**
 * Lay zones over a raster, and say what is wrong with them.
 *
 * @param choice What the options say.
 * @param raster The raster.
 * @param io The process.
 * @param stripRows Rows that are worked on together.
 */
export async function layZones(
  choice: ZoneChoice,
  raster: ZonalRaster,
  io: CommandIo,
  stripRows?: number,
): Promise<PlacedZones> {
  const { zones, layer, id, rule, zonesCrs, crs } = choice;
  using reader = await openFeatures(zones, layer === undefined ? {} : { layer });
  const progress = io.progress("Placing", "zones");
  try {
    const placed = await placeZones(reader, raster, {
      rule,
      ...(id === undefined ? {} : { id }),
      ...(zonesCrs === undefined ? {} : { zonesCrs }),
      ...(crs === undefined ? {} : { rasterCrs: crs }),
      ...(stripRows === undefined ? {} : { stripRows }),
      onProgress: progress.update,
    });
    progress.finish();
    warnOfZones(placed, zones, io);
    return placed;
  } finally {
    progress.finish();
  }
}

function warnOfZones({ zones, idNames }: PlacedZones, file: string, io: CommandIo): void {
  if (zones.length === 0) io.warn(`${JSON.stringify(file)} has no zones`);
  const problems = new Map<string, string[]>();
  for (const { id, problem } of zones) {
    if (problem === null) continue;
    const names = problems.get(problem) ?? [];
    names.push(id.join(" "));
    problems.set(problem, names);
  }
  for (const [problem, names] of problems) {
    const which = names.length === 1 ? "zone" : `${names.length} zones`;
    io.warn(`${which} ${abbreviateList(names, NAMED_ZONES)}: ${problem}`);
  }
  const outside = zones.filter(({ inside, problem }) => problem === null && (inside ?? 0) === 0);
  if (zones.length > 0 && outside.length === zones.length) {
    io.warn("no zone lies on the raster");
  }
  const names = zones.map(({ id }) => JSON.stringify(id));
  const repeated = names.length - new Set(names).size;
  if (repeated > 0) {
    io.warn(
      `${repeated} ${repeated === 1 ? "zone has" : "zones have"} the same ${
        idNames.join(", ")
      } as another; each has a row of its own`,
    );
  }
}
