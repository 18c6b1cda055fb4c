/**
 * From logits to a class map of the patch's size.
 *
 * @module
 */
import { type NdArray, ndarray } from "../array/mod.ts";
import { IGNORE_LABEL } from "../classes/mod.ts";
import { InputError } from "../errors.ts";
import { type Sample, type StreamItem, transformStream } from "../stream/mod.ts";

/** What {@linkcode upsampleLogits} returns. */
export interface UpsampledLogits {
  /** Class index of each pixel, uint8 (H, W). */
  readonly pred: NdArray<"uint8">;
  /** Softmax probability of that class, float32 (H, W); null where it was not asked for. */
  readonly confidence: NdArray<"float32"> | null;
}

/** Size of the patch and what to compute. */
export interface UpsampleOptions {
  /** Rows of the patch. */
  readonly height: number;
  /** Columns of the patch. */
  readonly width: number;
  /** Pixels for each element of the logits. */
  readonly stride: number;
  /** Compute the confidence too. */
  readonly confidence?: boolean;
  /** True if the input holds probabilities, which sum to 1 already. */
  readonly probabilities?: boolean;
}

/** The two neighbours of a pixel along one axis and the share of the second. */
interface Taps {
  readonly first: Int32Array;
  readonly second: Int32Array;
  readonly share: Float32Array;
}

/**
 * Upsample logits by their stride and take the class of the largest one.
 *
 * Bilinear, as PyTorch's `interpolate(mode="bilinear", align_corners=False)` followed by `argmax`; the
 * full-size logits never exist. Of equal logits the first class wins.
 *
 * @param logits Shape (K, ⌈H/stride⌉, ⌈W/stride⌉), float32, at most 255 classes.
 * @param options Size of the patch, stride, and what to compute.
 * @returns The class map, and the confidence where it is asked for.
 * @throws {InputError} If the logits do not have the patch's size divided by the stride.
 *
 * @example
 * ```ts
 * import { ndarray, upsampleLogits } from "swath";
 *
 * const logits = ndarray("float32", [2, 1, 2], new Float32Array([1, 0, 0, 1]));
 * const { pred } = upsampleLogits(logits, { height: 2, width: 4, stride: 2 });
 * if (pred.data.join("") !== "00110011") throw new Error(pred.data.join(""));
 * ```
 */
export function upsampleLogits(
  logits: NdArray<"float32">,
  options: UpsampleOptions,
): UpsampledLogits {
  const { height, width, stride } = options;
  const [classes, rows, columns] = checkedShape(logits, options);
  const pred = ndarray("uint8", [height, width]);
  const confidence = options.confidence ? ndarray("float32", [height, width]) : null;
  const down = tapsOf(height, rows, stride);
  const across = tapsOf(width, columns, stride);
  const plane = rows * columns;
  const row = new Float32Array(classes * columns);
  const best = new Float32Array(width);
  const sums = new Float32Array(width);
  for (let y = 0; y < height; y++) {
    for (let k = 0; k < classes; k++) {
      const line = row.subarray(k * columns, (k + 1) * columns);
      interpolateRows(logits.data.subarray(k * plane, (k + 1) * plane), columns, down, y, line);
    }
    const line = pred.data.subarray(y * width, (y + 1) * width);
    pickClasses(row, classes, columns, across, line, best);
    if (confidence === null) continue;
    const out = confidence.data.subarray(y * width, (y + 1) * width);
    if (options.probabilities) out.set(best);
    else softmaxOfBest(row, classes, columns, across, best, sums, out);
  }
  return { pred, confidence };
}

/**
 * Upsample logits, or probabilities, by their stride, as {@linkcode upsampleLogits} does, and keep them.
 *
 * @param logits Shape (K, ⌈H/stride⌉, ⌈W/stride⌉).
 * @param options Size of the patch and stride.
 * @returns Shape (K, H, W).
 * @throws {InputError} If the logits do not have the patch's size divided by the stride.
 */
export function upsampleScores(
  logits: NdArray<"float32">,
  { height, width, stride }: Pick<UpsampleOptions, "height" | "width" | "stride">,
): NdArray<"float32"> {
  const [classes, rows, columns] = checkedShape(logits, { height, width, stride });
  const down = tapsOf(height, rows, stride);
  const across = tapsOf(width, columns, stride);
  const scores = ndarray("float32", [classes, height, width]);
  const row = new Float32Array(columns);
  for (let k = 0; k < classes; k++) {
    const plane = logits.data.subarray(k * rows * columns, (k + 1) * rows * columns);
    for (let y = 0; y < height; y++) {
      interpolateRows(plane, columns, down, y, row);
      const line = scores.data.subarray((k * height + y) * width, (k * height + y + 1) * width);
      for (let x = 0; x < width; x++) {
        const left = row[across.first[x]!]!;
        line[x] = left + across.share[x]! * (row[across.second[x]!]! - left);
      }
    }
  }
  return scores;
}

