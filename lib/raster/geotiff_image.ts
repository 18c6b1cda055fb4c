/**
 * The pixels of one image of a TIFF file: finds, fetches, decodes and keeps the blocks of a window.
 *
 * @module
 */
import { bytesPerElement, type DataType } from "../array/mod.ts";
import { WaitingBytes } from "../files/mod.ts";
import type { PixelWindow } from "../geo/mod.ts";
import { BlockCache, type KeptBlock } from "./block_cache.ts";
import { BlockLoader } from "./block_loader.ts";
import type { TiffLayout } from "./geotiff_layout.ts";
import {
  type BlockPlace,
  insideMask,
  placeBlock,
  placesOf,
  type WindowPixels,
  type WindowRequest,
} from "./place_block.ts";
import type { PlaneImage } from "./plane_image.ts";
import { RasterFault } from "./read_fault.ts";
import type { ByteSource } from "./read_source.ts";
import { SpareBuffers } from "./spare_buffers.ts";
import { WindowPath, type WindowsToCome } from "./window_path.ts";
import { WindowsAhead } from "./windows_ahead.ts";

/** Blocks of a file are asked for together up to this many decoded bytes, ... */
const FILE_GROUP = 1 << 20;
/** ... and those on a server, where neighbours come with one request. */
const REMOTE_GROUP = 64 << 20;
/** Decoded bytes that are fetched ahead of the windows from a server. */
const REMOTE_AHEAD = 96 << 20;
/** Least decoded bytes that workers are given to do ahead of the windows. */
const LOCAL_AHEAD = 8 << 20;

/** Room for blocks that wait for the next row of windows, those of all open rasters together. */
const WAITING = new WaitingBytes();

/** What an image may use. */
export interface ImageLimits {
  /** Most bytes of decoded blocks that are kept. */
  readonly cacheBytes: number;
  /** Most threads that decode. */
  readonly threads: number;
  /** True if the reader asks for each window once. */
  readonly readsOnce: boolean;
}

/** One image of a TIFF file. */
export class TiffImage implements PlaneImage {
  readonly layout: TiffLayout;
  readonly #remote: boolean;
  readonly #spare = new SpareBuffers();
  readonly #loader: BlockLoader;
  readonly #cache: BlockCache;
  readonly #cacheBytes: number;
  readonly #fill: Uint8Array<ArrayBuffer> | null;
  readonly #path = new WindowPath();
  readonly #ahead: WindowsAhead;

  /**
   * Wrap an image.
   *
   * @param source The file.
   * @param layout How the image is stored in it.
   * @param limits Memory and threads.
   * @param fill Bytes of nodata, which stands where the file stores no block; null for zeros there.
   */
  constructor(
    source: ByteSource,
    layout: TiffLayout,
    { cacheBytes, threads, readsOnce }: ImageLimits,
    fill: Uint8Array<ArrayBuffer> | null,
  ) {
    const nodata = layout.bits === 16 && layout.dtype.endsWith("int16") && fill !== null
      ? fill[0]! | (fill[1]! << 8)
      : null;
    this.layout = { ...layout, format: { ...layout.format, nodata } };
    this.#remote = source.remote;
    this.#loader = new BlockLoader(source, this.layout, threads, this.#spare, fill);
    this.#cache = new BlockCache(cacheBytes, this.#spare, WAITING);
    this.#cacheBytes = cacheBytes;
    this.#fill = fill;
    this.#ahead = new WindowsAhead(this.#loader, this.layout, readsOnce ? cacheBytes / 2 : 0);
  }

  get width(): number {
    return this.layout.width;
  }
  get height(): number {
    return this.layout.height;
  }
  get bands(): number {
    return this.layout.bands;
  }
  get dtype(): DataType {
    return this.layout.dtype;
  }

  announce(windows: readonly PixelWindow[]): void {
    this.#path.announce(windows);
  }

  close(): void {
    this.#loader.close();
    this.#spare.close();
    this.#cache.clear();
  }

  async readPlanes(request: WindowRequest, marksNodata: boolean): Promise<WindowPixels> {
    const { layout } = this;
    const { window, bands } = request;
    // Blocks know in which pixels any of their bands is nodata.
    const findsNodata = marksNodata && layout.format.nodata !== null &&
      (layout.planar || new Set(bands).size === layout.bands);
    const coming = this.#path.after(window, this.layout);
    // Windows come row by row: what lies above this one is not needed again.
    this.#cache.deleteWhere((index) => this.#bottomOf(index) <= window.y);
    const whole = this.#ahead.take(request, findsNodata);
    if (whole === null) return await this.#readBlocks(request, findsNodata, coming);
    const later = this.#laterPlaces(coming, bands);
    this.#ahead.ask(coming.next, bands, findsNodata);
    this.#askAhead(later, 0);
    const pixels = await whole;
    // Whatever is wrong with it, its blocks will show.
    if (pixels === null) return await this.#readBlocks(request, findsNodata, coming);
    this.#pass(window, coming);
    // It took no blocks, and the next one is not likely to.
    this.#spare.clear();
    return pixels;
  }

