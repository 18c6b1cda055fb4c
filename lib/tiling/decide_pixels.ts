/**
 * From blended logits to the classes of pixels: bilinear upsampling (align_corners=False), a piece of
 * the scene at a time, in double precision.
 *
 * Where all that is wanted are classes, most pixels need no upsampling: between four cells in which the
 * same class wins, it wins everywhere.
 *
 * @module
 */
import { IGNORE_LABEL } from "../classes/mod.ts";
import type { PixelWindow } from "../geo/mod.ts";
import type { OutputInfo } from "../stream/mod.ts";
import type { CellWindow, KeptLogits } from "./kept_logits.ts";
import { softmaxInPlace } from "./softmax.ts";

/** A winner must lead by this share of its score, far above what rounding makes of equal scores. */
const CLEAR_LEAD = 1e-12;

/** Where decided pixels go. */
export interface PixelTarget {
  /**
   * Classes, whole rows of the scene of which the first is the window's; pixels that are 255 there stay
   * so.
   */
  readonly pixels: Uint8Array;
  /** The probability of the winner, in the same places; NaN stays where there is none. */
  readonly confidence?: Float32Array | undefined;
  /** That of each class, shape (K, rows, width). */
  readonly probabilities?: Float32Array | undefined;
}

/** Decides pixels of a scene. */
export class PixelDecider {
  readonly #classes: number;
  readonly #output: OutputInfo;
  readonly #width: number;
  readonly #minConfidence: number;
  /** Scores of one pixel. */
  readonly #pixel: Float64Array<ArrayBuffer>;
  /** Memory that is used again and again. */
  #run = createRun(0);
  #scores = new Float64Array(0);
  #interpolated = new Float64Array(0);
  #winners = new Uint8Array(0);

  /**
   * @param classes Number of classes.
   * @param output What the scores are, and the pixels for each cell.
   * @param width Columns of the scene.
   * @param minConfidence Pixels whose class has a smaller share become 255.
   */
  constructor(classes: number, output: OutputInfo, width: number, minConfidence: number) {
    this.#classes = classes;
    this.#pixel = new Float64Array(classes);
    this.#output = output;
    this.#width = width;
    this.#minConfidence = minConfidence;
  }

