/**
 * One resolution of a Cloud-Optimized GeoTIFF while it is written: rows come in, compressed blocks go
 * to a spool, and halved rows go on to the next resolution.
 *
 * @module
 */
import { bytesPerElement, type DataType, type NdArray, releaseBuffer } from "../../array/mod.ts";
import type { Scratch, Spool } from "../../files/mod.ts";
import { bytesOfCells, type Cells, cellsOf, createCells } from "./cells.ts";
import type { Codec } from "./compress.ts";
import { type CellRows, type Downsample, half } from "./downsample.ts";
import { differenceFloatRows, differenceRows } from "./predict.ts";

/** How the blocks of every resolution are made. */
export interface BlockFormat {
  /** Element type. */
  readonly dtype: DataType;
  /** Number of bands. */
  readonly bands: number;
  /** Bands side by side in one block, or each in blocks of its own. */
  readonly interleave: "pixel" | "band";
  /** 1 none, 2 horizontal differences, 3 floating point. */
  readonly predictor: 1 | 2 | 3;
  /** Compression. */
  readonly codec: Codec;
}

/** Where a block lies in the spool of its level. */
export interface SpooledBlock {
  /** Position of its first byte, behind its leader. */
  readonly offset: number;
  /** Compressed bytes. */
  readonly length: number;
}

/** Bytes of a block's leader and trailer, which let GDAL fetch a block without the offset arrays. */
const FRAME_BYTES = 4;

/** Rows that are put aside together, at least; even, as are those of blocks. */
const STRIP_ROWS = 16;

/** One resolution. */
export class LevelWriter {
  /** Columns. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
  /** Columns of a block. */
  readonly blockWidth: number;
  /** Rows of a block. */
  readonly blockHeight: number;
  /** Blocks by their number in the file: row-major, band after band where bands are apart. */
  readonly blocks: SpooledBlock[];
  /** Their bytes. */
  readonly spool: Spool;
  readonly #format: BlockFormat;
  readonly #next: { readonly level: LevelWriter; readonly downsample: Downsample } | null;
  /** Rows of each band that are not in blocks or put aside yet, filled from the top. */
  readonly #rows: Cells[];
  /** Rows there. */
  #filled = 0;
  /** Where the blocks of a row of blocks wait, one after the other, until all of its rows are there. */
  readonly #scratch: Scratch;
  readonly #scratchStart: number;
  /** Rows of them that are there. */
  #aside = 0;
  /** One block, used again for each. */
  readonly #block: Cells;
  #blockRow = 0;
  #rowsDone = 0;

  /**
   * @param size Extent of this resolution.
   * @param blockSize Largest side of its blocks, a multiple of 16.
   * @param format How blocks are made.
   * @param spool Where they go.
   * @param waiting Where rows wait; what lies behind the start, up to {@linkcode LevelWriter.waitingEnd}, is
   * this level's own.
   * @param next The next resolution and how it is reached; null for the last.
   */
  constructor(
    size: { readonly width: number; readonly height: number },
    blockSize: number,
    format: BlockFormat,
    spool: Spool,
    waiting: { readonly scratch: Scratch; readonly start: number },
    next: { readonly level: LevelWriter; readonly downsample: Downsample } | null,
  ) {
    this.width = size.width;
    this.height = size.height;
    this.blockWidth = blockWidthOf(size, blockSize);
    this.blockHeight = Math.min(blockSize, roundUp16(size.height));
    this.spool = spool;
    this.#format = format;
    this.#next = next;
    this.#scratch = waiting.scratch;
    this.#scratchStart = waiting.start;
    this.#rows = Array.from(
      { length: format.bands },
      () => createCells(format.dtype, this.width * STRIP_ROWS),
    );
    const planes = this.#planes;
    const samples = format.bands / planes;
    this.#block = createCells(format.dtype, this.blockWidth * this.blockHeight * samples);
    this.blocks = new Array(planes * this.#columns * Math.ceil(this.height / this.blockHeight));
  }

