/**
 * Scores as a JSON file: for scripts to read, and with the exact counts, so that the results of
 * several scenes or machines can be added up.
 *
 * @module
 */
import * as v from "valibot";
import type { ClassInfo } from "../classes/mod.ts";
import { InputError } from "../errors.ts";
import { classesSchema, countSchema, DOCUMENT_VERSION, parseDocument } from "../json_document.ts";
import type { SceneCounts } from "./bootstrap.ts";
import {
  BOUNDARY_FIELDS,
  BoundaryCounts,
  type BoundaryReport,
  boundaryReport,
  MOST_TOLERANCE,
} from "./boundary_counts.ts";
import {
  CALIBRATION_BINS,
  CalibrationCounts,
  type CalibrationReport,
  calibrationReport,
} from "./calibration_counts.ts";
import { ConfusionMatrix, type LeftOut } from "./confusion_matrix.ts";
import { ABSENT_POLICIES, type ClassScores, computeScores, type Scores } from "./scores.ts";

/** What was counted, and the classes that the numbers stand for. */
export interface Evaluation {
  /** The counts. */
  readonly matrix: ConfusionMatrix;
  /** Names and colours in order of class number; null where unknown. */
  readonly classes: readonly ClassInfo[] | null;
  /** Counts of boundaries; null or left out where not counted. */
  readonly boundary?: BoundaryCounts | null;
  /** Sums over probabilities; null or left out where not taken. */
  readonly calibration?: CalibrationCounts | null;
  /** Counts of each scene; null or left out where not kept. */
  readonly scenes?: readonly SceneCounts[] | null;
}

/** Sums as they are written. */
export interface CalibrationSums {
  /** Sum of the confidences in each bin. */
  readonly confidence: readonly number[];
  /** Pixels in each bin whose prediction is right. */
  readonly correct: readonly number[];
  /** Σ −log p of the true class. */
  readonly negativeLogLikelihood: number;
  /** Σ over pixels and classes of (p − y)². */
  readonly squaredError: number;
}

/** Counts of one scene as they are written. */
export interface SceneDocument {
  /** Its name. */
  readonly name: string;
  /** Rows of its confusion matrix. */
  readonly confusion: readonly (readonly number[])[];
  /** Counts of its boundaries by class, in the order of the names of `boundary.classes[].counts`; null where not counted. */
  readonly boundary: readonly (readonly number[])[] | null;
}

/** Scores of a class with its name, as they are written. */
export interface NamedClassScores extends ClassScores {
  /** Class number. */
  readonly class: number;
  /** Its name; its number as text where classes have no names. */
  readonly name: string;
}

/** Scores as they are written: `null` stands for a score that is undefined. */
export interface ScoresDocument extends Omit<Scores, "classes"> {
  /** Version of the format. */
  readonly swath: number;
  /** Tells scores from other files of swath. */
  readonly type: "scores";
  /** What the numbers mean, in words. */
  readonly conventions: string;
  /** Label that was left out; null for none. */
  readonly ignoreLabel: number | null;
  /** Pixels that are not scored, by reason. */
  readonly leftOut: LeftOut;
  /** Scores by class. */
  readonly perClass: readonly NamedClassScores[];
  /** Names and colours; null where unknown. */
  readonly classes: readonly ClassInfo[] | null;
  /** The counts: a row for each true class, a column for each predicted one. */
  readonly confusion: readonly (readonly number[])[];
  /** Scores and counts of boundaries; only where they were counted. */
  readonly boundary?: BoundaryReport;
  /** Scores and sums of probabilities; only where they were taken. */
  readonly calibration?: CalibrationReport & { readonly sums: CalibrationSums };
  /** Counts of each scene; only where they were kept. */
  readonly scenes?: readonly SceneDocument[];
}

const CONVENTIONS = "Scores are over all pixels together, not means over patches; " +
  "confusion has a row for each true class and a column for each predicted one; " +
  "absent says what a class counts that is in neither; null is 0/0";

const schema = v.object({
  absent: v.picklist(ABSENT_POLICIES),
  ignoreLabel: v.nullable(v.pipe(v.number(), v.integer())),
  leftOut: v.object({ invalid: countSchema, ignored: countSchema, unpredicted: countSchema }),
  classes: classesSchema,
  confusion: v.pipe(v.array(v.array(countSchema)), v.minLength(1)),
  boundary: v.optional(v.object({
    tolerance: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MOST_TOLERANCE)),
    classes: v.array(v.object({
      counts: v.object({
        both: countSchema,
        either: countSchema,
        truth: countSchema,
        truthMet: countSchema,
        predicted: countSchema,
        predictedMet: countSchema,
      }),
    })),
  })),
  calibration: v.optional(v.object({
    bins: v.pipe(v.array(v.object({ pixels: countSchema })), v.length(CALIBRATION_BINS)),
    sums: v.object({
      confidence: v.pipe(v.array(v.number()), v.length(CALIBRATION_BINS)),
      correct: v.pipe(v.array(countSchema), v.length(CALIBRATION_BINS)),
      negativeLogLikelihood: v.nullable(v.number()),
      squaredError: v.number(),
    }),
  })),
  scenes: v.optional(v.array(v.object({
    name: v.string(),
    confusion: v.array(v.array(countSchema)),
    boundary: v.nullable(v.array(v.pipe(v.array(countSchema), v.length(BOUNDARY_FIELDS.length)))),
  }))),
});

