/**
 * A `RasterReader` over planes, masks and nodata, whatever the format.
 *
 * @module
 */
import { type DataType, elementCount, ndarray, TYPED_ARRAY_CONSTRUCTORS } from "../array/mod.ts";
import { bytesPerElement, type NdArray } from "../array/mod.ts";
import { InputError } from "../errors.ts";
import type { PixelWindow } from "../geo/mod.ts";
import { formatBytes } from "../text/mod.ts";
import { insideMask } from "./place_block.ts";
import type { PlaneImage } from "./plane_image.ts";
import type { RasterInfo, RasterPixels, RasterReader } from "./raster.ts";
import { withRasterFaults } from "./read_fault.ts";
import type { ByteSource } from "./read_source.ts";
import { applyMasks, markInvalid, type NodataValue } from "./valid_pixels.ts";

/** What a reader is made of. */
export interface PlaneReaderParts {
  /** What the raster holds. */
  readonly info: RasterInfo;
  /** Its pixels. */
  readonly image: PlaneImage;
  /** Masks of the same size: those of one band hold for all, others have one for each band. */
  readonly masks: readonly PlaneImage[];
  /** Band whose zeros mark pixels without data. */
  readonly alphaBand: number | null;
  /** Nodata as an element. */
  readonly nodata: NodataValue | null;
  /** Most bytes of one window. */
  readonly maxMemory: number;
  /** CRC-32 of what says where its pixels are; left out where unknown. */
  readonly checksum?: number;
  /** Files to release, and whose traffic counts. */
  readonly sources: readonly ByteSource[];
}

/** Reads windows of planes and says which pixels have data. */
export class PlaneReader implements RasterReader {
  readonly info: RasterInfo;
  readonly checksum: number | null;
  readonly #parts: PlaneReaderParts;

  /**
   * Make a reader.
   *
   * @param parts What it is made of.
   */
  constructor(parts: PlaneReaderParts) {
    this.info = parts.info;
    this.checksum = parts.checksum ?? null;
    this.#parts = parts;
  }

  get traffic(): { requests: number; bytes: number } {
    const total = { requests: 0, bytes: 0 };
    for (const { traffic } of this.#parts.sources) {
      total.requests += traffic.requests;
      total.bytes += traffic.bytes;
    }
    return total;
  }

  read(window: PixelWindow, bands?: readonly number[]): Promise<RasterPixels> {
    return withRasterFaults(this.info.source, async () => {
      const wanted = bands ?? Array.from({ length: this.info.bands.length }, (_, band) => band);
      this.#check(window, wanted);
      const { image, masks, alphaBand, nodata } = this.#parts;
      const { width, height } = window;
      const { planes, valid: marked } = await image.readPlanes({ window, bands: wanted }, true);
      const pixels = arrayOf(image.dtype, [wanted.length, height, width], planes);
      const valid = marked ?? insideMask(window, this.info);
      if (marked === null) markInvalid(valid, pixels, nodata);
      if (alphaBand !== null) {
        applyMasks(valid, await readBands(image, window, [alphaBand]));
      }
      for (const mask of masks) {
        const maskBands = mask.bands === 1 ? [0] : [...new Set(wanted)];
        applyMasks(valid, await readBands(mask, window, maskBands));
      }
      return { image: pixels, valid: ndarray("uint8", [height, width], valid) };
    });
  }

  announce(windows: readonly PixelWindow[]): void {
    for (const image of [this.#parts.image, ...this.#parts.masks]) image.announce(windows);
  }

  close(): void {
    for (const image of [this.#parts.image, ...this.#parts.masks]) image.close();
    for (const source of this.#parts.sources) source.close();
  }

  #check(window: PixelWindow, bands: readonly number[]): void {
    const { x, y, width, height } = window;
    const source = JSON.stringify(this.info.source);
    if (
      ![x, y, width, height].every(Number.isSafeInteger) || width < 1 || height < 1
    ) {
      throw new InputError(
        `Cannot read a window of ${width}x${height} pixels at ${x}, ${y} from ${source}: expected whole numbers and a size of at least 1x1`,
      );
    }
    const wrong = bands.find((band) =>
      !Number.isInteger(band) || band < 0 || band >= this.info.bands.length
    );
    if (wrong !== undefined) {
      throw new InputError(
        `Cannot read band ${wrong + 1} of ${source}: it has ${this.info.bands.length} bands`,
      );
    }
    const bytes = elementCount([bands.length, height, width]) * bytesPerElement(this.info.dtype);
    if (bytes > this.#parts.maxMemory) {
      throw new InputError(
        `Cannot read a window of ${width}x${height} pixels and ${bands.length} bands from ${source}: it takes ${
          formatBytes(bytes)
        }, more than the limit of ${formatBytes(this.#parts.maxMemory)}`,
      );
    }
  }
}

async function readBands(
  image: PlaneImage,
  window: PixelWindow,
  bands: readonly number[],
): Promise<NdArray> {
  const { planes } = await image.readPlanes({ window, bands }, false);
  return arrayOf(image.dtype, [bands.length, window.height, window.width], planes);
}

/** Bytes that have memory of their own as elements. */
function arrayOf(dtype: DataType, shape: number[], { buffer }: Uint8Array<ArrayBuffer>): NdArray {
  return ndarray(dtype, shape, new TYPED_ARRAY_CONSTRUCTORS[dtype](buffer));
}
