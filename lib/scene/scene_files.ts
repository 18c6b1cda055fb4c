/**
 * The files of a scene, where a folder is given instead of them, and what lies beside them.
 *
 * @module
 */
import { basename, dirname, join } from "node:path";
import { InputError } from "../errors.ts";
import { readTextFile, withFileErrors } from "../files/mod.ts";
import { SENTINEL2_BANDS } from "../raster/mod.ts";
import { bandInName, stemOf } from "./band_names.ts";
import {
  SENTINEL2_METADATA_NAME,
  sentinel2Scales,
  type StatedScale,
} from "./sentinel2_metadata.ts";

/** Names of files that are taken for rasters. */
const RASTER_NAME = /^[^.].*\.(tiff?|png|jpe?g|jp2)$/i;
/** Files of Sentinel-2 that are taken where they are asked for by name only. */
const LAYERS = new Set(["SCL", "AOT", "WVP", "TCI", "CLD", "SNW"]);
/** Folders of a product that hold no bands. */
const OTHER_FOLDERS = /^(QI_DATA|AUX_DATA|DATASTRIP|HTML|rep_info|preview)$/i;
/** Folders inside one another that are looked into. */
const MAX_DEPTH = 5;
/** Folders above a file in which the metadata of its product may be. */
const METADATA_ABOVE = 5;
/** Most bytes of the metadata of a product. */
const MAX_METADATA = 32 << 20;

/**
 * The files of a scene.
 *
 * @param source A file, a URL, or a folder such as a Sentinel-2 product (`.SAFE`).
 * @param wanted Bands that are asked for; those of a folder that are no spectral bands, such as `SCL`,
 * are only taken then.
 * @returns The file itself, or the rasters in the folder, by name; where it has none, those in the
 * folders below.
 * @throws {InputError} If there is no such file, or no raster in the folder.
 */
export async function sceneFiles(
  source: string,
  wanted: readonly string[] = [],
): Promise<readonly string[]> {
  if (isUrl(source) || !await isDirectory(source)) return [source];
  const found = await rastersIn(source, MAX_DEPTH);
  if (found.length === 0) {
    throw new InputError(`Cannot read "${source}": there are no rasters in this folder`);
  }
  const isWanted = (path: string) => {
    const band = bandInName(path);
    return band === null || !LAYERS.has(band) || wanted.includes(band);
  };
  const isProduct = found.some((path) => SENTINEL2_BANDS.includes(bandInName(path) ?? ""));
  const files = isProduct ? found.filter(isWanted) : found;
  const unreadable = files.find((path) => /\.jp2$/i.test(path));
  if (unreadable === undefined) return files;
  throw new InputError(`Cannot read "${unreadable}": JPEG 2000 is not supported`, {
    hint: `Convert each band first: gdal_translate ${basename(unreadable)} ${
      stemOf(unreadable)
    }.tif`,
  });
}

/**
 * What the metadata of the product that a file belongs to says of its band.
 *
 * @param source Path of the file; URLs are not looked around.
 * @param band Name of its band.
 * @returns Null where there is no such metadata, or it says nothing of the band.
 */
export async function statedScale(source: string, band: string): Promise<StatedScale | null> {
  if (isUrl(source) || !SENTINEL2_BANDS.includes(band)) return null;
  let folder = dirname(source);
  for (let above = 0; above <= METADATA_ABOVE; above++) {
    const scales = await scalesIn(folder);
    if (scales !== null) return scales.get(band) ?? null;
    const parent = dirname(folder);
    folder = parent === folder || folder === "." ? join(folder, "..") : parent;
  }
  return null;
}

/** Scales that the metadata in a folder states; null where it has none. */
async function scalesIn(folder: string): Promise<ReadonlyMap<string, StatedScale> | null> {
  let names: string[];
  try {
    names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
  } catch {
    // A folder that may not be listed has nothing to say.
    return null;
  }
  const name = names.find((name) => SENTINEL2_METADATA_NAME.test(name));
  if (name === undefined) return null;
  const path = join(folder, name);
  const { size } = await withFileErrors("read", path, () => Deno.stat(path));
  if (size > MAX_METADATA) return null;
  return sentinel2Scales(await readTextFile(path));
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isDirectory;
  } catch {
    // Whoever opens it says what is wrong.
    return false;
  }
}

/** Rasters of a folder; of the folders in it where it has none itself. */
async function rastersIn(folder: string, depth: number): Promise<string[]> {
  const entries = await withFileErrors(
    "list",
    folder,
    () => Array.fromAsync(Deno.readDir(folder)),
  );
  entries.sort((a, b) => a.name < b.name ? -1 : 1);
  const files: string[] = [];
  const folders: string[] = [];
  for (const { name } of entries) {
    const path = join(folder, name);
    if (await isDirectory(path)) folders.push(path);
    else if (RASTER_NAME.test(name)) files.push(path);
  }
  if (files.length > 0 || depth === 0) return files;
  const below = folders.filter((path) => !OTHER_FOLDERS.test(basename(path)));
  const found: string[] = [];
  for (const path of below) found.push(...await rastersIn(path, depth - 1));
  return found;
}

function isUrl(source: string): boolean {
  return /^https?:\/\//i.test(source);
}