/**
 * Scores as an object for `JSON.stringify`.
 *
 * @param evaluation The counts and their classes.
 * @param scores Its scores; computed with the default policy where left out.
 * @returns The document.
 */
export function scoresDocument(
  { matrix, classes, boundary = null, calibration = null, scenes = null }: Evaluation,
  scores: Scores = computeScores(matrix),
): ScoresDocument {
  const { classes: perClass, ...overall } = scores;
  return {
    swath: DOCUMENT_VERSION,
    type: "scores",
    conventions: CONVENTIONS,
    ignoreLabel: matrix.ignoreLabel,
    leftOut: { ...matrix.leftOut },
    ...overall,
    perClass: perClass.map((scores, index) => ({
      class: index,
      name: classes?.[index]?.name ?? String(index),
      ...scores,
    })),
    classes,
    confusion: rowsOf(matrix.counts, matrix.classCount),
    ...(boundary !== null && { boundary: boundaryReport(boundary, matrix.ignoreLabel) }),
    ...(calibration !== null && { calibration: calibrationDocument(calibration) }),
    ...(scenes !== null && {
      scenes: scenes.map(({ name, matrix, boundary }) => ({
        name,
        confusion: rowsOf(matrix.counts, matrix.classCount),
        boundary: boundary === null ? null : rowsOf(boundary.counts, BOUNDARY_FIELDS.length),
      })),
    }),
  };
}

function rowsOf(counts: Float64Array, columns: number): number[][] {
  return Array.from(
    { length: counts.length / columns },
    (_, row) => [...counts.subarray(row * columns, (row + 1) * columns)],
  );
}

function calibrationDocument(
  counts: CalibrationCounts,
): CalibrationReport & { readonly sums: CalibrationSums } {
  const { confidence, correct, negativeLogLikelihood, squaredError } = counts;
  return {
    ...calibrationReport(counts),
    sums: {
      confidence: [...confidence],
      correct: [...correct],
      negativeLogLikelihood,
      squaredError,
    },
  };
}

/**
 * Read back what {@linkcode scoresDocument} wrote.
 *
 * Only the counts are taken; scores are computed anew.
 *
 * @param text The JSON text.
 * @param source File that it comes from, for errors.
 * @returns The counts and their classes.
 * @throws {InputError} If it is not such a file.
 *
 * @example
 * ```ts
 * import { ConfusionMatrix, parseScores, scoresDocument } from "swath";
 *
 * const matrix = new ConfusionMatrix(2);
 * matrix.counts.set([3, 1, 0, 4]);
 * const text = JSON.stringify(scoresDocument({ matrix, classes: null }));
 * if (parseScores(text, "scores.json").matrix.count(1, 1) !== 4) throw new Error("lost a count");
 * ```
 */
export function parseScores(text: string, source: string): Evaluation {
  const document = parseDocument(schema, text, "scores", source);
  const { confusion, classes, ignoreLabel, boundary, calibration, scenes } = document;
  const size = confusion.length;
  const read = `Cannot read scores from ${JSON.stringify(source)}`;
  const matrixOf = (rows: readonly (readonly number[])[]) => {
    if (rows.length !== size || rows.some((row) => row.length !== size)) {
      throw new InputError(
        `${read}: its confusion matrix does not have as many rows as columns and classes`,
      );
    }
    const matrix = new ConfusionMatrix(size, { ignoreLabel });
    matrix.counts.set(rows.flat());
    return matrix;
  };
  if ((classes ?? confusion).length !== size) matrixOf([]);
  const matrix = matrixOf(confusion);
  Object.assign(matrix.leftOut, document.leftOut);
  const boundaryOf = (rows: readonly (readonly number[])[]) => {
    if (rows.length !== size) {
      throw new InputError(`${read}: it does not have boundaries of as many classes as there are`);
    }
    const counts = new BoundaryCounts(size, boundary!.tolerance);
    counts.counts.set(rows.flat());
    return counts;
  };
  return {
    matrix,
    classes,
    boundary: boundary === undefined ? null : boundaryOf(
      boundary.classes.map(({ counts }) => BOUNDARY_FIELDS.map((name) => counts[name])),
    ),
    calibration: calibration === undefined ? null : calibrationOf(
      calibration.bins.map(({ pixels }) => pixels),
      // JSON has no infinity.
      {
        ...calibration.sums,
        negativeLogLikelihood: calibration.sums.negativeLogLikelihood ?? Infinity,
      },
    ),
    scenes: scenes?.map((scene) => ({
      name: scene.name,
      matrix: matrixOf(scene.confusion),
      boundary: scene.boundary === null || boundary === undefined
        ? null
        : boundaryOf(scene.boundary),
    })) ?? null,
  };
}

