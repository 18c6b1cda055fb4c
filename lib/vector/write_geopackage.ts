/**
 * GeoPackage 1.3 (OGC 12-128r17): a layer of features.
 *
 * @module
 */
import { type Bounds, type Geometry, geometryBounds, WGS84 } from "../geo/mod.ts";
import type { FieldInfo, FieldValue } from "./feature.ts";
import type { FeatureSink, LayerSpec } from "./feature_sink.ts";
import { wkbFromGeometry } from "./wkb.ts";

const APPLICATION_ID = 0x47504b47;
const VERSION = 10300;
/** Features of a transaction. */
const BATCH = 10_000;
/** Ids of systems that are no EPSG code begin here. */
const OWN_SRS_ID = 100_000;
const KEY = "fid";
const GEOMETRY = "geom";

const TYPES: Readonly<Record<FieldInfo["type"], string>> = {
  boolean: "BOOLEAN",
  integer: "INTEGER",
  real: "REAL",
  string: "TEXT",
  json: "TEXT",
};

const WGS84_WKT =
  'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563,AUTHORITY["EPSG","7030"]],AUTHORITY["EPSG","6326"]],PRIMEM["Greenwich",0,AUTHORITY["EPSG","8901"]],UNIT["degree",0.0174532925199433,AUTHORITY["EPSG","9122"]],AUTHORITY["EPSG","4326"]]';

/**
 * Begin a GeoPackage. SQLite writes where it likes, so that it wants a place of its own; the caller
 * moves the file when it is finished.
 *
 * @param path The file, which must not exist.
 * @param spec What it holds.
 * @returns The sink; `close` ends the work on the file whether it is finished or not.
 */
