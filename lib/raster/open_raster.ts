/**
 * Opens a raster by path or URL, whatever its format.
 *
 * @module
 */
import { fileError } from "../files/mod.ts";
import { openGeoTiff } from "./geotiff_reader.ts";
import type { RasterReader } from "./raster.ts";
import { RasterFault, withRasterFaults } from "./read_fault.ts";
import { isUrl, NotOnServer, openHttpSource } from "./read_http.ts";
import { decodeJpegPicture } from "./read_jpeg.ts";
import { openPicture } from "./read_picture.ts";
import { decodePng } from "./read_png.ts";
import { type ByteSource, openFileSource, readAll, readRange } from "./read_source.ts";
import { describeContent, sniffContent } from "./sniff_content.ts";

/** Bounds of the default of {@linkcode OpenRasterOptions.maxMemory}. */
const MAX_MEMORY = { least: 128 << 20, most: 1 << 30 } as const;
/** Default of {@linkcode OpenRasterOptions.threads}. */
const MAX_THREADS = 8;
/** Most bytes of a sidecar with metadata. */
const MAX_SIDECAR = 16 << 20;

/** Options of {@linkcode openRaster}. */
export interface OpenRasterOptions {
  /** Headers of HTTP requests, such as `Authorization`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Reduced-resolution copy to read, from 0, the largest; the full resolution where left out. */
  readonly overview?: number;
  /**
   * Most bytes that the pixels of one window may take; blocks of the file may take a quarter of it
   * each, and those kept for later windows another quarter together. A quarter of the machine's memory
   * where left out, but no more than 1 GiB.
   */
  readonly maxMemory?: number;
  /**
   * Most threads that decode a large GeoTIFF, besides the caller's; 1 has all of it done by the caller.
   * As many as the machine has, up to 8, where left out.
   */
  readonly threads?: number;
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
 * ```ts
 * import { encodePng, ndarray, openRaster } from "swath";
 *
 * const path = await Deno.makeTempFile({ suffix: ".png" });
 * await Deno.writeFile(path, encodePng(ndarray("uint8", [20, 30, 3])));
 * const raster = await openRaster(path);
 * const { image } = await raster.read({ x: 10, y: 5, width: 16, height: 8 }, [0]);
 * raster.close();
 * await Deno.remove(path);
 * if (raster.info.width !== 30 || image.shape.join() !== "1,8,16") throw new Error("a window");
 * ```
 */
export async function openRaster(
  source: string,
  options: OpenRasterOptions = {},
): Promise<RasterReader> {
  const { headers = {}, overview = null } = options;
  const { maxMemory = defaultMaxMemory() } = options;
  const { threads = Math.min(navigator.hardwareConcurrency, MAX_THREADS) } = options;
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
      if (content !== "tiff" && content !== "png" && content !== "jpeg") {
        throw new RasterFault(
          `it is ${describeContent(content)}, not a raster: expected GeoTIFF, PNG or JPEG`,
        );
      }
      const pam = await openSidecar(open, source, ".aux.xml");
      const metadata = pam === null
        ? null
        : new TextDecoder().decode(await readAll(pam, MAX_SIDECAR));
      if (content === "tiff") {
        const [mask, overviews] = await Promise.all([
          openSidecar(open, source, ".msk"),
          openSidecar(open, source, ".ovr"),
        ]);
        return await openGeoTiff(
          { name: source, main, mask, overviews, metadata },
          maxMemory,
          overview,
          threads,
        );
      }
      if (overview !== null) {
        throw new RasterFault(`it is ${describeContent(content)}, which has no overviews`);
      }
      const bytes = await readAll(main, maxMemory);
      const picture = content === "png"
        ? await decodePng(bytes, maxMemory)
        : decodeJpegPicture(bytes, maxMemory);
      return openPicture(source, picture, metadata, maxMemory, main);
    });
  } catch (error) {
    for (const bytes of opened) bytes.close();
    throw error;
  }
}

function defaultMaxMemory(): number {
  const { state } = Deno.permissions.querySync({ name: "sys", kind: "systemMemoryInfo" });
  if (state !== "granted") return MAX_MEMORY.most;
  const share = Math.floor(Deno.systemMemoryInfo().total / 4);
  return Math.min(Math.max(share, MAX_MEMORY.least), MAX_MEMORY.most);
}

/** A file beside the raster; null where there is none. */
async function openSidecar(
  open: (name: string) => Promise<ByteSource>,
  source: string,
  extension: string,
): Promise<ByteSource | null> {
  if (!isUrl(source)) {
    return await exists(source + extension) ? await open(source + extension) : null;
  }
  // The query of a URL holds signatures and parameters that are for that one file.
  if (new URL(source).search !== "") return null;
  try {
    const sidecar = await open(source + extension);
    // Some servers answer every name with a page of their own.
    const content = sniffContent(await readRange(sidecar, 0, Math.min(512, sidecar.size)));
    return content === (extension === ".aux.xml" ? "xml" : "tiff") ? sidecar : null;
  } catch (error) {
    if (error instanceof NotOnServer) return null;
    throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    // Where the name with its extension is too long, there is no such file either.
    if (error instanceof Error && "code" in error && error.code === "ENAMETOOLONG") return false;
    throw fileError(error, "read", path);
  }
}
