/**
 * Stitching with overlaps blended: the logits of overlapping patches are averaged before the classes
 * are decided, so that no seam shows where two patches disagree.
 *
 * Logits are blended at the network's output resolution, in a band of one patch height, and upsampled
 * once, which takes a sixteenth of the memory of blending at full resolution (at stride 4).
 *
 * Weights are small integers that rise from a patch's border to its middle, but not at the scene's own
 * border, where no neighbour takes over; sums are kept in double precision and divided by the true sum
 * of weights. Products and sums of equal logits are then exact, and so a constant stays constant to
 * the last bit.
 *
 * @module
 */
import { type NdArray, ndarray } from "../array/mod.ts";
import { IGNORE_LABEL } from "../classes/mod.ts";
import { InputError } from "../errors.ts";
import type { OutputInfo, Sample, StreamHeader } from "../stream/mod.ts";
import { softmaxInPlace } from "./softmax.ts";
import {
  coreStart,
  requireBand,
  sceneOf,
  stitchedRows,
  type Stitcher,
  type StitchOptions,
  type StitchSinks,
} from "./stitch.ts";

/** Rows of pixels that are decided and written together. */
const PIECE_ROWS = 64;

/**
 * Blend the logits of overlapping patches, upsample them once (bilinear, align_corners=False) and
 * decide the class of each pixel.
 *
 * Pixels that are not valid, and those of patches that were skipped or never cut, become 255 in the
 * map and NaN in the probabilities, which are the softmax of the blended logits, or the blended
 * probabilities where the stream carries probabilities; the confidence is that of the winning class.
 *
 * @param header Header of the segment.
 * @param sinks Where the rows go.
 * @param options Which pixels are left without a class.
 * @throws {InputError} If the samples have no scene, no grid or no logits.
 */
export function createBlendingStitcher(
  header: StreamHeader,
  sinks: StitchSinks,
  { minConfidence = 0 }: StitchOptions = {},
): Stitcher {
  const scene = sceneOf(header);
  const { grid, output } = header;
  if (grid === null) throw new InputError("Cannot blend samples without a grid");
  if (output === null) {
    throw new InputError("Cannot blend samples without logits", {
      hint: "pipe the stream through `swath infer` first, and not through `swath upsample`",
    });
  }
  let blender: Blender | null = null;
  let lastRow = -1;
  const rows = stitchedRows(header);
  const createBlender = (classes: number) =>
    new Blender(scene, rows, grid, output, classes, sinks, minConfidence);

  async function write(rows: AsyncIterable<Rows> | Iterable<Rows>): Promise<void> {
    for await (const { map, confidence, probabilities } of rows) {
      await sinks.map.writeRows(map);
      if (confidence !== null) await sinks.confidence?.writeRows(confidence);
      if (probabilities !== null) await sinks.probabilities?.writeRows(probabilities);
    }
  }

  return {
    async add(sample) {
      const logits = logitsOf(sample, output);
      blender ??= createBlender(logits.shape[0]!);
      const [row] = sample.info.position;
      if (row < lastRow) {
        throw new InputError(`Cannot blend sample "${sample.key}": it is out of order`);
      }
      if (row > lastRow) await write(blender.advanceTo(sample.info.window.y));
      lastRow = row;
      if (!blender.isDone) blender.add(sample, logits);
    },
    async finish() {
      blender ??= createBlender(header.classes?.length ?? 1);
      await write(blender.advanceTo(Infinity));
    },
  };
}

/** Finished rows. */
interface Rows {
  readonly map: NdArray<"uint8">;
  readonly confidence: NdArray<"float32"> | null;
  readonly probabilities: NdArray<"float32"> | null;
}

/** Logits of a sample, whose offset must lie on the lattice that all patches share. */
function logitsOf(sample: Sample, { stride }: OutputInfo): NdArray<"float32"> {
  const { window: { x, y } } = sample.info;
  if (x < 0 || y < 0 || x % stride !== 0 || y % stride !== 0) {
    throw new InputError(
      `Cannot blend sample "${sample.key}" with output stride ${stride}: its offset (column ${x}, row ${y}) must be a multiple of it, not below 0`,
    );
  }
  const { logits } = sample.arrays;
  if (logits === undefined) {
    throw new InputError(`Cannot blend sample "${sample.key}": it has no logits`, {
      hint: "pipe the stream through `swath infer` first, and not through `swath upsample`",
    });
  }
  return logits as NdArray<"float32">;
}

/**
 * Weights along one axis of a patch: 1, 2, 3, … from a border that a neighbour shares, no smaller
 * than in the middle at a border of the scene.
 *
 * @param length Cells of the patch.
 * @param first True if it is the first patch along the axis.
 * @param last True if it is the last one.
 */
function weightsAlong(length: number, first: boolean, last: boolean): Float64Array {
  const highest = Math.ceil(length / 2);
  return Float64Array.from(
    { length },
    (_, i) => Math.min(highest, first ? highest : i + 1, last ? highest : length - i),
  );
}

/**
 * The band of the lattice that patches still add to. Row 0 of its buffers is `#top` of the lattice;
 * what lies above is written and forgotten.
 */