export async function createGeoPackage(
  path: string,
  spec: LayerSpec,
): Promise<FeatureSink & { close(): void }> {
  const { DatabaseSync } = await import("node:sqlite");
  const database = new DatabaseSync(path);
  const srs = spatialReference(spec);
  database.exec(`
    PRAGMA application_id = ${APPLICATION_ID};
    PRAGMA user_version = ${VERSION};
    PRAGMA synchronous = OFF;
    PRAGMA journal_mode = MEMORY;
    CREATE TABLE gpkg_spatial_ref_sys (srs_name TEXT NOT NULL, srs_id INTEGER NOT NULL PRIMARY KEY,
      organization TEXT NOT NULL, organization_coordsys_id INTEGER NOT NULL,
      definition TEXT NOT NULL, description TEXT);
    CREATE TABLE gpkg_contents (table_name TEXT NOT NULL PRIMARY KEY, data_type TEXT NOT NULL,
      identifier TEXT UNIQUE, description TEXT DEFAULT '',
      last_change DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')),
      min_x DOUBLE, min_y DOUBLE, max_x DOUBLE, max_y DOUBLE, srs_id INTEGER,
      CONSTRAINT fk_gc_r_srs_id FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id));
    CREATE TABLE gpkg_geometry_columns (table_name TEXT NOT NULL, column_name TEXT NOT NULL,
      geometry_type_name TEXT NOT NULL, srs_id INTEGER NOT NULL, z TINYINT NOT NULL, m TINYINT NOT NULL,
      CONSTRAINT pk_geom_cols PRIMARY KEY (table_name, column_name),
      CONSTRAINT uk_gc_table_name UNIQUE (table_name),
      CONSTRAINT fk_gc_tn FOREIGN KEY (table_name) REFERENCES gpkg_contents(table_name),
      CONSTRAINT fk_gc_srs FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys (srs_id));
  `);
  const addSrs = database.prepare("INSERT INTO gpkg_spatial_ref_sys VALUES (?, ?, ?, ?, ?, ?)");
  addSrs.run("Undefined cartesian SRS", -1, "NONE", -1, "undefined", null);
  addSrs.run("Undefined geographic SRS", 0, "NONE", 0, "undefined", null);
  addSrs.run("WGS 84 geodetic", 4326, "EPSG", 4326, WGS84_WKT, null);
  if (srs.add) addSrs.run(srs.name, srs.id, srs.organization, srs.id, srs.definition, null);
  const columns = spec.fields.map(({ name, type }) => `${quoted(columnName(name))} ${TYPES[type]}`);
  const table = quoted(spec.name);
  database.exec(
    `CREATE TABLE ${table} (${
      [`${KEY} INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL`, `${GEOMETRY} GEOMETRY`, ...columns]
        .join(", ")
    })`,
  );
  database.prepare(
    "INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id) VALUES (?, 'features', ?, ?)",
  ).run(spec.name, spec.name, srs.id);
  database.prepare("INSERT INTO gpkg_geometry_columns VALUES (?, ?, 'GEOMETRY', ?, 0, 0)")
    .run(spec.name, GEOMETRY, srs.id);
  const insert = database.prepare(
    `INSERT INTO ${table} (${
      [GEOMETRY, ...spec.fields.map(({ name }) => quoted(columnName(name)))].join(", ")
    }) VALUES (${Array.from({ length: spec.fields.length + 1 }, () => "?").join(", ")})`,
  );
  let [pending, open] = [0, true];
  let extent: Bounds | null = null;
  database.exec("BEGIN");
  return {
    // deno-lint-ignore require-await -- SQLite works on this thread
    async write({ geometry, properties }) {
      const bounds = geometry === null ? null : geometryBounds(geometry);
      extent = around(extent, bounds);
      insert.run(
        geometry === null ? null : blobFrom(geometry, srs.id, bounds),
        ...spec.fields.map(({ name, type }) => sqlValue(properties[name] ?? null, type)),
      );
      if (++pending % BATCH === 0) database.exec("COMMIT; BEGIN");
    },
    // deno-lint-ignore require-await -- SQLite works on this thread
    async finish() {
      if (extent !== null) {
        database.prepare(
          "UPDATE gpkg_contents SET min_x = ?, min_y = ?, max_x = ?, max_y = ? WHERE table_name = ?",
        ).run(...extent, spec.name);
      }
      database.exec("COMMIT");
    },
    close() {
      if (open) database.close();
      open = false;
    },
  };
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Attributes of the names that the key and the geometry have step aside. */
function columnName(name: string): string {
  return [KEY, GEOMETRY].includes(name.toLowerCase()) ? `${name}_` : name;
}

function spatialReference({ crs, wkt }: LayerSpec) {
  if (crs === null) return { add: false, id: -1, name: "", organization: "", definition: "" };
  const code = /^EPSG:(\d+)$/.exec(crs)?.[1];
  const definition = wkt ?? "undefined";
  if (code === undefined) {
    const name = /"([^"]+)"/.exec(definition)?.[1] ?? "unknown";
    return { add: true, id: OWN_SRS_ID, name, organization: "NONE", definition };
  }
  return { add: crs !== WGS84, id: Number(code), name: crs, organization: "EPSG", definition };
}

function around(one: Bounds | null, other: Bounds | null): Bounds | null {
  if (one === null || other === null) return one ?? other;
  return [
    Math.min(one[0], other[0]),
    Math.min(one[1], other[1]),
    Math.max(one[2], other[2]),
    Math.max(one[3], other[3]),
  ];
}

/** A geometry after its header, with its envelope (clause 2.1.3). */
function blobFrom(geometry: Geometry, srsId: number, bounds: Bounds | null): Uint8Array {
  const wkb = wkbFromGeometry(geometry);
  const headerBytes = bounds === null ? 8 : 40;
  const blob = new Uint8Array(headerBytes + wkb.length);
  const view = new DataView(blob.buffer);
  blob.set([0x47, 0x50, 0, bounds === null ? 0x11 : 0x03]);
  view.setInt32(4, srsId, true);
  if (bounds !== null) {
    const [west, south, east, north] = bounds;
    [west, east, south, north].forEach((value, i) => view.setFloat64(8 + 8 * i, value, true));
  }
  blob.set(wkb, headerBytes);
  return blob;
}

function sqlValue(value: FieldValue, type: FieldInfo["type"]): string | number | bigint | null {
  if (value === null) return null;
  if (typeof value === "boolean") return value ? 1 : 0;
  if (typeof value === "object") return JSON.stringify(value);
  return type === "integer" && typeof value === "number" ? BigInt(Math.round(value)) : value;
}
