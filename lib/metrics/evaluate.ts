/**
 * Counting what a patch stream or a pair of rasters holds.
 *
 * @module
 */
import { type NdArray, ndarray } from "../array/mod.ts";
import { type ClassInfo, IGNORE_LABEL } from "../classes/mod.ts";
import { InputError } from "../errors.ts";
import type { RasterInfo, RasterPixels, RasterReader } from "../raster/mod.ts";
import type { StreamItem } from "../stream/mod.ts";
import { checkLabelRaster } from "../tiling/mod.ts";
import { ConfusionMatrix } from "./confusion_matrix.ts";
import { scoreSample } from "./score_sample.ts";
import { type Evaluation, mergeEvaluations } from "./scores_file.ts";

/** Options of {@linkcode evaluateStream} and {@linkcode evaluateRasters}. */
export interface EvaluateOptions {
  /** Label that is left out; 255 where left out. */
  readonly ignoreLabel?: number;
  /** Names and colours; those that the stream or raster carries where left out. */
  readonly classes?: readonly ClassInfo[] | null;
  /** Called with the share of rows done, of rasters only. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Classes of 8-bit labels whose number nobody states. */
const BYTE_VALUES = 256;

/** Pixels read from a raster at once. */
const STRIP_PIXELS = 2 ** 22;

/**
 * Compare `label` and `pred` of all samples of a stream; several segments add up.
 *
 * Without named classes, there are as many as the highest label or prediction asks for.
 *
 * @param items The stream.
 * @param options Ignore label and classes.
 * @returns The counts.
 * @throws {InputError} If a sample lacks an array, a label is out of range, or segments differ in
 * their classes.
 */
export async function evaluateStream(
  items: AsyncIterable<StreamItem>,
  options: EvaluateOptions = {},
): Promise<Evaluation> {
  let total: Evaluation | null = null;
  let segment: Evaluation | null = null;
  let name = "";
  for await (const item of items) {
    if (item.type === "header") {
      const { classes, scene } = item.header;
      name = scene?.name ?? "the samples before";
      segment = beginEvaluation(options, options.classes ?? classes);
    } else if (segment !== null && item.type === "sample") {
      scoreSample(segment.matrix, item.sample);
    } else if (segment !== null) {
      const finished = finishEvaluation(segment);
      total = total === null
        ? finished
        : mergeEvaluations([["the scenes before", total], [name, finished]]);
    }
  }
  if (total === null) throw new InputError("No samples received");
  return total;
}

/**
 * Compare a map with the truth, window by window.
 *
 * Pixels without data in either raster are left out. Class names are the map's, or the truth's.
 *
 * @param map Class map of one band.
 * @param truth Labels of one band on the same grid.
 * @param options Ignore label, classes and progress.
 * @returns The counts.
 * @throws {InputError} If the rasters do not lie on one another or hold what is no class.
 */
export async function evaluateRasters(
  map: RasterReader,
  truth: RasterReader,
  options: EvaluateOptions = {},
): Promise<Evaluation> {
  if (map.info.bands.length !== 1) {
    throw new InputError(
      `Cannot score "${map.info.source}" as it has ${map.info.bands.length} bands: expected 1 band of classes`,
    );
  }
  checkLabelRaster(map.info, truth.info);
  const evaluation = beginEvaluation(
    options,
    options.classes ?? namedClasses(map.info) ?? namedClasses(truth.info),
  );
  const { width, height } = map.info;
  const blockRows = Math.max(map.info.block.height, truth.info.block.height);
  const rows = Math.max(1, Math.floor(STRIP_PIXELS / width));
  // Whole blocks, so that none is decoded twice.
  const step = rows > blockRows ? rows - rows % blockRows : rows;
  for (let y = 0; y < height; y += step) {
    const window = { x: 0, y, width, height: Math.min(step, height - y) };
    const [predicted, labels] = await Promise.all([map.read(window), truth.read(window)]);
    evaluation.matrix.update(
      onlyBand(labels),
      onlyBand(predicted),
      intersection(labels.valid, predicted.valid),
      { source: `${map.info.source} on ${truth.info.source}`, y },
    );
    options.onProgress?.(y + window.height, height);
  }
  return finishEvaluation(evaluation);
}

function beginEvaluation(
  { ignoreLabel = IGNORE_LABEL }: EvaluateOptions,
  classes: readonly ClassInfo[] | null,
): Evaluation {
  // A 256th class is there only where no pixel of it is left out.
  const unnamed = ignoreLabel === IGNORE_LABEL ? BYTE_VALUES - 1 : BYTE_VALUES;
  return { matrix: new ConfusionMatrix(classes?.length ?? unnamed, { ignoreLabel }), classes };
}

function finishEvaluation({ matrix, classes }: Evaluation): Evaluation {
  return {
    matrix: classes === null ? matrix.withClassCount(matrix.usedClassCount()) : matrix,
    classes,
  };
}

/** A colour table without names says little about how many classes there are. */
function namedClasses({ classes }: RasterInfo): readonly ClassInfo[] | null {
  return classes?.every(({ name }, index) => name === String(index)) === true ? null : classes;
}

/** Shape (1, H, W) as (H, W). */
function onlyBand({ image }: RasterPixels): NdArray {
  return { ...image, shape: image.shape.slice(1) };
}

function intersection(a: NdArray<"uint8">, b: NdArray<"uint8">): NdArray<"uint8"> {
  const both = ndarray("uint8", a.shape);
  for (let i = 0; i < both.data.length; i++) both.data[i] = a.data[i]! & b.data[i]!;
  return both;
}
