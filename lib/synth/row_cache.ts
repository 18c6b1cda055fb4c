/**
 * The last few rows of something computed row by row.
 *
 * @module
 */

/** Rows that neighbours look at: each is computed once when they are asked for in order. */
export class RowCache<Row> {
  readonly #rows: { y: number; row: Row }[];
  readonly #fill: (y: number, row: Row) => void;

  /**
   * @param capacity How many rows are kept: as many as one step looks at.
   * @param create Makes the storage of a row.
   * @param fill Computes a row into such storage.
   */
  constructor(capacity: number, create: () => Row, fill: (y: number, row: Row) => void) {
    this.#rows = Array.from({ length: capacity }, () => ({ y: NaN, row: create() }));
    this.#fill = fill;
  }

  /** A row; what was `capacity` rows away is overwritten. */
  get(y: number): Row {
    const capacity = this.#rows.length;
    const slot = this.#rows[((y % capacity) + capacity) % capacity]!;
    if (slot.y !== y) {
      slot.y = y;
      this.#fill(y, slot.row);
    }
    return slot.row;
  }
}
