/**
 * Cloud-Optimized GeoTIFFs written in one pass, top to bottom, in memory that does not grow with the
 * height of the raster.
 *
 * Rows become compressed blocks as soon as those are complete, and wait on disk until then; halved rows
 * become the blocks of the overviews. As a Cloud-Optimized GeoTIFF starts with what is only known at
 * the end (where all blocks lie) and has its small overviews first, the blocks wait in unlinked
 * temporary files beside the target and are put together when the last row is in.
 *
 * @module
 */
import { bytesPerElement, type DataType, formatShape, type NdArray } from "../array/mod.ts";
import type { ClassInfo } from "../classes/mod.ts";
import {
  type AtomicFile,
  createAtomicFile,
  createScratch,
  createSpool,
  withFileErrors,
  writeFileAtomic,
} from "../files/mod.ts";
import type { Georeference } from "../geo/mod.ts";
import { type CogLevel, cogPreamble } from "./encode/cog_layout.ts";
import { CODECS, type GeoTiffCompression } from "./encode/compress.ts";
import { createDownsample, half, type OverviewResampling } from "./encode/downsample.ts";
import { gdalMetadataXml, pamXml } from "./encode/gdal_metadata.ts";
import { georeferenceFields } from "./encode/georeference_fields.ts";
import { bandRows, type BlockFormat, LevelWriter } from "./encode/level_writer.ts";
import { checkRasterSpec, formatNodata } from "./encode/raster_spec.ts";
import { asciiField, field, type TiffField } from "./encode/tiff_fields.ts";
import { PHOTOMETRIC, TAG } from "./geotiff_tags.ts";
import type { BandInfo } from "./raster.ts";

/** What a written GeoTIFF is to hold, and how. */
export interface RasterSpec {
  /** Columns. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
  /** Element type; all but `bool`. */
  readonly dtype: DataType;
  /** Bands in file order. Names, scales and offsets are kept as GDAL keeps them. */
  readonly bands: readonly BandInfo[];
  /** Value that marks pixels without data; null where there is none. */
  readonly nodata: number | null;
  /** CRS and transform; the GeoTIFF keys are written as they are. */
  readonly georeference: Georeference;
  /** Classes of a class map, one band of integers; null where it is none. */
  readonly classes: readonly ClassInfo[] | null;
  /** Further metadata items of the file, by name. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Compression of the blocks; `deflate` where left out. */
  readonly compression?: GeoTiffCompression;
  /** All bands of a pixel side by side (the default), or each band in blocks of its own. */
  readonly interleave?: "pixel" | "band";
  /**
   * Sides of the blocks, a multiple of 16; 512 where left out. Smaller rasters have smaller blocks, and
   * a high raster just as wide as its blocks has narrower ones, as GDAL would not call it tiled.
   */
  readonly blockSize?: number;
  /**
   * Overviews, halved until they fit into one block: `mode` where left out for class maps, `average`
   * for other rasters, `nearest` for those of 64-bit integers. Values whose overviews are modes are
   * taken for classes, with or without names.
   */
  readonly overviews?: OverviewResampling | "none";
  /** Replace the file if it exists; otherwise that is an error. */
  readonly overwrite?: boolean;
}

/** A GeoTIFF that is being written. */
export interface RasterWriter extends Disposable {
  /** Rows written so far. */
  readonly rowsWritten: number;
  /**
   * Add rows below those already written.
   *
   * @param rows Shape (bands, any number of rows, width), in the raster's element type. It may be
   * used again when the promise is settled.
   * @throws {InputError} If the file system refuses, such as `No space left on device`.
   */
  writeRows(rows: NdArray): Promise<void>;
  /**
   * Put the file together and give it its name.
   *
   * @throws {InputError} If the file system refuses; nothing is left behind then.
   */
  finish(): Promise<void>;
  /** Drop what was written; harmless after `finish`. */
  abort(): void;
}

/** Values of the SampleFormat tag. */
const SAMPLE_FORMAT = { unsigned: 1, signed: 2, float: 3 } as const;

const DEFAULT_BLOCK_SIZE = 512;

/** NewSubfileType of overviews. */
const REDUCED_RESOLUTION = 1;

