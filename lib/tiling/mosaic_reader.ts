/**
 * Neighbouring rasters read as one, without being put together first.
 *
 * @module
 */
import { type NdArray, ndarray } from "../array/mod.ts";
import type { PixelWindow } from "../geo/mod.ts";
import type { RasterInfo, RasterPixels, RasterReader } from "../raster/mod.ts";
import { type MosaicPlan, planMosaic } from "./mosaic.ts";
import { addPixels, emptyStrip } from "./mosaic_strip.ts";

/**
 * Make one raster of neighbours that have one CRS and one pixel grid; nothing is resampled.
 *
 * @param readers The rasters; where they overlap, the first one that has data wins. They belong to the
 * mosaic, which closes them.
 * @param source What to call it in messages.
 * @returns The raster: the smallest rectangle that holds all of them. Pixels that none of them has are
 * not valid.
 * @throws {InputError} If they do not fit together; see {@linkcode planMosaic}.
 */
export function readAsMosaic(readers: readonly RasterReader[], source: string): RasterReader {
  return new MosaicReader(readers, source);
}

class MosaicReader implements RasterReader {
  readonly info: RasterInfo;
  readonly #readers: readonly RasterReader[];
  readonly #plan: MosaicPlan;

  constructor(readers: readonly RasterReader[], source: string) {
    const infos = readers.map(({ info }) => info);
    const plan = planMosaic(infos);
    const { width, height, dtype, bands, nodata, georeference, classes } = plan.spec;
    this.#readers = readers;
    this.#plan = plan;
    this.info = {
      source,
      format: `${readers.length} rasters, ${infos[0]!.format}`,
      width,
      height,
      dtype,
      bands,
      nodata,
      georeference,
      classes,
      block: infos[0]!.block,
      overviews: [],
    };
  }

  get traffic(): { requests: number; bytes: number } {
    const total = { requests: 0, bytes: 0 };
    for (const { traffic } of this.#readers) {
      total.requests += traffic.requests;
      total.bytes += traffic.bytes;
    }
    return total;
  }

  async read(
    window: PixelWindow,
    wanted: readonly number[] = this.info.bands.map((_, band) => band),
  ): Promise<RasterPixels> {
    const bands = wanted.map((band) => this.info.bands[band]!);
    const strip = emptyStrip({ ...this.#plan.spec, bands }, window.width, window.height);
    for (const [number, place] of this.#plan.places.entries()) {
      const part = intersection(window, place);
      if (part === null) continue;
      const own = { ...part, x: part.x - place.x, y: part.y - place.y };
      const pixels = await this.#readers[number]!.read(own, wanted);
      addPixels(strip, pixels, part.x - window.x, part.y - window.y);
    }
    const valid = ndarray(
      "uint8",
      [window.height, window.width],
      strip.filled as NdArray<"uint8">["data"],
    );
    return { image: strip.pixels, valid };
  }

  close(): void {
    for (const reader of this.#readers) reader.close();
  }
}

/** What two windows share; null for nothing. */
function intersection(a: PixelWindow, b: PixelWindow): PixelWindow | null {
  const x = Math.max(a.x, b.x);
  const y = Math.max(a.y, b.y);
  const width = Math.min(a.x + a.width, b.x + b.width) - x;
  const height = Math.min(a.y + a.height, b.y + b.height) - y;
  return width > 0 && height > 0 ? { x, y, width, height } : null;
}
