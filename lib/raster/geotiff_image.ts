/**
 * The pixels of one image of a TIFF file: finds, fetches, decodes and keeps the blocks of a window.
 *
 * @module
 */
import { bytesPerElement, type DataType } from "../array/mod.ts";
import type { PixelWindow } from "../geo/mod.ts";
import { BlockCache, type CachedBlock, type KeptBlock } from "./block_cache.ts";
import { BlockLoader, type BlockPlace } from "./block_loader.ts";
import { rowsOfBlock, type TiffLayout } from "./geotiff_layout.ts";
import type { PlaneImage } from "./plane_image.ts";
import { RasterFault } from "./read_fault.ts";
import type { ByteSource } from "./read_source.ts";
import { SpareBuffers } from "./spare_buffers.ts";
import { waitingBlocks } from "./waiting_blocks.ts";
import { WindowPath, type WindowsToCome } from "./window_path.ts";

/** Blocks of a file are asked for together up to this many decoded bytes, ... */
const FILE_GROUP = 1 << 20;
/** ... and those on a server, where neighbours come with one request. */
const REMOTE_GROUP = 64 << 20;
/** Decoded bytes that are fetched ahead of the windows from a server. */
const REMOTE_AHEAD = 96 << 20;
/** Least decoded bytes that workers are given to do ahead of the windows. */
const LOCAL_AHEAD = 8 << 20;

