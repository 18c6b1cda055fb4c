/**
 * Scores as text, for people and for programs.
 *
 * @module
 */
import {
  type AbsentPolicy,
  formatJson,
  type Interval,
  type Intervals,
  type NamedClassScores,
  OVERALL_SCORES,
  type PositiveRate,
  type ScoresDocument,
} from "../../mod.ts";
import { type Column, formatFacts, formatTable, type TableFormat } from "../table.ts";

/** The positive rate of the class that was asked for. */
export interface NamedPositiveRate extends PositiveRate {
  readonly class: number;
  readonly name: string;
}

/** What is printed. */
export interface ScoreReport {
  readonly document: ScoresDocument;
  /** Null where no class was asked for. */
  readonly positiveRate: NamedPositiveRate | null;
  /** Null where none were asked for. */
  readonly intervals: Intervals | null;
}

/** Scores of boundaries: name in CSV, and for people. */
const BOUNDARY_SCORES = [
  ["boundaryIou", "boundary IoU", "iou"],
  ["boundaryF1", "boundary F1", "f1"],
] as const;

/** Scores of probabilities, likewise. */
const CALIBRATION_SCORES = [
  ["ece", "calibration error (ECE)"],
  ["mce", "largest of any bin (MCE)"],
  ["nll", "negative log-likelihood"],
  ["brier", "Brier score"],
] as const;

/** A row: a class, or all of them together. */
interface Row extends Omit<NamedClassScores, "class"> {
  readonly class: number | null;
}

const ABSENT_RULES: { readonly [Policy in AbsentPolicy]: string } = {
  skip: "left out of means (skip)",
  zero: "score 0 (zero)",
  one: "score 1 (one)",
};

/** Overall scores: name in CSV, and for people. */
const OVERALL = [...OVERALL_SCORES, ["ade20k", "ADE20K score"]] as const;

/**
 * Print scores.
 *
 * JSON is the whole document, to be added up later. NDJSON and CSV have a row for each class and one,
 * named `all`, for the overall scores.
 */
export function formatScores(report: ScoreReport, format: TableFormat): string {
  const { document, positiveRate, intervals } = report;
  switch (format) {
    case "json": {
      const more = {
        ...(positiveRate !== null && { positiveRate }),
        ...(intervals !== null && { intervals }),
      };
      return `${formatJson({ ...document, ...more })}\n`;
    }
    case "csv":
      return formatTable(
        csvColumns(document),
        [...document.perClass, allClasses(document)],
        format,
      );
    case "ndjson":
      return [
        ...document.perClass.map((row) => ({ ...row, ...boundaryScores(document, row.class) })),
        { ...allClasses(document), ...overallScores(document), ...boundaryScores(document, null) },
      ].map((row) => `${JSON.stringify({ ...row, absent: document.absent })}\n`).join("");
    case "markdown": {
      const facts: Column<Fact>[] = [
        { title: "Score", key: "score", value: ([name]) => name },
        { title: "Value", key: "value", value: ([, value]) => value },
      ];
      return `${formatTable(classColumns(report), document.perClass, format)}\n${
        formatTable(facts, factsOf(report), format)
      }`;
    }
    case "table":
      return `${formatTable(classColumns(report), document.perClass, format)}\n${
        formatFacts(factsOf(report))
      }`;
  }
}

function score(
  title: string,
  key: "iou" | "dice" | "precision" | "recall",
): Column<NamedClassScores> {
  return {
    title,
    key,
    value: (row) => row[key],
    format: (row) => formatScore(row[key]),
    nothing: "n/a",
  };
}

/** Columns for people; classes without names have their numbers alone. */
function classColumns({ document, intervals }: ScoreReport): Column<NamedClassScores>[] {
  const { classes, boundary } = document;
  const number: Column<NamedClassScores> = {
    title: classes === null ? "class" : "",
    key: "class",
    value: (row) => row.class,
  };
  const name: Column<NamedClassScores> = { title: "class", key: "name", value: (row) => row.name };
  const boundaries = boundary === undefined
    ? []
    : BOUNDARY_SCORES.map(([key, title, field]): Column<NamedClassScores> => ({
      title,
      key,
      value: (row) => boundary.classes[row.class]![field],
      format: (row) => formatScore(boundary.classes[row.class]![field]),
      nothing: "n/a",
    }));
  const interval: Column<NamedClassScores> = {
    title: `${percent(intervals?.level ?? 0)} of IoU`,
    key: "interval",
    value: (row) => formatInterval(intervals!.iou[row.class]!),
  };
  const [iou, ...others] = SCORE_COLUMNS;
  return [
    number,
    ...(classes === null ? [] : [name]),
    iou!,
    ...(intervals === null ? [] : [interval]),
    ...others,
    ...boundaries,
  ];
}

