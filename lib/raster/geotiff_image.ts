/**
 * The pixels of one image of a TIFF file: finds, fetches, decodes and keeps the blocks of a window.
 *
 * @module
 */
import { bytesPerElement, type DataType } from "../array/mod.ts";
import type { PixelWindow } from "../geo/mod.ts";
import { BlockCache, type CachedBlock } from "./block_cache.ts";
import { decodeBlock, plainBytes } from "./decode/block.ts";
import { bandsOfBlock, rowsOfBlock, type TiffLayout } from "./geotiff_layout.ts";
import type { PlaneImage } from "./plane_image.ts";
import { RasterFault } from "./read_fault.ts";
import { WindowPath } from "./window_path.ts";
import type { ByteRange, ByteSource } from "./read_source.ts";
import { COMPRESSION } from "./geotiff_tags.ts";

/** Blocks are fetched together up to this many decoded bytes. */
const BATCH_BYTES = 64 << 20;
/** Windows that are fetched ahead from a server. */
const WINDOWS_AHEAD = 2;

/** A block of a window: its place in the file and its number. */
interface BlockPlace {
  readonly index: number;
  readonly plane: number;
  readonly column: number;
  readonly row: number;
}

/** One image of a TIFF file. */
export class TiffImage implements PlaneImage {
  readonly layout: TiffLayout;
  readonly #source: ByteSource;
  readonly #cache: BlockCache;
  readonly #cacheBytes: number;
  readonly #fill: Uint8Array<ArrayBuffer> | null;
  readonly #path = new WindowPath();

  /**
   * Wrap an image.
   *
   * @param source The file.
   * @param layout How the image is stored in it.
   * @param cacheBytes Most bytes of decoded blocks that are kept.
   * @param fill Bytes of the element that stands where the file stores no block; null for zeros.
   */
  constructor(
    source: ByteSource,
    layout: TiffLayout,
    cacheBytes: number,
    fill: Uint8Array<ArrayBuffer> | null,
  ) {
    this.#source = source;
    this.layout = layout;
    this.#cache = new BlockCache(cacheBytes);
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

  async readPlanes(
    window: PixelWindow,
    bands: readonly number[],
    planes: Uint8Array<ArrayBuffer>,
  ): Promise<void> {
    // Windows come row by row: what lies above this one is not needed again.
    const { across, down, blockHeight } = this.layout;
    this.#cache.deleteWhere((index) =>
      (Math.floor(index / across) % down + 1) * blockHeight <= window.y
    );
    for (const batch of this.#batches(window, bands)) {
      const loading = this.#load(batch);
      if (this.#source.remote) this.#readAhead(window, bands);
      const blocks = await Promise.all(loading);
      for (const [index, place] of batch.entries()) {
        this.#copy(place, blocks[index]!, window, bands, planes);
      }
    }
  }

  /** The blocks that a window touches, in stretches that are fetched together. */
  *#batches(window: PixelWindow, bands: readonly number[]): Generator<BlockPlace[]> {
    const { blockWidth, blockHeight, across, down, planar, width, height } = this.layout;
    const firstColumn = Math.floor(Math.max(0, window.x) / blockWidth);
    const lastColumn = Math.ceil(Math.min(width, window.x + window.width) / blockWidth);
    const firstRow = Math.floor(Math.max(0, window.y) / blockHeight);
    const lastRow = Math.ceil(Math.min(height, window.y + window.height) / blockHeight);
    const planes = planar ? [...new Set(bands)] : [0];
    let batch: BlockPlace[] = [];
    let bytes = 0;
    for (let row = firstRow; row < lastRow; row++) {
      const size = this.#blockBytes(row);
      for (const plane of planes) {
        for (let column = firstColumn; column < lastColumn; column++) {
          if (batch.length > 0 && bytes + size > BATCH_BYTES) {
            yield batch;
            batch = [];
            bytes = 0;
          }
          batch.push({ index: (plane * down + row) * across + column, plane, column, row });
          bytes += size;
        }
      }
    }
    if (batch.length > 0) yield batch;
  }

