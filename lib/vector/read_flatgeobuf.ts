/**
 * FlatGeobuf: features one after the other, each a FlatBuffer with its length before it.
 *
 * The package `flatgeobuf` wants OpenLayers beside it and takes what the file claims for granted; here
 * the tables are read with `flatbuffers`, and lengths are checked first.
 *
 * @module
 */
import type { ByteBuffer } from "flatbuffers";
import type { Geometry, Position, Ring } from "../geo/mod.ts";
import type { RandomAccessFile } from "../files/mod.ts";
import { type FeatureReader, type FieldInfo, type FieldValue, VectorFault } from "./feature.ts";
import {
  COLUMN,
  COLUMN_TYPE,
  CRS,
  DEFAULT_INDEX_NODE_SIZE,
  FEATURE,
  GEOMETRY,
  GEOMETRY_TYPES,
  HEADER,
  indexBytes,
  MAGIC,
} from "./flatgeobuf_schema.ts";

const LENGTH_BYTES = 4;
const MAX_NESTING = 16;

interface Column {
  readonly name: string;
  readonly type: number;
}

/**
 * Open a FlatGeobuf.
 *
 * @param file The file, which the reader closes.
 * @throws {VectorFault} If it is damaged, or of another version.
 */
export async function openFlatGeobuf(file: RandomAccessFile): Promise<FeatureReader> {
  const { ByteBuffer } = await import("flatbuffers");
  const magic = file.read(0, Math.min(MAGIC.length, file.size));
  if (!MAGIC.every((byte, i) => magic[i] === byte)) {
    throw new VectorFault("it is FlatGeobuf of another version than 3");
  }
  const start = MAGIC.length + 1;
  const headerBytes = sized(file, start, "its header");
  const header = Table.root(new ByteBuffer(headerBytes));
  const name = inTable("its header", () => header.text(HEADER.name));
  const { columns, count, nodeSize, crs, geometryType } = inTable("its header", () => ({
    columns: header.tables(HEADER.columns).map((column): Column => ({
      name: column.text(COLUMN.name) ?? "",
      type: column.uint8(COLUMN.type, 0),
    })),
    count: header.uint64(HEADER.featuresCount),
    nodeSize: header.uint16(HEADER.indexNodeSize, DEFAULT_INDEX_NODE_SIZE),
    crs: crsOf(header.table(HEADER.crs)),
    geometryType: header.uint8(HEADER.geometryType, 0),
  }));
  const first = start + LENGTH_BYTES + headerBytes.length + indexBytes(count, nodeSize);
  if (first > file.size) throw new VectorFault("it ends inside its index: it is cut off");
  return {
    path: file.path,
    format: "FlatGeobuf",
    layer: name === "" ? null : name,
    crs,
    fields: columns.map(({ name, type }): FieldInfo => ({ name, type: fieldType(type) })),
    count: count === 0 ? null : count,
    idField: null,
    async *features() {
      let number = 0;
      for (let at = first; at < file.size;) {
        const what = `feature ${++number}`;
        const bytes = sized(file, at, what);
        at += LENGTH_BYTES + bytes.length;
        yield inTable(what, () => {
          const feature = Table.root(new ByteBuffer(bytes));
          const geometry = feature.table(FEATURE.geometry);
          return {
            id: number - 1,
            geometry: geometry === null ? null : geometryOf(geometry, geometryType, what, 0),
            properties: propertiesOf(feature.bytes(FEATURE.properties), columns, what),
          };
        });
      }
      if (count > 0 && number !== count) {
        throw new VectorFault(`it has ${number} features, and its header says ${count}`);
      }
    },
    close: () => file.close(),
    [Symbol.dispose]: () => file.close(),
  };
}

/** A buffer with its length before it. */
function sized(file: RandomAccessFile, at: number, what: string): Uint8Array<ArrayBuffer> {
  if (at + LENGTH_BYTES > file.size) throw new VectorFault(`it ends inside ${what}: it is cut off`);
  const length = new DataView(file.read(at, LENGTH_BYTES).buffer).getUint32(0, true);
  if (at + LENGTH_BYTES + length > file.size) {
    throw new VectorFault(
      `it ends at byte ${file.size}, inside ${what}, which takes ${length} bytes from ${at}: it is cut off or damaged`,
    );
  }
  return file.read(at + LENGTH_BYTES, length);
}

