/**
 * Charts of scores and zones in the characters of a terminal.
 *
 * @module
 */
import type { CalibrationReport, ConfusionCell, ZoneShare } from "../../mod.ts";

/** Characters of a bar that is full. */
const BAR = 40;
const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/** Bars with their names and numbers, and a line below. */
export function textBars(
  rows: readonly { readonly name: string; readonly value: number; readonly label: string }[],
  note: string,
): string {
  const width = Math.max(0, ...rows.map(({ name }) => [...name].length));
  const lines = rows.map(({ name, value, label }) =>
    `${name}${" ".repeat(width - [...name].length)}  ${bar(value).padEnd(BAR)} ${label}`
  );
  return `${[...lines, ...(note === "" ? [] : ["", note])].join("\n")}\n`;
}

/** A confusion matrix in percent, a row for each true class. */
export function textConfusion(cells: readonly ConfusionCell[], note: string): string {
  const names = [...new Set(cells.map(({ truth }) => truth))];
  const width = Math.max(0, ...names.map((name) => [...name].length));
  const short = names.map((_, index) => String(index));
  const lines = names.map((name, row) => {
    const own = cells.slice(row * names.length, (row + 1) * names.length);
    const numbers = own.map(({ pixels, share }) => pixels === 0 ? "·" : (100 * share).toFixed(0));
    return `${short[row]!.padStart(3)} ${name.padEnd(width)} ${
      numbers.map((text) => text.padStart(4)).join("")
    }`;
  });
  const head = `${" ".repeat(width + 5)}${short.map((text) => text.padStart(4)).join("")}`;
  return `${[head, ...lines, "", note].join("\n")}\n`;
}

/** Shares of classes, a line for each class of a zone. */
export function textShares(rows: readonly ZoneShare[]): string {
  const groups = [...Map.groupBy(rows, ({ zone }) => zone)];
  const width = Math.max(0, ...rows.map((row) => [...row.class].length));
  return groups.map(([zone, own]) => {
    const lines = own.map(({ class: name, from, to }) => {
      const share = to - from;
      return `  ${name.padEnd(width)}  ${bar(share).padEnd(BAR)} ${(100 * share).toFixed(1)} %`;
    });
    return `${zone}\n${lines.join("\n")}\n`;
  }).join("\n");
}

/** Accuracy of each confidence. */
export function textReliability({ bins, ece }: CalibrationReport): string {
  const rows = bins.filter(({ pixels }) => pixels > 0).map((
    { from, to, accuracy, confidence },
  ) => ({
    name: `${from.toFixed(2)}–${to.toFixed(2)}`,
    value: accuracy ?? 0,
    label: `${(accuracy ?? 0).toFixed(3)} right, ${(confidence ?? 0).toFixed(3)} sure`,
  }));
  return textBars(rows, ece === null ? "no pixels" : `calibration error ${ece.toFixed(4)}`);
}

function bar(share: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, share)) * BAR * 8);
  return "█".repeat(Math.floor(eighths / 8)) + EIGHTHS[eighths % 8];
}
