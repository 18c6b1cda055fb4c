/**
 * What a benchmark reports.
 *
 * @module
 */

/** A measured figure. */
export interface BenchRow {
  /** What was measured. */
  readonly name: string;
  /** The figure, the median of several rounds. */
  readonly value: number;
  /** Its unit, such as `MB/s`. */
  readonly unit: string;
  /** To the yardstick that the same run measured; above 1 is better than the yardstick. */
  readonly ratio?: number;
}

/** A benchmark: `tasks/bench/<name>.ts` exports `run`. */
export interface Bench {
  /** Measure. */
  run(): Promise<readonly BenchRow[]>;
}

/** Rows as lines of text. */
export function formatRows(rows: readonly BenchRow[]): string {
  const width = Math.max(...rows.map(({ name }) => name.length));
  return rows.map(({ name, value, unit, ratio }) => {
    const figure = value.toPrecision(4).padStart(10);
    const share = ratio === undefined ? "" : `  ${ratio.toFixed(2)}x`;
    return `${name.padEnd(width)}${figure} ${unit.padEnd(6)}${share}`.trimEnd() + "\n";
  }).join("");
}