/** Offsets that lead out of the buffer are damage. */
function inTable<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof RangeError || cause instanceof TypeError)) throw cause;
    throw new VectorFault(`${what} is damaged`, { cause });
  }
}

/** A table of a FlatBuffer, read field by field. */
class Table {
  readonly #buffer: ByteBuffer;
  readonly #at: number;

  constructor(buffer: ByteBuffer, at: number) {
    this.#buffer = buffer;
    this.#at = at;
  }

  static root(buffer: ByteBuffer): Table {
    return new Table(buffer, buffer.readInt32(0));
  }

  /** Where a field is; 0 where it is left out. */
  #field(field: number): number {
    const offset = this.#buffer.__offset(this.#at, field);
    return offset === 0 ? 0 : this.#at + offset;
  }

  uint8(field: number, otherwise: number): number {
    const at = this.#field(field);
    return at === 0 ? otherwise : this.#buffer.readUint8(at);
  }

  uint16(field: number, otherwise: number): number {
    const at = this.#field(field);
    return at === 0 ? otherwise : this.#buffer.readUint16(at);
  }

  int32(field: number): number {
    const at = this.#field(field);
    return at === 0 ? 0 : this.#buffer.readInt32(at);
  }

  uint64(field: number): number {
    const at = this.#field(field);
    return at === 0 ? 0 : Number(this.#buffer.readUint64(at));
  }

  text(field: number): string | null {
    const at = this.#field(field);
    return at === 0 ? null : this.#buffer.__string(at) as string;
  }

  table(field: number): Table | null {
    const at = this.#field(field);
    return at === 0 ? null : new Table(this.#buffer, this.#buffer.__indirect(at));
  }

  tables(field: number): Table[] {
    const { start, length } = this.#vector(field, 4);
    return Array.from(
      { length },
      (_, i) => new Table(this.#buffer, this.#buffer.__indirect(start + 4 * i)),
    );
  }

  bytes(field: number): Uint8Array {
    const { start, length } = this.#vector(field, 1);
    return this.#buffer.bytes().subarray(start, start + length);
  }

  uint32s(field: number): number[] {
    const { start, length } = this.#vector(field, 4);
    return Array.from({ length }, (_, i) => this.#buffer.readUint32(start + 4 * i));
  }

  float64s(field: number): Float64Array {
    const { start, length } = this.#vector(field, 8);
    return Float64Array.from({ length }, (_, i) => this.#buffer.readFloat64(start + 8 * i));
  }

  /** A list inside the buffer. */
  #vector(field: number, elementBytes: number): { start: number; length: number } {
    const at = this.#field(field);
    if (at === 0) return { start: 0, length: 0 };
    const start = this.#buffer.__vector(at);
    const length = this.#buffer.__vector_len(at);
    if (length < 0 || start < 0 || start + length * elementBytes > this.#buffer.capacity()) {
      throw new RangeError("a list leaves the buffer");
    }
    return { start, length };
  }
}

function crsOf(crs: Table | null): string | null {
  if (crs === null) return null;
  const code = crs.int32(CRS.code);
  const organization = crs.text(CRS.org) ?? "EPSG";
  if (code > 0 && organization.toUpperCase() === "EPSG") return `EPSG:${code}`;
  const wkt = crs.text(CRS.wkt);
  return wkt === null || wkt === "" ? null : wkt;
}

function fieldType(type: number): FieldInfo["type"] {
  if (type === COLUMN_TYPE.bool) return "boolean";
  if (type < COLUMN_TYPE.float) return "integer";
  if (type < COLUMN_TYPE.string) return "real";
  return type === COLUMN_TYPE.json ? "json" : "string";
}

function geometryOf(
  table: Table,
  outerType: number,
  what: string,
  nesting: number,
): Geometry | null {
  if (nesting > MAX_NESTING) throw new VectorFault(`the geometry of ${what} is nested too deep`);
  const number = outerType === 0 ? table.uint8(GEOMETRY.type, 0) : outerType;
  const type = GEOMETRY_TYPES[number];
  const positions = positionsFrom(table.float64s(GEOMETRY.xy));
  switch (type) {
    case "Point":
      return { type, coordinates: positions[0] ?? [] };
    case "MultiPoint":
    case "LineString":
      return { type, coordinates: positions };
    case "MultiLineString":
    case "Polygon":
      return { type, coordinates: partsOf(positions, table.uint32s(GEOMETRY.ends)) };
    case "MultiPolygon": {
      const parts = table.tables(GEOMETRY.parts).map((part) =>
        partsOf(positionsFrom(part.float64s(GEOMETRY.xy)), part.uint32s(GEOMETRY.ends))
      );
      return { type, coordinates: parts };
    }
    case "GeometryCollection": {
      const parts = table.tables(GEOMETRY.parts).map((part) =>
        geometryOf(part, 0, what, nesting + 1)
      );
      return { type, geometries: parts.filter((part) => part !== null) };
    }
    case "Unknown":
      return null;
  }
  throw new VectorFault(
    `the geometry of ${what} is of type ${number}, a curve or surface, which is not supported`,
  );
}

function positionsFrom(xy: Float64Array): Position[] {
  return Array.from({ length: xy.length >> 1 }, (_, i) => [xy[2 * i]!, xy[2 * i + 1]!]);
}

/** Without ends, all positions are of one part. */
function partsOf(positions: readonly Position[], ends: readonly number[]): Ring[] {
  if (ends.length === 0) return positions.length === 0 ? [] : [positions];
  return ends.map((end, i) => positions.slice(i === 0 ? 0 : ends[i - 1], end));
}

/** Attributes: number of the column and value, again and again. */
function propertiesOf(
  bytes: Uint8Array,
  columns: readonly Column[],
  what: string,
): Record<string, FieldValue> {
  const properties: Record<string, FieldValue> = Object.fromEntries(
    columns.map(({ name }) => [name, null]),
  );
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < bytes.length;) {
    const column = columns[view.getUint16(at, true)];
    if (column === undefined) {
      throw new VectorFault(`${what} has an attribute of column ${view.getUint16(at, true) + 1}`);
    }
    const { value, length } = readValue(view, at + 2, column.type, what);
    properties[column.name] = value;
    at += 2 + length;
  }
  return properties;
}

function readValue(
  view: DataView,
  at: number,
  type: number,
  what: string,
): { value: FieldValue; length: number } {
  switch (type) {
    case COLUMN_TYPE.byte:
      return { value: view.getInt8(at), length: 1 };
    case COLUMN_TYPE.ubyte:
      return { value: view.getUint8(at), length: 1 };
    case COLUMN_TYPE.bool:
      return { value: view.getUint8(at) !== 0, length: 1 };
    case COLUMN_TYPE.short:
      return { value: view.getInt16(at, true), length: 2 };
    case COLUMN_TYPE.ushort:
      return { value: view.getUint16(at, true), length: 2 };
    case COLUMN_TYPE.int:
      return { value: view.getInt32(at, true), length: 4 };
    case COLUMN_TYPE.uint:
      return { value: view.getUint32(at, true), length: 4 };
    case COLUMN_TYPE.long:
      return { value: exact(view.getBigInt64(at, true)), length: 8 };
    case COLUMN_TYPE.ulong:
      return { value: exact(view.getBigUint64(at, true)), length: 8 };
    case COLUMN_TYPE.float:
      return { value: view.getFloat32(at, true), length: 4 };
    case COLUMN_TYPE.double:
      return { value: view.getFloat64(at, true), length: 8 };
  }
  if (type > COLUMN_TYPE.binary) throw new VectorFault(`${what} has an attribute of type ${type}`);
  const length = view.getUint32(at, true);
  const bytes = new Uint8Array(view.buffer, view.byteOffset + at + 4, length);
  // Binary attributes are left out.
  if (type === COLUMN_TYPE.binary) return { value: null, length: 4 + length };
  const text = new TextDecoder().decode(bytes);
  return { value: type === COLUMN_TYPE.json ? jsonOr(text) : text, length: 4 + length };
}

function jsonOr(text: string): FieldValue {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Integers that a number does not hold exactly stay exact as text. */
function exact(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}
