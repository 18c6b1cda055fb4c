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
  /** The figure of the best round, which other work on the machine disturbs least. */
  readonly best?: number;
  /** Speed of swath to the yardstick that the same run measured; above 1, swath is faster. */
  readonly ratio?: number;
  /** The same of the best rounds. */
  readonly bestRatio?: number;
}

/** A benchmark: `tasks/bench/<name>.ts` exports `run`. */
export interface Bench {
  /** Measure; what arguments mean is the benchmark's to say. */
  run(args: readonly string[]): Promise<readonly BenchRow[]>;
}

/** Rows as lines of text. */
export function formatRows(rows: readonly BenchRow[]): string {
  const width = Math.max(...rows.map(({ name }) => name.length));
  return rows.map(({ name, value, unit, best, ratio, bestRatio }) => {
    const number = (x: number) => x.toPrecision(4);
    const figure = number(value).padStart(10);
    const bestFigure = best === undefined ? "" : `  (best ${number(best)})`;
    const share = ratio === undefined ? "" : `  ${ratio.toFixed(2)}x`;
    const bestShare = bestRatio === undefined ? "" : ` (best ${bestRatio.toFixed(2)}x)`;
    return `${name.padEnd(width)}${figure} ${unit.padEnd(6)}${bestFigure}${share}${bestShare}`
      .trimEnd() + "\n";
  }).join("");
}