class Blender {
  readonly #size: { readonly width: number; readonly height: number };
  /** Rows of the scene that are written: the first, and one more than the last. */
  readonly #wanted: { readonly start: number; readonly end: number };
  readonly #grid: NonNullable<StreamHeader["grid"]>;
  readonly #output: OutputInfo;
  readonly #classes: number;
  readonly #sinks: StitchSinks;
  readonly #minConfidence: number;
  /** Columns and rows of the band, in cells. */
  readonly #columns: number;
  readonly #rows: number;
  /** Weighted sums of logits, shape (K, rows, columns), and sums of weights, shape (rows, columns). */
  readonly #sums: Float64Array;
  readonly #weights: Float64Array;
  #top = 0;
  /** Rows of the band, from its first, that hold averages instead of sums. */
  #averaged = 0;
  /** Which pixels have data, from row `#written` of the scene on. */
  readonly #valid: Uint8Array;
  #written = 0;

  constructor(
    size: { readonly width: number; readonly height: number },
    wanted: { readonly start: number; readonly end: number },
    grid: NonNullable<StreamHeader["grid"]>,
    output: OutputInfo,
    classes: number,
    sinks: StitchSinks,
    minConfidence: number,
  ) {
    this.#size = size;
    this.#wanted = wanted;
    this.#grid = grid;
    this.#output = output;
    this.#classes = classes;
    this.#sinks = sinks;
    this.#minConfidence = minConfidence;
    const { stride } = output;
    // A patch may reach beyond the scene; and a pixel needs the cell above its own.
    this.#columns = Math.ceil((size.width + grid.width) / stride);
    this.#rows = Math.ceil(grid.height / stride) + 2;
    const validRows = grid.height + 2 * stride;
    const cells = this.#columns * this.#rows;
    requireBand(8 * cells * (classes + 1) + validRows * size.width, size.width, grid.height);
    this.#sums = new Float64Array(classes * cells);
    this.#weights = new Float64Array(cells);
    this.#valid = new Uint8Array(validRows * size.width);
  }

  /** True if all wanted rows are written, and nothing below them counts. */
  get isDone(): boolean {
    return this.#written >= this.#wanted.end;
  }

