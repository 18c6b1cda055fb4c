/**
 * Whole rows of a scene, as codes for counting boundaries, from the cores of samples that come row by row.
 *
 * So what a stream is scored like is what its map is scored like, whatever the size and overlap of patches.
 *
 * @module
 */
import { cropArray, type NdArray } from "../array/mod.ts";
import { InputError } from "../errors.ts";
import type { Sample, StreamHeader } from "../stream/mod.ts";
import { mapRows, requireBand } from "../tiling/mod.ts";
import { type BoundaryCounts } from "./boundary_counts.ts";
import { BoundaryScan, NOT_SCORED } from "./boundary_scan.ts";
import { encodeLabels } from "./label_codes.ts";

/** What is scored: labels and predictions of the same shape. */
export interface ScoredPixels {
  /** True labels. */
  readonly truth: NdArray;
  /** Predicted labels. */
  readonly prediction: NdArray;
  /** 0 where there is no data; null where all have data. */
  readonly valid: NdArray | null;
}

/** Rows that are filled at a time where there are no samples. */
const FILL_ROWS = 64;

/** Takes what is scored of a scene, and counts boundaries. */
export class ScoredRows {
  readonly #counts: BoundaryCounts;
  readonly #ignoreLabel: number | null;
  readonly #width: number;
  readonly #end: number | null;
  readonly #scan: BoundaryScan;
  #band:
    | { readonly y: number; readonly truth: Uint16Array; readonly predicted: Uint16Array }
    | null = null;
  #next: number;

  /**
   * Begin with a scene.
   *
   * @param counts What is counted is added to these.
   * @param ignoreLabel Label that is left out.
   * @param width Pixels of a row.
   * @param rows The first row, and one more than the last; null for the latter where it is not known.
   */
  constructor(
    counts: BoundaryCounts,
    ignoreLabel: number | null,
    width: number,
    rows: { readonly start: number; readonly end: number | null } = { start: 0, end: null },
  ) {
    this.#counts = counts;
    this.#ignoreLabel = ignoreLabel;
    this.#width = width;
    this.#end = rows.end;
    this.#next = rows.start;
    this.#scan = new BoundaryScan(counts, width);
  }

  /** Take the next whole rows. */
  addRows(pixels: ScoredPixels): void {
    const codes = codesOf(pixels, this.#counts.classCount, this.#ignoreLabel);
    this.#scan.addRows(codes.truth, codes.predicted);
    this.#next += codes.truth.length / this.#width;
  }

  /**
   * Take the core of a sample.
   *
   * @throws {InputError} If samples are not in the order of the scene's rows.
   */
  addSample({ key, info: { core } }: Sample, pixels: ScoredPixels): void {
    if (core.height === 0 || core.width === 0) return;
    if (this.#band?.y !== core.y || this.#band.truth.length !== core.height * this.#width) {
      this.#flush();
      if (core.y < this.#next) {
        throw new InputError(
          `Cannot score boundaries at sample "${key}": its rows from ${core.y} come after row ${this.#next}`,
          {
            hint:
              "Boundaries need the samples of a scene in the order in which `swath tile` cuts them",
          },
        );
      }
      this.#fillTo(core.y);
      requireBand(core.height * this.#width * 4, this.#width, core.height);
      const size = core.height * this.#width;
      this.#band = { y: core.y, truth: new Uint16Array(size), predicted: new Uint16Array(size) };
    }
    const codes = codesOf(pixels, this.#counts.classCount, this.#ignoreLabel);
    for (let row = 0; row < core.height; row++) {
      const from = row * core.width;
      const to = row * this.#width + core.x;
      this.#band.truth.set(codes.truth.subarray(from, from + core.width), to);
      this.#band.predicted.set(codes.predicted.subarray(from, from + core.width), to);
    }
  }

  /** The scene is over. */
  finish(): void {
    this.#flush();
    if (this.#end !== null) this.#fillTo(this.#end);
    this.#scan.finish();
  }

  #flush(): void {
    if (this.#band === null) return;
    const { truth, predicted } = this.#band;
    this.#scan.addRows(truth, predicted);
    this.#next += truth.length / this.#width;
    this.#band = null;
  }

  #fillTo(y: number): void {
    const nothing = new Uint16Array(FILL_ROWS * this.#width);
    while (this.#next < y) {
      const rows = Math.min(FILL_ROWS, y - this.#next);
      this.#scan.addRows(
        nothing.subarray(0, rows * this.#width),
        nothing.subarray(0, rows * this.#width),
      );
      this.#next += rows;
    }
  }
}

/**
 * Begin with the scene of a segment; of independent images, each is a scene.
 *
 * @param header Header of the segment.
 * @param counts What is counted is added to these.
 * @param ignoreLabel Label that is left out.
 */
export function sampleBoundaries(
  header: StreamHeader,
  counts: BoundaryCounts,
  ignoreLabel: number | null,
): { add(sample: Sample): void; finish(): void } {
  const rows = header.scene === null
    ? null
    : new ScoredRows(counts, ignoreLabel, header.scene.width, mapRows(header));
  return {
    add(sample) {
      if (rows !== null) rows.addSample(sample, coreOf(sample));
      else addImageBoundaries(counts, sample, ignoreLabel);
    },
    finish: () => rows?.finish(),
  };
}

/**
 * Count the boundaries of an independent image.
 *
 * @param counts What is counted is added to these.
 * @param sample The image.
 * @param ignoreLabel Label that is left out.
 */
export function addImageBoundaries(
  counts: BoundaryCounts,
  sample: Sample,
  ignoreLabel: number | null,
): void {
  const image = new ScoredRows(counts, ignoreLabel, sample.info.core.width);
  image.addRows(coreOf(sample));
  image.finish();
}

/** Label, prediction and valid pixels of a sample's core; the sample has been scored already. */
function coreOf({ info: { core, window }, arrays: { label, pred, valid } }: Sample): ScoredPixels {
  const inside = { ...core, x: core.x - window.x, y: core.y - window.y };
  return {
    truth: cropArray(label!, inside),
    prediction: cropArray(pred!, inside),
    valid: valid === undefined ? null : cropArray(valid, inside),
  };
}

function codesOf(
  { truth, prediction, valid }: ScoredPixels,
  classCount: number,
  ignoreLabel: number | null,
): { readonly truth: Uint16Array; readonly predicted: Uint16Array } {
  const isClass = ignoreLabel !== null && ignoreLabel >= 0 && ignoreLabel < classCount;
  const labels = encodeLabels(truth, classCount, ignoreLabel);
  const found = encodeLabels(prediction, classCount, isClass ? null : ignoreLabel);
  const codes = {
    truth: new Uint16Array(truth.data.length),
    predicted: new Uint16Array(truth.data.length),
  };
  for (let i = 0; i < codes.truth.length; i++) {
    const [actual, predicted] = [
      labels.codeOf[labels.values[i]!]!,
      found.codeOf[found.values[i]!]!,
    ];
    const isScored = (valid === null || Number(valid.data[i]) !== 0) && actual < classCount &&
      predicted < classCount;
    codes.truth[i] = isScored ? actual + 1 : NOT_SCORED;
    codes.predicted[i] = isScored ? predicted + 1 : NOT_SCORED;
  }
  return codes;
}
