/**
 * The structure of a TIFF file: header, chain of directories, values of tags.
 *
 * Everything a hostile file can claim is checked against the size of the file or a limit before
 * anything is allocated. TIFF 6.0 section 2; BigTIFF as in libtiff.
 *
 * @module
 */
import { FIELD_SIZES, TAG } from "./geotiff_tags.ts";
import { RasterFault } from "./read_fault.ts";
import { type ByteSource, readRange } from "./read_source.ts";

/** Most directories that a file is searched for: images, overviews and masks. */
const MAX_DIRECTORIES = 512;
/** Most entries of one directory; real files have dozens. */
const MAX_ENTRIES = 4096;
/** Most bytes of a tag that is not a table of blocks. */
const MAX_VALUE_BYTES = 1 << 20;
/** Most bytes of a table of blocks: 16 million blocks. */
const MAX_TABLE_BYTES = 128 << 20;

/** What a tag must hold. */
type FieldKind = "integer" | "integers" | "table" | "numbers" | "text" | "bytes";

/** Tags that are read. A fault in a tag that is not `essential` loses that tag and nothing else. */
const FIELDS: ReadonlyMap<number, { name: string; kind: FieldKind; essential: boolean }> = new Map([
  [TAG.newSubfileType, { name: "NewSubfileType", kind: "integer", essential: true }],
  [TAG.imageWidth, { name: "ImageWidth", kind: "integer", essential: true }],
  [TAG.imageLength, { name: "ImageLength", kind: "integer", essential: true }],
  [TAG.bitsPerSample, { name: "BitsPerSample", kind: "integers", essential: true }],
  [TAG.compression, { name: "Compression", kind: "integer", essential: true }],
  [TAG.photometric, { name: "PhotometricInterpretation", kind: "integer", essential: true }],
  [TAG.fillOrder, { name: "FillOrder", kind: "integer", essential: true }],
  [TAG.stripOffsets, { name: "StripOffsets", kind: "table", essential: true }],
  [TAG.samplesPerPixel, { name: "SamplesPerPixel", kind: "integer", essential: true }],
  [TAG.rowsPerStrip, { name: "RowsPerStrip", kind: "integer", essential: true }],
  [TAG.stripByteCounts, { name: "StripByteCounts", kind: "table", essential: true }],
  [TAG.planarConfiguration, { name: "PlanarConfiguration", kind: "integer", essential: true }],
  [TAG.predictor, { name: "Predictor", kind: "integer", essential: true }],
  [TAG.colorMap, { name: "ColorMap", kind: "integers", essential: false }],
  [TAG.tileWidth, { name: "TileWidth", kind: "integer", essential: true }],
  [TAG.tileLength, { name: "TileLength", kind: "integer", essential: true }],
  [TAG.tileOffsets, { name: "TileOffsets", kind: "table", essential: true }],
  [TAG.tileByteCounts, { name: "TileByteCounts", kind: "table", essential: true }],
  [TAG.inkSet, { name: "InkSet", kind: "integer", essential: false }],
  [TAG.extraSamples, { name: "ExtraSamples", kind: "integers", essential: false }],
  [TAG.sampleFormat, { name: "SampleFormat", kind: "integers", essential: true }],
  [TAG.jpegTables, { name: "JPEGTables", kind: "bytes", essential: true }],
  [TAG.ycbcrCoefficients, { name: "YCbCrCoefficients", kind: "numbers", essential: true }],
  [TAG.ycbcrSubsampling, { name: "YCbCrSubSampling", kind: "integers", essential: true }],
  [TAG.referenceBlackWhite, { name: "ReferenceBlackWhite", kind: "numbers", essential: true }],
  [TAG.modelPixelScale, { name: "ModelPixelScale", kind: "numbers", essential: false }],
  [TAG.modelTiepoint, { name: "ModelTiepoint", kind: "numbers", essential: false }],
  [TAG.modelTransformation, { name: "ModelTransformation", kind: "numbers", essential: false }],
  [TAG.geoKeyDirectory, { name: "GeoKeyDirectory", kind: "integers", essential: false }],
  [TAG.geoDoubleParams, { name: "GeoDoubleParams", kind: "numbers", essential: false }],
  [TAG.geoAsciiParams, { name: "GeoAsciiParams", kind: "text", essential: false }],
  [TAG.gdalMetadata, { name: "GDAL_METADATA", kind: "text", essential: false }],
  [TAG.gdalNodata, { name: "GDAL_NODATA", kind: "text", essential: false }],
  [TAG.lercParameters, { name: "LercParameters", kind: "integers", essential: true }],
]);

/** One directory of a TIFF file with the values of the tags that the reader knows. */
export class TiffDirectory {
  readonly #numbers = new Map<number, Float64Array>();
  readonly #bytes = new Map<number, Uint8Array<ArrayBuffer>>();

  /**
   * Make an empty directory.
   *
   * @param littleEndian Byte order of the file.
   * @param big True for BigTIFF.
   */
  constructor(readonly littleEndian: boolean, readonly big: boolean) {}