function calibrationOf(pixels: readonly number[], sums: CalibrationSums): CalibrationCounts {
  const counts = new CalibrationCounts();
  counts.pixels.set(pixels);
  counts.confidence.set(sums.confidence);
  counts.correct.set(sums.correct);
  counts.negativeLogLikelihood = sums.negativeLogLikelihood;
  counts.squaredError = sums.squaredError;
  return counts;
}

/**
 * Add up evaluations of the same classes.
 *
 * Where none of them has names, those of fewer classes count as having the others too.
 *
 * @param evaluations At least one, each with the name of where it comes from.
 * @returns Their sum; boundaries, calibration and scenes where all have them.
 * @throws {InputError} If their classes, ignore labels or tolerances differ.
 */
export function mergeEvaluations(
  evaluations: readonly (readonly [source: string, evaluation: Evaluation])[],
): Evaluation {
  const [first] = evaluations;
  if (first === undefined) throw new RangeError("internal: there are no evaluations to add up");
  const [firstSource, { classes, matrix: { ignoreLabel } }] = first;
  const classCount = Math.max(...evaluations.map(([, { matrix }]) => matrix.classCount));
  const sum = new ConfusionMatrix(classCount, { ignoreLabel });
  for (const [source, evaluation] of evaluations) {
    const difference = differenceOf(first[1], evaluation);
    if (difference !== null) {
      throw new InputError(
        `Cannot add up the scores of "${firstSource}" and "${source}" as they differ in ${difference}`,
      );
    }
    sum.merge(evaluation.matrix.withClassCount(classCount));
  }
  return { matrix: sum, classes, ...sumOfOthers(evaluations, classCount) };
}

/** What not all evaluations have. */
function sumOfOthers(
  evaluations: readonly (readonly [source: string, evaluation: Evaluation])[],
  classCount: number,
): Pick<Evaluation, "boundary" | "calibration" | "scenes"> {
  const all = evaluations.map(([, { boundary = null, calibration = null, scenes = null }]) => ({
    boundary,
    calibration,
    scenes,
  }));
  const boundaries = all.map(({ boundary }) => boundary?.withClassCount(classCount) ?? null);
  const [boundary] = boundaries.every((boundary) => boundary !== null) ? boundaries : [null];
  if (boundary) { for (const other of boundaries.slice(1)) boundary.merge(other!); }
  const calibration = all.every(({ calibration }) => calibration !== null)
    ? new CalibrationCounts()
    : null;
  if (calibration) { for (const other of all) calibration.merge(other.calibration!); }
  return {
    boundary: boundary ?? null,
    calibration,
    scenes: all.every(({ scenes }) => scenes !== null)
      ? mergeScenes(all.flatMap(({ scenes }) => scenes!), classCount, Boolean(boundary))
      : null,
  };
}

/** Parts of the same scene are one scene. */
function mergeScenes(
  scenes: readonly SceneCounts[],
  classCount: number,
  hasBoundaries: boolean,
): SceneCounts[] {
  const byName = new Map<string, SceneCounts>();
  for (const { name, matrix, boundary } of scenes) {
    const part = {
      name,
      matrix: matrix.withClassCount(classCount),
      boundary: hasBoundaries ? boundary!.withClassCount(classCount) : null,
    };
    const before = byName.get(name);
    before?.matrix.merge(part.matrix);
    if (part.boundary !== null) before?.boundary?.merge(part.boundary);
    if (before === undefined) byName.set(name, part);
  }
  return [...byName.values()];
}

function differenceOf(a: Evaluation, b: Evaluation): string | null {
  if (a.matrix.ignoreLabel !== b.matrix.ignoreLabel) {
    return `the ignore label: ${a.matrix.ignoreLabel ?? "none"} and ${
      b.matrix.ignoreLabel ?? "none"
    }`;
  }
  const names = ({ classes }: Evaluation) => classes?.map(({ name }) => name) ?? [];
  const [namesA, namesB] = [names(a), names(b)];
  if (namesA.length !== namesB.length) {
    const count = (length: number) => length === 0 ? "unnamed classes" : `${length} classes`;
    return `their classes: ${count(namesA.length)} and ${count(namesB.length)}`;
  }
  const index = namesA.findIndex((name, index) => name !== namesB[index]);
  return index < 0 ? null : `class ${index}: "${namesA[index]}" and "${namesB[index]}"`;
}
