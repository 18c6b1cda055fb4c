/**
 * Pixels that can be read as planes, from a TIFF's blocks or from memory.
 *
 * @module
 */
import { bytesPerElement, type DataType } from "../array/mod.ts";
import type { PixelWindow } from "../geo/mod.ts";
import type { WindowPixels, WindowRequest } from "./place_block.ts";

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
   * Read a window.
   *
   * @param request Its pixels and bands.
   * @param marksNodata True if somebody wants to know which pixels are nodata, which images tell that find
   * it while they decode.
   */
  readPlanes(request: WindowRequest, marksNodata: boolean): Promise<WindowPixels>;
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

  readPlanes({ window, bands }: WindowRequest): Promise<WindowPixels> {
    const size = bytesPerElement(this.dtype);
    const planes = new Uint8Array(bands.length * window.height * window.width * size);
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
    return Promise.resolve({ planes, valid: null });
  }

  announce(): void {}

  close(): void {}
}