const SCORE_COLUMNS: readonly Column<NamedClassScores>[] = [
  score("IoU", "iou"),
  score("Dice", "dice"),
  score("precision", "precision"),
  score("recall", "recall"),
  { title: "support", key: "support", value: (row) => row.support },
  { title: "predicted", key: "predicted", value: (row) => row.predicted },
];

/** Overall scores have columns of their own, which are empty in the rows of classes. */
function csvColumns(document: ScoresDocument): Column<Row>[] {
  const keys = [
    "class",
    "name",
    "iou",
    "dice",
    "precision",
    "recall",
    "support",
    "predicted",
  ] as const;
  return [
    ...keys.map((key): Column<Row> => ({ title: key, key, value: (row) => row[key] })),
    ...OVERALL.map(([key]): Column<Row> => ({
      title: key,
      key,
      value: (row) => row.class === null ? document[key] : null,
    })),
    ...(document.boundary === undefined ? [] : BOUNDARY_SCORES.map(([key]): Column<Row> => ({
      title: key,
      key,
      value: (row) => boundaryScores(document, row.class)[key]!,
    }))),
    { title: "absent", key: "absent", value: () => document.absent },
  ];
}

/** Scores of the boundaries of a class, or of all together; nothing where they were not counted. */
function boundaryScores(
  { boundary }: ScoresDocument,
  index: number | null,
): Partial<Record<(typeof BOUNDARY_SCORES)[number][0], number | null>> {
  if (boundary === undefined) return {};
  if (index === null) return { boundaryIou: boundary.meanIou, boundaryF1: boundary.meanF1 };
  const { iou, f1 } = boundary.classes[index]!;
  return { boundaryIou: iou, boundaryF1: f1 };
}

function allClasses(document: ScoresDocument): Row {
  return {
    class: null,
    name: "all",
    iou: document.meanIou,
    dice: document.meanDice,
    precision: null,
    recall: document.meanAccuracy,
    support: document.pixels,
    predicted: document.pixels,
  };
}

function overallScores(document: ScoresDocument) {
  return Object.fromEntries(OVERALL.map(([key]) => [key, document[key]]));
}

type Fact = readonly [name: string, value: string];

function factsOf({ document, positiveRate, intervals }: ScoreReport): Fact[] {
  const { pixels, leftOut, ignoreLabel, boundary, calibration } = document;
  const score = (key: string, value: number | null) => {
    const interval = intervals?.overall[key] ?? null;
    return `${formatScore(value)}${interval === null ? "" : ` (${formatInterval(interval)})`}`;
  };
  const facts: Fact[] = OVERALL.map(([key, name]) => [name, score(key, document[key])]);
  if (boundary !== undefined) {
    facts.push(
      ["mean boundary IoU", score("boundaryIou", boundary.meanIou)],
      ["mean boundary F1", score("boundaryF1", boundary.meanF1)],
      [
        "boundary tolerance",
        `${boundary.tolerance} ${boundary.tolerance === 1 ? "pixel" : "pixels"}`,
      ],
    );
  }
  if (calibration !== undefined) {
    for (const [key, name] of CALIBRATION_SCORES) facts.push([name, formatScore(calibration[key])]);
  }
  if (intervals !== null) {
    facts.push([
      "in brackets",
      `${
        percent(intervals.level)
      } intervals, ${intervals.replicates} draws of ${intervals.scenes} scenes`,
    ]);
  }
  if (positiveRate !== null) {
    const { name, prediction, truth } = positiveRate;
    facts.push([
      `rate of ${name}`,
      `${formatShare(prediction)} of the prediction, ${formatShare(truth)} of the truth`,
    ]);
  }
  facts.push(
    ["pixels scored", String(pixels)],
    [
      "pixels left out",
      `${leftOut.invalid} without data, ${leftOut.ignored} with label ${
        ignoreLabel ?? "none"
      } (ignored), ${leftOut.unpredicted} without prediction`,
    ],
    ["absent classes", ABSENT_RULES[document.absent]],
  );
  return facts;
}

function formatInterval(interval: Interval): string {
  return interval === null ? "n/a" : `${formatScore(interval[0])} to ${formatScore(interval[1])}`;
}

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(6))} %`;
}

/** A score for people. */
export function formatScore(value: number | null): string {
  return value === null ? "n/a" : value.toFixed(4);
}

/** A share for people, in percent to three digits. */
export function formatShare(share: number | null): string {
  return share === null ? "n/a" : `${Number((share * 100).toPrecision(3))} %`;
}
