/**
 * FlatGeobuf, feature after feature, without an index: readers that filter by place read it all.
 *
 * @module
 */
import type { Builder } from "flatbuffers";
import type { AtomicFile } from "../files/mod.ts";
import type { Geometry, Position } from "../geo/mod.ts";
import type { Feature, FieldInfo, FieldValue } from "./feature.ts";
import type { FeatureSink, LayerSpec } from "./feature_sink.ts";
import { COLUMN_TYPE, GEOMETRY_TYPES, MAGIC } from "./flatgeobuf_schema.ts";

/** Fields of the tables, by their number in the schema; see `flatgeobuf_schema.ts` for offsets. */
const FIELD = {
  header: { name: 0, geometryType: 2, columns: 7, featuresCount: 8, indexNodeSize: 9, crs: 10 },
  column: { name: 0, type: 1 },
  crs: { org: 0, code: 1, wkt: 4 },
  feature: { geometry: 0, properties: 1 },
  geometry: { ends: 0, xy: 1, type: 6, parts: 7 },
} as const;

const TYPES: Readonly<Record<FieldInfo["type"], number>> = {
  boolean: COLUMN_TYPE.bool,
  integer: COLUMN_TYPE.long,
  real: COLUMN_TYPE.double,
  string: COLUMN_TYPE.string,
  json: COLUMN_TYPE.json,
};

/**
 * Begin a FlatGeobuf.
 *
 * @param file Where it goes.
 * @param spec What it holds.
 */
export async function createFlatGeobuf(file: AtomicFile, spec: LayerSpec): Promise<FeatureSink> {
  const { Builder } = await import("flatbuffers");
  let count = 0;
  const header = () => headerBytes(new Builder(1024), spec, count);
  await file.write(Uint8Array.from([...MAGIC, 0]));
  await file.write(header());
  return {
    async write(feature) {
      count++;
      await file.write(featureBytes(new Builder(4096), feature, spec.fields));
    },
    async finish() {
      // The number of features has a fixed place, so that the header is as long as it was.
      await file.seek(MAGIC.length + 1);
      await file.write(header());
    },
  };
}

function headerBytes(builder: Builder, { name, fields, crs, wkt }: LayerSpec, count: number) {
  const columns = fields.map(({ name, type }) => {
    const nameAt = builder.createString(name);
    builder.startObject(11);
    builder.addFieldOffset(FIELD.column.name, nameAt, 0);
    builder.addFieldInt8(FIELD.column.type, TYPES[type], 0);
    return builder.endObject();
  });
  builder.startVector(4, columns.length, 4);
  for (const column of columns.toReversed()) builder.addOffset(column);
  const columnsAt = builder.endVector();
  const crsAt = crs === null ? 0 : crsTable(builder, crs, wkt);
  const nameAt = builder.createString(name);
  builder.startObject(14);
  builder.addFieldOffset(FIELD.header.name, nameAt, 0);
  builder.addFieldInt8(FIELD.header.geometryType, 0, 0);
  builder.addFieldOffset(FIELD.header.columns, columnsAt, 0);
  // Written even where it is the default, so that it has its place from the start.
  builder.forceDefaults(true);
  builder.addFieldInt64(FIELD.header.featuresCount, BigInt(count), 0n);
  builder.forceDefaults(false);
  builder.addFieldInt16(FIELD.header.indexNodeSize, 0, 16);
  if (crsAt !== 0) builder.addFieldOffset(FIELD.header.crs, crsAt, 0);
  builder.finishSizePrefixed(builder.endObject());
  return builder.asUint8Array();
}

function crsTable(builder: Builder, crs: string, wkt: string | null): number {
  const code = /^EPSG:(\d+)$/.exec(crs)?.[1];
  const orgAt = code === undefined ? 0 : builder.createString("EPSG");
  const wktAt = wkt === null ? 0 : builder.createString(wkt);
  builder.startObject(6);
  if (orgAt !== 0) builder.addFieldOffset(FIELD.crs.org, orgAt, 0);
  if (code !== undefined) builder.addFieldInt32(FIELD.crs.code, Number(code), 0);
  if (wktAt !== 0) builder.addFieldOffset(FIELD.crs.wkt, wktAt, 0);
  return builder.endObject();
}

