/**
 * Curves in the characters of a terminal.
 *
 * @module
 */
import type { CurvePanel, CurvePoint } from "../../mod.ts";

/** Lines of a panel, without its title and axis. */
const ROWS = 12;
/** Signs of the curves, which are told apart without colours too. */
const SIGNS = ["•", "×", "o", "+", "*", "#", "@", "%"];
/** Colours of the same, as ANSI numbers. */
const COLORS = [34, 33, 32, 31, 35, 36, 94, 93];

/**
 * Draw a panel.
 *
 * @param panel The curves.
 * @param options Columns to fill, and whether to use colours.
 * @returns Lines, each with its newline.
 */
export function drawPanel(
  panel: CurvePanel,
  options: { readonly columns: number; readonly colors: boolean },
): string {
  const { title, points } = panel;
  if (points.length === 0) return `${title}: nothing logged yet\n`;
  const values = points.map(({ value }) => value);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const [labels, labelWidth] = axisLabels(low, high);
  const width = options.columns - labelWidth - 3;
  const steps = points.map(({ step }) => step);
  const [first, last] = [Math.min(...steps), Math.max(...steps)];
  const grid = Array.from({ length: ROWS }, () => Array<string>(width).fill(" "));
  const curves = [...Map.groupBy(points, nameOf)];
  curves.forEach(([, own], curve) => {
    for (const { step, value } of own) {
      const column = Math.round(share(step, first, last) * (width - 1));
      const height = share(value, low, high);
      grid[ROWS - 1 - Math.round(height * (ROWS - 1))]![column] = sign(curve, options.colors);
    }
  });
  const lines = grid.map((row, index) => {
    const label = index === 0 ? labels.high : index === ROWS - 1 ? labels.low : "";
    return `${label.padStart(labelWidth)} ┤${row.join("").trimEnd()}`;
  });
  const legend = curves.map(([name], curve) => `${sign(curve, options.colors)} ${name}`);
  const axis = `${" ".repeat(labelWidth)} └${"─".repeat(width)}`;
  const ends = `${" ".repeat(labelWidth + 2)}${first}${
    String(last).padStart(width - String(first).length)
  }`;
  return [`${title}   ${legend.join("   ")}`, ...lines, axis, ends, ""].join("\n");
}

function nameOf({ run, series }: CurvePoint): string {
  return `${run} ${series}`;
}

function sign(curve: number, colors: boolean): string {
  const mark = SIGNS[curve % SIGNS.length]!;
  return colors ? `\x1b[${COLORS[curve % COLORS.length]!}m${mark}\x1b[0m` : mark;
}

/** Where a value lies between two others, from 0 to 1. */
function share(value: number, low: number, high: number): number {
  return high === low ? 0 : (value - low) / (high - low);
}

function axisLabels(low: number, high: number) {
  const labels = { low: low.toPrecision(3), high: high.toPrecision(3) };
  return [labels, Math.max(labels.low.length, labels.high.length)] as const;
}