  /** The first of the two cells that a row (or column) of pixels lies between. */
  cellOf(y: number): number {
    return Math.max(0, Math.floor((y + 0.5) / this.#output.stride - 0.5));
  }

  /**
   * Upsample and decide pixels whose cells are complete.
   *
   * @param window The pixels.
   * @param logits What is known of their cells.
   * @param target Where they go.
   */
  decide(window: PixelWindow, logits: KeptLogits, target: PixelTarget): void {
    const [left, top] = [this.cellOf(window.x), this.cellOf(window.y)];
    const cells = {
      left,
      top,
      columns: this.cellOf(window.x + window.width - 1) + 2 - left,
      rows: this.cellOf(window.y + window.height - 1) + 2 - top,
    };
    const blended = logits.average(cells);
    const planes = (this.#classes + 1) * cells.columns;
    if (this.#interpolated.length < planes) this.#interpolated = new Float64Array(planes);
    const wantsScores = target.confidence !== undefined || target.probabilities !== undefined ||
      this.#minConfidence > 0;
    const winners = wantsScores ? null : this.#winnersOf(cells, blended);
    for (let row = 0; row < window.height; row++) {
      this.#decideRow(window, row, cells, blended, winners, target);
    }
  }

  /**
   * The class that wins between each cell and those to its right and below; 255 where more than one may,
   * or patches do not cover all four.
   */
  #winnersOf(
    { columns, rows }: CellWindow,
    { averages, covered }: ReturnType<KeptLogits["average"]>,
  ): Uint8Array {
    const count = columns * rows;
    if (this.#winners.length < count) this.#winners = new Uint8Array(count);
    const [winners, classes] = [this.#winners, this.#classes];
    for (let cell = 0; cell < count; cell++) {
      let winner = IGNORE_LABEL;
      let highest = -Infinity;
      let second = -Infinity;
      for (let k = 0, at = cell; k < classes; k++, at += count) {
        const score = averages[at]!;
        if (score > highest) {
          second = highest;
          highest = score;
          winner = k;
        } else if (score > second) second = score;
      }
      const isClear = covered[cell] !== 0 && highest - second > CLEAR_LEAD * Math.abs(highest);
      winners[cell] = isClear ? winner : IGNORE_LABEL;
    }
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const cell = row * columns + column;
        const winner = winners[cell]!;
        const agree = row + 1 < rows && column + 1 < columns && winners[cell + 1] === winner &&
          winners[cell + columns] === winner && winners[cell + columns + 1] === winner;
        if (!agree) winners[cell] = IGNORE_LABEL;
      }
    }
    return winners;
  }

  #decideRow(
    window: PixelWindow,
    row: number,
    cells: CellWindow,
    blended: ReturnType<KeptLogits["average"]>,
    winners: Uint8Array | null,
    target: PixelTarget,
  ): void {
    const { stride } = this.#output;
    const end = window.x + window.width;
    const line = target.pixels.subarray(row * this.#width, (row + 1) * this.#width);
    const first = (this.cellOf(window.y + row) - cells.top) * cells.columns - cells.left;
    const decideRun = (from: number, to: number) => {
      // Where nothing is to be decided, nothing is computed.
      while (from < to && line[from] === IGNORE_LABEL) from++;
      if (from === to) return;
      if (!isInterpolated) this.#interpolateRow(window.y + row, cells, blended);
      isInterpolated = true;
      this.#decideRun(from, to, row, cells, window.height, target);
    };
    let isInterpolated = false;
    let open = window.x;
    for (let x = window.x; x < end;) {
      const cell = this.cellOf(x);
      // Pixels between this cell and the next one.
      const stop = Math.min(end, Math.ceil((cell + 1.5) * stride - 0.5));
      const winner = winners === null ? IGNORE_LABEL : winners[first + cell]!;
      if (winner === IGNORE_LABEL) {
        x = stop;
        continue;
      }
      decideRun(open, x);
      for (; x < stop; x++) if (line[x] !== IGNORE_LABEL) line[x] = winner;
      open = stop;
    }
    decideRun(open, end);
  }

  /**
   * Blended logits of a row of pixels at each column of cells, shape (K + 1, columns): the last plane
   * is how much of the value rests on cells that patches have covered, so that the others do not count.
   */
  #interpolateRow(
    y: number,
    { top, columns, rows }: CellWindow,
    { averages, covered }: ReturnType<KeptLogits["average"]>,
  ): void {
    const position = (y + 0.5) / this.#output.stride - 0.5;
    const above = Math.floor(position);
    const share = position - above;
    const [target, classes] = [this.#interpolated, this.#classes];
    target.fill(0, 0, (classes + 1) * columns);
    for (const [cell, part] of [[above, 1 - share], [above + 1, share]] as const) {
      if (cell < 0 || part === 0) continue;
      for (let k = 0; k <= classes; k++) {
        const source = k < classes ? averages : covered;
        const from = ((k % classes) * rows + cell - top) * columns;
        const to = k * columns;
        for (let column = 0; column < columns; column++) {
          target[to + column]! += part * source[from + column]!;
        }
      }
    }
  }

  /** Decide pixels of the row that is interpolated; 255 where no patch covers them. */
  #decideRun(
    from: number,
    to: number,
    row: number,
    cells: CellWindow,
    height: number,
    { pixels, confidence, probabilities }: PixelTarget,
  ): void {
    const count = to - from;
    const { winners, highest } = this.#scoreRun(from, count, cells);
    const first = row * this.#width + from;
    const wantsShare = confidence !== undefined || this.#minConfidence > 0;
    for (let i = 0; i < count; i++) {
      if (pixels[first + i] === IGNORE_LABEL) continue;
      pixels[first + i] = winners[i]!;
      if (winners[i] === IGNORE_LABEL) continue;
      if (wantsShare) {
        const share = this.#confidenceOf(i, count, highest[i]!);
        if (confidence !== undefined) confidence[first + i] = share;
        if (share < this.#minConfidence) pixels[first + i] = IGNORE_LABEL;
      }
      if (probabilities === undefined) continue;
      const pixel = this.#pixel;
      for (let k = 0; k < pixel.length; k++) pixel[k] = this.#scores[k * count + i]!;
      if (this.#output.kind === "logits") softmaxInPlace(pixel, highest[i]!);
      for (let k = 0; k < pixel.length; k++) {
        probabilities[k * height * this.#width + first + i] = pixel[k]!;
      }
    }
  }

  /** Scores of pixels of the interpolated row, shape (K, count), the highest of each, and whose it is. */
  #scoreRun(from: number, count: number, { left, columns }: CellWindow): Run {
    if (this.#run.winners.length < count) {
      this.#run = createRun(count);
      this.#scores = new Float64Array(this.#classes * count);
    }
    const { before, after, share, covered, winners, highest } = this.#run;
    const [row, scores, classes] = [this.#interpolated, this.#scores, this.#classes];
    const coverage = classes * columns;
    let isCovered = true;
    for (let i = 0; i < count; i++) {
      const position = (from + i + 0.5) / this.#output.stride - 0.5;
      const floor = Math.floor(position);
      before[i] = Math.max(0, floor) - left;
      after[i] = floor + 1 - left;
      const part = position - floor;
      share[i] = part;
      covered[i] = (1 - part) * row[coverage + before[i]!]! + part * row[coverage + after[i]!]!;
      isCovered &&= covered[i] === 1;
      winners[i] = IGNORE_LABEL;
      highest[i] = -Infinity;
    }
    for (let k = 0; k < classes; k++) {
      const plane = k * columns;
      for (let i = 0; i < count; i++) {
        const part = share[i]!;
        const sum = (1 - part) * row[plane + before[i]!]! + part * row[plane + after[i]!]!;
        const score = isCovered ? sum : sum / covered[i]!;
        scores[k * count + i] = score;
        if (score > highest[i]!) {
          highest[i] = score;
          winners[i] = k;
        }
      }
    }
    return this.#run;
  }

  /** Probability of the winner of a pixel. */
  #confidenceOf(pixel: number, count: number, highest: number): number {
    if (this.#output.kind === "probabilities") return highest;
    const scores = this.#scores;
    let sum = 0;
    for (let at = pixel; at < this.#classes * count; at += count) {
      sum += Math.exp(scores[at]! - highest);
    }
    return 1 / sum;
  }
}

/** What is known of neighbouring pixels of a row. */
interface Run {
  /** The cells that each lies between, from the first one of the window. */
  readonly before: Int32Array;
  readonly after: Int32Array;
  /** Weight of the second. */
  readonly share: Float64Array;
  /** How much of their weights rests on cells that patches cover. */
  readonly covered: Float64Array;
  readonly winners: Uint8Array;
  readonly highest: Float64Array;
}

function createRun(length: number): Run {
  return {
    before: new Int32Array(length),
    after: new Int32Array(length),
    share: new Float64Array(length),
    covered: new Float64Array(length),
    winners: new Uint8Array(length),
    highest: new Float64Array(length),
  };
}
