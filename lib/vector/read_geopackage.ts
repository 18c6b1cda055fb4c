/**
 * GeoPackage (OGC 12-128r18): a SQLite database with tables of features.
 *
 * @module
 */
import type { DatabaseSync } from "node:sqlite";
import type { Geometry } from "../geo/mod.ts";
import { abbreviateList, nearMiss } from "../text/mod.ts";
import { type FeatureReader, type FieldInfo, type FieldValue, VectorFault } from "./feature.ts";
import { geometryFromWkb } from "./wkb.ts";

/** Bytes of the envelope in a geometry's header, by its code. */
const ENVELOPE_BYTES = [0, 32, 48, 48, 64] as const;

/**
 * Open a layer of a GeoPackage.
 *
 * @param path The file.
 * @param layer Name of the table; the only one where left out.
 * @throws {VectorFault} If it is no GeoPackage, is damaged, or the layer is not to be told.
 */
export async function openGeoPackage(path: string, layer?: string): Promise<FeatureReader> {
  const { DatabaseSync } = await import("node:sqlite");
  const database = guarded(() => new DatabaseSync(path, { readOnly: true }));
  let open = true;
  const close = () => {
    if (open) database.close();
    open = false;
  };
  try {
    const table = chooseTable(layerNames(database), layer);
    const { geometry, crs } = geometryColumn(database, table);
    const columns = tableColumns(database, table);
    const key = columns.find(({ pk }) => pk === 1)?.name ?? null;
    const plain = columns.filter(({ name }) => name !== geometry && name !== key);
    const fields = plain.map(({ name, type }): FieldInfo => ({ name, type: fieldType(type) }));
    const [{ count }] = query(database, `SELECT COUNT(*) AS count FROM ${quoted(table)}`) as [
      { count: number },
    ];
    return {
      path,
      format: "GeoPackage",
      layer: table,
      crs,
      fields,
      count: Number(count),
      idField: key,
      async *features() {
        const wanted = [key ?? "rowid", geometry, ...fields.map(({ name }) => name)];
        const statement = guarded(() =>
          database.prepare(`SELECT ${wanted.map(quoted).join(", ")} FROM ${quoted(table)}`)
        );
        statement.setReadBigInts(true);
        const rows = statement.iterate();
        for (;;) {
          const { done, value } = guarded(() => rows.next());
          if (done) return;
          const row = value as Record<string, unknown>;
          const id = plainValue(row[wanted[0]!]) as string | number | null;
          yield {
            id,
            geometry: geometryFromBlob(row[geometry], `feature ${id}`),
            properties: Object.fromEntries(
              fields.map(({ name, type }) => [name, fieldValue(row[name], type)]),
            ),
          };
        }
      },
      close,
      [Symbol.dispose]: close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

/** SQLite's own errors say what is wrong with the file. */
function guarded<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (!(cause instanceof Error) || cause instanceof VectorFault) throw cause;
    throw new VectorFault(`it is damaged: ${cause.message}`, { cause });
  }
}

function query(database: DatabaseSync, sql: string, ...values: string[]): unknown[] {
  return guarded(() => database.prepare(sql).all(...values));
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function layerNames(database: DatabaseSync): string[] {
  const tables = query(database, "SELECT name FROM sqlite_master WHERE name = 'gpkg_contents'");
  if (tables.length === 0) {
    throw new VectorFault("it is a SQLite database, but no GeoPackage: it has no gpkg_contents");
  }
  const rows = query(
    database,
    "SELECT table_name FROM gpkg_contents WHERE data_type = 'features' ORDER BY rowid",
  ) as { table_name: string }[];
  return rows.map(({ table_name: name }) => name);
}

/** The layer asked for, or the only one. */
function chooseTable(names: readonly string[], wanted: string | undefined): string {
  const [first] = names;
  if (first === undefined) throw new VectorFault("it has no layer of features");
  if (wanted === undefined) {
    if (names.length === 1) return first;
    throw new VectorFault(
      `it has ${names.length} layers, and which one is meant is not said: ${abbreviateList(names)}`,
      { hint: `Name one: --layer ${first}` },
    );
  }
  if (names.includes(wanted)) return wanted;
  const near = nearMiss(wanted, names);
  throw new VectorFault(
    `it has no layer ${JSON.stringify(wanted)}: there ${names.length === 1 ? "is" : "are"} ${
      abbreviateList(names)
    }`,
    near === null ? {} : { hint: `Did you mean ${near}?` },
  );
}

function geometryColumn(
  database: DatabaseSync,
  table: string,
): { geometry: string; crs: string | null } {
  const [column] = query(
    database,
    "SELECT column_name, srs_id FROM gpkg_geometry_columns WHERE table_name = ?",
    table,
  ) as { column_name: string; srs_id: number }[];
  if (column === undefined) throw new VectorFault(`its layer "${table}" has no geometry column`);
  const [srs] = query(
    database,
    "SELECT organization, organization_coordsys_id AS code, definition FROM gpkg_spatial_ref_sys WHERE srs_id = CAST(? AS INTEGER)",
    String(column.srs_id),
  ) as { organization: string; code: number; definition: string }[];
  return { geometry: column.column_name, crs: crsOf(srs) };
}

/** Ids -1 and 0 stand for systems that are not known. */
function crsOf(
  srs: { organization: string; code: number; definition: string } | undefined,
): string | null {
  if (srs === undefined || srs.code <= 0) return null;
  if (srs.organization.toUpperCase() === "EPSG") return `EPSG:${srs.code}`;
  return srs.definition === "undefined" || srs.definition === "" ? null : srs.definition;
}

function tableColumns(database: DatabaseSync, table: string) {
  return query(database, `PRAGMA table_info(${quoted(table)})`) as {
    name: string;
    type: string;
    pk: number;
  }[];
}

function fieldType(declared: string): FieldInfo["type"] {
  if (/^BOOL/i.test(declared)) return "boolean";
  if (/INT/i.test(declared)) return "integer";
  if (/DOUBLE|FLOAT|REAL|NUMERIC|DECIMAL/i.test(declared)) return "real";
  return "string";
}

function fieldValue(value: unknown, type: FieldInfo["type"]): FieldValue {
  const plain = plainValue(value);
  return type === "boolean" && typeof plain === "number" ? plain !== 0 : plain;
}

/** Integers that a number does not hold exactly stay exact as text; binary values are left out. */
function plainValue(value: unknown): FieldValue {
  if (typeof value === "bigint") {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : String(value);
  }
  return typeof value === "string" || typeof value === "number" ? value : null;
}

/** Geometry after its header: `GP`, version, flags, id of the CRS, envelope (clause 2.1.3). */
function geometryFromBlob(blob: unknown, what: string): Geometry | null {
  if (blob === null || blob === undefined) return null;
  if (!(blob instanceof Uint8Array) || blob.length < 8 || blob[0] !== 0x47 || blob[1] !== 0x50) {
    throw new VectorFault(`the geometry of ${what} is not one of a GeoPackage`);
  }
  const flags = blob[3]!;
  const envelope = ENVELOPE_BYTES[(flags >> 1) & 7];
  if (envelope === undefined || (flags & 0x20) !== 0) {
    throw new VectorFault(`the geometry of ${what} is of an extended kind, which is not supported`);
  }
  return geometryFromWkb(blob.subarray(8 + envelope), what);
}
