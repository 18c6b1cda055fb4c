/**
 * Neighbouring rasters read as one, without being put together first.
 *
 * @module
 */
import { type NdArray, ndarray } from "../array/mod.ts";
import type { PixelWindow } from "../geo/mod.ts";
import {
  joinedChecksum,
  type RasterInfo,
  type RasterPixels,
  type RasterReader,
} from "../raster/mod.ts";
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
  readonly checksum: number | null;
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
    this.checksum = joinedChecksum(readers);
  }

  get traffic(): { requests: number; bytes: number } {
    const total = { requests: 0, bytes: 0 };
    for (const { traffic } of this.#readers) {
      total.requests += traffic.requests;
      total.bytes += traffic.bytes;
    }
    return total;
  }

  announce(windows: readonly PixelWindow[]): void {
    for (const [number, place] of this.#plan.places.entries()) {
      const own = windows.flatMap((window) => windowIn(place, window) ?? []);
      if (own.length > 0) this.#readers[number]!.announce?.(own);
    }
  }

  async read(
    window: PixelWindow,
    wanted: readonly number[] = this.info.bands.map((_, band) => band),
  ): Promise<RasterPixels> {
    const bands = wanted.map((band) => this.info.bands[band]!);
    const strip = emptyStrip({ ...this.#plan.spec, bands }, window.width, window.height);
    for (const [number, place] of this.#plan.places.entries()) {
      const own = windowIn(place, window);
      if (own === null) continue;
      const pixels = await this.#readers[number]!.read(own, wanted);
      addPixels(strip, pixels, place.x + own.x - window.x, place.y + own.y - window.y);
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

/** The part of a window that a raster at some place has, in its own pixels; null for nothing. */
function windowIn(place: PixelWindow, window: PixelWindow): PixelWindow | null {
  const left = Math.max(place.x, window.x);
  const top = Math.max(place.y, window.y);
  const width = Math.min(place.x + place.width, window.x + window.width) - left;
  const height = Math.min(place.y + place.height, window.y + window.height) - top;
  return width > 0 && height > 0 ? { x: left - place.x, y: top - place.y, width, height } : null;
}
