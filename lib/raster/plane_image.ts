/**
 * Pixels that can be read as planes, from a TIFF's blocks or from memory.
 *
 * @module
 */
import { bytesPerElement, type DataType } from "../array/mod.ts";
import type { PixelWindow } from "../geo/mod.ts";

/** An image of some bands of one element type. */
export interface PlaneImage {
  /** Columns. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
  /** Number of bands. */
  readonly bands: number;
  /** Element type. */
  readonly dtype: DataType;
  /**
   * Copy a window into planes; what lies outside the image is left as it is.
   *
   * @param window Pixels to read; may reach beyond the image.
   * @param bands Zero-based band numbers, in the order wanted.
   * @param planes Shape (bands, height, width) of the window, as bytes of the element type.
   * @param valid Gives a mask of shape (height, width), which is set to 0 where a band is nodata by
   * images that find it while they decode; null where nobody asks.
   * @returns True if the image has looked for nodata.
   */
  readPlanes(
    window: PixelWindow,
    bands: readonly number[],
    planes: Uint8Array<ArrayBuffer>,
    valid: (() => Uint8Array<ArrayBuffer>) | null,
  ): Promise<boolean>;
  /** Say which windows will be read, row by row; as of `RasterReader.announce`. */
  announce(windows: readonly PixelWindow[]): void;
  /** Release what it holds. */
  close(): void;
}

/** An image whose pixels are in memory. */
export class MemoryImage implements PlaneImage {
  readonly #pixels: Uint8Array<ArrayBuffer>;

  /**
   * Wrap pixels.
   *
   * @param width Columns.
   * @param height Rows.
   * @param bands Number of bands.
   * @param dtype Element type.
   * @param pixels Shape (bands, height, width), as bytes of the element type.
   */
  constructor(
    readonly width: number,
    readonly height: number,
    readonly bands: number,
    readonly dtype: DataType,
    pixels: Uint8Array<ArrayBuffer>,
  ) {
    this.#pixels = pixels;
  }

  readPlanes(
    window: PixelWindow,
    bands: readonly number[],
    planes: Uint8Array<ArrayBuffer>,
  ): Promise<boolean> {
    const size = bytesPerElement(this.dtype);
    const x0 = Math.max(window.x, 0);
    const x1 = Math.min(window.x + window.width, this.width);
    const y1 = Math.min(window.y + window.height, this.height);
    const rowBytes = Math.max(0, x1 - x0) * size;
    for (const [position, band] of bands.entries()) {
      for (let y = Math.max(window.y, 0); y < y1; y++) {
        const from = ((band * this.height + y) * this.width + x0) * size;
        const to = ((position * window.height + y - window.y) * window.width + x0 - window.x) *
          size;
        planes.set(this.#pixels.subarray(from, from + rowBytes), to);
      }
    }
    return Promise.resolve(false);
  }

  announce(): void {}

  close(): void {}
}
