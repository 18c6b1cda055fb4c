/**
 * The curves of trainings: loss, a metric, and the learning rate over the steps.
 *
 * @module
 */
import { InputError } from "../errors.ts";
import type { ChartSpec } from "../image/mod.ts";
import { nearMiss } from "../text/mod.ts";
import type { MetricsRecord } from "./metrics_log.ts";

/** The log of a run. */
export interface RunLog {
  /** What the run is called. */
  readonly name: string;
  /** Its records; see {@linkcode parseMetricsLog}. */
  readonly records: readonly MetricsRecord[];
}

/** A point of a curve. */
export interface CurvePoint {
  /** Run that it is of. */
  readonly run: string;
  /** What was measured, such as `training`. */
  readonly series: string;
  /** Steps taken. */
  readonly step: number;
  /** Value. */
  readonly value: number;
}

/** Curves that share their axes. */
export interface CurvePanel {
  /** What is measured. */
  readonly title: string;
  /** The points by run and series, in order of the steps. */
  readonly points: readonly CurvePoint[];
}

/** Points of a curve beyond which it is thinned out: more than a picture is wide. */
const MOST_POINTS = 1000;

/**
 * The curves of runs.
 *
 * @param runs Logs of one or more runs.
 * @param metric Metric of the second panel, such as `val_miou`.
 * @returns Three panels: loss in training (mean over each epoch) and validation, the metric, the learning
 * rate.
 * @throws {InputError} If no epoch of the runs has such a metric; it names those that there are.
 */
export function learningCurves(runs: readonly RunLog[], metric: string): CurvePanel[] {
  const known = [
    ...new Set(runs.flatMap(({ records }) => records.filter(isEpoch).flatMap(Object.keys))),
  ].filter((name) => name !== "step" && name !== "epoch");
  if (known.length > 0 && !known.includes(metric)) {
    const near = nearMiss(metric, known);
    throw new InputError(
      `Cannot plot "${metric}" as no run has it: expected one of ${known.join(", ")}`,
      near === null ? {} : { hint: `Did you mean "${near}"?` },
    );
  }
  const curve = (name: string, series: string, ofEpochs: boolean) =>
    runs.flatMap(({ name: run, records }) =>
      thinned(records.flatMap((record): CurvePoint[] => {
        const value = record[name];
        if (isEpoch(record) !== ofEpochs || typeof value !== "number") return [];
        return [{ run, series, step: record.step, value }];
      }))
    );
  return [
    {
      title: "loss",
      points: [...curve("train_loss", "training", true), ...curve("val_loss", "validation", true)],
    },
    { title: metric, points: curve(metric, "validation", true) },
    {
      title: "learning rate",
      points: curve("learning_rate", "training", false),
    },
  ];
}

/**
 * The panels as a chart, one below the other; see {@linkcode drawChart}.
 *
 * @param panels The panels.
 */
export function curvesChart(panels: readonly CurvePanel[]): ChartSpec {
  const runs = new Set(panels.flatMap(({ points }) => points.map(({ run }) => run)));
  return {
    vconcat: panels.map(({ title, points }) => ({
      width: 560,
      height: 180,
      data: { values: points },
      mark: { type: "line", point: points.length < 100, strokeWidth: 1.8 },
      encoding: {
        x: { field: "step", type: "quantitative", title: "step", axis: { tickMinStep: 1 } },
        y: {
          field: "value",
          type: "quantitative",
          title,
          axis: { format: "~g" },
          scale: { zero: false },
        },
        color: { field: "run", type: "nominal", title: "run", legend: runs.size > 1 ? {} : null },
        strokeDash: {
          field: "series",
          type: "nominal",
          title: null,
          // Left to itself, the legend fills the dashes in place of drawing them, as it does points.
          legend: {
            symbolType: "stroke",
            symbolSize: 400,
            encode: { symbols: { update: DASHES } },
          },
          scale: { domain: ["training", "validation"], range: [[5, 3], [1, 0]] },
        },
      },
    })),
  };
}

/** How a legend draws dashes. */
const DASHES = {
  fill: { value: "transparent" },
  stroke: { value: "black" },
  strokeWidth: { value: 2 },
} as const;

/** True for what is logged at the end of an epoch; the others are steps. */
function isEpoch(record: MetricsRecord): boolean {
  return "val_loss" in record;
}

/** Evenly spread points of a long curve, the last among them. */
function thinned(points: readonly CurvePoint[]): readonly CurvePoint[] {
  const stride = Math.ceil(points.length / MOST_POINTS);
  return points.filter((_, index) => (points.length - 1 - index) % stride === 0);
}
