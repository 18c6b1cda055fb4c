/**
 * A strip or tile that is a JPEG of its own: TIFF Technical Note 2.
 *
 * @module
 */
import { RasterFault } from "../read_fault.ts";
import type { BlockFormat } from "./block.ts";
import { decodeJpeg, yccToRgb } from "./jpeg.ts";

/**
 * Decode a JPEG block.
 *
 * @param format How the blocks of the image are encoded.
 * @param bytes The JPEG, without the tables that blocks share.
 * @param rows Rows of the block; the JPEG of a last strip may have more.
 * @returns Shape (bands, rows, width).
 * @throws {RasterFault} If it is damaged or does not fit the image.
 */
export function decodeJpegBlock(
  format: BlockFormat,
  bytes: Uint8Array<ArrayBuffer>,
  rows: number,
): Uint8Array<ArrayBuffer> {
  const { width, samples, color, jpegTables } = format;
  const jpeg = decodeJpeg(bytes, jpegTables, (frame) => {
    if (frame.components.length !== samples) {
      throw new RasterFault(
        `its JPEG has ${frame.components.length} components, but blocks have ${samples}`,
      );
    }
    // More rows are in use at the bottom of images, but no more than another strip's worth.
    if (frame.width !== width || frame.height < rows || frame.height > 2 * rows + 65535) {
      throw new RasterFault(
        `its JPEG has ${frame.width}x${frame.height} pixels, but the block has ${width}x${rows}`,
      );
    }
  });
  const colors = color.kind === "ycbcr" ? yccToRgb(jpeg.planes) : jpeg.planes;
  const planes = new Uint8Array(samples * rows * width);
  for (const [band, plane] of colors.entries()) {
    planes.set(plane.subarray(0, rows * width), band * rows * width);
  }
  return planes;
}
