/**
 * GeoTIFF as a raster: the image, its masks and overviews, and what is known of its bands.
 *
 * @module
 */
import { crc32 } from "node:zlib";
import { bytesOf, type DataType, ndarray } from "../array/mod.ts";
import { InputError } from "../errors.ts";
import type { Georeference } from "../geo/mod.ts";
import { readTiffDirectories, type TiffDirectory } from "./geotiff_directory.ts";
import { tiffGeoreference } from "./geotiff_georeference.ts";
import { TiffImage } from "./geotiff_image.ts";
import { type TiffLayout, tiffLayout } from "./geotiff_layout.ts";
import { bandInfos, classesFrom, tiffMetadata, withPamMetadata } from "./raster_metadata.ts";
import { COMPRESSION, COMPRESSION_NAMES, TAG } from "./geotiff_tags.ts";
import { PlaneReader } from "./plane_reader.ts";
import type { RasterReader } from "./raster.ts";
import type { ByteSource } from "./read_source.ts";
import { nodataIn, type NodataValue } from "./valid_pixels.ts";

/** Bits of the NewSubfileType tag. */
const SUBFILE = { reduced: 1, mask: 4 } as const;

/** A GeoTIFF and the files beside it. */
export interface TiffFiles {
  /** Path or URL, for messages. */
  readonly name: string;
  /** The file. */
  readonly main: ByteSource;
  /** `.msk`: a TIFF with the mask. */
  readonly mask: ByteSource | null;
  /** `.ovr`: a TIFF with the overviews. */
  readonly overviews: ByteSource | null;
  /** Text of `.aux.xml`: GDAL's metadata. */
  readonly metadata: string | null;
}

/** An image and the file that it is in. */
interface FoundImage {
  readonly directory: TiffDirectory;
  readonly source: ByteSource;
}

/**
 * Open a GeoTIFF.
 *
 * @param files The file and those beside it.
 * @param maxMemory Most bytes of one window; a quarter of it for one block, and for blocks kept.
 * @param overview Reduced-resolution copy to read, from 0; null for the full resolution.
 * @param threads Most threads that decode.
 * @returns The raster.
 * @throws {RasterFault} If the file is damaged or uses what is not supported.
 */
export async function openGeoTiff(
  files: TiffFiles,
  maxMemory: number,
  overview: number | null,
  threads: number,
): Promise<RasterReader> {
  const directories = await readTiffDirectories(files.main);
  const [first] = directories;
  const maxBlock = maxMemory / 4;
  const full = tiffLayout(first!, files.main.size, maxBlock);
  const images = directories.slice(1).map((directory) => ({ directory, source: files.main }));
  if (files.overviews !== null) {
    const source = files.overviews;
    images.push(
      ...(await readTiffDirectories(source)).map((directory) => ({ directory, source })),
    );
  }
  const overviews = images.filter(isOverviewOf(full));
  const found = chosenImage(files, first!, overviews, overview);
  const layout = found.directory === first
    ? full
    : tiffLayout(found.directory, found.source.size, maxBlock);

  const own = tiffMetadata(first!);
  const metadata = files.metadata === null ? own : withPamMetadata(files.metadata, own);
  const nodata = nodataIn(metadata.nodata, layout.dtype);
  const alpha = alphaBand(found.directory, layout);
  const image = new TiffImage(
    found.source,
    layout,
    // Alpha is read once more.
    { cacheBytes: maxMemory / 4, threads, readsOnce: alpha === null },
    nodata === null ? null : elementBytes(nodata, layout.dtype),
  );
  const masks = images.filter(({ directory }) =>
    (subfileType(directory) & SUBFILE.mask) !== 0 && hasSize(directory, layout)
  );
  if (files.mask !== null) {
    const source = files.mask;
    const sized = (await readTiffDirectories(source)).find((directory) =>
      hasSize(directory, layout)
    );
    if (sized !== undefined) masks.push({ directory: sized, source });
  }
  const maskImages = masks.map(({ directory, source }) =>
    new TiffImage(
      source,
      tiffLayout(directory, source.size, maxBlock),
      { cacheBytes: maxMemory / 16, threads: 1, readsOnce: true },
      null,
    )
  );

  const georeference = tiffGeoreference(first!);
  const sources = [files.main, files.mask, files.overviews].filter((source) => source !== null);
  return new PlaneReader({
    info: {
      source: files.name,
      format: describeFormat(first!, layout, georeference),
      width: layout.width,
      height: layout.height,
      dtype: layout.dtype,
      bands: bandInfos(metadata, layout.bands),
      nodata: nodata === null ? null : Number(nodata),
      georeference: scaledGeoreference(georeference, full, layout),
      classes: classesFrom(metadata),
      block: { width: layout.blockWidth, height: layout.blockHeight },
      overviews: overviews.map(({ directory }) => sizeOf(directory)),
    },
    image,
    masks: maskImages,
    alphaBand: alpha,
    nodata,
    maxMemory,
    checksum: checksumOf(layout),
    sources,
  });
}

