/**
 * Stitching with overlaps blended: the logits of overlapping patches are averaged before the classes
 * are decided, so that no seam shows where two patches disagree.
 *
 * Logits are blended at the network's output resolution, and upsampled once, a piece of the scene at a
 * time. Of the patches of a row, only what the row below shares with them is kept once their own
 * classes are decided; the classes wait, a byte each, until the row is complete. Where probabilities are
 * wanted too, whole patches wait until then, for the most part on disk.
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
import { WaitingBytes } from "../files/mod.ts";
import type { PixelWindow } from "../geo/mod.ts";
import type { OutputInfo, Sample, StreamHeader } from "../stream/mod.ts";
import { patchOffset } from "./grid.ts";
import { PixelDecider } from "./decide_pixels.ts";
import { KeptLogits, weightsAlong } from "./kept_logits.ts";
import {
  coreStart,
  requireBand,
  type RowSink,
  sceneOf,
  stitchedRows,
  type Stitcher,
  type StitchOptions,
  type StitchSinks,
} from "./stitch.ts";

/** Rows of pixels that are decided and written together. */
const PIECE_ROWS = 64;
/** Fewer where the probabilities of that many rows take more than this. */
const MAX_PIECE_BYTES = 4 << 20;
/** Most bytes of whole patches that wait in memory: a few patches. */
const MAX_HELD = 2 << 20;

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
      if (row < lastRow) throw outOfOrder(sample.key);
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
 * The rows of the scene that are not written yet. Row 0 of its buffer is `#written` of the scene; what
 * lies above is forgotten.
 *
 * Where the classes alone are wanted, those of a patch are decided as soon as no patch to come
 * touches their cells, as they take less memory than the logits. Probabilities take more: they wait
 * until their rows are written.
 */
class Blender {
  readonly #size: { readonly width: number; readonly height: number };
  /** One more than the last row of the scene that is written. */
  readonly #end: number;
  readonly #grid: NonNullable<StreamHeader["grid"]>;
  readonly #output: OutputInfo;
  readonly #classes: number;
  readonly #sinks: StitchSinks;
  readonly #decider: PixelDecider;
  readonly #logits: KeptLogits;
  /** Classes where they are decided; 0 where they are not, and 255 where there is no data. */
  readonly #pixels: Uint8Array<ArrayBuffer>;
  /** Rows that are decided together where they are written, and what is written with them. */
  readonly #pieceRows: number;
  readonly #confidence: Float32Array<ArrayBuffer> | null;
  readonly #probabilities: Float32Array<ArrayBuffer> | null;
  readonly #knownWeights = new Map<string, Float64Array>();
  #written: number;
  /** Pixels above this row and left of this column are decided. */
  #decided = { x: 0, y: 0 };
  /** No sample may start above this row any more, ... */
  #top = 0;
  /** ... nor above this one and left of that column. */
  #closed = { x: 0, y: 0 };

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
    this.#written = wanted.start;
    this.#end = wanted.end;
    this.#grid = grid;
    this.#output = output;
    this.#classes = classes;
    this.#sinks = sinks;
    this.#decider = new PixelDecider(classes, output, size.width, minConfidence);
    const { stride } = output;
    const rows = grid.height + 2 * stride;
    const cells = Math.ceil((size.width + grid.width) / stride) * Math.ceil(rows / stride);
    requireBand(4 * cells * classes + rows * size.width, size.width, grid.height);
    const decidesRows = sinks.confidence !== undefined || sinks.probabilities !== undefined;
    this.#logits = new KeptLogits(classes, decidesRows ? new WaitingBytes(MAX_HELD) : null);
    this.#pixels = new Uint8Array(rows * size.width).fill(IGNORE_LABEL);
    const shares = sinks.probabilities === undefined ? 1 : classes;
    const most = Math.floor(MAX_PIECE_BYTES / (4 * shares * size.width));
    this.#pieceRows = Math.max(1, Math.min(PIECE_ROWS, most));
    const layer = (sink: RowSink | undefined, bands: number) =>
      sink === undefined ? null : new Float32Array(bands * this.#pieceRows * size.width);
    this.#confidence = layer(sinks.confidence, 1);
    this.#probabilities = layer(sinks.probabilities, classes);
  }

  /** True if all wanted rows are written, and nothing below them counts. */
  get isDone(): boolean {
    return this.#written >= this.#end;
  }