  /** Start on the blocks of the windows that come next, as far as the cache can hold them. */
  #readAhead(window: PixelWindow, bands: readonly number[]): void {
    let bytes = 0;
    for (const next of this.#path.after(window, this.layout, WINDOWS_AHEAD)) {
      for (const batch of this.#batches(next, bands)) {
        bytes += batch.reduce((total, { row }) => total + this.#blockBytes(row), 0);
        if (bytes > this.#cacheBytes / 2) return;
        try {
          this.#load(batch);
        } catch (error) {
          // It comes again, for someone to see, if the window is read.
          if (error instanceof RasterFault) return;
          throw error;
        }
      }
    }
  }

  /** The decoded blocks of a batch, from the cache or from the file. */
  #load(batch: readonly BlockPlace[]): Promise<CachedBlock>[] {
    const missing = batch.filter(({ index }) => this.#cache.get(index) === undefined);
    const stored: { place: BlockPlace; range: ByteRange }[] = [];
    const own = new Map<number, Promise<CachedBlock>>();
    const keep = (place: BlockPlace, bytes: number, block: Promise<CachedBlock>) => {
      own.set(place.index, block);
      this.#cache.set(place.index, bytes, block);
    };
    for (const place of missing) {
      const range = this.#range(place);
      if (range === null) keep(place, 0, Promise.resolve(null));
      else stored.push({ place, range });
    }
    if (stored.length > 0) {
      const fetched = this.#source.read(stored.map(({ range }) => range));
      for (const [position, { place }] of stored.entries()) {
        const block = fetched.then((bytes) => this.#decode(place, bytes[position]!));
        keep(place, this.#blockBytes(place.row), block);
      }
    }
    return batch.map(({ index }) => own.get(index) ?? this.#cache.get(index)!);
  }

  /** Where a block is stored; null where it is not. */
  #range(place: BlockPlace): ByteRange | null {
    const offset = this.layout.offsets[place.index]!;
    const count = this.layout.counts[place.index]!;
    if (offset === 0 && count === 0) return null;
    if (!(offset > 0 && count > 0)) {
      throw new RasterFault(
        `${
          this.#describe(place)
        } has offset ${offset} and ${count} bytes: only both or neither can be 0`,
      );
    }
    // No encoding is twice as long as what it encodes, so the rest of a larger claim is not needed.
    const plain = plainBytes(this.layout.format, rowsOfBlock(this.layout, place.row));
    const needed = this.layout.compression === COMPRESSION.none
      ? Math.min(count, plain)
      : Math.min(count, 2 * plain + (1 << 20));
    if (offset + needed > this.#source.size) {
      throw new RasterFault(
        `${this.#describe(place)} reaches to byte ${
          offset + needed
        }, past the end of the file at byte ${this.#source.size}: it is truncated or damaged`,
      );
    }
    return { offset, length: needed };
  }

  async #decode(place: BlockPlace, bytes: Uint8Array<ArrayBuffer>): Promise<CachedBlock> {
    try {
      return await decodeBlock(this.layout.format, bytes, rowsOfBlock(this.layout, place.row));
    } catch (error) {
      if (!(error instanceof RasterFault)) throw error;
      throw new RasterFault(`${this.#describe(place)}: ${error.message}`, { cause: error });
    }
  }

  /** Copy what a block and a window share. */
  #copy(
    place: BlockPlace,
    block: CachedBlock,
    window: PixelWindow,
    bands: readonly number[],
    planes: Uint8Array<ArrayBuffer>,
  ): void {
    const { layout } = this;
    const size = bytesPerElement(layout.dtype);
    const rows = rowsOfBlock(layout, place.row);
    const left = place.column * layout.blockWidth;
    const top = place.row * layout.blockHeight;
    const x0 = Math.max(window.x, left, 0);
    const x1 = Math.min(window.x + window.width, left + layout.blockWidth, layout.width);
    const y0 = Math.max(window.y, top, 0);
    const y1 = Math.min(window.y + window.height, top + rows, layout.height);
    const rowBytes = (x1 - x0) * size;
    for (const [position, band] of bands.entries()) {
      if (layout.planar && band !== place.plane) continue;
      const plane = layout.planar ? 0 : band;
      for (let y = y0; y < y1; y++) {
        const to = ((position * window.height + y - window.y) * window.width + x0 - window.x) *
          size;
        if (block === null) {
          if (this.#fill !== null) fillRow(planes.subarray(to, to + rowBytes), this.#fill);
          continue;
        }
        const from = ((plane * rows + y - top) * layout.blockWidth + x0 - left) * size;
        planes.set(block.subarray(from, from + rowBytes), to);
      }
    }
  }

  /** Bytes of a decoded block of that row of blocks. */
  #blockBytes(row: number): number {
    const { layout } = this;
    return layout.blockWidth * rowsOfBlock(layout, row) * bandsOfBlock(layout) *
      bytesPerElement(layout.dtype);
  }

  #describe({ column, row, plane }: BlockPlace): string {
    const { tiled, planar } = this.layout;
    const name = tiled ? `the tile at column ${column}, row ${row}` : `strip ${row}`;
    return planar ? `${name} of band ${plane + 1}` : name;
  }
}

/** Repeat the bytes of one element. */
function fillRow(row: Uint8Array<ArrayBuffer>, element: Uint8Array<ArrayBuffer>): void {
  for (let at = 0; at < row.length; at += element.length) row.set(element, at);
}