  async #readBlocks(
    request: WindowRequest,
    findsNodata: boolean,
    coming: WindowsToCome,
  ): Promise<WindowPixels> {
    const { window, bands } = request;
    const size = bands.length * window.height * window.width * bytesPerElement(this.dtype);
    const planes = new Uint8Array(size);
    // Made when a block could be decoded, not before: what a damaged file claims may be large.
    let valid: Uint8Array<ArrayBuffer> | null = null;
    const places = [...placesOf(this.layout, request)];
    const now = places.values();
    const later = this.#laterPlaces(coming, bands);
    const blocks: KeptBlock[] = [];
    let ahead = 0;
    try {
      for (const [index, place] of places.entries()) {
        // What is needed now, then as much of what comes as there is room for.
        while (blocks.length < places.length && (blocks.length <= index || ahead < this.#room())) {
          const group = this.#group(now);
          blocks.push(...this.#wanted(group).map((block) => block.use()));
          ahead += this.#bytesOf(group);
          if (blocks.length === places.length) this.#ahead.ask(coming.next, bands, findsNodata);
        }
        if (blocks.length === places.length) ahead = this.#askAhead(later, ahead);
        const block = await blocks[index]!.block;
        ahead -= this.#loader.blockBytes(place.row);
        if (findsNodata) valid ??= insideMask(window, this);
        placeBlock(this.layout, place, block, request, { planes, valid }, this.#fill);
      }
    } finally {
      for (const block of blocks) block.done();
    }
    if (findsNodata) valid ??= insideMask(window, this);
    this.#pass(window, coming);
    return { planes, valid };
  }

  /** Ask for blocks of windows to come, as long as there is room; bytes that are on their way then. */
  #askAhead(later: Iterator<BlockPlace>, bytes: number): number {
    while (bytes < this.#room()) {
      const group = this.#group(later);
      if (group.length === 0 || !this.#wantedLater(group)) break;
      bytes += this.#bytesOf(group);
    }
    return bytes;
  }

  /** Decoded bytes to ask for before they are needed. */
  #room(): number {
    if (!this.#loader.inBackground) return 0;
    if (this.#remote) return Math.min(REMOTE_AHEAD, this.#cacheBytes / 2);
    // Two jobs for each worker, and one whose turn it is.
    const busy = (2 * this.#loader.workers + 1) * this.#loader.blockBytes(0);
    return Math.min(Math.max(LOCAL_AHEAD, busy), this.#cacheBytes / 2);
  }

  /** Blocks that this row of windows does not need any more are forgotten, or wait for the next row. */
  #pass(window: PixelWindow, { nextX, nextRow }: WindowsToCome): void {
    if (nextX === null || nextRow === null) return;
    const { across, blockHeight, blockWidth } = this.layout;
    const isPassed = (index: number) =>
      this.#bottomOf(index) - blockHeight < window.y + window.height &&
      (index % across + 1) * blockWidth <= nextX;
    this.#cache.deleteWhere((index) => this.#bottomOf(index) <= nextRow && isPassed(index));
    // Those that end a row are the next row's soon.
    if (nextX < Infinity) this.#cache.setAsideWhere(isPassed);
  }

  /** The row below a block, be it in the image or not. */
  #bottomOf(index: number): number {
    const { across, down, blockHeight } = this.layout;
    return (Math.floor(index / across) % down + 1) * blockHeight;
  }

  /** Blocks of windows to come, but for those that workers read whole. */
  *#laterPlaces({ next }: WindowsToCome, bands: readonly number[]): Generator<BlockPlace> {
    let passed = 0;
    for (const coming of next) {
      if (!this.#ahead.takes(coming, bands)) {
        yield* placesOf(this.layout, { window: coming.window, bands });
      } else if (++passed > this.#loader.workers) {
        return;
      }
    }
  }

  /** The next few places, to be asked for together. */
  #group(places: Iterator<BlockPlace>): BlockPlace[] {
    const group: BlockPlace[] = [];
    const limit = this.#remote ? REMOTE_GROUP : FILE_GROUP;
    for (let bytes = 0; bytes < limit;) {
      const { done, value } = places.next();
      if (done) break;
      group.push(value);
      bytes += this.#loader.blockBytes(value.row);
    }
    return group;
  }

  #bytesOf(places: readonly BlockPlace[]): number {
    return places.reduce((total, { row }) => total + this.#loader.blockBytes(row), 0);
  }

  /** Blocks from the cache or on their way. */
  #wanted(places: readonly BlockPlace[]): KeptBlock[] {
    const missing = places.filter(({ index }) => this.#cache.get(index) === undefined);
    const loaded = missing.length === 0 ? [] : this.#loader.load(missing);
    const own = new Map(missing.map(({ index }, position) => [index, loaded[position]!]));
    for (const [index, block] of own) this.#cache.set(index, block);
    return places.map(({ index }) => own.get(index) ?? this.#cache.get(index)!);
  }

  /** Begin to load blocks of windows to come; false if one of them cannot be. */
  #wantedLater(places: readonly BlockPlace[]): boolean {
    try {
      this.#wanted(places.filter(({ index }) => !this.#cache.has(index)));
      return true;
    } catch (error) {
      // It comes again, for someone to see, if the window is read.
      if (error instanceof RasterFault) return false;
      throw error;
    }
  }
}