/** What an image may use. */
export interface ImageLimits {
  /** Most bytes of decoded blocks that are kept. */
  readonly cacheBytes: number;
  /** Most threads that decode. */
  readonly threads: number;
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
    { cacheBytes, threads }: ImageLimits,
    fill: Uint8Array<ArrayBuffer> | null,
  ) {
    const nodata = layout.bits === 16 && layout.dtype.endsWith("int16") && fill !== null
      ? fill[0]! | (fill[1]! << 8)
      : null;
    this.layout = { ...layout, format: { ...layout.format, nodata } };
    this.#remote = source.remote;
    this.#loader = new BlockLoader(source, this.layout, threads, this.#spare);
    this.#cache = new BlockCache(cacheBytes, this.#spare, waitingBlocks);
    this.#cacheBytes = cacheBytes;
    this.#fill = fill;
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

  async readPlanes(
    window: PixelWindow,
    bands: readonly number[],
    planes: Uint8Array<ArrayBuffer>,
    valid: (() => Uint8Array<ArrayBuffer>) | null,
  ): Promise<boolean> {
    const { layout } = this;
    // Blocks know in which pixels any of their bands is nodata.
    const findsNodata = valid !== null && layout.format.nodata !== null &&
      (layout.planar || new Set(bands).size === layout.bands);
    const coming = this.#path.after(window, this.layout);
    // Windows come row by row: what lies above this one is not needed again.
    this.#cache.deleteWhere((index) => this.#bottomOf(index) <= window.y);
    const places = [...this.#places(window, bands)];
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
        }
        while (blocks.length === places.length && ahead < this.#room()) {
          const group = this.#group(later);
          if (group.length === 0 || !this.#wantedLater(group)) break;
          ahead += this.#bytesOf(group);
        }
        const block = await blocks[index]!.block;
        ahead -= this.#loader.blockBytes(place.row);
        this.#copy(place, block, window, bands, planes);
        if (findsNodata) this.#clearHoles(place, block, window, valid());
      }
    } finally {
      for (const block of blocks) block.done();
    }
    this.#pass(window, coming);
    return findsNodata;
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

  /** The blocks that a window touches. */
  *#places(window: PixelWindow, bands: readonly number[]): Generator<BlockPlace> {
    const { blockWidth, blockHeight, across, down, planar, width, height } = this.layout;
    const firstColumn = Math.floor(Math.max(0, window.x) / blockWidth);
    const lastColumn = Math.ceil(Math.min(width, window.x + window.width) / blockWidth);
    const firstRow = Math.floor(Math.max(0, window.y) / blockHeight);
    const lastRow = Math.ceil(Math.min(height, window.y + window.height) / blockHeight);
    const planes = planar ? [...new Set(bands)] : [0];
    for (let row = firstRow; row < lastRow; row++) {
      for (const plane of planes) {
        for (let column = firstColumn; column < lastColumn; column++) {
          yield { index: (plane * down + row) * across + column, plane, column, row };
        }
      }
    }
  }

  *#laterPlaces(
    { next }: WindowsToCome,
    bands: readonly number[],
  ): Generator<BlockPlace> {
    for (const window of next) yield* this.#places(window, bands);
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

  /** What a block and a window share, in pixels of the image, and where it lies in both. */
  #shared(place: BlockPlace, window: PixelWindow) {
    const { layout } = this;
    const left = place.column * layout.blockWidth;
    const top = place.row * layout.blockHeight;
    const rows = rowsOfBlock(layout, place.row);
    const x = Math.max(window.x, left, 0);
    const y = Math.max(window.y, top, 0);
    return {
      rows: Math.min(window.y + window.height, top + rows, layout.height) - y,
      columns: Math.min(window.x + window.width, left + layout.blockWidth, layout.width) - x,
      /** First of these pixels in a plane of the block. */
      from: (y - top) * layout.blockWidth + x - left,
      /** The same in a plane of the window. */
      to: (y - window.y) * window.width + x - window.x,
    };
  }

  /** Copy what a block and a window share. */
  #copy(
    place: BlockPlace,
    block: CachedBlock,
    window: PixelWindow,
    bands: readonly number[],
    planes: Uint8Array<ArrayBuffer>,
  ): void {
    const { blockWidth, dtype, planar } = this.layout;
    const size = bytesPerElement(dtype);
    const { rows, columns, from, to } = this.#shared(place, window);
    const blockPlane = rowsOfBlock(this.layout, place.row) * blockWidth;
    const windowPlane = window.height * window.width;
    // Rows that are whole in both follow one another without a gap.
    const whole = columns === window.width && columns === blockWidth;
    const step = whole ? rows : 1;
    const count = columns * step * size;
    for (const [position, band] of bands.entries()) {
      if (planar && band !== place.plane) continue;
      const source = (planar ? 0 : band) * blockPlane + from;
      const target = position * windowPlane + to;
      for (let row = 0; row < rows; row += step) {
        const start = (target + row * window.width) * size;
        if (block !== null) {
          const first = (source + row * blockWidth) * size;
          planes.set(block.planes.subarray(first, first + count), start);
        } else if (this.#fill !== null) {
          fillRow(planes.subarray(start, start + count), this.#fill);
        }
      }
    }
  }

  /** Clear pixels in which a block is nodata. */
  #clearHoles(
    place: BlockPlace,
    block: CachedBlock,
    window: PixelWindow,
    valid: Uint8Array<ArrayBuffer>,
  ): void {
    if (block !== null && block.holes === null) return;
    const { rows, columns, from, to } = this.#shared(place, window);
    const holes = block?.holes ?? null;
    // Holes are rare: eight pixels without one, whose bytes are those of 0.0, are passed at a time.
    const eights = holes === null
      ? null
      : new Float64Array(holes.buffer, holes.byteOffset, holes.length >> 3);
    for (let row = 0; row < rows; row++) {
      const target = to + row * window.width;
      if (holes === null) {
        valid.fill(0, target, target + columns);
        continue;
      }
      const source = from + row * this.layout.blockWidth;
      for (let column = 0; column < columns;) {
        const pixel = source + column;
        if ((pixel & 7) === 0 && eights![pixel >> 3] === 0) {
          column += 8;
          continue;
        }
        if (holes[pixel] !== 0) valid[target + column] = 0;
        column++;
      }
    }
  }
}

/** Repeat the bytes of one element. */
function fillRow(row: Uint8Array<ArrayBuffer>, element: Uint8Array<ArrayBuffer>): void {
  for (let at = 0; at < row.length; at += element.length) row.set(element, at);
}
