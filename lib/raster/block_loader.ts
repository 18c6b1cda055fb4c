/**
 * From places in a TIFF file to decoded blocks: fetches them, and decodes them here or in workers.
 *
 * @module
 */
import { bytesPerElement } from "../array/mod.ts";
import { type CachedBlock, KeptBlock } from "./block_cache.ts";
import { decodeBlock, plainBytes } from "./decode/block.ts";
import { DecodePool, type EncodedBlock } from "./decode/decode_pool.ts";
import type { DecodedBlock } from "./decode/samples.ts";
import { bandsOfBlock, rowsOfBlock, type TiffLayout } from "./geotiff_layout.ts";
import { COMPRESSION } from "./geotiff_tags.ts";
import type { BlockPlace, WindowPixels, WindowRequest } from "./place_block.ts";
import { RasterFault } from "./read_fault.ts";
import type { ByteRange, ByteSource } from "./read_source.ts";
import type { SpareBuffers } from "./spare_buffers.ts";

/** Workers start when so many bytes have been decoded, ... */
const START_AFTER = 4 << 20;
/** ... and so many are left. */
const START_BEFORE = 96 << 20;
/** A worker gets blocks of so many bytes together. */
const JOB_BYTES = 2 << 20;

/** A block that has to be decoded. */
interface StoredBlock {
  readonly place: BlockPlace;
  readonly range: ByteRange;
}

/** Loads the blocks of one image. */
export class BlockLoader {
  readonly #source: ByteSource;
  readonly #layout: TiffLayout;
  readonly #threads: number;
  readonly #totalBytes: number;
  readonly #spare: SpareBuffers;
  readonly #fill: Uint8Array<ArrayBuffer> | null;
  #loadedBytes = 0;
  #pool: DecodePool | null = null;
  #image = 0;
  #closed = false;

  /**
   * @param source The file.
   * @param layout How the image is stored in it.
   * @param threads Most workers; none where it is 1.
   * @param spare Memory for decoded blocks.
   * @param fill Bytes of nodata, which stands where the file stores no block; null for zeros there.
   */
  constructor(
    source: ByteSource,
    layout: TiffLayout,
    threads: number,
    spare: SpareBuffers,
    fill: Uint8Array<ArrayBuffer> | null,
  ) {
    this.#source = source;
    this.#layout = layout;
    this.#threads = threads;
    this.#spare = spare;
    this.#fill = fill;
    const { width, height, bands, dtype } = layout;
    this.#totalBytes = width * height * bands * bytesPerElement(dtype);
  }

  /** Bytes of a decoded block of that row of blocks. */
  blockBytes(row: number): number {
    const layout = this.#layout;
    return layout.blockWidth * rowsOfBlock(layout, row) * bandsOfBlock(layout) *
      bytesPerElement(layout.dtype);
  }

  /** True where blocks that are asked for come while something else goes on. */
  get inBackground(): boolean {
    return this.#source.remote || this.#pool?.ready === true;
  }

  /** Workers that decode. */
  get workers(): number {
    return this.#pool?.ready === true ? this.#threads : 0;
  }

  /** Those of them that read the file themselves, and so can be given whole windows. */
  get fileReaders(): number {
    return this.#source.file === null ? 0 : this.workers;
  }

