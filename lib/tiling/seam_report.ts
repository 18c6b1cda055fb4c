/**
 * How much overlapping patches disagree: what a network says of the same pixel in two neighbouring
 * patches, before they are blended. Disagreement is what shows as a seam where they are not.
 *
 * @module
 */
import type { NdArray } from "../array/mod.ts";
import { InputError } from "../errors.ts";
import type { OutputInfo, Sample, SceneInfo, StreamHeader } from "../stream/mod.ts";
import { softmaxInPlace } from "./softmax.ts";
import { sceneOf } from "./stitch.ts";

/** Disagreement over a set of pixels. */
export interface SeamScores {
  /** Pixels that were compared. */
  readonly pixels: number;
  /** Share of them whose class differs; null where there are none. */
  readonly differing: number | null;
  /** Mean change of probability, from 0 to 1; null where there are no pixels. */
  readonly meanChange: number | null;
}

/** Disagreement over a class: over the pixels that either patch gives to it. */
export interface ClassSeamScores extends SeamScores {
  /** Class index. */
  readonly class: number;
  /** Name of the class; its number where it has none. */
  readonly name: string;
}

/** One seam: the pixels that two neighbouring patches share. */
export interface Seam extends SeamScores {
  /** Keys of the patches: left and right, or upper and lower. */
  readonly patches: readonly [string, string];
}

/**
 * Disagreement of the patches of a scene. The change of probability of all classes is half the sum of
 * their absolute differences: the share of the probability that moves from one class to another.
 */
export interface SeamReport extends SeamScores {
  /** Name of the scene. */
  readonly scene: string;
  /** Pairs of neighbouring patches that share pixels. */
  readonly seams: number;
  /** Each class, with the change of its own probability. */
  readonly perClass: readonly ClassSeamScores[];
  /** Seams with the largest mean change, the worst first; without those where nothing changes. */
  readonly worst: readonly Seam[];
}

/** Compares the patches of a segment as they come. */
export interface SeamCounter {
  /**
   * Compare a sample with its left and its upper neighbour.
   *
   * @throws {InputError} If it has no logits.
   */
  add(sample: Sample): void;
  /** What was found up to now. */
  report(): SeamReport;
}

/** Seams that a report names. */
const WORST_SEAMS = 5;

/**
 * Compare the logits of neighbouring patches in the pixels that they share.
 *
 * Each patch is upsampled by itself (bilinear, align_corners=False), as if the other did not exist, and
 * its classes and softmax probabilities are compared with its neighbour's. Pixels without data do not
 * count. Holds the logits of two rows of patches.
 *
 * @param header Header of the segment.
 * @throws {InputError} If the samples have no scene, no grid or no logits.
 */
export function createSeamCounter(header: StreamHeader): SeamCounter {
  const scene = sceneOf(header);
  const { output } = header;
  if (header.grid === null || output === null) throw missingLogits("Cannot compare patches");
  const total = new Tally();
  const classes: Tally[] = [];
  const worst: Seam[] = [];
  let seams = 0;
  let upper = new Map<number, Patch>();
  let current = new Map<number, Patch>();
  let currentRow = -1;

  function compare(first: Patch, second: Patch): void {
    const tally = new Tally();
    comparePatches(first, second, scene, tally, classes);
    if (tally.pixels === 0) return;
    seams++;
    total.merge(tally);
    if (tally.change === 0) return;
    worst.push({ patches: [first.key, second.key], ...tally.scores() });
    worst.sort((a, b) => b.meanChange! - a.meanChange!);
    worst.length = Math.min(worst.length, WORST_SEAMS);
  }

  return {
    add(sample) {
      const [row, column] = sample.info.position;
      if (row !== currentRow) {
        upper = row === currentRow + 1 ? current : new Map();
        current = new Map();
        currentRow = row;
      }
      const patch = new Patch(sample, output);
      current.set(column, patch);
      while (classes.length < patch.classes) classes.push(new Tally());
      // What a shard holds of its neighbours' patches is theirs to compare.
      if (sample.info.core.height === 0) return;
      for (const neighbour of [current.get(column - 1), upper.get(column)]) {
        if (neighbour !== undefined) compare(neighbour, patch);
      }
    },
    report: () => ({
      scene: scene.name,
      seams,
      ...total.scores(),
      perClass: Array.from(
        { length: Math.max(classes.length, header.classes?.length ?? 0) },
        (_, k) => ({
          class: k,
          name: header.classes?.[k]?.name ?? String(k),
          ...(classes[k] ?? new Tally()).scores(),
        }),
      ),
      worst: [...worst],
    }),
  };
}

/** Sums over pixels. */
class Tally {
  pixels = 0;
  differing = 0;
  change = 0;