  get #columns(): number {
    return Math.ceil(this.width / this.blockWidth);
  }

  /** How many blocks there are for each place. */
  get #planes(): number {
    return this.#format.interleave === "band" ? this.#format.bands : 1;
  }

  /** One more than the last byte that rows of this level wait in. */
  get waitingEnd(): number {
    return this.#scratchStart + this.#planes * this.#columns * this.#block.byteLength;
  }

  /** Rows that have come in. */
  get rowsDone(): number {
    return this.#rowsDone;
  }

  /**
   * Take rows of all bands, top to bottom.
   *
   * @param bands Rows of each band, all of this level's width and the same height.
   */
  async append(bands: readonly CellRows[]): Promise<void> {
    const height = bands[0]!.height;
    for (let taken = 0; taken < height;) {
      const left = height - taken;
      const inBlock = this.#rowsDone % this.blockHeight;
      const toEdge = Math.min(this.blockHeight - inBlock, this.height - this.#rowsDone);
      // Rows are taken as they are where they complete blocks, or are enough to be put aside.
      const isWhole = this.#filled === 0 && (left >= toEdge || left >= STRIP_ROWS);
      const most = isWhole ? left - left % 2 : Math.min(left, STRIP_ROWS - this.#filled);
      const count = isWhole && left >= toEdge ? toEdge : Math.min(most, toEdge);
      const added = bands.map(({ cells }) =>
        cells.subarray(taken * this.width, (taken + count) * this.width)
      );
      taken += count;
      this.#rowsDone += count;
      if (isWhole) {
        await this.#flush(added, count, count === toEdge);
        continue;
      }
      added.forEach((cells, band) => this.#rows[band]!.set(cells, this.#filled * this.width));
      this.#filled += count;
      if (count < toEdge && this.#filled < STRIP_ROWS) continue;
      const waiting = this.#filled;
      this.#filled = 0;
      await this.#flush(this.#rows, waiting, count === toEdge);
    }
  }

  /**
   * Put rows aside, or, below those that are, into blocks.
   *
   * @param rows Rows of each band, from its start.
   * @param count How many.
   * @param isComplete True if all rows of the blocks are there.
   */
  async #flush(rows: readonly Cells[], count: number, isComplete: boolean): Promise<void> {
    const { bands, interleave } = this.#format;
    const columns = this.#columns;
    const blocksPerPlane = columns * Math.ceil(this.height / this.blockHeight);
    const planes = interleave === "band"
      ? Array.from({ length: bands }, (_, band) => [band])
      : [Array.from({ length: bands }, (_, band) => band)];
    for (const [plane, members] of planes.entries()) {
      const cut = members.map((band) => rows[band]!);
      const rowLength = this.blockWidth * members.length;
      const above = this.#block.subarray(0, this.#aside * rowLength);
      for (let column = 0; column < columns; column++) {
        const start = this.#scratchStart +
          (plane * columns + column) * this.#block.byteLength;
        if (!isComplete) {
          const own = this.#block.subarray(0, count * rowLength);
          const strip = this.#cutRows(cut, count, column, own);
          this.#scratch.write(start + above.byteLength, bytesOfCells(strip));
          continue;
        }
        this.#scratch.read(start, bytesOfCells(above));
        this.#cutRows(cut, count, column, this.#block.subarray(above.length));
        const number = plane * blocksPerPlane + this.#blockRow * columns + column;
        this.blocks[number] = await this.#writeBlock(this.#block, members.length);
      }
    }
    await this.#passOn(rows, count);
    this.#aside = isComplete ? 0 : this.#aside + count;
    if (isComplete) this.#blockRow++;
  }

  /** Fill a part of a block with rows of interleaved bands; zeros beyond the edges of the raster. */
  #cutRows(bands: readonly Cells[], height: number, column: number, block: Cells): Cells {
    const { blockWidth, width } = this;
    const left = column * blockWidth;
    const count = Math.min(blockWidth, width - left);
    const isCovered = count === blockWidth && block.length === blockWidth * height * bands.length;
    if (!isCovered) bytesOfCells(block).fill(0);
    for (const [position, rows] of bands.entries()) {
      for (let y = 0; y < height; y++) {
        const source = y * width + left;
        const target = y * blockWidth;
        if (bands.length === 1) {
          block.set(rows.subarray(source, source + count), target);
          continue;
        }
        for (let x = 0; x < count; x++) {
          block[(target + x) * bands.length + position] = rows[source + x]!;
        }
      }
    }
    return block;
  }

  async #writeBlock(block: Cells, bands: number): Promise<SpooledBlock> {
    const { predictor, codec, dtype } = this.#format;
    const rowLength = this.blockWidth * bands;
    const raw = new Uint8Array(block.buffer);
    if (predictor === 2) differenceRows(block, rowLength, bands);
    if (predictor === 3) differenceFloatRows(raw, rowLength, bands, bytesPerElement(dtype));
    const encoded = codec.encode(raw);
    const framed = new Uint8Array(encoded.length + 2 * FRAME_BYTES);
    new DataView(framed.buffer).setUint32(0, encoded.length, true);
    framed.set(encoded, FRAME_BYTES);
    framed.set(encoded.subarray(-FRAME_BYTES), FRAME_BYTES + encoded.length);
    const offset = this.spool.length + FRAME_BYTES;
    await this.spool.append(framed);
    const { length } = encoded;
    releaseBuffer(framed.buffer);
    if (encoded !== raw) releaseBuffer(encoded.buffer as ArrayBuffer);
    return { offset, length };
  }

  /** What is put aside has an even number of rows, so that pairs of rows never fall apart. */
  async #passOn(rows: readonly Cells[], height: number): Promise<void> {
    if (this.#next === null) return;
    const { level, downsample } = this.#next;
    const { width } = this;
    const halved = rows.map((cells) => ({
      cells: downsample({ cells: cells.subarray(0, width * height), width, height }),
      width: half(width),
      height: half(height),
    }));
    await level.append(halved);
    for (const { cells } of halved) releaseBuffer(cells.buffer);
  }
}

/** GDAL calls a raster tiled where the width of its blocks is not its own; small ones need not be. */
const LARGEST_UNTILED = 512;

/** As wide as wanted, but not just as wide as a raster that has to be tiled. */
function blockWidthOf(
  { width, height }: { readonly width: number; readonly height: number },
  blockSize: number,
): number {
  const wanted = Math.min(blockSize, roundUp16(width));
  if (wanted !== width || Math.max(width, height) <= LARGEST_UNTILED) return wanted;
  // The narrowest block cannot be halved, but one that reaches beyond the raster does as well.
  return width === 16 ? 32 : roundUp16(width / 2);
}

/** Sides of blocks are multiples of 16. */
function roundUp16(extent: number): number {
  return Math.ceil(extent / 16) * 16;
}

/** The bands of an array (bands, rows, width) as rows of cells. */
export function bandRows(rows: NdArray): CellRows[] {
  const [bands, height, width] = rows.shape as [number, number, number];
  const cells = cellsOf(rows.data);
  return Array.from({ length: bands }, (_, band) => ({
    cells: cells.subarray(band * height * width, (band + 1) * height * width),
    width,
    height,
  }));
}
