/**
 * Counting what a patch stream or a pair of rasters holds.
 *
 * @module
 */
import { type NdArray, ndarray } from "../array/mod.ts";
import { type ClassInfo, IGNORE_LABEL } from "../classes/mod.ts";
import { InputError } from "../errors.ts";
import type { RasterInfo, RasterPixels, RasterReader } from "../raster/mod.ts";
import type { OutputInfo, Sample, StreamHeader, StreamItem } from "../stream/mod.ts";
import { checkLabelRaster } from "../tiling/mod.ts";
import type { SceneCounts } from "./bootstrap.ts";
import { BoundaryCounts } from "./boundary_counts.ts";
import { CalibrationCounts } from "./calibration_counts.ts";
import { ConfusionMatrix } from "./confusion_matrix.ts";
import { scoreCalibration, withPrediction } from "./score_calibration.ts";
import { scoreSample } from "./score_sample.ts";
import { addImageBoundaries, sampleBoundaries, ScoredRows } from "./scored_rows.ts";
import { type Evaluation, mergeEvaluations } from "./scores_file.ts";

/** Options of {@linkcode evaluateStream} and {@linkcode evaluateRasters}. */
export interface EvaluateOptions {
  /** Label that is left out; 255 where left out. */
  readonly ignoreLabel?: number;
  /** Names and colours; those that the stream or raster carries where left out. */
  readonly classes?: readonly ClassInfo[] | null;
  /** Score boundaries too, with this tolerance in pixels; not where left out. */
  readonly boundaryTolerance?: number | null;
  /**
   * Keep the counts of each scene, for {@linkcode bootstrapScores}; not where left out. Of independent images, each is a
   * scene.
   */
  readonly perScene?: boolean;
  /**
   * Score the probabilities too, of streams with logits only; not where left out. Samples need no `pred` then.
   */
  readonly calibration?: boolean;
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
  let segment: Segment | null = null;
  for await (const item of items) {
    if (item.type === "header") segment = beginSegment(item.header, options);
    else if (segment !== null && item.type === "sample") addSample(segment, item.sample, options);
    else if (segment !== null) {
      segment.boundaries?.finish();
      const { name, evaluation, images } = segment;
      const finished = finishEvaluation(evaluation, name, options, images);
      total = total === null
        ? finished
        : mergeEvaluations([["the scenes before", total], [name, finished]]);
    }
  }
  if (total === null) throw new InputError("No samples received");
  return total;
}

/** What is counted of a segment. */
interface Segment {
  readonly name: string;
  readonly output: OutputInfo | null;
  readonly evaluation: Evaluation;
  readonly boundaries: ReturnType<typeof sampleBoundaries> | null;
  /** What was counted in each image of a segment without a scene; null where that is not wanted. */
  readonly images: SceneCounts[] | null;
}

function beginSegment(header: StreamHeader, options: EvaluateOptions): Segment {
  const { classes, scene, output } = header;
  const evaluation = beginEvaluation(options, options.classes ?? classes);
  const { matrix: { ignoreLabel }, boundary } = evaluation;
  return {
    name: scene?.name ?? "the samples before",
    output,
    evaluation,
    boundaries: !boundary ? null : sampleBoundaries(header, boundary, ignoreLabel),
    images: options.perScene && scene === null ? [] : null,
  };
}

function addSample(segment: Segment, sample: Sample, options: EvaluateOptions): void {
  const { output, evaluation, boundaries, images } = segment;
  const { matrix, calibration } = evaluation;
  const scored = !calibration ? sample : withPrediction(sample, output);
  if (images === null) {
    scoreSample(matrix, scored);
    boundaries?.add(scored);
  } else images.push(addImage(evaluation, scored, options));
  if (calibration) scoreCalibration(calibration, scored, output!, matrix);
}

/** Add an image that is a scene of its own. */
function addImage(
  { matrix, classes, boundary }: Evaluation,
  sample: Sample,
  options: EvaluateOptions,
): SceneCounts {
  const own = beginEvaluation(options, classes);
  scoreSample(own.matrix, sample);
  matrix.merge(own.matrix);
  if (boundary && own.boundary) {
    addImageBoundaries(own.boundary, sample, matrix.ignoreLabel);
    boundary.merge(own.boundary);
  }
  const [counts] = finishEvaluation(own, sample.key, { perScene: true }).scenes!;
  return counts!;
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
  const { matrix, boundary } = evaluation;
  const boundaries = !boundary
    ? null
    : new ScoredRows(boundary, matrix.ignoreLabel, width, { start: 0, end: height });
  const blockRows = Math.max(map.info.block.height, truth.info.block.height);
  const rows = Math.max(1, Math.floor(STRIP_PIXELS / width));
  // Whole blocks, so that none is decoded twice.
  const step = rows > blockRows ? rows - rows % blockRows : rows;
  for (let y = 0; y < height; y += step) {
    const window = { x: 0, y, width, height: Math.min(step, height - y) };
    const [predicted, labels] = await Promise.all([map.read(window), truth.read(window)]);
    const pixels = {
      truth: onlyBand(labels),
      prediction: onlyBand(predicted),
      valid: intersection(labels.valid, predicted.valid),
    };
    matrix.update(pixels.truth, pixels.prediction, pixels.valid, {
      source: `${map.info.source} on ${truth.info.source}`,
      y,
    });
    boundaries?.addRows(pixels);
    options.onProgress?.(y + window.height, height);
  }
  boundaries?.finish();
  return finishEvaluation(evaluation, map.info.source, options);
}

function beginEvaluation(
  { ignoreLabel = IGNORE_LABEL, boundaryTolerance = null, calibration = false }: EvaluateOptions,
  classes: readonly ClassInfo[] | null,
): Evaluation {
  // A 256th class is there only where no pixel of it is left out.
  const unnamed = ignoreLabel === IGNORE_LABEL ? BYTE_VALUES - 1 : BYTE_VALUES;
  const classCount = classes?.length ?? unnamed;
  return {
    matrix: new ConfusionMatrix(classCount, { ignoreLabel }),
    classes,
    boundary: boundaryTolerance === null ? null : new BoundaryCounts(classCount, boundaryTolerance),
    calibration: calibration ? new CalibrationCounts() : null,
    scenes: null,
  };
}

function finishEvaluation(
  { matrix, classes, boundary, calibration }: Evaluation,
  name: string,
  { perScene = false }: EvaluateOptions,
  images: readonly SceneCounts[] | null = null,
): Evaluation {
  const classCount = classes === null ? matrix.usedClassCount() : matrix.classCount;
  const resized = ({ matrix, boundary }: Omit<SceneCounts, "name">) => ({
    matrix: matrix.withClassCount(classCount),
    boundary: boundary?.withClassCount(classCount) ?? null,
  });
  const counts = resized({ matrix, boundary: boundary ?? null });
  const scenes = images?.map((image) => ({ name: image.name, ...resized(image) }));
  return {
    ...counts,
    classes,
    calibration: calibration ?? null,
    scenes: perScene ? scenes ?? [{ name, ...counts }] : null,
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