  /** Numbers of a tag; null where the file does not have it. */
  numbers(tag: number): Float64Array | null {
    return this.#numbers.get(tag) ?? null;
  }

  /** The one number of a tag. */
  integer(tag: number): number | null {
    return this.#numbers.get(tag)?.[0] ?? null;
  }

  /** Bytes of a tag. */
  bytes(tag: number): Uint8Array<ArrayBuffer> | null {
    return this.#bytes.get(tag) ?? null;
  }

  /** Text of a tag up to its first NUL. */
  text(tag: number): string | null {
    const bytes = this.#bytes.get(tag);
    if (bytes === undefined) return null;
    const end = bytes.indexOf(0);
    return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
  }

  /** Store what a tag holds. */
  set(tag: number, value: Float64Array | Uint8Array<ArrayBuffer>): void {
    if (value instanceof Float64Array) this.#numbers.set(tag, value);
    else this.#bytes.set(tag, value);
  }
}

/** Differences between TIFF and BigTIFF. */
interface Dialect {
  readonly big: boolean;
  readonly littleEndian: boolean;
  readonly entryBytes: number;
  readonly inlineBytes: number;
}

/** One entry of a directory before its value is read. */
interface Entry {
  readonly tag: number;
  readonly type: number;
  readonly count: number;
  /** Where the value lies, in the entry itself or elsewhere. */
  readonly offset: number;
  /** The value where it lies in the entry itself. */
  readonly inline: Uint8Array<ArrayBuffer> | null;
}

/**
 * Read the directories of a TIFF file, in the order of their chain.
 *
 * @param source The file.
 * @returns Its directories, at least one.
 * @throws {RasterFault} If the structure is damaged or claims more than the file can hold.
 */
export async function readTiffDirectories(source: ByteSource): Promise<TiffDirectory[]> {
  const header = await readRange(source, 0, Math.min(16, source.size));
  const view = viewOf(header);
  if (header.length < 8) {
    throw new RasterFault(`it has ${header.length} bytes, too few for the header of a TIFF`);
  }
  const littleEndian = header[0] === 0x49;
  const magic = view.getUint16(2, littleEndian);
  if (magic !== 42 && magic !== 43) {
    throw new RasterFault(
      `it starts like a TIFF, but its version is ${magic}: expected 42 (TIFF) or 43 (BigTIFF)`,
    );
  }
  const big = magic === 43;
  const dialect: Dialect = {
    big,
    littleEndian,
    entryBytes: big ? 20 : 12,
    inlineBytes: big ? 8 : 4,
  };
  if (big && (header.length < 16 || view.getUint16(4, littleEndian) !== 8)) {
    throw new RasterFault("the header of the BigTIFF is damaged: offsets must have 8 bytes");
  }
  let offset = big ? Number(view.getBigUint64(8, littleEndian)) : view.getUint32(4, littleEndian);
  if (offset === 0) {
    throw new RasterFault("it has no image: the offset of the first directory is 0");
  }

  const directories: TiffDirectory[] = [];
  const seen = new Set<number>();
  while (offset !== 0) {
    if (seen.has(offset)) {
      throw new RasterFault(`its directories form a loop: the one at byte ${offset} comes twice`);
    }
    if (directories.length === MAX_DIRECTORIES) break;
    seen.add(offset);
    const { directory, next } = await readDirectory(source, offset, dialect);
    directories.push(directory);
    offset = next;
  }
  return directories;
}

async function readDirectory(
  source: ByteSource,
  offset: number,
  dialect: Dialect,
): Promise<{ directory: TiffDirectory; next: number }> {
  const { big, littleEndian, entryBytes } = dialect;
  const countBytes = big ? 8 : 2;
  if (offset + countBytes > source.size) {
    throw new RasterFault(
      `the offset of a directory, ${offset}, is past the end of the file at byte ${source.size}`,
    );
  }
  const countView = viewOf(await readRange(source, offset, countBytes));
  const count = big
    ? Number(countView.getBigUint64(0, littleEndian))
    : countView.getUint16(0, littleEndian);
  if (count === 0) throw new RasterFault(`the directory at byte ${offset} has no entries`);
  if (count > MAX_ENTRIES) {
    throw new RasterFault(
      `the directory at byte ${offset} claims ${count} entries: at most ${MAX_ENTRIES} are read`,
    );
  }
  const body = offset + countBytes;
  const bytes = count * entryBytes;
  if (body + bytes > source.size) {
    throw new RasterFault(
      `the directory at byte ${offset} with ${count} entries reaches past the end of the file at byte ${source.size}`,
    );
  }
  // The offset of the next directory may be cut off at the end of the last one.
  const linkBytes = Math.min(dialect.inlineBytes, source.size - body - bytes);
  const data = await readRange(source, body, bytes + linkBytes);
  const view = viewOf(data);
  const directory = new TiffDirectory(littleEndian, big);
  const entries: Entry[] = [];
  const tags = new Set<number>();
  for (let index = 0; index < count; index++) {
    const entry = parseEntry(data, view, index * entryBytes, dialect);
    // libtiff keeps the first of several entries for a tag.
    if (!FIELDS.has(entry.tag) || tags.has(entry.tag)) continue;
    tags.add(entry.tag);
    entries.push(entry);
  }
  for (const entry of entries) {
    const field = FIELDS.get(entry.tag)!;
    try {
      directory.set(entry.tag, await readValue(source, entry, field, littleEndian));
    } catch (error) {
      if (field.essential || !(error instanceof RasterFault)) throw error;
    }
  }
  const next = linkBytes < dialect.inlineBytes
    ? 0
    : big
    ? Number(view.getBigUint64(bytes, littleEndian))
    : view.getUint32(bytes, littleEndian);
  return { directory, next };
}

