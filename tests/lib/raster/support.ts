/** What the tests of rasters share. */
import { openRaster, type OpenRasterOptions, type RasterReader } from "swath";

/** Run work in a folder that goes away. */
export async function withFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await Deno.makeTempDir();
  try {
    return await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Open bytes as a raster; `sidecars` are files beside it, by what their names have in addition. */
export function withRaster<T>(
  bytes: Uint8Array,
  work: (raster: RasterReader) => Promise<T>,
  { sidecars = {}, ...options }: OpenRasterOptions & {
    readonly sidecars?: Readonly<Record<string, Uint8Array | string>>;
  } = {},
): Promise<T> {
  return withFolder(async (folder) => {
    const path = `${folder}/scene.tif`;
    await Deno.writeFile(path, bytes);
    for (const [extension, content] of Object.entries(sidecars)) {
      await Deno.writeFile(
        path + extension,
        typeof content === "string" ? new TextEncoder().encode(content) : content,
      );
    }
    const raster = await openRaster(path, options);
    try {
      return await work(raster);
    } finally {
      raster.close();
    }
  });
}

/** All pixels of a raster. */
export function readWhole(raster: RasterReader) {
  return raster.read({ x: 0, y: 0, width: raster.info.width, height: raster.info.height });
}
