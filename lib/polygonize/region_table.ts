/**
 * What is known of each region of a map: its class, its size, and where it ends.
 *
 * @module
 */
import { DisjointSets, grown } from "../regions/mod.ts";

/** Regions by the numbers of their pieces; see `PieceNumbers`. */
export class RegionTable {
  readonly #pieces = new DisjointSets();
  #values: Uint8Array<ArrayBuffer> = new Uint8Array(1024);
  #lastRows: Int32Array<ArrayBuffer> = new Int32Array(1024);
  #pixels: Float64Array<ArrayBuffer> = new Float64Array(1024);
  #areas: Float64Array<ArrayBuffer> = new Float64Array(1024);
  /** The first piece of each piece's region. */
  #regions: Int32Array<ArrayBuffer> = new Int32Array(0);

  /**
   * Add pixels to a piece; pieces come in the order of their numbers.
   *
   * @param piece Number of the piece.
   * @param value Class of its pixels.
   * @param row Their row.
   * @param pixels How many.
   * @param area How much ground they are.
   */
  add(piece: number, value: number, row: number, pixels: number, area: number): void {
    if (piece === this.#values.length) this.#grow();
    if (piece === this.#pieces.count) {
      this.#pieces.add();
      this.#values[piece] = value;
    }
    this.#lastRows[piece] = row;
    this.#pixels[piece]! += pixels;
    this.#areas[piece]! += area;
  }

  /** Two pieces are of one region. */
  join(a: number, b: number): void {
    this.#pieces.join(a, b);
  }

  /** All pieces are known. Returns the regions by the row they end in. */
  settle(height: number): (readonly number[])[] {
    const regions = this.#pieces.names();
    this.#regions = regions;
    for (let piece = 0; piece < regions.length; piece++) {
      const region = regions[piece]!;
      if (region === piece) continue;
      this.#pixels[region]! += this.#pixels[piece]!;
      this.#areas[region]! += this.#areas[piece]!;
      this.#lastRows[region] = Math.max(this.#lastRows[region]!, this.#lastRows[piece]!);
    }
    const ending: number[][] = Array.from({ length: height }, () => []);
    for (let piece = 0; piece < regions.length; piece++) {
      if (regions[piece] === piece) ending[this.#lastRows[piece]!]!.push(piece);
    }
    return ending;
  }

  /** The region of a piece, which is the number of its first one; once all are known. */
  regionOf(piece: number): number {
    return this.#regions[piece]!;
  }

  /** Class, pixels and area of a region. */
  describe(region: number) {
    return {
      value: this.#values[region]!,
      pixels: this.#pixels[region]!,
      area: this.#areas[region]!,
    };
  }

  #grow(): void {
    this.#values = grown(this.#values);
    this.#lastRows = grown(this.#lastRows);
    this.#pixels = grown(this.#pixels);
    this.#areas = grown(this.#areas);
  }
}