function featureBytes(
  builder: Builder,
  { geometry, properties }: Omit<Feature, "id">,
  fields: readonly FieldInfo[],
): Uint8Array {
  const values = propertyBytes(properties, fields);
  const valuesAt = values.length === 0 ? 0 : byteVector(builder, values);
  const geometryAt = geometry === null ? 0 : geometryTable(builder, geometry);
  builder.startObject(3);
  if (geometryAt !== 0) builder.addFieldOffset(FIELD.feature.geometry, geometryAt, 0);
  if (valuesAt !== 0) builder.addFieldOffset(FIELD.feature.properties, valuesAt, 0);
  builder.finishSizePrefixed(builder.endObject());
  return builder.asUint8Array();
}

function byteVector(builder: Builder, bytes: Uint8Array): number {
  builder.startVector(1, bytes.length, 1);
  for (let i = bytes.length - 1; i >= 0; i--) builder.addInt8(bytes[i]!);
  return builder.endVector();
}

function geometryTable(builder: Builder, geometry: Geometry): number {
  const type = GEOMETRY_TYPES.indexOf(geometry.type);
  const parts = geometry.type === "MultiPolygon"
    ? geometry.coordinates.map((coordinates): Geometry => ({ type: "Polygon", coordinates }))
    : geometry.type === "GeometryCollection"
    ? geometry.geometries
    : null;
  if (parts !== null) {
    const tables = parts.map((part) => geometryTable(builder, part));
    builder.startVector(4, tables.length, 4);
    for (const table of tables.toReversed()) builder.addOffset(table);
    const partsAt = builder.endVector();
    builder.startObject(8);
    builder.addFieldOffset(FIELD.geometry.parts, partsAt, 0);
    builder.addFieldInt8(FIELD.geometry.type, type, 0);
    return builder.endObject();
  }
  const lines = linesOf(geometry);
  const positions = lines.flat();
  builder.startVector(8, positions.length * 2, 8);
  for (let i = positions.length - 1; i >= 0; i--) {
    const [x = NaN, y = NaN] = positions[i]!;
    builder.addFloat64(y);
    builder.addFloat64(x);
  }
  const xyAt = builder.endVector();
  let endsAt = 0;
  if (lines.length > 1) {
    let end = 0;
    const ends = lines.map((line) => end += line.length);
    builder.startVector(4, ends.length, 4);
    for (const at of ends.toReversed()) builder.addInt32(at);
    endsAt = builder.endVector();
  }
  builder.startObject(8);
  if (endsAt !== 0) builder.addFieldOffset(FIELD.geometry.ends, endsAt, 0);
  builder.addFieldOffset(FIELD.geometry.xy, xyAt, 0);
  builder.addFieldInt8(FIELD.geometry.type, type, 0);
  return builder.endObject();
}

function linesOf(geometry: Geometry): readonly (readonly Position[])[] {
  switch (geometry.type) {
    case "Point":
      return [geometry.coordinates.length === 0 ? [] : [geometry.coordinates]];
    case "MultiPoint":
    case "LineString":
      return [geometry.coordinates];
    case "MultiLineString":
    case "Polygon":
      return geometry.coordinates;
    default:
      return [];
  }
}

/** Attributes: number of the column and value, again and again; what is not known is left out. */
function propertyBytes(
  properties: Readonly<Record<string, FieldValue>>,
  fields: readonly FieldInfo[],
): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const [column, { name, type }] of fields.entries()) {
    const value = properties[name];
    if (value === null || value === undefined) continue;
    const number = new Uint8Array(2);
    new DataView(number.buffer).setUint16(0, column, true);
    parts.push(number, valueBytes(value, type));
  }
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function valueBytes(value: FieldValue, type: FieldInfo["type"]): Uint8Array {
  if (type === "boolean") return Uint8Array.of(value === true || value === 1 ? 1 : 0);
  if (type === "integer" || type === "real") {
    const bytes = new Uint8Array(8);
    const view = new DataView(bytes.buffer);
    if (type === "integer") view.setBigInt64(0, BigInt(Math.round(Number(value))), true);
    else view.setFloat64(0, Number(value), true);
    return bytes;
  }
  const text = new TextEncoder().encode(
    type === "json" || typeof value === "object" ? JSON.stringify(value) : String(value),
  );
  const bytes = new Uint8Array(4 + text.length);
  new DataView(bytes.buffer).setUint32(0, text.length, true);
  bytes.set(text, 4);
  return bytes;
}