function viewOf(bytes: Uint8Array<ArrayBuffer>): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function parseEntry(
  data: Uint8Array<ArrayBuffer>,
  view: DataView,
  at: number,
  { big, littleEndian, inlineBytes }: Dialect,
): Entry {
  const tag = view.getUint16(at, littleEndian);
  const type = view.getUint16(at + 2, littleEndian);
  const count = big
    ? Number(view.getBigUint64(at + 4, littleEndian))
    : view.getUint32(at + 4, littleEndian);
  const valueAt = at + (big ? 12 : 8);
  const bytes = count * (FIELD_SIZES[type] ?? 0);
  if (bytes <= inlineBytes) {
    return { tag, type, count, offset: 0, inline: data.slice(valueAt, valueAt + bytes) };
  }
  const offset = big
    ? Number(view.getBigUint64(valueAt, littleEndian))
    : view.getUint32(valueAt, littleEndian);
  return { tag, type, count, offset, inline: null };
}

async function readValue(
  source: ByteSource,
  { type, count, offset, inline }: Entry,
  { name, kind }: { name: string; kind: FieldKind },
  littleEndian: boolean,
): Promise<Float64Array | Uint8Array<ArrayBuffer>> {
  const size = FIELD_SIZES[type];
  if (size === undefined) {
    throw new RasterFault(`the tag ${name} has the unknown field type ${type}`);
  }
  if (!typeFits(type, kind)) {
    throw new RasterFault(`the tag ${name} has field type ${type}, which cannot hold it`);
  }
  if (count === 0 || (kind === "integer" && count !== 1)) {
    throw new RasterFault(
      `the tag ${name} has ${count} values: expected ${kind === "integer" ? "1" : "at least 1"}`,
    );
  }
  const bytes = count * size;
  const limit = kind === "table" ? MAX_TABLE_BYTES : MAX_VALUE_BYTES;
  if (bytes > limit) {
    throw new RasterFault(`the tag ${name} claims ${bytes} bytes: at most ${limit} are read`);
  }
  if (inline === null && offset + bytes > source.size) {
    throw new RasterFault(
      `the tag ${name} reaches to byte ${
        offset + bytes
      }, past the end of the file at byte ${source.size}`,
    );
  }
  const data = inline ?? await readRange(source, offset, bytes);
  return kind === "text" || kind === "bytes" ? data : toNumbers(data, type, count, littleEndian);
}

function typeFits(type: number, kind: FieldKind): boolean {
  switch (kind) {
    case "integer":
    case "integers":
    case "table":
      return [1, 3, 4, 6, 8, 9, 13, 16, 17, 18].includes(type);
    case "numbers":
      return type !== 2 && type !== 7;
    case "text":
    case "bytes":
      return [1, 2, 6, 7].includes(type);
  }
}

function toNumbers(
  data: Uint8Array<ArrayBuffer>,
  type: number,
  count: number,
  littleEndian: boolean,
): Float64Array {
  const view = viewOf(data);
  const size = FIELD_SIZES[type]!;
  const numbers = new Float64Array(count);
  for (let index = 0, at = 0; index < count; index++, at += size) {
    numbers[index] = numberAt(view, at, type, littleEndian);
  }
  return numbers;
}

function numberAt(view: DataView, at: number, type: number, littleEndian: boolean): number {
  switch (type) {
    case 3:
      return view.getUint16(at, littleEndian);
    case 4:
    case 13:
      return view.getUint32(at, littleEndian);
    case 5:
      return view.getUint32(at, littleEndian) / view.getUint32(at + 4, littleEndian);
    case 6:
      return view.getInt8(at);
    case 8:
      return view.getInt16(at, littleEndian);
    case 9:
      return view.getInt32(at, littleEndian);
    case 10:
      return view.getInt32(at, littleEndian) / view.getInt32(at + 4, littleEndian);
    case 11:
      return view.getFloat32(at, littleEndian);
    case 12:
      return view.getFloat64(at, littleEndian);
    case 16:
    case 18:
      return Number(view.getBigUint64(at, littleEndian));
    case 17:
      return Number(view.getBigInt64(at, littleEndian));
    default:
      return view.getUint8(at);
  }
}
