/**
 * Charts of scores: what is taken for what, and how good the classes are. They can be read in black and white,
 * as every number is printed.
 *
 * @module
 */
import type { ChartSpec } from "../image/mod.ts";
import { computeScores } from "./scores.ts";
import { type Evaluation, scoresDocument } from "./scores_file.ts";

/** What the cells of a confusion matrix are shares of. */
export const CONFUSION_SHARES = ["true", "mapped"] as const;

/** What the cells of a confusion matrix are shares of: the true class (recall), or the mapped one (precision). */
export type ConfusionShare = (typeof CONFUSION_SHARES)[number];

/** Scores of classes that can be drawn. */
export const CLASS_MEASURES = ["iou", "dice", "precision", "recall"] as const;

/** A score of a class. */
export type ClassMeasure = (typeof CLASS_MEASURES)[number];

/** What people call them. */
const MEASURE_NAMES: Readonly<Record<ClassMeasure, string>> = {
  iou: "IoU",
  dice: "Dice (F1)",
  precision: "precision",
  recall: "recall",
};

/** Units of a cell, and the number of classes up to which cells have numbers in them. */
const CELL = 34;
const NUMBERED_CLASSES = 30;
/** Units of all cells together. */
const MOST_UNITS = 900;

/** A cell of a confusion matrix. */
export interface ConfusionCell {
  /** Name of the true class. */
  readonly truth: string;
  /** Name of the class that the map has. */
  readonly mapped: string;
  /** Pixels. */
  readonly pixels: number;
  /** Their share of the true or of the mapped class; 0 where that has none. */
  readonly share: number;
}

/**
 * The cells of a confusion matrix, row by row; classes that are in neither truth nor map are left out.
 *
 * @param evaluation The counts.
 * @param of What shares are of.
 */
export function confusionCells(evaluation: Evaluation, of: ConfusionShare): ConfusionCell[] {
  const { confusion, perClass } = scoresDocument(evaluation);
  const shown = perClass.filter(({ support, predicted }) => support + predicted > 0);
  return shown.flatMap((row) =>
    shown.map((column) => {
      const pixels = confusion[row.class]![column.class]!;
      const whole = of === "true" ? row.support : column.predicted;
      return {
        truth: row.name,
        mapped: column.name,
        pixels,
        share: whole === 0 ? 0 : pixels / whole,
      };
    })
  );
}

/**
 * The confusion matrix as a heat map; see `drawChart`.
 *
 * @param evaluation The counts.
 * @param of What shares are of.
 */
export function confusionChart(evaluation: Evaluation, of: ConfusionShare): ChartSpec {
  const cells = confusionCells(evaluation, of);
  const count = Math.round(Math.sqrt(cells.length));
  const size = Math.min(count * CELL, MOST_UNITS);
  const position = {
    x: {
      field: "mapped",
      type: "nominal",
      sort: null,
      title: "mapped class",
      axis: { orient: "top", labelAngle: -50, labelLimit: 160, ticks: false, domain: false },
    },
    y: {
      field: "truth",
      type: "nominal",
      sort: null,
      title: "true class",
      axis: { labelLimit: 200, ticks: false, domain: false },
    },
  };
  const of100 = of === "true" ? "percent of the true class" : "percent of the mapped class";
  return {
    width: size,
    height: size,
    data: {
      values: cells.map((cell) => ({
        ...cell,
        label: cell.pixels === 0 ? "·" : (100 * cell.share).toFixed(cell.share >= 0.0995 ? 0 : 1),
      })),
    },
    layer: [
      {
        mark: { type: "rect", stroke: "white", strokeWidth: 1.5 },
        encoding: {
          ...position,
          color: {
            field: "share",
            type: "quantitative",
            scale: { scheme: "blues", domain: [0, 1] },
            legend: {
              title: of100,
              format: ".0%",
              direction: "horizontal",
              orient: "bottom",
              gradientLength: 180,
              titleLimit: 260,
            },
          },
        },
      },
      ...(count > NUMBERED_CLASSES ? [] : [{
        mark: { type: "text", fontSize: 11 },
        encoding: {
          ...position,
          text: { field: "label" },
          color: {
            condition: { test: "datum.share > 0.55", value: "white" },
            value: "#1d1d22",
          },
        },
      }]),
    ],
    config: { view: { stroke: null } },
  };
}

/**
 * A score of every class as bars, the best first, with the mean as a line; see `drawChart`.
 *
 * @param evaluation The counts.
 * @param measure Which score.
 */
export function classScoresChart(evaluation: Evaluation, measure: ClassMeasure): ChartSpec {
  const { rows, mean } = classScores(evaluation, measure);
  const y = { field: "name", type: "nominal", sort: null, title: null, axis: { labelLimit: 220 } };
  const x = {
    field: "score",
    type: "quantitative",
    title: MEASURE_NAMES[measure],
    scale: { domain: [0, 1] },
  };
  return {
    width: 420,
    height: { step: 24 },
    data: { values: rows.map((row) => ({ ...row, label: row.score.toFixed(3) })) },
    layer: [
      {
        mark: { type: "bar", stroke: "#1d1d22", strokeWidth: 0.6, height: { band: 0.72 } },
        encoding: { y, x, color: { field: "color", type: "nominal", scale: null } },
      },
      {
        mark: { type: "text", align: "left", dx: 5, fontSize: 11 },
        encoding: { y, x, text: { field: "label" } },
      },
      ...(mean === null ? [] : [{
        data: { values: [{ mean }] },
        mark: { type: "rule", strokeDash: [5, 3], color: "#1d1d22" },
        encoding: { x: { field: "mean", type: "quantitative" } },
      }, {
        data: { values: [{ mean, label: `mean ${mean.toFixed(3)}` }] },
        mark: { type: "text", align: "center", baseline: "bottom", dy: -4, y: 0, fontSize: 11 },
        encoding: { x: { field: "mean", type: "quantitative" }, text: { field: "label" } },
      }]),
    ],
    config: { view: { stroke: null } },
  };
}

/**
 * A score of every class that has one, the best first.
 *
 * @param evaluation The counts.
 * @param measure Which score.
 * @returns The classes, and the mean of their scores; null where there is none.
 */
export function classScores(
  evaluation: Evaluation,
  measure: ClassMeasure,
): {
  readonly rows: readonly {
    readonly name: string;
    readonly color: string;
    readonly score: number;
  }[];
  readonly mean: number | null;
} {
  const { perClass } = scoresDocument(evaluation, computeScores(evaluation.matrix));
  const rows = perClass.flatMap((row) => {
    const score = row[measure];
    const color = evaluation.classes?.[row.class]?.color ?? "#7f8c9b";
    return score === null || row.support + row.predicted === 0
      ? []
      : [{ name: row.name, color, score }];
  }).sort((a, b) => b.score - a.score);
  const sum = rows.reduce((total, { score }) => total + score, 0);
  return { rows, mean: rows.length === 0 ? null : sum / rows.length };
}
