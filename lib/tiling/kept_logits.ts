/**
 * Logits of patches that pixels still wait for, and their averages where patches overlap.
 *
 * Patches are kept as they came, and summed when a piece of the scene is decided; so that what is
 * kept shrinks to the rows that patches below share as soon as the rest of a patch is decided.
 *
 * @module
 */
import { type NdArray, releaseBuffer } from "../array/mod.ts";

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
  /** Logits, shape (K, rows, columns). */
  readonly logits: Float32Array<ArrayBuffer>;
  /** Weights of the rows and of the columns. */
  readonly down: Float64Array;
  readonly across: Float64Array;
  /** True as long as all rows are kept. */
  readonly isWhole: boolean;
}

/** Patches, in the order in which they came. */
export class KeptLogits {
  readonly #classes: number;
  #patches: KeptPatch[] = [];
  /** Memory of patches that are gone, all of one size. */
  readonly #spare: Float32Array<ArrayBuffer>[] = [];
  #sums = new Float64Array(0);
  #weights = new Float64Array(0);

  constructor(classes: number) {
    this.#classes = classes;
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
    logits.set(data);
    this.#patches.push({ left, top, columns, rows, logits, down, across, isWhole: true });
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
    const [sums, weights, logits] = [this.#sums, this.#weights, patch.logits];
    const cells = window.columns * window.rows;
    const across = patch.across.subarray(left - patch.left, left - patch.left + count);
    for (let row = top; row < bottom; row++) {
      const weight = patch.down[row - patch.top]!;
      const to = (row - window.top) * window.columns + left - window.left;
      const from = (row - patch.top) * patch.columns + left - patch.left;
      for (let i = 0; i < count; i++) weights[to + i]! += weight * across[i]!;
      for (let k = 0; k < this.#classes; k++) {
        const target = k * cells + to;
        const source = k * patch.rows * patch.columns + from;
        for (let i = 0; i < count; i++) {
          sums[target + i]! += weight * across[i]! * logits[source + i]!;
        }
      }
    }
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
      const rest = gone >= patch.rows ? [] : [this.#without(patch, gone)];
      if (patch.isWhole) this.#spare.push(patch.logits);
      else releaseBuffer(patch.logits.buffer);
      return rest;
    });
  }

  /** A copy of the lower rows of a patch. */
  #without(patch: KeptPatch, gone: number): KeptPatch {
    const { columns, logits } = patch;
    const rows = patch.rows - gone;
    const kept = new Float32Array(this.#classes * rows * columns);
    for (let k = 0; k < this.#classes; k++) {
      const end = (k + 1) * patch.rows * columns;
      kept.set(logits.subarray(end - rows * columns, end), k * rows * columns);
    }
    const down = patch.down.subarray(gone);
    return { ...patch, top: patch.top + gone, rows, logits: kept, down, isWhole: false };
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