  /** Add a sample whose window starts at or below the band's first row. */
  add({ key, info: { window, core, position }, arrays }: Sample, logits: NdArray<"float32">): void {
    const { stride } = this.#output;
    const [classes, height, width] = logits.shape as [number, number, number];
    const left = window.x / stride;
    const top = window.y / stride - this.#top;
    if (classes !== this.#classes || top < this.#averaged || top + height > this.#rows) {
      throw new InputError(
        classes === this.#classes
          ? `Cannot blend sample "${key}": it is out of order`
          : `Cannot blend sample "${key}": it has logits of ${classes} classes, those before have ${this.#classes}`,
      );
    }
    const { rows, columns } = this.#grid;
    const down = weightsAlong(height, position[0] === 0, position[0] === rows - 1);
    const across = weightsAlong(width, position[1] === 0, position[1] === columns - 1);
    for (let row = 0; row < height; row++) {
      const to = (top + row) * this.#columns + left;
      for (let column = 0; column < width; column++) {
        this.#weights[to + column]! += down[row]! * across[column]!;
      }
      for (let k = 0; k < this.#classes; k++) {
        const from = (k * height + row) * width;
        const sums = k * this.#rows * this.#columns + to;
        for (let column = 0; column < width; column++) {
          this.#sums[sums + column]! += down[row]! * across[column]! * logits.data[from + column]!;
        }
      }
    }
    const valid = arrays.valid?.data;
    for (let row = 0; row < core.height; row++) {
      const from = coreStart(window, core, row);
      const to = (core.y + row - this.#written) * this.#size.width + core.x;
      for (let column = 0; column < core.width; column++) {
        this.#valid[to + column] = valid === undefined ? 1 : Number(valid[from + column]);
      }
    }
  }

  /**
   * No sample will start above this row of the scene any more: decide the pixels whose cells are
   * complete, and move the band down.
   */
  *advanceTo(y: number): Generator<Rows, void, undefined> {
    const { stride } = this.#output;
    // The lowest pixel row whose two rows of cells both lie above cell y / stride.
    const end = Math.min(this.#wanted.end, Math.floor(y - stride / 2));
    this.#average(Math.floor(Math.min(y, this.#size.height + this.#grid.height) / stride));
    while (this.#written < end) {
      // Rows above the wanted ones only make the band move down.
      const above = Math.min(end, this.#wanted.start) - this.#written;
      const rows = above > 0 ? above : Math.min(PIECE_ROWS, end - this.#written);
      if (above <= 0) yield this.#decide(rows);
      this.#valid.copyWithin(0, rows * this.#size.width);
      this.#valid.fill(
        0,
        this.#valid.length - Math.min(rows * this.#size.width, this.#valid.length),
      );
      this.#written += rows;
      this.#moveTo(Math.max(0, Math.floor((this.#written + 0.5) / stride - 0.5)));
    }
  }

  /** Forget the rows of cells above the given one. */
  #moveTo(top: number): void {
    const gone = Math.min(this.#rows, top - this.#top);
    this.#top = top;
    this.#averaged = Math.max(0, this.#averaged - gone);
    if (gone <= 0) return;
    const plane = this.#rows * this.#columns;
    for (const buffer of [this.#weights, this.#sums]) {
      for (let start = 0; start < buffer.length; start += plane) {
        buffer.copyWithin(start, start + gone * this.#columns, start + plane);
        buffer.fill(0, start + plane - gone * this.#columns, start + plane);
      }
    }
  }

  /** Upsample and decide the next rows of pixels. */
  #decide(rows: number): Rows {
    const { width } = this.#size;
    const map = ndarray("uint8", [1, rows, width]);
    map.data.fill(IGNORE_LABEL);
    const missing = (bands: number) => {
      const array = ndarray("float32", [bands, rows, width]);
      array.data.fill(NaN);
      return array;
    };
    const confidence = this.#sinks.confidence === undefined ? null : missing(1);
    const probabilities = this.#sinks.probabilities === undefined ? null : missing(this.#classes);
    const interpolated = new Float64Array((this.#classes + 1) * this.#columns);
    const scores = new Float64Array(this.#classes);
    for (let row = 0; row < rows; row++) {
      const first = row * width;
      const valid = this.#valid.subarray(first, first + width);
      if (!valid.includes(1)) continue;
      this.#interpolateRow(this.#written + row, interpolated);
      for (let x = 0; x < width; x++) {
        if (valid[x] === 0) continue;
        const winner = this.#scoresAt(x, interpolated, scores);
        map.data[first + x] = winner;
        if (winner === IGNORE_LABEL) continue;
        if (confidence !== null || this.#minConfidence > 0) {
          const share = this.#confidenceOf(scores, scores[winner]!);
          if (confidence !== null) confidence.data[first + x] = share;
          if (share < this.#minConfidence) map.data[first + x] = IGNORE_LABEL;
        }
        if (probabilities !== null) {
          if (this.#output.kind === "logits") softmaxInPlace(scores, scores[winner]!);
          for (let k = 0; k < this.#classes; k++) {
            probabilities.data[(k * rows + row) * width + x] = scores[k]!;
          }
        }
      }
    }
    return { map, confidence, probabilities };
  }

  /** Divide the sums of complete rows of cells, those above `end`, by their weights, once. */
  #average(end: number): void {
    const last = Math.min(end - this.#top, this.#rows);
    for (; this.#averaged < last; this.#averaged++) {
      const start = this.#averaged * this.#columns;
      const weights = this.#weights.subarray(start, start + this.#columns);
      for (let k = 0; k < this.#classes; k++) {
        const sums = k * this.#rows * this.#columns + start;
        for (let column = 0; column < this.#columns; column++) {
          if (weights[column] !== 0) this.#sums[sums + column]! /= weights[column]!;
        }
      }
      // From now on the weight says how much of a cell is covered: all of it, or nothing.
      weights.forEach((weight, column) => weights[column] = weight === 0 ? 0 : 1);
    }
  }

  /**
   * Blended logits of a row of pixels at each column of cells, shape (K + 1, columns): the last plane
   * is how much of the value rests on cells that patches have covered, so that the others do not count.
   */
  #interpolateRow(y: number, target: Float64Array): void {
    const position = (y + 0.5) / this.#output.stride - 0.5;
    const above = Math.floor(position);
    const share = position - above;
    target.fill(0);
    for (const [cell, part] of [[above, 1 - share], [above + 1, share]] as const) {
      const row = cell - this.#top;
      if (row < 0 || row >= this.#rows || part === 0) continue;
      for (let k = 0; k <= this.#classes; k++) {
        const source = k < this.#classes ? this.#sums : this.#weights;
        const from = ((k % this.#classes) * this.#rows + row) * this.#columns;
        const to = k * this.#columns;
        for (let column = 0; column < this.#columns; column++) {
          target[to + column]! += part * source[from + column]!;
        }
      }
    }
  }

  /** Fill in the logits of a pixel and return the class that wins; 255 where no patch covers it. */
  #scoresAt(x: number, row: Float64Array, scores: Float64Array): number {
    const position = (x + 0.5) / this.#output.stride - 0.5;
    const left = Math.max(0, Math.floor(position));
    const right = Math.floor(position) + 1;
    const share = position - Math.floor(position);
    const coverage = this.#classes * this.#columns;
    const covered = (1 - share) * row[coverage + left]! + share * row[coverage + right]!;
    let winner = IGNORE_LABEL;
    let highest = -Infinity;
    for (let k = 0; k < this.#classes; k++) {
      const plane = k * this.#columns;
      const score = ((1 - share) * row[plane + left]! + share * row[plane + right]!) / covered;
      scores[k] = score;
      if (score > highest) {
        highest = score;
        winner = k;
      }
    }
    return winner;
  }

  #confidenceOf(scores: Float64Array, highest: number): number {
    if (this.#output.kind === "probabilities") return highest;
    let sum = 0;
    for (let k = 0; k < this.#classes; k++) sum += Math.exp(scores[k]! - highest);
    return 1 / sum;
  }
}
