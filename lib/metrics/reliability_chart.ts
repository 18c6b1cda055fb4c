/** The reliability diagram: how often predictions of each confidence are right. @module */
import type { ChartSpec } from "../image/mod.ts";
import type { CalibrationReport } from "./calibration_counts.ts";

const SIZE = 320;

/**
 * Accuracy over confidence, beside the diagonal on which both agree, above the share of pixels of each confidence;
 * see {@linkcode drawChart}.
 *
 * @param report What was measured.
 */
export function reliabilityChart({ bins, pixels, ece }: CalibrationReport): ChartSpec {
  const values = bins.filter((bin) => bin.pixels > 0).map((bin) => ({
    ...bin,
    share: bin.pixels / pixels,
  }));
  const unit = { domain: [0, 1], nice: false };
  const confidence = {
    field: "from",
    type: "quantitative",
    title: "confidence",
    scale: unit,
    bin: { binned: true },
  };
  const title = ece === null ? "no pixels" : `calibration error ${ece.toFixed(4)}`;
  return {
    data: { values },
    vconcat: [
      {
        title,
        width: SIZE,
        height: SIZE,
        layer: [
          {
            mark: { type: "bar", color: "#4c78a8", binSpacing: 1 },
            encoding: {
              x: confidence,
              x2: { field: "to" },
              y: { field: "accuracy", type: "quantitative", title: "accuracy", scale: unit },
            },
          },
          {
            data: { values: [{ x: 0, y: 0 }, { x: 1, y: 1 }] },
            mark: { type: "line", color: "#444444", strokeDash: [5, 3] },
            encoding: {
              x: { field: "x", type: "quantitative", scale: unit },
              y: { field: "y", type: "quantitative" },
            },
          },
          {
            mark: { type: "point", filled: true, color: "#e45756", size: 40 },
            encoding: {
              x: { field: "confidence", type: "quantitative", scale: unit },
              y: { field: "accuracy", type: "quantitative" },
            },
          },
        ],
      },
      {
        width: SIZE,
        height: SIZE / 4,
        mark: { type: "bar", color: "#9ecae9", binSpacing: 1 },
        encoding: {
          x: confidence,
          x2: { field: "to" },
          y: {
            field: "share",
            type: "quantitative",
            title: "share of pixels",
            axis: { format: ".0%", tickCount: 3 },
          },
        },
      },
    ],
  };
}
