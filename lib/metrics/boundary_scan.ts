/**
 * Counting boundaries in the rows of a scene, from top to bottom, in memory for some rows.
 *
 * @module
 */
import { BOUNDARY_FIELDS, type BoundaryCounts } from "./boundary_counts.ts";

/** Rows that are counted at a time, besides those around them. */
const BLOCK_ROWS = 64;

/** Code of a pixel that is not scored; class k has code k + 1. */
export const NOT_SCORED = 0;

const [BOTH, EITHER, TRUTH, TRUTH_MET, PREDICTED, PREDICTED_MET] = BOUNDARY_FIELDS
  .keys() as unknown as [number, number, number, number, number, number];

/** Counts the boundaries of one scene. */
export class BoundaryScan {
  readonly #counts: BoundaryCounts;
  readonly #width: number;
  /** Rows around those that are counted. */
  readonly #halo: number;
  readonly #disc: readonly Offset[];
  #truth: Uint16Array<ArrayBuffer>;
  #predicted: Uint16Array<ArrayBuffer>;
  /** Rows that are held, and how many of them are counted already. */
  #rows = 0;
  #done = 0;

  /**
   * Begin with a scene.
   *
   * @param counts What is counted is added to these.
   * @param width Pixels of a row.
   */
  constructor(counts: BoundaryCounts, width: number) {
    this.#counts = counts;
    this.#width = width;
    this.#halo = counts.tolerance + 1;
    this.#disc = discOf(counts.tolerance);
    const capacity = width * (2 * this.#halo + BLOCK_ROWS);
    this.#truth = new Uint16Array(capacity);
    this.#predicted = new Uint16Array(capacity);
  }

  /**
   * Take the next rows.
   *
   * @param truth Codes of the truth: class + 1, or {@linkcode NOT_SCORED}; whole rows.
   * @param predicted Codes of the map, not scored where the truth is not.
   */
  addRows(truth: Uint16Array, predicted: Uint16Array): void {
    const width = this.#width;
    const capacity = this.#truth.length / width;
    for (let from = 0; from < truth.length;) {
      const taken = Math.min(truth.length - from, (capacity - this.#rows) * width);
      this.#truth.set(truth.subarray(from, from + taken), this.#rows * width);
      this.#predicted.set(predicted.subarray(from, from + taken), this.#rows * width);
      this.#rows += taken / width;
      from += taken;
      if (this.#rows === capacity) this.#count(this.#rows - this.#halo);
    }
  }

  /** The scene has no more rows. */
  finish(): void {
    this.#count(this.#rows);
    this.#rows = 0;
    this.#done = 0;
  }

  /** Count the rows up to one of those that are held; the last ones before it are kept for the next. */
  #count(end: number): void {
    if (end <= this.#done) return;
    const maps = [this.#truth, this.#predicted].map((labels) => {
      const held = labels.subarray(0, this.#rows * this.#width);
      const contour = contourOf(held, this.#width);
      return {
        labels: held,
        contour,
        near: dilate(contour, this.#width, this.#counts.tolerance - 1),
      };
    }) as [LabelMap, LabelMap];
    this.#countBands(maps, this.#done, end);
    this.#countContours(maps[0], maps[1], this.#done, end, TRUTH, TRUTH_MET);
    this.#countContours(maps[1], maps[0], this.#done, end, PREDICTED, PREDICTED_MET);
    const dropped = Math.max(0, end - this.#halo);
    for (const labels of [this.#truth, this.#predicted]) {
      labels.copyWithin(0, dropped * this.#width, this.#rows * this.#width);
    }
    this.#rows -= dropped;
    this.#done = end - dropped;
  }

  #countBands([truth, predicted]: readonly [LabelMap, LabelMap], start: number, end: number): void {
    for (let i = start * this.#width; i < end * this.#width; i++) {
      const [actual, found] = [truth.labels[i]!, predicted.labels[i]!];
      if (actual === NOT_SCORED) continue;
      const [isTrue, isFound] = [truth.near[i] === 1, predicted.near[i] === 1];
      if (isTrue) this.#counts.add(actual - 1, EITHER);
      if (!isFound) continue;
      if (isTrue && actual === found) this.#counts.add(found - 1, BOTH);
      else this.#counts.add(found - 1, EITHER);
    }
  }

  /** Contour pixels of a map, and those that have one of the same class near them in another. */
  #countContours(
    { labels, contour }: LabelMap,
    other: LabelMap,
    start: number,
    end: number,
    all: number,
    met: number,
  ): void {
    const width = this.#width;
    for (let row = start; row < end; row++) {
      for (let column = 0; column < width; column++) {
        const i = row * width + column;
        if (contour[i] === 0) continue;
        const label = labels[i]!;
        this.#counts.add(label - 1, all);
        for (const { dx, dy } of this.#disc) {
          const [x, y] = [column + dx, row + dy];
          if (x < 0 || x >= width || y < 0 || y >= this.#rows) continue;
          const j = y * width + x;
          if (other.contour[j] === 0 || other.labels[j] !== label) continue;
          this.#counts.add(label - 1, met);
          break;
        }
      }
    }
  }
}

interface LabelMap {
  readonly labels: Uint16Array;
  /** 1 at contour pixels. */
  readonly contour: Uint8Array;
  /** 1 at pixels near a boundary. */
  readonly near: Uint8Array;
}

interface Offset {
  readonly dx: number;
  readonly dy: number;
}

/** Offsets within a radius, the nearest first. */
function discOf(radius: number): Offset[] {
  const offsets: Offset[] = [];
  for (let dy = -radius; dy <= radius; dy++) {
    for (let dx = -radius; dx <= radius; dx++) {
      if (dx ** 2 + dy ** 2 <= radius ** 2) offsets.push({ dx, dy });
    }
  }
  return offsets.sort((a, b) => a.dx ** 2 + a.dy ** 2 - b.dx ** 2 - b.dy ** 2);
}

/** 1 where one of the eight neighbours is of another class. */
function contourOf(labels: Uint16Array, width: number): Uint8Array {
  const contour = new Uint8Array(labels.length);
  const mark = (i: number, j: number) => {
    const [a, b] = [labels[i]!, labels[j]!];
    if (a === b || a === NOT_SCORED || b === NOT_SCORED) return;
    contour[i] = 1;
    contour[j] = 1;
  };
  for (let i = 0; i < labels.length; i++) {
    const column = i % width;
    const hasBelow = i + width < labels.length;
    if (column + 1 < width) mark(i, i + 1);
    if (!hasBelow) continue;
    mark(i, i + width);
    if (column + 1 < width) mark(i, i + width + 1);
    if (column > 0) mark(i, i + width - 1);
  }
  return contour;
}

/**
 * 1 within a radius, as a chess king moves, of a 1. A pixel of a class within d moves of another class has a
 * contour pixel within d − 1 moves.
 */
function dilate(mask: Uint8Array, width: number, radius: number): Uint8Array {
  if (radius === 0) return mask;
  const rows = mask.length / width;
  const across = new Uint8Array(mask.length);
  for (let row = 0; row < rows; row++) {
    const line = mask.subarray(row * width, (row + 1) * width);
    let inside = 0;
    for (let x = -radius; x < width; x++) {
      if (x + radius < width) inside += line[x + radius]!;
      if (x - radius - 1 >= 0) inside -= line[x - radius - 1]!;
      if (x >= 0 && inside > 0) across[row * width + x] = 1;
    }
  }
  const dilated = new Uint8Array(mask.length);
  const inside = new Uint16Array(width);
  for (let y = -radius; y < rows; y++) {
    const [added, removed] = [(y + radius) * width, (y - radius - 1) * width];
    for (let x = 0; x < width; x++) {
      if (y + radius < rows) inside[x]! += across[added + x]!;
      if (removed >= 0) inside[x]! -= across[removed + x]!;
      if (y >= 0 && inside[x]! > 0) dilated[y * width + x] = 1;
    }
  }
  return dilated;
}