/**
 * Begin a Cloud-Optimized GeoTIFF, which appears under its name when it is finished.
 *
 * A class map has its colours as a palette and its class names three times over: in the file
 * (metadata item `CLASS_NAMES`, a JSON list), and in the sidecar `<path>.aux.xml` as category names
 * and as an attribute table, where GDAL and QGIS look for them. Files above 4 GiB are BigTIFF.
 *
 * @param path The file; pipes are written to as well.
 * @param spec What it holds.
 * @returns The writer; it wants every row from the top.
 * @throws {InputError} If the file exists and `overwrite` is not set, cannot be made, or cannot hold
 * what the specification asks for.
 *
 * @example
 * ```ts
 * import { classesFromNames, createGeoTiff, ndarray, openRaster } from "swath";
 *
 * const directory = await Deno.makeTempDir();
 * using writer = await createGeoTiff(`${directory}/map.tif`, {
 *   width: 4,
 *   height: 2,
 *   dtype: "uint8",
 *   bands: [{ name: "class", scale: 1, offset: 0 }],
 *   nodata: 255,
 *   georeference: { crs: null, transform: null, geoKeys: null, pixelIsPoint: false },
 *   classes: classesFromNames(["water", "forest"]),
 * });
 * await writer.writeRows(ndarray("uint8", [1, 2, 4], Uint8Array.of(0, 0, 1, 1, 0, 1, 1, 255)));
 * await writer.finish();
 * const map = await openRaster(`${directory}/map.tif`);
 * if (map.info.classes?.[1]?.name !== "forest") throw new Error("no class names");
 * map.close();
 * await Deno.remove(directory, { recursive: true });
 * ```
 */
export async function createGeoTiff(path: string, spec: RasterSpec): Promise<RasterWriter> {
  checkRasterSpec(path, spec);
  const file = await createAtomicFile(path, { overwrite: spec.overwrite ?? false });
  const files: { close(): void }[] = [];
  const abort = () => {
    file.abort();
    for (const file of files) file.close();
  };
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      abort();
      throw error;
    }
  };
  const levels = await guarded(() => createLevels(path, spec, files));
  const [full] = levels as [LevelWriter];
  return {
    get rowsWritten() {
      return full.rowsDone;
    },
    writeRows: (rows) =>
      guarded(async () => {
        checkRows(rows, spec, full.rowsDone);
        if (rows.shape[1] !== 0) await full.append(bandRows(rows));
      }),
    finish: () =>
      guarded(async () => {
        if (full.rowsDone !== spec.height) {
          throw new RangeError(
            `internal: "${path}" is finished after ${full.rowsDone} of ${spec.height} rows`,
          );
        }
        await file.write(cogPreamble(describeLevels(levels, spec), spec.interleave ?? "pixel"));
        for (const { spool } of levels.toReversed()) {
          for await (const bytes of spool.read()) await file.write(bytes);
        }
        await commitWithSidecar(file, spec.classes);
        abort();
      }),
    abort,
    [Symbol.dispose]: abort,
  };
}

/** The full resolution first, then its overviews. */
async function createLevels(
  path: string,
  spec: RasterSpec,
  files: { close(): void }[],
): Promise<LevelWriter[]> {
  const { width, height, dtype, nodata, blockSize = DEFAULT_BLOCK_SIZE } = spec;
  const format = blockFormat(spec);
  const resampling = spec.overviews ?? defaultResampling(spec);
  const sizes = [{ width, height }];
  for (
    let size = sizes[0]!;
    resampling !== "none" && Math.max(size.width, size.height) > blockSize;
  ) {
    size = { width: half(size.width), height: half(size.height) };
    sizes.push(size);
  }
  const scratch = await createScratch(path);
  files.push(scratch);
  const levels: LevelWriter[] = [];
  for (const size of sizes.toReversed()) {
    const spool = await createSpool(path);
    files.push(spool);
    const smaller = levels[0];
    const next = smaller === undefined || resampling === "none"
      ? null
      : { level: smaller, downsample: createDownsample(resampling, dtype, nodata) };
    const waiting = { scratch, start: smaller?.waitingEnd ?? 0 };
    levels.unshift(new LevelWriter(size, blockSize, format, spool, waiting, next));
  }
  return levels;
}

function defaultResampling({ classes, dtype }: RasterSpec): OverviewResampling {
  if (classes !== null) return "mode";
  return dtype === "int64" || dtype === "uint64" ? "nearest" : "average";
}

/** Neighbouring pixels are alike in measurements, but classes are no quantities. */
function blockFormat(spec: RasterSpec): BlockFormat {
  const { dtype, bands, classes, interleave = "pixel", compression = "deflate" } = spec;
  const measures = classes === null && spec.overviews !== "mode";
  let predictor: 1 | 2 | 3 = 1;
  if (compression !== "none" && measures) predictor = dtype.startsWith("float") ? 3 : 2;
  return {
    dtype,
    bands: bands.length,
    interleave,
    predictor,
    codec: CODECS[compression],
  };
}

