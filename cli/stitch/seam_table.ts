/**
 * How much overlapping patches disagree, for people and for programs.
 *
 * @module
 */
import {
  type ClassSeamScores,
  formatJson,
  type Seam,
  type SeamReport,
  type SeamScores,
} from "../../mod.ts";
import { formatShare } from "../iou/score_report.ts";
import { type Column, formatFacts, formatTable } from "../table.ts";

/** Print the seams of a scene. */
export function formatSeams(report: SeamReport, format: "table" | "json"): string {
  if (format === "json") return `${formatJson(report)}\n`;
  const { scene, seams, pixels, differing, meanChange, perClass, worst } = report;
  const facts = formatFacts([
    ["scene", scene],
    ["seams", String(seams)],
    ["pixels compared", String(pixels)],
    ["class differs", formatShare(differing)],
    ["mean change", formatShare(meanChange)],
  ]);
  const classes = formatTable<ClassSeamScores>(
    [{ title: "class", key: "class", value: ({ name }) => name }, ...SCORE_COLUMNS],
    perClass,
    "table",
  );
  if (worst.length === 0) return `${facts}\n${classes}`;
  const patches = formatTable<Seam>(
    [
      { title: "worst seams", key: "first", value: ({ patches }) => patches[0] },
      { title: "", key: "second", value: ({ patches }) => patches[1] },
      ...SCORE_COLUMNS,
    ],
    worst,
    "table",
  );
  return `${facts}\n${classes}\n${patches}`;
}

const SCORE_COLUMNS: readonly Column<SeamScores>[] = [
  { title: "pixels", key: "pixels", value: ({ pixels }) => pixels },
  shareColumn("class differs", "differing"),
  shareColumn("mean change", "meanChange"),
];

function shareColumn(title: string, key: "differing" | "meanChange"): Column<SeamScores> {
  return {
    title,
    key,
    value: (scores) => scores[key],
    format: (scores) => formatShare(scores[key]),
    nothing: "n/a",
  };
}