  /**
   * Load blocks.
   *
   * @param places Where they are.
   * @returns The blocks, on their way.
   * @throws {RasterFault} If one cannot be where the file says; the others are not loaded then.
   */
  load(places: readonly BlockPlace[]): KeptBlock[] {
    const ranges = places.map((place) => this.#range(place));
    const stored = places.flatMap((place, index) =>
      ranges[index] === null ? [] : [{ place, range: ranges[index]! }]
    );
    const bytes = stored.reduce((total, { place }) => total + this.blockBytes(place.row), 0);
    this.#startWorkers(bytes);
    const decoded = stored.length === 0
      ? []
      : this.#pool?.ready === true
      ? this.#inWorkers(stored, this.#pool)
      : this.#here(stored);
    let next = 0;
    return places.map((place, index) => {
      if (ranges[index] === null) return new KeptBlock(Promise.resolve(null), 0, this.#spare);
      return new KeptBlock(decoded[next++]!, this.blockBytes(place.row), this.#spare);
    });
  }

  /**
   * Have a worker read a window whole.
   *
   * @param request The window.
   * @param places All of its blocks.
   * @param findsNodata True if nodata is to be looked for.
   * @returns Its pixels, or null if anything is wrong with them.
   * @throws {RasterFault} If a block cannot be where the file says.
   */
  loadWindow(
    request: WindowRequest,
    places: readonly BlockPlace[],
    findsNodata: boolean,
  ): Promise<WindowPixels | null> {
    const blocks = places.map((place) => ({ place, stored: this.#range(place) }));
    for (const { stored } of blocks) {
      if (stored !== null) this.#source.file?.countRead(stored);
    }
    return this.#pool!.decodeWindow(this.#image, { ...request, blocks, findsNodata });
  }

  /** Stop the workers unless others need them; whoever waits for a block is told. */
  close(): void {
    this.#closed = true;
    this.#pool?.forget(this.#image);
    this.#pool?.release();
    this.#pool = null;
  }

  #startWorkers(bytes: number): void {
    this.#loadedBytes += bytes;
    const left = this.#totalBytes - this.#loadedBytes;
    if (
      this.#pool !== null || this.#closed || this.#threads < 2 ||
      this.#loadedBytes < START_AFTER || left < START_BEFORE
    ) return;
    this.#pool = DecodePool.acquire(this.#threads);
    const { format, width, height, dtype, planar, tiled, blockWidth, blockHeight } = this.#layout;
    this.#image = this.#pool.register({
      format,
      grid: { width, height, dtype, planar, tiled, blockWidth, blockHeight },
      fill: this.#fill,
      file: this.#source.file?.identity ?? null,
    });
  }

  /** Decode on this thread, as the bytes come. */
  #here(stored: readonly StoredBlock[]): Promise<CachedBlock>[] {
    const fetched = this.#source.read(stored.map(({ range }) => range));
    // Workers say that they are ready with a message, which comes only when this thread takes a rest.
    const rested = this.#pool === null ? null : new Promise((resolve) => setTimeout(resolve));
    return stored.map(async ({ place }, index) => {
      const bytes = (await fetched)[index]!;
      await rested;
      try {
        const block = decodeBlock(this.#layout.format, bytes, this.#rows(place));
        // It may lie in memory that the next block is decoded into.
        return block instanceof Promise ? await block : this.#copied(block);
      } catch (error) {
        throw this.#named(error, place);
      }
    });
  }

  #copied({ planes, holes }: DecodedBlock): DecodedBlock {
    const target = this.#spare.take(planes.length) ?? new ArrayBuffer(planes.length);
    const own = new Uint8Array(target);
    own.set(planes);
    return { planes: own, holes: holes?.slice() ?? null };
  }

  /** Have workers decode, some neighbours in one go. */
  #inWorkers(stored: readonly StoredBlock[], pool: DecodePool): Promise<CachedBlock>[] {
    const decoded: Promise<CachedBlock>[] = [];
    // What comes from a server is on its way at once; files are read when a worker is free, and by it.
    const fetched = this.#source.remote
      ? this.#source.read(stored.map(({ range }) => range))
      : null;
    fetched?.catch(() => {});
    for (let start = 0; start < stored.length;) {
      let end = start;
      for (
        let bytes = 0;
        end < stored.length && bytes < JOB_BYTES;
        end++
      ) bytes += this.blockBytes(stored[end]!.place.row);
      const part = stored.slice(start, end);
      const first = start;
      const blocksFor = async (readsFile: boolean): Promise<EncodedBlock[]> => {
        const ranges = part.map(({ range }) => range);
        if (readsFile) { for (const range of ranges) this.#source.file?.countRead(range); }
        const bytes = readsFile
          ? ranges
          : fetched === null
          ? await this.#source.read(ranges)
          : (await fetched).slice(first, first + part.length).map((cached) => cached.slice());
        return part.map(({ place }, index) => ({
          stored: bytes[index]!,
          rows: this.#rows(place),
          target: this.#spare.take(this.blockBytes(place.row)),
        }));
      };
      const blocks = pool.decode(this.#image, part.length, blocksFor);
      decoded.push(...blocks.map((block, index) =>
        block.catch((error) => {
          throw this.#named(error, part[index]!.place);
        })
      ));
      start = end;
    }
    return decoded;
  }

  #rows(place: BlockPlace): number {
    return rowsOfBlock(this.#layout, place.row);
  }

  /** Where a block is stored; null where it is not. */
  #range(place: BlockPlace): ByteRange | null {
    const offset = this.#layout.offsets[place.index]!;
    const count = this.#layout.counts[place.index]!;
    if (offset === 0 && count === 0) return null;
    if (!(offset > 0 && count > 0)) {
      throw new RasterFault(
        `${
          this.#describe(place)
        } has offset ${offset} and ${count} bytes: only both or neither can be 0`,
      );
    }
    // No encoding is twice as long as what it encodes, so the rest of a larger claim is not needed.
    const plain = plainBytes(this.#layout.format, this.#rows(place));
    const needed = this.#layout.compression === COMPRESSION.none
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

  #named(error: unknown, place: BlockPlace): unknown {
    if (!(error instanceof RasterFault)) return error;
    return new RasterFault(`${this.#describe(place)}: ${error.message}`, { cause: error });
  }

  #describe({ column, row, plane }: BlockPlace): string {
    const { tiled, planar } = this.#layout;
    const name = tiled ? `the tile at column ${column}, row ${row}` : `strip ${row}`;
    return planar ? `${name} of band ${plane + 1}` : name;
  }
}
