/**
 * The tables of FlatGeobuf (flatgeobuf.org, `header.fbs` and `feature.fbs`): where which field is.
 *
 * @module
 */

/** `fgb`, major version 3, `fgb`; the last byte is the patch version, which may be any. */
export const MAGIC = [0x66, 0x67, 0x62, 0x03, 0x66, 0x67, 0x62] as const;

/** Offset in the table of offsets of a field by its number in the schema. */
const field = (number: number) => 4 + 2 * number;

/** Fields of `Header`. */
export const HEADER = {
  name: field(0),
  geometryType: field(2),
  columns: field(7),
  featuresCount: field(8),
  indexNodeSize: field(9),
  crs: field(10),
} as const;

/** Fields of `Column`. */
export const COLUMN = { name: field(0), type: field(1) } as const;

/** Fields of `Crs`. */
export const CRS = { org: field(0), code: field(1), wkt: field(4) } as const;

/** Fields of `Feature`. */
export const FEATURE = { geometry: field(0), properties: field(1) } as const;

/** Fields of `Geometry`. */
export const GEOMETRY = { ends: field(0), xy: field(1), type: field(6), parts: field(7) } as const;

/** Numbers of `GeometryType`. */
export const GEOMETRY_TYPES = [
  "Unknown",
  "Point",
  "LineString",
  "Polygon",
  "MultiPoint",
  "MultiLineString",
  "MultiPolygon",
  "GeometryCollection",
] as const;

/** Numbers of `ColumnType`. */
export const COLUMN_TYPE = {
  byte: 0,
  ubyte: 1,
  bool: 2,
  short: 3,
  ushort: 4,
  int: 5,
  uint: 6,
  long: 7,
  ulong: 8,
  float: 9,
  double: 10,
  string: 11,
  json: 12,
  dateTime: 13,
  binary: 14,
} as const;

/** Node size that stands where the header has none. */
export const DEFAULT_INDEX_NODE_SIZE = 16;

/**
 * Bytes of the packed Hilbert R-tree between header and features.
 *
 * @param count Features.
 * @param nodeSize Children of a node; 0 for no tree.
 */
export function indexBytes(count: number, nodeSize: number): number {
  if (nodeSize === 0 || count === 0) return 0;
  const size = Math.min(Math.max(nodeSize, 2), 65535);
  let [level, nodes] = [count, count];
  do {
    level = Math.ceil(level / size);
    nodes += level;
  } while (level !== 1);
  // Four coordinates and an offset, eight bytes each.
  return nodes * 40;
}
