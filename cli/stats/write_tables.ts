/**
 * Tables of zones into files and to standard output; zones with their figures as attributes.
 *
 * @module
 */
import { extname } from "node:path";
import {
  createFeatures,
  type FieldInfo,
  InputError,
  openFeatures,
  vectorFormatOf,
  writeFileAtomic,
} from "../../mod.ts";
import { CommandError } from "../errors.ts";
import type { CommandIo } from "../io.ts";
import { formatTable, TABLE_FORMATS, type TableFormat } from "../table.ts";
import type { ZoneChoice } from "../zones.ts";
import type { ZoneTable } from "./zone_tables.ts";

/** Formats of tables by the extension of the file. */
const EXTENSIONS: Readonly<Record<string, TableFormat>> = {
  csv: "csv",
  ndjson: "ndjson",
  jsonl: "ndjson",
  json: "json",
  md: "markdown",
  txt: "table",
};

/** Where figures go. */
export interface TableTarget {
  /** `-o`; standard output where left out. */
  readonly output?: string | undefined;
  /** `--format`. */
  readonly format?: TableFormat | undefined;
  readonly overwrite: boolean;
}

/** True where the output is a vector file. */
export function isVectorOutput({ output, format }: TableTarget): boolean {
  if (output === undefined || format !== undefined) return false;
  return extname(output).toLowerCase() !== ".json" && vectorFormatOf(output) !== null;
}

/** Refuse, before anything is computed, a file whose extension says nothing. */
export function checkTarget(target: TableTarget): void {
  if (target.output === undefined || target.format !== undefined || isVectorOutput(target)) return;
  if (extname(target.output).slice(1).toLowerCase() in EXTENSIONS) return;
  throw new CommandError(
    `Cannot write ${JSON.stringify(target.output)}: its extension says no format`,
    `Expected .geojson, .fgb, .gpkg, ${
      Object.keys(EXTENSIONS).map((extension) => `.${extension}`).join(", ")
    }, or --format ${TABLE_FORMATS.join("|")}`,
  );
}

/** Print a table, or write it into a file. */
export async function writeTable(
  { columns, rows }: ZoneTable,
  target: TableTarget,
  io: CommandIo,
): Promise<void> {
  const { output, overwrite } = target;
  if (output === undefined) {
    const format = target.format ?? (io.stdoutIsTerminal ? "table" : "csv");
    return await io.write(formatTable(columns, rows, format));
  }
  const format = target.format ?? EXTENSIONS[extname(output).slice(1).toLowerCase()]!;
  await writeFileAtomic(output, formatTable(columns, rows, format), { overwrite });
}

/**
 * Write the zones anew, with figures as further attributes; those of the same name are replaced.
 *
 * @param figures A row for each zone, in file order.
 * @param choice Which zones.
 * @param target The vector file.
 */
export async function writeZones(
  figures: ZoneTable,
  choice: ZoneChoice,
  { output, overwrite }: TableTarget & { readonly output: string },
): Promise<void> {
  const { zones, layer, zonesCrs } = choice;
  using reader = await openFeatures(zones, layer === undefined ? {} : { layer });
  const added = figures.columns.map(({ key, type }): FieldInfo => ({ name: key, type }));
  const own = (reader.fields ?? await fieldsOf(reader)).filter(({ name }) =>
    !added.some((field) => field.name === name)
  );
  using writer = await createFeatures(output, {
    crs: zonesCrs ?? reader.crs,
    fields: [...own, ...added],
    overwrite,
  });
  let index = 0;
  for await (const { geometry, properties } of reader.features()) {
    const row = figures.rows[index++];
    if (row === undefined) throw new InputError(`Cannot read ${JSON.stringify(zones)}: it grew`);
    await writer.write({ geometry, properties: { ...properties, ...row } });
  }
  await writer.finish();
}

/** Attributes of GeoJSON, whose features each have their own. */
async function fieldsOf(
  reader: Awaited<ReturnType<typeof openFeatures>>,
): Promise<FieldInfo[]> {
  const types = new Map<string, FieldInfo["type"] | null>();
  for await (const { properties } of reader.features()) {
    for (const [name, value] of Object.entries(properties)) {
      const found = typeOf(value);
      const before = types.get(name) ?? null;
      types.set(name, before === null ? found : found === null ? before : common(before, found));
    }
  }
  return [...types].map(([name, type]) => ({ name, type: type ?? "string" }));
}

function typeOf(value: unknown): FieldInfo["type"] | null {
  if (value === null || value === undefined) return null;
  if (typeof value === "boolean") return "boolean";
  if (typeof value === "number") return Number.isSafeInteger(value) ? "integer" : "real";
  return typeof value === "object" ? "json" : "string";
}

function common(one: FieldInfo["type"], other: FieldInfo["type"]): FieldInfo["type"] {
  if (one === other) return one;
  const numbers = ["integer", "real"];
  return numbers.includes(one) && numbers.includes(other) ? "real" : "string";
}
