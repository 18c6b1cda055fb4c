/**
 * Logits of patches that pixels still wait for, and their averages where patches overlap.
 *
 * Patches are kept as they came, and summed when a piece of the scene is decided; so that what is
 * kept shrinks to the rows that patches below share as soon as the rest of a patch is decided. Where
 * whole patches have to wait, most of them do so on disk.
 *
 * @module
 */
import { type NdArray, releaseBuffer } from "../array/mod.ts";
import type { WaitingBytes, WaitingPlace } from "../files/mod.ts";

/** A part of the lattice of cells that all patches share. */
export interface CellWindow {
  /** First column. */
  readonly left: number;
  /** First row. */
  readonly top: number;
  /** Number of columns. */
  readonly columns: number;
  /** Number of rows. */
  readonly rows: number;
}

/** The rows of a patch that are kept. */
interface KeptPatch extends CellWindow {
  /** Logits, shape (rows, K, columns), so that rows lie together; or where they wait. */
  readonly logits: Float32Array<ArrayBuffer> | WaitingPlace;
  /** Weights of the rows and of the columns. */
  readonly down: Float64Array;
  readonly across: Float64Array;
  /** True as long as all rows are kept. */
  readonly isWhole: boolean;
  /** True if its bytes count as waiting in memory. */
  readonly isHeld: boolean;
}

/** Patches, in the order in which they came. */
export class KeptLogits {
  readonly #classes: number;
  readonly #waiting: WaitingBytes | null;
  #patches: KeptPatch[] = [];
  /** Memory of patches that are gone, all of one size. */
  readonly #spare: Float32Array<ArrayBuffer>[] = [];
  #sums = new Float64Array(0);
  #weights = new Float64Array(0);
  /** Rows that come from the disk. */
  #rows = new Float32Array(0);

  /**
   * @param classes Number of classes K.
   * @param waiting Where patches wait; null for memory.
   */
  constructor(classes: number, waiting: WaitingBytes | null) {
    this.#classes = classes;
    this.#waiting = waiting;
  }

