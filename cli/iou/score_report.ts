/**
 * Scores as text, for people and for programs.
 *
 * @module
 */
import {
  type AbsentPolicy,
  formatJson,
  type NamedClassScores,
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
}

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
const OVERALL = [
  ["meanIou", "mean IoU"],
  ["meanDice", "mean Dice (F1)"],
  ["pixelAccuracy", "pixel accuracy"],
  ["meanAccuracy", "mean accuracy"],
  ["frequencyWeightedIou", "frequency-weighted IoU"],
  ["kappa", "Cohen's kappa"],
  ["matthews", "Matthews correlation"],
  ["ade20k", "ADE20K score"],
] as const;

/**
 * Print scores.
 *
 * JSON is the whole document, to be added up later. NDJSON and CSV have a row for each class and one,
 * named `all`, for the overall scores.
 */
export function formatScores(report: ScoreReport, format: TableFormat): string {
  const { document, positiveRate } = report;
  switch (format) {
    case "json":
      return `${formatJson({ ...document, ...(positiveRate === null ? {} : { positiveRate }) })}\n`;
    case "csv":
      return formatTable(
        csvColumns(document),
        [...document.perClass, allClasses(document)],
        format,
      );
    case "ndjson":
      return [...document.perClass, { ...allClasses(document), ...overallScores(document) }]
        .map((row) => `${JSON.stringify({ ...row, absent: document.absent })}\n`).join("");
    case "markdown": {
      const facts: Column<Fact>[] = [
        { title: "Score", key: "score", value: ([name]) => name },
        { title: "Value", key: "value", value: ([, value]) => value },
      ];
      return `${formatTable(classColumns(document), document.perClass, format)}\n${
        formatTable(facts, factsOf(report), format)
      }`;
    }
    case "table":
      return `${formatTable(classColumns(document), document.perClass, format)}\n${
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
function classColumns({ classes }: ScoresDocument): Column<NamedClassScores>[] {
  const number: Column<NamedClassScores> = {
    title: classes === null ? "class" : "",
    key: "class",
    value: (row) => row.class,
  };
  const name: Column<NamedClassScores> = { title: "class", key: "name", value: (row) => row.name };
  return [number, ...(classes === null ? [] : [name]), ...SCORE_COLUMNS];
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
    { title: "absent", key: "absent", value: () => document.absent },
  ];
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

function factsOf({ document, positiveRate }: ScoreReport): Fact[] {
  const { pixels, leftOut, ignoreLabel } = document;
  const facts: Fact[] = OVERALL.map(([key, name]) => [name, formatScore(document[key])]);
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

/** A score for people. */
export function formatScore(value: number | null): string {
  return value === null ? "n/a" : value.toFixed(4);
}

/** A share for people, in percent to three digits. */
export function formatShare(share: number | null): string {
  return share === null ? "n/a" : `${Number((share * 100).toPrecision(3))} %`;
}