function describeLevels(levels: readonly LevelWriter[], spec: RasterSpec): CogLevel[] {
  const { bands, classes, nodata, georeference, metadata = {} } = spec;
  const described: TiffField[] = [];
  const xml = gdalMetadataXml(bands, classes, metadata);
  if (xml !== null) described.push(asciiField(TAG.gdalMetadata, xml));
  return levels.map((level, index) => {
    const fields = pixelFields(level, spec);
    if (nodata !== null) fields.push(asciiField(TAG.gdalNodata, formatNodata(nodata)));
    if (index === 0) fields.push(...described, ...georeferenceFields(georeference));
    else fields.push(field(TAG.newSubfileType, "long", REDUCED_RESOLUTION));
    return { level, fields };
  });
}

/** Fields that say how to read the pixels. */
function pixelFields(level: LevelWriter, spec: RasterSpec): TiffField[] {
  const { dtype, bands, classes, interleave = "pixel" } = spec;
  const format = blockFormat(spec);
  const perBand = (value: number) => bands.map(() => value);
  const palette = classes !== null && dtype === "uint8" && bands.length === 1;
  const colors = isRgb(bands, dtype) ? 3 : 1;
  const fields = [
    field(TAG.imageWidth, "long", level.width),
    field(TAG.imageLength, "long", level.height),
    field(TAG.bitsPerSample, "short", ...perBand(8 * bytesPerElement(dtype))),
    field(TAG.compression, "short", format.codec.tag),
    field(
      TAG.photometric,
      "short",
      palette ? PHOTOMETRIC.palette : colors === 3 ? PHOTOMETRIC.rgb : PHOTOMETRIC.minIsBlack,
    ),
    field(TAG.samplesPerPixel, "short", bands.length),
    field(TAG.planarConfiguration, "short", interleave === "pixel" ? 1 : 2),
    field(TAG.sampleFormat, "short", ...perBand(sampleFormat(dtype))),
  ];
  if (format.predictor !== 1) fields.push(field(TAG.predictor, "short", format.predictor));
  if (bands.length > colors) {
    // Zero: what the further bands hold is not said.
    const extra = new Array<number>(bands.length - colors).fill(0);
    fields.push(field(TAG.extraSamples, "short", ...extra));
  }
  if (palette) fields.push(field(TAG.colorMap, "short", ...colorMap(classes)));
  return fields;
}

function isRgb(bands: readonly BandInfo[], dtype: DataType): boolean {
  const names = bands.slice(0, 3).map(({ name }) => name.toLowerCase()).join();
  return names === "red,green,blue" && (dtype === "uint8" || dtype === "uint16");
}

function sampleFormat(dtype: DataType): number {
  if (dtype.startsWith("float")) return SAMPLE_FORMAT.float;
  return dtype.startsWith("u") ? SAMPLE_FORMAT.unsigned : SAMPLE_FORMAT.signed;
}

/** All reds, all greens, all blues of the 256 values, in 16 bits. */
function colorMap(classes: readonly ClassInfo[]): number[] {
  return [1, 3, 5].flatMap((start) =>
    Array.from({ length: 256 }, (_, value) => {
      const color = classes[value]?.color ?? "#000000";
      return 257 * Number.parseInt(color.slice(start, start + 2), 16);
    })
  );
}

/**
 * Give the file its name, and put its sidecar beside it.
 *
 * An older sidecar goes first: it would put its own names and statistics on the new raster. The new
 * one comes last, as the raster is whole without it.
 */
async function commitWithSidecar(
  file: AtomicFile,
  classes: readonly ClassInfo[] | null,
): Promise<void> {
  const sidecar = `${file.path}.aux.xml`;
  if (await isDevice(file.path)) return await file.commit();
  await withFileErrors("remove", sidecar, () => removeIfThere(sidecar));
  await file.commit();
  if (classes !== null) await writeFileAtomic(sidecar, pamXml(classes));
}

async function removeIfThere(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

async function isDevice(path: string): Promise<boolean> {
  try {
    return !(await Deno.stat(path)).isFile;
  } catch {
    return false;
  }
}

function checkRows(rows: NdArray, spec: RasterSpec, rowsDone: number): void {
  const { dtype, bands, width, height } = spec;
  const [count, added, columns] = rows.shape;
  if (rows.shape.length !== 3 || count !== bands.length || columns !== width) {
    throw new RangeError(
      `internal: rows of shape ${formatShape(rows.shape)} do not fit a raster of ${bands.length} ` +
        `bands and ${width} columns`,
    );
  }
  if (rows.dtype !== dtype) {
    throw new RangeError(`internal: rows of ${rows.dtype} do not fit a raster of ${dtype}`);
  }
  if (rowsDone + added! > height) {
    throw new RangeError(`internal: ${rowsDone + added!} rows for a raster of ${height}`);
  }
}
