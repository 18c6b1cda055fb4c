/**
 * ESRI Shapefile (ESRI Shapefile Technical Description, 1998).
 *
 * The package `shapefile` has not been kept for years and takes lengths in a file for granted.
 *
 * @module
 */
import { openRandomAccessFile, type RandomAccessFile, statOrNull } from "../files/mod.ts";
import { type Geometry, type Position, type Ring, signedDoubleArea } from "../geo/mod.ts";
import { type FeatureReader, VectorFault } from "./feature.ts";
import { openDbf } from "./read_dbf.ts";

const HEADER_BYTES = 100;
const RECORD_HEADER_BYTES = 8;
/** Byte of the number of parts in lines and polygons. */
const PARTS_AT = 36;

/**
 * Open a shapefile with the files beside it: `.dbf` (attributes), `.prj` (CRS), `.cpg` (encoding).
 *
 * @param path The `.shp` file.
 * @throws {VectorFault} If it is damaged.
 */
export async function openShapefile(path: string): Promise<FeatureReader> {
  const opened: RandomAccessFile[] = [];
  const close = () => opened.forEach((file) => file.close());
  try {
    const shapes = await openRandomAccessFile(path);
    opened.push(shapes);
    if (shapes.size < HEADER_BYTES) throw new VectorFault("it is cut off inside its header");
    const dbfPath = await beside(path, "dbf");
    const codePath = await beside(path, "cpg");
    const projectionPath = await beside(path, "prj");
    const attributes = dbfPath === null ? null : await openRandomAccessFile(dbfPath);
    if (attributes !== null) opened.push(attributes);
    const codePage = codePath === null ? null : await Deno.readTextFile(codePath);
    const table = attributes === null ? null : openDbf(attributes, codePage);
    const projection = projectionPath === null ? "" : await Deno.readTextFile(projectionPath);
    return {
      path,
      format: "ESRI Shapefile",
      layer: null,
      crs: projection.trim() === "" ? null : projection.trim(),
      fields: table?.fields ?? [],
      count: table?.count ?? null,
      idField: null,
      async *features() {
        let index = 0;
        for (const record of records(shapes)) {
          const properties = table === null || index >= table.count ? {} : table.row(index);
          index++;
          if (properties === null) continue;
          yield { id: index - 1, geometry: shape(record, `feature ${index}`), properties };
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

/** The file of that extension, in small or capital letters; null where there is none. */
async function beside(path: string, extension: string): Promise<string | null> {
  const stem = path.replace(/\.shp$/i, "");
  for (const name of [`${stem}.${extension}`, `${stem}.${extension.toUpperCase()}`]) {
    if (await statOrNull(name) !== null) return name;
  }
  return null;
}

/** The contents of the records. */
function* records(file: RandomAccessFile): Generator<DataView, void, undefined> {
  let number = 0;
  for (let at = HEADER_BYTES; at < file.size;) {
    number++;
    if (at + RECORD_HEADER_BYTES > file.size) throw cut(number);
    const head = new DataView(file.read(at, RECORD_HEADER_BYTES).buffer);
    const bytes = head.getInt32(4, false) * 2;
    if (bytes < 4) throw new VectorFault(`feature ${number} is damaged: it takes ${bytes} bytes`);
    if (at + RECORD_HEADER_BYTES + bytes > file.size) throw cut(number);
    yield new DataView(file.read(at + RECORD_HEADER_BYTES, bytes).buffer);
    at += RECORD_HEADER_BYTES + bytes;
  }
}

function cut(number: number): VectorFault {
  return new VectorFault(`it ends inside feature ${number}: it is cut off or damaged`);
}

/** The geometry of a record; heights and measures, which follow the places, are left out. */
function shape(record: DataView, what: string): Geometry | null {
  try {
    const type = record.getInt32(0, true);
    switch (type % 10) {
      case 0:
        return null;
      case 1: {
        const position = positionAt(record, 4);
        return { type: "Point", coordinates: Number.isNaN(position[0]) ? [] : position };
      }
      case 3: {
        const lines = parts(record);
        return lines.length === 1
          ? { type: "LineString", coordinates: lines[0]! }
          : { type: "MultiLineString", coordinates: lines };
      }
      case 5:
        return polygon(parts(record));
      case 8:
        return {
          type: "MultiPoint",
          coordinates: positions(record, 40, record.getInt32(36, true)),
        };
    }
    throw new VectorFault(`the geometry of ${what} is of type ${type}, which is not supported`);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new VectorFault(`the geometry of ${what} is damaged`, { cause });
  }
}

function positionAt(record: DataView, at: number): Position {
  return [record.getFloat64(at, true), record.getFloat64(at + 8, true)];
}

function positions(record: DataView, at: number, count: number): Position[] {
  if (count < 0 || at + count * 16 > record.byteLength) throw new RangeError("too many positions");
  return Array.from({ length: count }, (_, i) => positionAt(record, at + 16 * i));
}

function parts(record: DataView): Position[][] {
  const [partCount, positionCount] = [
    record.getInt32(PARTS_AT, true),
    record.getInt32(PARTS_AT + 4, true),
  ];
  if (partCount < 0 || PARTS_AT + 8 + 4 * partCount > record.byteLength) {
    throw new RangeError("too many parts");
  }
  const all = positions(record, PARTS_AT + 8 + 4 * partCount, positionCount);
  const starts = Array.from(
    { length: partCount },
    (_, i) => record.getInt32(PARTS_AT + 8 + 4 * i, true),
  );
  return starts.map((start, i) => all.slice(start, starts[i + 1]));
}

/** Rings that run clockwise are outer rings, the others holes of the ring around them. */
function polygon(rings: readonly Position[][]): Geometry {
  const closed = rings.filter((ring) => ring.length > 0).map(closedRing);
  const outer = closed.filter((ring) => signedDoubleArea(ring) <= 0);
  // Some writers turn all rings the other way.
  if (outer.length === 0) {
    return { type: "MultiPolygon", coordinates: closed.map((ring) => [ring]) };
  }
  const polygons = outer.map((ring): Ring[] => [ring]);
  for (const hole of closed) {
    if (signedDoubleArea(hole) <= 0) continue;
    const around = polygons.filter(([ring]) => isAround(ring!, hole));
    // The smallest ring around it: islands in lakes on islands.
    const [owner] = around.sort(([a], [b]) =>
      Math.abs(signedDoubleArea(a!)) - Math.abs(signedDoubleArea(b!))
    );
    if (owner === undefined) polygons.push([hole]);
    else owner.push(hole);
  }
  return polygons.length === 1
    ? { type: "Polygon", coordinates: polygons[0]! }
    : { type: "MultiPolygon", coordinates: polygons };
}

function closedRing(ring: Position[]): Position[] {
  const [first, last] = [ring[0]!, ring.at(-1)!];
  return first[0] === last[0] && first[1] === last[1] ? ring : [...ring, first];
}

/** Whether a ring lies around another, by the first position of it that is not on the ring. */
function isAround(ring: Ring, inner: Ring): boolean {
  for (const position of inner) {
    const side = sideOf(ring, position);
    if (side !== 0) return side > 0;
  }
  return true;
}

/** 1 inside, −1 outside, 0 on the ring. */
function sideOf(ring: Ring, [x = NaN, y = NaN]: Position): number {
  let inside = false;
  for (let i = 1; i < ring.length; i++) {
    const [xa = 0, ya = 0] = ring[i - 1]!;
    const [xb = 0, yb = 0] = ring[i]!;
    const turn = (xb - xa) * (y - ya) - (yb - ya) * (x - xa);
    if (
      turn === 0 && x >= Math.min(xa, xb) && x <= Math.max(xa, xb) && y >= Math.min(ya, yb) &&
      y <= Math.max(ya, yb)
    ) return 0;
    if (ya > y !== yb > y && (turn > 0) === (yb > ya)) inside = !inside;
  }
  return inside ? 1 : -1;
}
