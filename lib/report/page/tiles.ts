/// <reference lib="dom" />
/**
 * Pyramids of the page: tiles are inflated when they are wanted, and those wanted last are kept.
 *
 * @module
 */
import type { PageLevel, PagePyramid } from "../report_data.ts";

/** Inflated tiles that are kept: 32 MB of them. */
const KEPT_TILES = 128;

/** The bytes of an element that holds them in base64. */
export function bytesOfElement(id: string): Uint8Array<ArrayBuffer> {
  const text = atob(document.getElementById(id)!.textContent!.trim());
  const bytes = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index++) bytes[index] = text.charCodeAt(index);
  return bytes;
}

/** Gives the tiles of a pyramid. */
export class TileSource {
  readonly pyramid: PagePyramid;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #tiles = new Map<string, Uint8Array | null>();
  readonly #onLoad: () => void;

  /** @param onLoad Called when a tile has come that was not there before. */
  constructor(pyramid: PagePyramid, onLoad: () => void) {
    this.pyramid = pyramid;
    this.#bytes = bytesOfElement(pyramid.blob);
    this.#onLoad = onLoad;
  }

  /** The coarsest resolution that has a pixel for each of the screen's. */
  levelFor(screenPerPixel: number, width: number): number {
    const { levels } = this.pyramid;
    const index = levels.findLastIndex((level) => level.width / width >= screenPerPixel * 0.75);
    return Math.max(0, index);
  }

  /** Columns and rows of a tile. */
  sizeOf(level: PageLevel, column: number, row: number): { width: number; height: number } {
    const { tileSize } = this.pyramid;
    return {
      width: Math.min(tileSize, level.width - column * tileSize),
      height: Math.min(tileSize, level.height - row * tileSize),
    };
  }

  /** A tile, row by row; null while it is not there yet, which it then becomes. */
  tile(index: number, column: number, row: number): Uint8Array | null {
    const key = `${index} ${column} ${row}`;
    const known = this.#tiles.get(key);
    if (known !== undefined) {
      // Wanted last, dropped last.
      this.#tiles.delete(key);
      this.#tiles.set(key, known);
      return known;
    }
    this.#tiles.set(key, null);
    if (this.#tiles.size > KEPT_TILES) {
      const oldest = [...this.#tiles].find(([, tile]) => tile !== null)?.[0];
      if (oldest !== undefined) this.#tiles.delete(oldest);
    }
    void this.#inflate(index, column, row).then((tile) => {
      this.#tiles.set(key, tile);
      this.#onLoad();
    });
    return null;
  }

  /** The byte at a place, from 0 to 1 across and down; undefined while it is not there yet. */
  valueAt(x: number, y: number): number | undefined {
    const { levels: [level], tileSize } = this.pyramid;
    const column = Math.min(level!.width - 1, Math.floor(x * level!.width));
    const row = Math.min(level!.height - 1, Math.floor(y * level!.height));
    const [tileColumn, tileRow] = [Math.floor(column / tileSize), Math.floor(row / tileSize)];
    const { width } = this.sizeOf(level!, tileColumn, tileRow);
    return this.tile(0, tileColumn, tileRow)
      ?.[(row - tileRow * tileSize) * width + column - tileColumn * tileSize];
  }

  async #inflate(index: number, column: number, row: number): Promise<Uint8Array> {
    const level = this.pyramid.levels[index]!;
    const at = row * level.columns + column;
    const deflated = this.#bytes.subarray(level.offsets[at], level.offsets[at + 1]);
    const stream = new Blob([deflated]).stream().pipeThrough(
      new DecompressionStream("deflate-raw"),
    );
    return new Uint8Array(await new Response(stream).arrayBuffer());
  }
}

/** Paints the tiles of a pyramid in the colours of a palette. */
export class TilePainter {
  readonly source: TileSource;
  readonly #painted = new Map<string, HTMLCanvasElement>();
  #palette = new Uint32Array(256);

  constructor(source: TileSource) {
    this.source = source;
  }

  /** Colours of the bytes as RGBA; those that are transparent do not show. */
  set palette(colors: readonly (readonly [r: number, g: number, b: number, alpha: number])[]) {
    const palette = new Uint32Array(256);
    const channels = new Uint8Array(palette.buffer);
    colors.forEach((color, value) => channels.set(color, value * 4));
    this.#palette = palette;
    this.#painted.clear();
  }

  /** A tile as a picture; null while it is not there yet. */
  picture(index: number, column: number, row: number): HTMLCanvasElement | null {
    const key = `${index} ${column} ${row}`;
    const known = this.#painted.get(key);
    if (known !== undefined) return known;
    const tile = this.source.tile(index, column, row);
    if (tile === null) return null;
    const level = this.source.pyramid.levels[index]!;
    const { width, height } = this.source.sizeOf(level, column, row);
    const canvas = document.createElement("canvas");
    canvas.width = width;
    canvas.height = height;
    const context = canvas.getContext("2d")!;
    const image = context.createImageData(width, height);
    const pixels = new Uint32Array(image.data.buffer);
    for (let at = 0; at < tile.length; at++) pixels[at] = this.#palette[tile[at]!]!;
    context.putImageData(image, 0, 0);
    if (this.#painted.size >= KEPT_TILES) {
      this.#painted.delete(this.#painted.keys().next().value!);
    }
    this.#painted.set(key, canvas);
    return canvas;
  }
}