function checkedShape(
  logits: NdArray<"float32">,
  { height, width, stride }: Pick<UpsampleOptions, "height" | "width" | "stride">,
): [classes: number, rows: number, columns: number] {
  const [classes, rows, columns] = logits.shape as [number, number, number];
  if (rows === Math.ceil(height / stride) && columns === Math.ceil(width / stride)) {
    return [classes, rows, columns];
  }
  throw new InputError(
    `Cannot upsample logits of ${rows}x${columns} by ${stride} to ${height}x${width}`,
  );
}

/** A row of pixels between two rows of a plane. */
function interpolateRows(
  plane: Float32Array,
  columns: number,
  { first, second, share }: Taps,
  y: number,
  row: Float32Array,
): void {
  const above = first[y]! * columns;
  const below = second[y]! * columns;
  for (let x = 0; x < columns; x++) {
    const a = plane[above + x]!;
    row[x] = a + share[y]! * (plane[below + x]! - a);
  }
}

/** Class of the largest value of each pixel of a row, and that value. */
function pickClasses(
  row: Float32Array,
  classes: number,
  columns: number,
  { first, second, share }: Taps,
  line: Uint8Array,
  best: Float32Array,
): void {
  best.fill(-Infinity);
  line.fill(0);
  for (let k = 0; k < classes; k++) {
    const start = k * columns;
    for (let x = 0; x < line.length; x++) {
      const left = row[start + first[x]!]!;
      const value = Math.fround(left + share[x]! * (row[start + second[x]!]! - left));
      if (value > best[x]!) {
        best[x] = value;
        line[x] = k;
      }
    }
  }
}

/** Softmax of the largest logit of each pixel of a row. */
function softmaxOfBest(
  row: Float32Array,
  classes: number,
  columns: number,
  { first, second, share }: Taps,
  best: Float32Array,
  sums: Float32Array,
  out: Float32Array,
): void {
  sums.fill(0);
  for (let k = 0; k < classes; k++) {
    const start = k * columns;
    for (let x = 0; x < out.length; x++) {
      const left = row[start + first[x]!]!;
      const value = left + share[x]! * (row[start + second[x]!]! - left);
      sums[x]! += Math.exp(value - best[x]!);
    }
  }
  for (let x = 0; x < out.length; x++) out[x] = 1 / sums[x]!;
}

/** Neighbours and weights of align_corners=False, whose positions outside are clamped. */
function tapsOf(pixels: number, cells: number, stride: number): Taps {
  const taps = {
    first: new Int32Array(pixels),
    second: new Int32Array(pixels),
    share: new Float32Array(pixels),
  };
  for (let pixel = 0; pixel < pixels; pixel++) {
    const position = Math.max((pixel + 0.5) / stride - 0.5, 0);
    const cell = Math.min(Math.floor(position), cells - 1);
    taps.first[pixel] = cell;
    taps.second[pixel] = Math.min(cell + 1, cells - 1);
    taps.share[pixel] = position - cell;
  }
  return taps;
}

/** Options of {@linkcode upsampleStream}. */
export interface UpsampleStreamOptions {
  /** Add the confidence of each pixel. */
  readonly confidence?: boolean;
  /** Pixels with a lower confidence have no class, 255; 0 where left out. */
  readonly minConfidence?: number;
  /** Keep the logits; they are dropped where left out. */
  readonly keepLogits?: boolean;
  /** Appended to the stream's history. */
  readonly history?: readonly string[];
}

/**
 * Turn the logits of every sample of a stream into a class map.
 *
 * @param items The stream, with `logits`.
 * @param options What to add and what to keep.
 * @returns The stream with `pred`.
 * @throws {InputError} If the stream has no logits.
 */
export function upsampleStream(
  items: AsyncIterable<StreamItem>,
  options: UpsampleStreamOptions = {},
): AsyncIterable<StreamItem> {
  const { confidence = false, minConfidence = 0, keepLogits = false, history = [] } = options;
  return transformStream(items, (header) => {
    const { output } = header;
    if (output === null) {
      throw new InputError("Cannot upsample a stream without logits", {
        hint: "Pipe the stream through `swath infer` first",
      });
    }
    return {
      header: {
        ...header,
        output: keepLogits ? output : null,
        history: [...header.history, ...history],
      },
      transform: (samples) =>
        samples.map((sample): Sample => {
          const { logits, ...rest } = sample.arrays;
          if (logits === undefined) {
            throw new InputError(`Cannot upsample sample "${sample.key}" as it has no logits`);
          }
          const { height, width } = sample.info.window;
          const result = upsampleLogits(logits as NdArray<"float32">, {
            height,
            width,
            stride: output.stride,
            confidence: confidence || minConfidence > 0,
            probabilities: output.kind === "probabilities",
          });
          result.confidence?.data.forEach((share, pixel) => {
            if (share < minConfidence) result.pred.data[pixel] = IGNORE_LABEL;
          });
          return {
            ...sample,
            arrays: {
              ...rest,
              ...(keepLogits && { logits }),
              pred: result.pred,
              ...(confidence && result.confidence !== null && { confidence: result.confidence }),
            },
          };
        }),
    };
  });
}