  add(differs: boolean, change: number): void {
    this.pixels++;
    if (differs) this.differing++;
    this.change += change;
  }

  merge({ pixels, differing, change }: Tally): void {
    this.pixels += pixels;
    this.differing += differing;
    this.change += change;
  }

  scores(): SeamScores {
    const { pixels, differing, change } = this;
    if (pixels === 0) return { pixels, differing: null, meanChange: null };
    return { pixels, differing: differing / pixels, meanChange: change / pixels };
  }
}

function comparePatches(
  a: Patch,
  b: Patch,
  scene: SceneInfo,
  total: Tally,
  classes: readonly Tally[],
): void {
  const left = Math.max(a.x, b.x);
  const right = Math.min(a.x + a.width, b.x + b.width, scene.width);
  const top = Math.max(a.y, b.y);
  const bottom = Math.min(a.y + a.height, b.y + b.height, scene.height);
  for (let y = top; y < bottom && left < right; y++) {
    a.moveToRow(y);
    b.moveToRow(y);
    for (let x = left; x < right; x++) {
      if (!a.isValid(x, y) || !b.isValid(x, y)) continue;
      const winnerA = a.moveToColumn(x);
      const winnerB = b.moveToColumn(x);
      let moved = 0;
      for (let k = 0; k < b.classes; k++) {
        const change = Math.abs(a.probabilities[k]! - b.probabilities[k]!);
        moved += change / 2;
        if (k === winnerA || k === winnerB) classes[k]!.add(winnerA !== winnerB, change);
      }
      total.add(winnerA !== winnerB, moved);
    }
  }
}

/** The logits of a sample, to be looked at pixel by pixel. */
class Patch {
  readonly key: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** Number of classes. */
  readonly classes: number;
  /** Of each class at the pixel moved to. */
  readonly probabilities: Float64Array;
  readonly #logits: NdArray<"float32">;
  readonly #valid: NdArray | undefined;
  readonly #stride: number;
  readonly #isNormalized: boolean;
  /** Logits interpolated to a row of pixels, shape (K, columns). */
  readonly #row: Float64Array;

  constructor({ key, info: { window }, arrays }: Sample, output: OutputInfo) {
    const { logits, valid } = arrays;
    if (logits === undefined) throw missingLogits(`Cannot compare sample "${key}"`);
    this.key = key;
    ({ x: this.x, y: this.y, width: this.width, height: this.height } = window);
    this.#logits = logits as NdArray<"float32">;
    this.#valid = valid;
    this.#stride = output.stride;
    this.#isNormalized = output.kind === "probabilities";
    const [classes, , columns] = logits.shape as [number, number, number];
    this.classes = classes;
    this.probabilities = new Float64Array(classes);
    this.#row = new Float64Array(classes * columns);
  }

  /** Whether a pixel of the scene has data. */
  isValid(x: number, y: number): boolean {
    return this.#valid === undefined ||
      this.#valid.data[(y - this.y) * this.width + x - this.x] !== 0;
  }

  /** Interpolate the logits down to a row of the scene. */
  moveToRow(y: number): void {
    const [classes, rows, columns] = this.#logits.shape as [number, number, number];
    const { data } = this.#logits;
    const [above, below, share] = this.#cellsAround(y - this.y, rows);
    for (let k = 0; k < classes; k++) {
      for (let column = 0; column < columns; column++) {
        const upper = data[(k * rows + above) * columns + column]!;
        const lower = data[(k * rows + below) * columns + column]!;
        this.#row[k * columns + column] = upper + share * (lower - upper);
      }
    }
  }

  /** Fill in the probabilities of a pixel of the row, and return the class that wins. */
  moveToColumn(x: number): number {
    const columns = this.#logits.shape[2]!;
    const [left, right, share] = this.#cellsAround(x - this.x, columns);
    const scores = this.probabilities;
    let winner = 0;
    for (let k = 0; k < this.classes; k++) {
      const first = this.#row[k * columns + left]!;
      scores[k] = first + share * (this.#row[k * columns + right]! - first);
      if (scores[k]! > scores[winner]!) winner = k;
    }
    if (!this.#isNormalized) softmaxInPlace(scores, scores[winner]!);
    return winner;
  }

  /** The two cells that a pixel lies between, and the share of the second. */
  #cellsAround(pixel: number, cells: number): [number, number, number] {
    const position = Math.max(0, (pixel + 0.5) / this.#stride - 0.5);
    const cell = Math.min(Math.floor(position), cells - 1);
    return [cell, Math.min(cell + 1, cells - 1), position - cell];
  }
}

function missingLogits(what: string): InputError {
  return new InputError(`${what} without logits`, {
    hint: "pipe the stream through `swath infer` first, and not through `swath upsample`",
  });
}