  /** Add a sample whose window starts at or below the first row that is not complete. */
  add({ key, info: { window, core, position }, arrays }: Sample, logits: NdArray<"float32">): void {
    const { stride } = this.#output;
    const [classes, height, width] = logits.shape as [number, number, number];
    if (classes !== this.#classes) {
      throw new InputError(
        `Cannot blend sample "${key}": it has logits of ${classes} classes, those before have ${this.#classes}`,
      );
    }
    const isClosed = window.y < this.#closed.y && window.x < this.#closed.x;
    if (window.y < this.#top || isClosed) throw outOfOrder(key);
    const { rows, columns } = this.#grid;
    const down = this.#weights(height, position[0] === 0, position[0] === rows - 1);
    const across = this.#weights(width, position[1] === 0, position[1] === columns - 1);
    this.#logits.add(window.x / stride, window.y / stride, logits, down, across);
    const valid = arrays.valid?.data;
    const pixels = this.#pixels;
    for (let row = Math.max(0, this.#written - core.y); row < core.height; row++) {
      const from = coreStart(window, core, row);
      const to = (core.y + row - this.#written) * this.#size.width + core.x;
      if (valid === undefined) pixels.fill(0, to, to + core.width);
      else {
        for (let column = 0; column < core.width; column++) {
          pixels[to + column] = valid[from + column] !== 0 ? 0 : IGNORE_LABEL;
        }
      }
    }
    this.#decideAround(window, position);
  }

  /** Weights along one axis; most patches have the same. */
  #weights(length: number, first: boolean, last: boolean): Float64Array {
    const key = `${length} ${first} ${last}`;
    let weights = this.#knownWeights.get(key);
    if (weights === undefined) {
      weights = weightsAlong(length, first, last);
      this.#knownWeights.set(key, weights);
    }
    return weights;
  }

  /** Decide the classes that no patch after this one has a say in. */
  #decideAround({ x, y }: PixelWindow, [row, column]: readonly [number, number]): void {
    const { confidence, probabilities } = this.#sinks;
    if (confidence !== undefined || probabilities !== undefined) return;
    const { width, height } = this.#size;
    const { rows, columns, overlap, ...patch } = this.#grid;
    const across = (index: number) =>
      index < columns ? patchOffset(index, width, patch.width, patch.width - overlap) : Infinity;
    const down = (index: number) =>
      index < rows ? patchOffset(index, height, patch.height, patch.height - overlap) : Infinity;
    // Of patches that lie elsewhere, nothing is known before they come.
    if (x !== across(column) || y !== down(row)) return;
    const next = { x: across(column + 1), y: down(row + 1) };
    if (next.x <= x || next.y <= y) return;
    this.#closed = next;
    const right = Math.min(width, this.#endBefore(next.x));
    const bottom = Math.min(this.#end, this.#endBefore(next.y));
    if (right <= this.#decided.x || bottom <= this.#written) return;
    for (let top = this.#written; top < bottom; top += PIECE_ROWS) {
      const rows = Math.min(PIECE_ROWS, bottom - top);
      this.#decider.decide(
        { x: this.#decided.x, y: top, width: right - this.#decided.x, height: rows },
        this.#logits,
        { pixels: this.#pixels.subarray((top - this.#written) * width) },
      );
    }
    this.#decided = { x: right, y: bottom };
    this.#logits.trim(
      this.#decider.cellOf(bottom),
      right === width ? Infinity : this.#decider.cellOf(right),
    );
  }

  /**
   * No sample will start above this row of the scene any more: decide the pixels whose cells are
   * complete, and write their rows.
   *
   * @returns Rows, which are only good until the next ones are asked for.
   */
  *advanceTo(y: number): Generator<Rows, void, undefined> {
    const { width } = this.#size;
    this.#top = y;
    const end = Math.min(this.#end, this.#endBefore(y));
    while (this.#written < end) {
      const isBegun = this.#written < this.#decided.y;
      const left = isBegun ? this.#decided.x : 0;
      const bottom = isBegun ? Math.min(end, this.#decided.y) : end;
      const rows = Math.min(this.#pieceRows, bottom - this.#written, this.#pixels.length / width);
      const missing = (layer: Float32Array<ArrayBuffer> | null) => {
        if (layer === null) return null;
        const bands = layer.length / (this.#pieceRows * width);
        const data = layer.subarray(0, bands * rows * width).fill(NaN);
        return ndarray("float32", [bands, rows, width], data);
      };
      const confidence = missing(this.#confidence);
      const probabilities = missing(this.#probabilities);
      // In parts, so that the averages of their cells take little memory.
      for (let x = left; x < width; x += this.#grid.width) {
        const part = { x, width: Math.min(this.#grid.width, width - x) };
        this.#decider.decide({ ...part, y: this.#written, height: rows }, this.#logits, {
          pixels: this.#pixels,
          confidence: confidence?.data,
          probabilities: probabilities?.data,
        });
      }
      const map = ndarray("uint8", [1, rows, width], this.#pixels.subarray(0, rows * width));
      yield { map, confidence, probabilities };
      this.#pixels.copyWithin(0, rows * width);
      this.#pixels.fill(IGNORE_LABEL, this.#pixels.length - rows * width);
      this.#written += rows;
      this.#logits.trim(this.#decider.cellOf(this.#written), Infinity);
    }
    if (this.#written >= this.#decided.y) this.#decided = { x: 0, y: 0 };
  }

  /** One more than the last row (or column) of pixels whose two cells both lie before that of `y`. */
  #endBefore(y: number): number {
    return Math.floor(y - this.#output.stride / 2);
  }
}

function outOfOrder(key: string): InputError {
  return new InputError(`Cannot blend sample "${key}": it is out of order`);
}
