/**
 * Bands in files of their own as one raster, as products of Sentinel-2 and Landsat have them.
 *
 * The finest file gives the grid; coarser ones are resampled to it, pixels as areas: bilinear, classes
 * by the nearest pixel. What lies beyond the finest file is left out; where a coarser file ends before
 * it, there is no data.
 *
 * @module
 */
import { type DataType, type NdArray, ndarray } from "../array/mod.ts";
import { InputError } from "../errors.ts";
import type { GeoTransform, PixelWindow } from "../geo/mod.ts";
import {
  type BandInfo,
  joinedChecksum,
  type RasterInfo,
  type RasterPixels,
  type RasterReader,
  SENTINEL2_BANDS,
} from "../raster/mod.ts";
import { bandInName, nameBands } from "./band_names.ts";
import { type GridMapping, isAligned, mapGrid } from "./grid_mapping.ts";
import { resample, type Resampling, sourceWindow } from "./resample.ts";

/** A band of the stack. */
interface StackBand {
  readonly info: BandInfo;
  /** Number of the file. */
  readonly file: number;
  /** Zero-based number in the file. */
  readonly band: number;
}

/** A file of the stack. */
interface StackFile {
  readonly reader: RasterReader;
  readonly mapping: GridMapping;
  readonly method: Resampling;
}

/**
 * Make one raster of files that cover the same ground.
 *
 * A band that several files have is taken from the finest one, as level 2A of Sentinel-2 has most bands
 * in several resolutions. Sentinel-2's bands come in their own order, others in that of the files.
 * The element type is the smallest that holds all of theirs.
 *
 * @param readers The files; they belong to the stack, which closes them.
 * @param source What to call the stack in messages.
 * @returns The raster.
 * @throws {InputError} If CRS or orientation differ, files without a transform differ in size, one band
 * is in two files of one resolution, or no element type holds all of theirs.
 */
export function stackBands(readers: readonly RasterReader[], source: string): RasterReader {
  const kept = withoutCoarserCopies(readers);
  const infos = kept.map(({ reader }) => reader.info);
  const finest = infos.reduce((a, b) => pixelArea(b) < pixelArea(a) ? b : a);
  for (const info of infos) checkCrs(finest, info);
  const files = kept.map(({ reader }): StackFile => ({
    reader,
    mapping: mappingOf(finest, reader.info),
    method: isClasses(reader.info) ? "nearest" : "bilinear",
  }));
  const bands = inOrder(
    kept.flatMap(({ bands }, file) => bands.map((info, band): StackBand => ({ info, file, band }))),
  );
  const dtype = infos.map((info) => info.dtype).reduce((a, b) => commonType(a, b, source));
  const [first] = infos as [RasterInfo];
  const info: RasterInfo = {
    ...finest,
    source,
    format: `${infos.length} files, ${finest.format}`,
    dtype,
    bands: bands.map(({ info }) => info),
    nodata: infos.every(({ nodata }) => Object.is(nodata, first.nodata)) ? first.nodata : null,
    classes: bands.length === 1 ? first.classes : null,
    overviews: [],
  };
  return new BandStack(info, files, bands, readers);
}

/** Reads windows of a stack. */
class BandStack implements RasterReader {
  readonly info: RasterInfo;
  readonly checksum: number | null;
  readonly #files: readonly StackFile[];
  readonly #bands: readonly StackBand[];
  readonly #opened: readonly RasterReader[];
  /** Windows that will be read; a file hears of them when it is read for the first time. */
  #announced: readonly PixelWindow[] = [];
  readonly #told = new Set<StackFile>();

  constructor(
    info: RasterInfo,
    files: readonly StackFile[],
    bands: readonly StackBand[],
    opened: readonly RasterReader[],
  ) {
    this.info = info;
    this.#files = files;
    this.#bands = bands;
    this.#opened = opened;
    this.checksum = joinedChecksum(opened);
  }

