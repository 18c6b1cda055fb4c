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
import { ConfusionMatrix, type LeftOut } from "./confusion_matrix.ts";
import { ABSENT_POLICIES, type ClassScores, computeScores, type Scores } from "./scores.ts";

/** What was counted, and the classes that the numbers stand for. */
export interface Evaluation {
  /** The counts. */
  readonly matrix: ConfusionMatrix;
  /** Names and colours in order of class number; null where unknown. */
  readonly classes: readonly ClassInfo[] | null;
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
});

/**
 * Scores as an object for `JSON.stringify`.
 *
 * @param evaluation The counts and their classes.
 * @param scores Its scores; computed with the default policy where left out.
 * @returns The document.
 */
export function scoresDocument(
  { matrix, classes }: Evaluation,
  scores: Scores = computeScores(matrix),
): ScoresDocument {
  const { classes: perClass, ...overall } = scores;
  const { classCount, counts } = matrix;
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
    confusion: Array.from(
      { length: classCount },
      (_, row) => [...counts.subarray(row * classCount, (row + 1) * classCount)],
    ),
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
  const { confusion, classes } = document;
  const size = confusion.length;
  if (confusion.some((row) => row.length !== size) || (classes ?? confusion).length !== size) {
    throw new InputError(
      `Cannot read scores from ${
        JSON.stringify(source)
      }: its confusion matrix does not have as many rows as columns and classes`,
    );
  }
  const matrix = new ConfusionMatrix(size, { ignoreLabel: document.ignoreLabel });
  matrix.counts.set(confusion.flat());
  Object.assign(matrix.leftOut, document.leftOut);
  return { matrix, classes };
}

/**
 * Add up evaluations of the same classes.
 *
 * Where none of them has names, those of fewer classes count as having the others too.
 *
 * @param evaluations At least one, each with the name of where it comes from.
 * @returns Their sum.
 * @throws {InputError} If their classes or ignore labels differ.
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
  return { matrix: sum, classes };
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
