/**
 * Pictures (PNG, JPEG) as rasters: decoded whole, read by windows from memory.
 *
 * @module
 */
import { bandInfos, classesFrom, type RasterMetadata, withPamMetadata } from "./raster_metadata.ts";
import { MemoryImage } from "./plane_image.ts";
import { PlaneReader } from "./plane_reader.ts";
import type { RasterReader } from "./raster.ts";
import type { Picture } from "./read_png.ts";
import type { ByteSource } from "./read_source.ts";
import { nodataIn } from "./valid_pixels.ts";

/**
 * A picture as a raster.
 *
 * @param name Path or URL.
 * @param picture The decoded picture.
 * @param pam Text of its `.aux.xml`; null where there is none.
 * @param maxMemory Most bytes of one window.
 * @param source The file, which the raster closes.
 * @returns The raster.
 */
export function openPicture(
  name: string,
  picture: Picture,
  pam: string | null,
  maxMemory: number,
  source: ByteSource,
): RasterReader {
  const { width, height, bands, dtype, pixels, colors, alphaBand, mask, format } = picture;
  const own: RasterMetadata = {
    bands: new Map(),
    nodata: picture.nodata === null ? null : String(picture.nodata),
    classNames: null,
    colors,
  };
  const metadata = pam === null ? own : withPamMetadata(pam, own);
  const nodata = nodataIn(metadata.nodata, dtype);
  return new PlaneReader({
    info: {
      source: name,
      format,
      width,
      height,
      dtype,
      bands: bandInfos(metadata, bands),
      nodata: nodata === null ? null : Number(nodata),
      georeference: { crs: null, transform: null, geoKeys: null, pixelIsPoint: false },
      classes: classesFrom(metadata),
      block: { width, height },
      overviews: [],
    },
    image: new MemoryImage(width, height, bands, dtype, pixels),
    masks: mask === null ? [] : [new MemoryImage(width, height, 1, "uint8", mask)],
    alphaBand,
    nodata,
    maxMemory,
    sources: [source],
  });
}