  get traffic(): { requests: number; bytes: number } {
    return addTraffic(this.#opened);
  }

  announce(windows: readonly PixelWindow[]): void {
    this.#announced = windows;
    this.#told.clear();
  }

  async read(
    window: PixelWindow,
    bands: readonly number[] = this.info.bands.map((_, band) => band),
  ): Promise<RasterPixels> {
    const { width, height } = window;
    const image = ndarray<DataType>(this.info.dtype, [bands.length, height, width]);
    const valid = ndarray("uint8", [height, width]);
    valid.data.fill(1);
    const wanted = bands.map((band, place) => ({ ...this.#bands[band]!, place }));
    const numbers = [...new Set(wanted.map(({ file }) => file))];
    await Promise.all(numbers.map(async (number) => {
      const own = wanted.filter(({ file }) => file === number);
      const file = this.#files[number]!;
      this.#tell(file);
      const pixels = await readFile(file, window, own.map(({ band }) => band));
      own.forEach(({ place }, index) => copyPlane(pixels.image, index, image, place));
      pixels.valid.data.forEach((has, i) => {
        if (has === 0) valid.data[i] = 0;
      });
    }));
    return { image, valid };
  }

  close(): void {
    for (const reader of this.#opened) reader.close();
  }

  /** Files without wanted bands are not to be decoded ahead. */
  #tell(file: StackFile): void {
    if (this.#told.has(file) || this.#announced.length === 0) return;
    this.#told.add(file);
    file.reader.announce?.(this.#announced.map((window) => windowIn(file, window)));
  }
}

/** What several readers have read together. */
export function addTraffic(
  readers: readonly RasterReader[],
): { requests: number; bytes: number } {
  return readers.reduce(
    (total, { traffic }) => ({
      requests: total.requests + traffic.requests,
      bytes: total.bytes + traffic.bytes,
    }),
    { requests: 0, bytes: 0 },
  );
}

/** The pixels of a file that a window needs. */
function windowIn({ mapping }: StackFile, window: PixelWindow): PixelWindow {
  if (!isAligned(mapping)) return sourceWindow(window, mapping);
  const { x, y } = mapping;
  return { ...window, x: window.x + x.offset, y: window.y + y.offset };
}

async function readFile(
  file: StackFile,
  window: PixelWindow,
  bands: readonly number[],
): Promise<RasterPixels> {
  const { reader, mapping, method } = file;
  const pixels = await reader.read(windowIn(file, window), bands);
  return isAligned(mapping) ? pixels : resample(pixels, window, mapping, method);
}

/** Copy a plane into another array, whose type holds its elements. */
function copyPlane(from: NdArray, fromBand: number, to: NdArray, toBand: number): void {
  const [, height, width] = to.shape as [number, number, number];
  const plane = height * width;
  const elements = from.data.subarray(fromBand * plane, (fromBand + 1) * plane);
  if (from.dtype === to.dtype || !to.dtype.endsWith("64") || to.dtype === "float64") {
    (to.data as Float64Array).set(elements as Float64Array, toBand * plane);
  } else {
    (to.data as BigInt64Array).set(
      Array.from(elements as Float64Array, BigInt),
      toBand * plane,
    );
  }
}

/** Files with the names of their bands, without bands that a finer file has as well. */
function withoutCoarserCopies(
  readers: readonly RasterReader[],
): { reader: RasterReader; bands: BandInfo[] }[] {
  const names = nameBands(readers.map(({ info }) => info));
  const best = new Map<string, number>();
  names.forEach((bands, file) => {
    for (const { name } of bands) {
      const other = best.get(name);
      if (other === undefined) {
        best.set(name, file);
        continue;
      }
      const [area, otherArea] = [file, other].map((number) => pixelArea(readers[number]!.info));
      if (area === otherArea || bands.length > 1 || names[other]!.length > 1) {
        throw new InputError(
          `Cannot tell which file band ${name} is in: both "${readers[other]!.info.source}" and "${
            readers[file]!.info.source
          }" have one`,
        );
      }
      if (area! < otherArea!) best.set(name, file);
    }
  });
  return readers.flatMap((reader, file) =>
    names[file]!.some(({ name }) => best.get(name) === file)
      ? [{ reader, bands: names[file]! }]
      : []
  );
}

/** Sentinel-2's own order where all bands of that form are its; the order given otherwise. */
function inOrder(bands: readonly StackBand[]): StackBand[] {
  const rank = ({ info }: StackBand) => {
    const place = SENTINEL2_BANDS.indexOf(info.name);
    return place < 0 ? SENTINEL2_BANDS.length : place;
  };
  return bands.toSorted((a, b) => rank(a) - rank(b));
}

/** Scene classification, and what else has names or colours for its numbers, is not to be averaged. */
function isClasses({ classes, source, bands, dtype }: RasterInfo): boolean {
  return classes !== null || dtype === "bool" || bands[0]!.name === "SCL" ||
    bandInName(source) === "SCL";
}

function pixelArea({ width, height, georeference: { transform } }: RasterInfo): number {
  // Without a transform, all files must have one size.
  if (transform === null) return 1 / (width * height);
  const [, a, b, , c, d] = transform;
  return Math.abs(a * d - b * c);
}

function checkCrs(first: RasterInfo, other: RasterInfo): void {
  const [a, b] = [first.georeference.crs, other.georeference.crs];
  if (a === b || a === null || b === null) return;
  throw apart(other, first, `their CRS differ: ${b} and ${a}`);
}

function mappingOf(finest: RasterInfo, info: RasterInfo): GridMapping {
  const [a, b] = [finest.georeference.transform, info.georeference.transform];
  if (a === null || b === null) {
    if (a === b && finest.width === info.width && finest.height === info.height) {
      const same = { scale: 1, offset: 0 };
      return { x: same, y: same };
    }
    throw apart(info, finest, "not both say where they lie, and their sizes differ");
  }
  const mapping = mapGrid({ ...finest, transform: a as GeoTransform }, { transform: b });
  if (mapping !== null) return mapping;
  throw apart(info, finest, "their pixels are turned against one another");
}

function apart(other: RasterInfo, first: RasterInfo, why: string): InputError {
  return new InputError(
    `Cannot take "${other.source}" and "${first.source}" as bands of one scene as ${why}`,
  );
}

/** Bits of the values that a type holds exactly, and whether they have a sign. */
const RANGES: Readonly<Record<DataType, { bits: number; signed: boolean; float: boolean }>> = {
  bool: { bits: 1, signed: false, float: false },
  uint8: { bits: 8, signed: false, float: false },
  int8: { bits: 7, signed: true, float: false },
  uint16: { bits: 16, signed: false, float: false },
  int16: { bits: 15, signed: true, float: false },
  uint32: { bits: 32, signed: false, float: false },
  int32: { bits: 31, signed: true, float: false },
  uint64: { bits: 64, signed: false, float: false },
  int64: { bits: 63, signed: true, float: false },
  float16: { bits: 11, signed: true, float: true },
  float32: { bits: 24, signed: true, float: true },
  float64: { bits: 53, signed: true, float: true },
};

/** The smallest type that holds every number of both exactly. */
function commonType(a: DataType, b: DataType, source: string): DataType {
  const [first, second] = [RANGES[a], RANGES[b]];
  const bits = Math.max(first.bits, second.bits);
  const signed = first.signed || second.signed;
  const float = first.float || second.float;
  // A half float has a larger range than its exact integers, which a wider float holds as well.
  const found = (Object.keys(RANGES) as DataType[]).find((type) => {
    const range = RANGES[type];
    return range.bits >= bits && range.signed === signed && range.float === float;
  });
  if (found !== undefined) return found;
  throw new InputError(
    `Cannot take the files of "${source}" as one scene as no element type holds both ${a} and ${b}`,
  );
}
