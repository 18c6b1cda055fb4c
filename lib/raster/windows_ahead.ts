/**
 * Windows that workers read whole, ahead of their turn.
 *
 * A worker that has all blocks of a window puts them where they belong itself, so that nothing is left to
 * do here, and no block is held besides. That is for windows whose blocks no other window needs.
 *
 * @module
 */
import { bytesPerElement } from "../array/mod.ts";
import type { PixelWindow } from "../geo/mod.ts";
import type { BlockLoader } from "./block_loader.ts";
import { type BlockGrid, placesOf, type WindowPixels, type WindowRequest } from "./place_block.ts";
import { RasterFault } from "./read_fault.ts";
import type { NextWindow } from "./window_path.ts";

/** Smaller windows are jobs that cost more to hand over than is gained. */
const MIN_BYTES = 1 << 20;
/** Windows ahead of the one whose turn it is, besides one for each worker. */
const SPARE_WINDOWS = 1;
/** Most bytes of these windows, whatever the number of workers. */
const MAX_AHEAD = 128 << 20;

/** The windows of one image. */
export class WindowsAhead {
  readonly #loader: BlockLoader;
  readonly #grid: BlockGrid;
  readonly #maxBytes: number;
  readonly #windows = new Map<string, Promise<WindowPixels | null>>();
  /** True once a window could not be read: its blocks are asked for then, as all others. */
  #hasFailed = false;

  /**
   * @param loader Loads blocks of the image.
   * @param grid How it is cut into them.
   * @param maxBytes Most bytes of windows that are read ahead.
   */
  constructor(loader: BlockLoader, grid: BlockGrid, maxBytes: number) {
    this.#loader = loader;
    this.#grid = grid;
    this.#maxBytes = Math.min(maxBytes, MAX_AHEAD);
  }

  /** True for windows that are, or will be, read here, so that nobody else need ask for their blocks. */
  takes({ window, alone }: NextWindow, bands: readonly number[]): boolean {
    return alone && !this.#hasFailed && this.#depth(window, bands) > 0 &&
      hasWholeBlocks(window, this.#grid);
  }

  /** A window that was asked for; null for others. It comes as null if anything is wrong with it. */
  take(request: WindowRequest, findsNodata: boolean): Promise<WindowPixels | null> | null {
    const key = keyOf(request, findsNodata);
    const pixels = this.#windows.get(key) ?? null;
    this.#windows.delete(key);
    return pixels;
  }

  /** Ask for the first few of the windows to come; forget those that do not come. */
  ask(next: Iterable<NextWindow>, bands: readonly number[], findsNodata: boolean): void {
    const wanted = new Set<string>();
    let place = 0;
    for (const coming of next) {
      const { window } = coming;
      if (place++ >= this.#depth(window, bands)) break;
      if (!this.takes(coming, bands)) continue;
      const request = { window, bands };
      const key = keyOf(request, findsNodata);
      wanted.add(key);
      if (!this.#windows.has(key)) this.#start(key, request, findsNodata);
    }
    for (const key of this.#windows.keys()) {
      if (!wanted.has(key)) this.#windows.delete(key);
    }
  }

  /** How many windows of that size are read ahead. */
  #depth(window: PixelWindow, bands: readonly number[]): number {
    const bytes = window.width * window.height * bands.length * bytesPerElement(this.#grid.dtype);
    const workers = this.#loader.fileReaders;
    const depth = Math.min(workers + SPARE_WINDOWS, Math.floor(this.#maxBytes / bytes));
    return workers === 0 || bytes < MIN_BYTES || depth < workers ? 0 : depth;
  }

  #start(key: string, request: WindowRequest, findsNodata: boolean): void {
    try {
      const places = [...placesOf(this.#grid, request)];
      const pixels = this.#loader.loadWindow(request, places, findsNodata);
      pixels.then((found) => this.#hasFailed ||= found === null, () => {});
      this.#windows.set(key, pixels);
    } catch (error) {
      if (!(error instanceof RasterFault)) throw error;
      this.#hasFailed = true;
    }
  }
}

/** True if a window ends where blocks or the image end. */
function hasWholeBlocks(
  { x, y, width, height }: PixelWindow,
  grid: BlockGrid,
): boolean {
  const isBorder = (at: number, block: number, size: number) =>
    at <= 0 || at >= size || at % block === 0;
  return isBorder(x, grid.blockWidth, grid.width) &&
    isBorder(x + width, grid.blockWidth, grid.width) &&
    isBorder(y, grid.blockHeight, grid.height) &&
    isBorder(y + height, grid.blockHeight, grid.height);
}

function keyOf({ window: { x, y, width, height }, bands }: WindowRequest, nodata: boolean): string {
  return [x, y, width, height, nodata, ...bands].join(" ");
}