function checksumOf({ offsets, counts }: TiffLayout): number {
  const bytes = ({ buffer, byteOffset, byteLength }: Float64Array) =>
    new Uint8Array(buffer, byteOffset, byteLength);
  return crc32(bytes(counts), crc32(bytes(offsets)));
}

function subfileType(directory: TiffDirectory): number {
  return directory.integer(TAG.newSubfileType) ?? 0;
}

function sizeOf(directory: TiffDirectory): { width: number; height: number } {
  return {
    width: directory.integer(TAG.imageWidth) ?? 0,
    height: directory.integer(TAG.imageLength) ?? 0,
  };
}

function hasSize(directory: TiffDirectory, layout: TiffLayout): boolean {
  const { width, height } = sizeOf(directory);
  return width === layout.width && height === layout.height;
}

/** True for smaller copies with the same bands. */
function isOverviewOf(full: TiffLayout): (image: FoundImage) => boolean {
  return ({ directory }) => {
    const { width, height } = sizeOf(directory);
    return (subfileType(directory) & SUBFILE.reduced) !== 0 &&
      (subfileType(directory) & SUBFILE.mask) === 0 &&
      width <= full.width && height <= full.height &&
      (directory.integer(TAG.samplesPerPixel) ?? 1) === full.bands;
  };
}

function chosenImage(
  files: TiffFiles,
  first: TiffDirectory,
  overviews: readonly FoundImage[],
  overview: number | null,
): FoundImage {
  if (overview === null) return { directory: first, source: files.main };
  const chosen = overviews[overview];
  if (chosen === undefined) {
    const listed = overviews.map(({ directory }, number) => {
      const { width, height } = sizeOf(directory);
      return `${number} (${width}x${height})`;
    });
    throw new InputError(
      `Cannot read overview ${overview} of ${JSON.stringify(files.name)}: it has ${
        listed.length === 0 ? "none" : listed.join(", ")
      }`,
    );
  }
  return chosen;
}

function elementBytes(value: NodataValue, dtype: DataType): Uint8Array<ArrayBuffer> {
  const element = ndarray(dtype, [1]);
  const { data } = element;
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) data[0] = BigInt(value);
  else data[0] = Number(value);
  return bytesOf(element);
}

/** The first extra sample that is alpha, associated or not. */
function alphaBand(directory: TiffDirectory, layout: TiffLayout): number | null {
  const extras = directory.numbers(TAG.extraSamples);
  if (extras === null || extras.length > layout.bands) return null;
  const position = extras.findIndex((kind) => kind === 1 || kind === 2);
  return position < 0 ? null : layout.bands - extras.length + position;
}

/** The transform of an overview: the same ground, fewer pixels. */
function scaledGeoreference(
  georeference: Georeference,
  full: TiffLayout,
  layout: TiffLayout,
): Georeference {
  const { transform } = georeference;
  if (transform === null || full === layout) return georeference;
  const horizontal = full.width / layout.width;
  const vertical = full.height / layout.height;
  const [x, a, b, y, d, e] = transform;
  return {
    ...georeference,
    transform: [x, a * horizontal, b * vertical, y, d * horizontal, e * vertical],
  };
}

function describeFormat(
  first: TiffDirectory,
  layout: TiffLayout,
  georeference: Georeference,
): string {
  const { tiled, blockWidth, blockHeight, compression, format, planar, bands } = layout;
  const georeferenced = georeference.geoKeys !== null || georeference.transform !== null;
  const parts = [
    `${first.big ? "Big" : ""}${georeferenced ? "GeoTIFF" : "TIFF"}`,
    tiled ? `tiled ${blockWidth}x${blockHeight}` : `strips of ${blockHeight} rows`,
    compression === COMPRESSION.none ? "uncompressed" : COMPRESSION_NAMES[compression]!,
  ];
  if (format.lerc !== null && format.lerc.addition !== "none") {
    parts.push(`then ${format.lerc.addition}`);
  }
  if (format.predictor !== 1) parts.push(`predictor ${format.predictor}`);
  if (bands > 1) parts.push(planar ? "band by band" : "pixel by pixel");
  return parts.join(", ");
}