  /**
   * Keep a patch. The array may be used again.
   *
   * @param left First column of cells.
   * @param top First row of cells.
   * @param logits Shape (K, rows, columns).
   * @param down Weight of each row.
   * @param across Weight of each column.
   */
  add(
    left: number,
    top: number,
    { shape, data }: NdArray<"float32">,
    down: Float64Array,
    across: Float64Array,
  ): void {
    const [, rows, columns] = shape as [number, number, number];
    let logits = this.#spare.pop();
    if (logits?.length !== data.length) logits = new Float32Array(data.length);
    for (let k = 0; k < this.#classes; k++) {
      for (let row = 0; row < rows; row++) {
        const from = (k * rows + row) * columns;
        logits.set(data.subarray(from, from + columns), (row * this.#classes + k) * columns);
      }
    }
    const patch = { left, top, columns, rows, down, across, isWhole: true };
    const isHeld = this.#waiting?.hold(logits.byteLength) ?? false;
    const place = isHeld ? null : this.#waiting?.store(new Uint8Array(logits.buffer)) ?? null;
    if (place !== null) this.#spare.push(logits);
    this.#patches.push({ ...patch, logits: place ?? logits, isHeld });
  }

  /**
   * Blend the patches in a window.
   *
   * @param window The cells.
   * @returns Averages, shape (K, rows, columns), and for each cell 1 if a patch covers it, or else 0;
   * good until the next call.
   */
  average(window: CellWindow): { readonly averages: Float64Array; readonly covered: Float64Array } {
    const cells = window.columns * window.rows;
    if (this.#weights.length < cells) {
      this.#weights = new Float64Array(cells);
      this.#sums = new Float64Array(this.#classes * cells);
    }
    const [sums, weights] = [this.#sums, this.#weights];
    sums.fill(0, 0, this.#classes * cells);
    weights.fill(0, 0, cells);
    for (const patch of this.#patches) this.#addTo(patch, window);
    for (let k = 0; k < this.#classes; k++) {
      for (let cell = 0; cell < cells; cell++) {
        if (weights[cell] !== 0) sums[k * cells + cell]! /= weights[cell]!;
      }
    }
    for (let cell = 0; cell < cells; cell++) weights[cell] = weights[cell] === 0 ? 0 : 1;
    return { averages: sums, covered: weights };
  }

  #addTo(patch: KeptPatch, window: CellWindow): void {
    const left = Math.max(patch.left, window.left);
    const top = Math.max(patch.top, window.top);
    const count = Math.min(patch.left + patch.columns, window.left + window.columns) - left;
    const bottom = Math.min(patch.top + patch.rows, window.top + window.rows);
    if (count <= 0) return;
    if (bottom <= top) return;
    const [sums, weights] = [this.#sums, this.#weights];
    const isHere = patch.logits instanceof Float32Array;
    const logits = isHere ? patch.logits : this.#read(patch, patch.logits, top, bottom);
    const first = isHere ? patch.top : top;
    const cells = window.columns * window.rows;
    const across = patch.across.subarray(left - patch.left, left - patch.left + count);
    for (let row = top; row < bottom; row++) {
      const weight = patch.down[row - patch.top]!;
      const to = (row - window.top) * window.columns + left - window.left;
      for (let i = 0; i < count; i++) weights[to + i]! += weight * across[i]!;
      for (let k = 0; k < this.#classes; k++) {
        const target = k * cells + to;
        const source = ((row - first) * this.#classes + k) * patch.columns + left - patch.left;
        for (let i = 0; i < count; i++) {
          sums[target + i]! += weight * across[i]! * logits[source + i]!;
        }
      }
    }
  }

  /** Rows of a patch from the disk, shape (rows, K, columns); good until the next call. */
  #read(patch: KeptPatch, place: WaitingPlace, top: number, bottom: number): Float32Array {
    const row = this.#classes * patch.columns;
    const count = (bottom - top) * row;
    if (this.#rows.length < count) this.#rows = new Float32Array(count);
    const { BYTES_PER_ELEMENT: size } = this.#rows;
    const bytes = new Uint8Array(this.#rows.buffer, 0, count * size);
    this.#waiting!.read(place, (top - patch.top) * row * size, bytes);
    return this.#rows;
  }

  /**
   * Forget what no pixel needs any more.
   *
   * @param row Cells above this row are not needed ...
   * @param column ... of patches that end at this column or before it; those of others stay.
   */
  trim(row: number, column: number): void {
    this.#patches = this.#patches.flatMap((patch) => {
      const gone = row - patch.top;
      if (gone <= 0 || patch.left + patch.columns > column) return [patch];
      if (gone >= patch.rows) {
        this.#forget(patch);
        return [];
      }
      // What is read from the disk once in a while, or is little, needs no copies.
      return [this.#waiting === null ? this.#without(patch, gone) : patch];
    });
  }

  /** The lower rows of a patch, in memory of their own. */
  #without(patch: KeptPatch, gone: number): KeptPatch {
    const logits = (patch.logits as Float32Array<ArrayBuffer>)
      .slice(gone * this.#classes * patch.columns);
    this.#forget(patch);
    const [top, rows, down] = [patch.top + gone, patch.rows - gone, patch.down.subarray(gone)];
    return { ...patch, top, rows, down, logits, isWhole: false };
  }

  #forget({ logits, isHeld, isWhole }: KeptPatch): void {
    if (!(logits instanceof Float32Array)) {
      this.#waiting!.discard(logits);
      return;
    }
    if (isHeld) this.#waiting!.release(logits.byteLength);
    if (isWhole) this.#spare.push(logits);
    else releaseBuffer(logits.buffer);
  }
}

/**
 * Weights along one axis of a patch: 1, 2, 3, … from a border that a neighbour shares, no smaller
 * than in the middle at a border of the scene.
 *
 * @param length Cells of the patch.
 * @param first True if it is the first patch along the axis.
 * @param last True if it is the last one.
 */
export function weightsAlong(length: number, first: boolean, last: boolean): Float64Array {
  const highest = Math.ceil(length / 2);
  return Float64Array.from(
    { length },
    (_, i) => Math.min(highest, first ? highest : i + 1, last ? highest : length - i),
  );
}
