/**
 * Opens a raster by path or URL, whatever its format.
 *
 * @module
 */
import { InputError } from "../errors.ts";
import { openGeoTiff } from "./geotiff_reader.ts";
import type { RasterReader } from "./raster.ts";
import { RasterFault, withRasterFaults } from "./read_fault.ts";
import { isUrl, openHttpSource } from "./read_http.ts";
import { type ByteSource, openFileSource, readAll, readRange } from "./read_source.ts";
import { describeContent, sniffContent } from "./sniff_content.ts";

/** Default of {@linkcode OpenRasterOptions.maxMemory}. */
const DEFAULT_MAX_MEMORY = 1 << 30;
/** Most bytes of a sidecar with metadata. */
const MAX_SIDECAR = 16 << 20;

/** Options of {@linkcode openRaster}. */
export interface OpenRasterOptions {
  /** Headers of HTTP requests, such as `Authorization`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Reduced-resolution copy to read, from 0, the largest; the full resolution where left out. */
  readonly overview?: number;
  /**
   * Most bytes that decoded blocks kept for later, one block, and the pixels of one window may take
   * each; 1 GiB where left out.
   */
  readonly maxMemory?: number;
}

/**
 * Open a raster: GeoTIFF, PNG or JPEG, told apart by their content.
 *
 * GeoTIFFs are read block by block, from a file or by range requests from a server; the sidecars of
 * GDAL beside them (`.msk`, `.ovr`, `.aux.xml`) count. PNG and JPEG are decoded whole. Nothing that a
 * file claims is believed before it has been checked against its size or a limit.
 *
 * @param source Path, or `http:` or `https:` URL.
 * @param options Headers, overview and memory limit.
 * @returns The raster; the caller closes it.
 * @throws {InputError} If it cannot be read, is no raster, is damaged, or uses what is not supported.
 *
 * @example
 * ```ts no-run
 * import { openRaster } from "swath";
 *
 * const raster = await openRaster("scene.tif");
 * const { image, valid } = await raster.read({ x: 0, y: 0, width: 512, height: 512 });
 * console.log(raster.info.format, image.shape, valid.data.length);
 * raster.close();
 * ```
 */
export async function openRaster(
  source: string,
  options: OpenRasterOptions = {},
): Promise<RasterReader> {
  const { headers = {}, overview = null, maxMemory = DEFAULT_MAX_MEMORY } = options;
  const opened: ByteSource[] = [];
  const open = async (name: string) => {
    const bytes = isUrl(name)
      ? await openHttpSource(name, headers, maxMemory)
      : await openFileSource(name);
    opened.push(bytes);
    return bytes;
  };
  try {
    const main = await open(source);
    return await withRasterFaults(source, async () => {
      const content = sniffContent(await readRange(main, 0, Math.min(512, main.size)));
      switch (content) {
        case "tiff": {
          const [mask, overviews, metadata] = await Promise.all([
            openSidecar(open, source, ".msk"),
            openSidecar(open, source, ".ovr"),
            openSidecar(open, source, ".aux.xml"),
          ]);
          return await openGeoTiff(
            {
              name: source,
              main,
              mask,
              overviews,
              metadata: metadata === null
                ? null
                : new TextDecoder().decode(await readAll(metadata, MAX_SIDECAR)),
            },
            maxMemory,
            overview,
          );
        }
        default:
          throw new RasterFault(
            `it is ${describeContent(content)}, not a raster: expected GeoTIFF, PNG or JPEG`,
          );
      }
    });
  } catch (error) {
    for (const bytes of opened) bytes.close();
    throw error;
  }
}

/** A file beside the raster; null where there is none. */
async function openSidecar(
  open: (name: string) => Promise<ByteSource>,
  source: string,
  extension: string,
): Promise<ByteSource | null> {
  // The query of a URL holds signatures and parameters that are for that one file.
  if (isUrl(source) && new URL(source).search !== "") return null;
  try {
    return await open(source + extension);
  } catch (error) {
    if (error instanceof InputError) return null;
    throw error;
  }
}
