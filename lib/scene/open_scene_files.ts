/**
 * Several files as one scene: bands in files of their own, and neighbours.
 *
 * @module
 */
import { InputError } from "../errors.ts";
import type { GeoTransform } from "../geo/mod.ts";
import {
  type BandInfo,
  openRaster,
  type OpenRasterOptions,
  type RasterInfo,
  type RasterReader,
} from "../raster/mod.ts";
import { readAsMosaic } from "../tiling/mod.ts";
import { bandInName } from "./band_names.ts";
import { stackBands } from "./band_stack.ts";
import { sceneFiles, statedScale } from "./scene_files.ts";

/** Options of {@linkcode openSceneFiles}. */
export interface OpenSceneFilesOptions extends OpenRasterOptions {
  /** Bands that are asked for, by name: layers of a product that are no spectral bands need it. */
  readonly bands?: readonly string[];
}

/** Each of many files may keep blocks of its own. */
const MEMORY_OF_MANY = 256 * 1024 * 1024;

/**
 * Open a scene: a raster, a folder of them such as a Sentinel-2 product, or several.
 *
 * Files that cover the same ground are bands of one scene: the finest gives the grid, and coarser ones
 * are resampled to it, bilinear, classes by the nearest pixel, pixels being areas (as GDAL's warper
 * does). Their bands are called by their descriptions or by the names of the files. Files that cover
 * different ground are neighbours, and must have one CRS, one pixel grid and the same bands; where they
 * overlap, the first one that has data wins.
 *
 * Where files state no scale, the metadata of the Sentinel-2 product that they lie in counts, with the
 * offset that products have since baseline 04.00.
 *
 * @param sources Paths, URLs or folders.
 * @param options Headers, limits, and bands.
 * @returns The raster; the caller closes it.
 * @throws {InputError} If a file cannot be read, or they do not fit together; it names two that do not.
 *
 * @example
 * ```ts
 * import { createGeoTiff, ndarray, openSceneFiles } from "swath";
 *
 * const directory = await Deno.makeTempDir();
 * for (const [name, pixel, size] of [["B02", 10, 4], ["B05", 20, 2]] as const) {
 *   using writer = await createGeoTiff(`${directory}/${name}.tif`, {
 *     width: size,
 *     height: size,
 *     dtype: "uint16",
 *     bands: [{ name: "1", scale: 1, offset: 0 }],
 *     nodata: null,
 *     georeference: {
 *       crs: null,
 *       transform: [0, pixel, 0, 40, 0, -pixel],
 *       geoKeys: null,
 *       pixelIsPoint: false,
 *     },
 *     classes: null,
 *   });
 *   await writer.writeRows(ndarray("uint16", [1, size, size]));
 *   await writer.finish();
 * }
 * const scene = await openSceneFiles([directory]);
 * const names = scene.info.bands.map((band) => band.name);
 * scene.close();
 * await Deno.remove(directory, { recursive: true });
 * if (names.join() !== "B02,B05" || scene.info.width !== 4) throw new Error(names.join());
 * ```
 */
export async function openSceneFiles(
  sources: readonly string[],
  options: OpenSceneFilesOptions = {},
): Promise<RasterReader> {
  const { bands, ...reading } = options;
  const files = (await Promise.all(sources.map((source) => sceneFiles(source, bands)))).flat();
  const [first] = files;
  if (first === undefined) throw new RangeError("internal: a scene of no files");
  const repeated = files.find((file, index) => files.indexOf(file) !== index);
  if (repeated !== undefined) {
    throw new InputError(`Cannot take "${repeated}" into one scene twice`);
  }
  if (files.length === 1) return await openRaster(first, reading);
  const readers: RasterReader[] = [];
  try {
    const memory = Math.min(reading.maxMemory ?? Infinity, MEMORY_OF_MANY);
    for (const file of files) {
      readers.push(
        await withProductScale(await openRaster(file, { ...reading, maxMemory: memory })),
      );
    }
    const name = sources.length === 1 ? sources[0]! : `${first} and ${countOf(files.length - 1)}`;
    const groups = groupByGround(readers);
    const stacks = groups.map((group) =>
      stackBands(group, groups.length === 1 ? name : groupName(group))
    );
    return stacks.length === 1 ? stacks[0]! : readAsMosaic(stacks, name);
  } catch (error) {
    for (const reader of readers) reader.close();
    throw error;
  }
}

/** A file that states no scale may lie in a product whose metadata does. */
async function withProductScale(reader: RasterReader): Promise<RasterReader> {
  const { bands, source } = reader.info;
  const [band] = bands as [BandInfo];
  const name = bandInName(source);
  if (bands.length > 1 || name === null || band.scale !== 1 || band.offset !== 0) return reader;
  const stated = await statedScale(source, name);
  if (stated === null) return reader;
  return {
    info: { ...reader.info, bands: [{ ...band, ...stated }] },
    read: (window, wanted) => reader.read(window, wanted),
    announce: (windows) => reader.announce?.(windows),
    checksum: reader.checksum,
    get traffic() {
      return reader.traffic;
    },
    close: () => reader.close(),
  };
}

/** Files that cover the same ground, within a pixel of the coarser one, together. */
function groupByGround(readers: readonly RasterReader[]): RasterReader[][] {
  const groups: RasterReader[][] = [];
  for (const reader of readers) {
    const group = groups.find(([first]) => coverSame(first!.info, reader.info));
    if (group === undefined) groups.push([reader]);
    else group.push(reader);
  }
  return groups;
}

function coverSame(a: RasterInfo, b: RasterInfo): boolean {
  const [first, second] = [a.georeference, b.georeference];
  if (first.crs !== null && second.crs !== null && first.crs !== second.crs) return false;
  // Without a place of their own, files can only be bands.
  if (first.transform === null || second.transform === null) return true;
  const pixel = Math.max(pixelExtent(first.transform), pixelExtent(second.transform));
  return [[0, 0], [1, 0], [0, 1], [1, 1]].every(([column, row]) => {
    const [ax, ay] = placeOf(first.transform!, column! * a.width, row! * a.height);
    const [bx, by] = placeOf(second.transform!, column! * b.width, row! * b.height);
    return Math.max(Math.abs(ax - bx), Math.abs(ay - by)) <= pixel;
  });
}

function placeOf([x, a, b, y, c, d]: GeoTransform, column: number, row: number) {
  return [x + a * column + b * row, y + c * column + d * row] as const;
}

function pixelExtent([, a, b, , c, d]: GeoTransform): number {
  return Math.max(Math.hypot(a, c), Math.hypot(b, d));
}

function groupName(group: readonly RasterReader[]): string {
  const { source } = group[0]!.info;
  return group.length === 1 ? source : `${source} and ${countOf(group.length - 1)}`;
}

function countOf(more: number): string {
  return more === 1 ? "1 more file" : `${more} more files`;
}
