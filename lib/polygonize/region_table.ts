/**
 * What is known of each region of a map: its class, its size, and where it ends.
 *
 * @module
 */

/** Regions by the numbers of their pieces; see `region_pieces.ts` of `refine/`. */
export class RegionTable {
  #parents: Int32Array<ArrayBuffer> = new Int32Array(1024);
  #values: Uint8Array<ArrayBuffer> = new Uint8Array(1024);
  #lastRows: Int32Array<ArrayBuffer> = new Int32Array(1024);
  #pixels: Float64Array<ArrayBuffer> = new Float64Array(1024);
  #areas: Float64Array<ArrayBuffer> = new Float64Array(1024);
  #count = 0;

  /**
   * Add pixels to a piece.
   *
   * @param piece Number of the piece.
   * @param value Class of its pixels.
   * @param row Their row.
   * @param pixels How many.
   * @param area How much ground they are.
   */
  add(piece: number, value: number, row: number, pixels: number, area: number): void {
    if (piece >= this.#parents.length) this.#grow();
    if (piece >= this.#count) {
      this.#count = piece + 1;
      this.#parents[piece] = piece;
      this.#values[piece] = value;
    }
    this.#lastRows[piece] = row;
    this.#pixels[piece]! += pixels;
    this.#areas[piece]! += area;
  }

  /** Two pieces are of one region. */
  join(a: number, b: number): void {
    const [first, second] = [this.regionOf(a), this.regionOf(b)];
    if (first !== second) this.#parents[Math.max(first, second)] = Math.min(first, second);
  }

  /** All pieces are known. Returns the regions by the row they end in. */
  settle(height: number): (readonly number[])[] {
    const ending: number[][] = Array.from({ length: height }, () => []);
    for (let piece = 0; piece < this.#count; piece++) {
      const region = this.regionOf(piece);
      this.#parents[piece] = region;
      if (region === piece) continue;
      this.#pixels[region]! += this.#pixels[piece]!;
      this.#areas[region]! += this.#areas[piece]!;
      this.#lastRows[region] = Math.max(this.#lastRows[region]!, this.#lastRows[piece]!);
    }
    for (let piece = 0; piece < this.#count; piece++) {
      if (this.#parents[piece] === piece) ending[this.#lastRows[piece]!]!.push(piece);
    }
    return ending;
  }

  /** The region of a piece, which is the number of its first one. */
  regionOf(piece: number): number {
    let region = piece;
    while (this.#parents[region] !== region) region = this.#parents[region]!;
    for (let current = piece; current !== region;) {
      const next = this.#parents[current]!;
      this.#parents[current] = region;
      current = next;
    }
    return region;
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
    const length = 2 * this.#parents.length;
    const grown = <T extends Int32Array | Uint8Array | Float64Array>(from: T, to: T): T => {
      to.set(from as never);
      return to;
    };
    this.#parents = grown(this.#parents, new Int32Array(length));
    this.#values = grown(this.#values, new Uint8Array(length));
    this.#lastRows = grown(this.#lastRows, new Int32Array(length));
    this.#pixels = grown(this.#pixels, new Float64Array(length));
    this.#areas = grown(this.#areas, new Float64Array(length));
  }
}
