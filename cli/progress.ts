/**
 * The progress bar.
 *
 * @module
 */

/** A bar on a terminal; nothing in a pipe or under cron. */
export interface Progress {
  /** Say how much is done. */
  update(done: number, total?: number | null): void;
  /** Clear the bar. */
  finish(): void;
}

/** What a bar shows. */
export interface ProgressState {
  /** What is being done. */
  readonly label: string;
  /** What is counted, in the plural. */
  readonly unit: string;
  /** How many are done. */
  readonly done: number;
  /** How many there are; null where unknown. */
  readonly total: number | null;
  /** Since the start. */
  readonly seconds: number;
}

/** Cells of a bar, and of one that makes room for what is said beside it. */
const BAR_CELLS = { most: 24, fewest: 8 } as const;
const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
const REDRAW_MILLISECONDS = 100;
/** Rates of the first moments say little. */
const SETTLED_SECONDS = 1;

/**
 * One line of progress.
 *
 * @param state What to show.
 * @param columns Width of the terminal: the bar gets shorter, then the line is cut.
 */
export function formatProgress(state: ProgressState, columns: number): string {
  const { label, unit, done, total, seconds } = state;
  const rate = seconds > 0 ? done / seconds : 0;
  const fraction = total !== null && total > 0 ? Math.min(1, done / total) : null;
  const parts = fraction === null
    ? [`${done} ${unit}`]
    : [`${Math.floor(fraction * 100)}%`, `${done}/${total} ${unit}`];
  if (seconds >= SETTLED_SECONDS && done > 0) {
    parts.push(`${formatRate(rate)} ${unit}/s`);
    if (total !== null && total > done) parts.push(`${formatClock((total - done) / rate)} left`);
  }
  if (total === null) parts.push(formatClock(seconds));
  // The last column is left free: writing to it makes some terminals wrap.
  const room = columns - 1 - [label, "", ...parts].join("  ").length;
  const cells = Math.max(BAR_CELLS.fewest, Math.min(BAR_CELLS.most, room));
  const line = [label, ...fraction === null ? [] : [bar(fraction, cells)], ...parts].join("  ");
  return [...line].slice(0, columns - 1).join("");
}

function bar(fraction: number, cells: number): string {
  const eighths = Math.floor(fraction * cells * 8);
  const full = "█".repeat(Math.floor(eighths / 8));
  return (full + EIGHTHS[eighths % 8]!).padEnd(cells, "░");
}

function formatRate(rate: number): string {
  return rate >= 100 ? rate.toFixed(0) : rate >= 1 ? rate.toFixed(1) : rate.toPrecision(2);
}

/** Seconds as `0:07`, `12:30` or `1:02:03`. */
export function formatClock(seconds: number): string {
  const whole = Math.round(seconds);
  const two = (value: number) => String(value).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  return hours > 0
    ? `${hours}:${two(minutes)}:${two(whole % 60)}`
    : `${minutes}:${two(whole % 60)}`;
}

/** The bar of one process. Messages go through it, so that they and the bar do not garble each other. */
export class ProgressLine {
  #write: (text: string) => void;
  #columns: () => number;
  #shown = "";

  /**
   * @param write Writes to the terminal.
   * @param columns Width of the terminal now; it may be resized.
   */
  constructor(write: (text: string) => void, columns: () => number) {
    this.#write = write;
    this.#columns = columns;
  }

  /** Start a bar. */
  start(label: string, unit: string, total: number | null): Progress {
    const started = performance.now();
    let known = total;
    let drawn = -Infinity;
    return {
      update: (done, total) => {
        if (total !== undefined) known = total;
        const now = performance.now();
        if (now - drawn < REDRAW_MILLISECONDS) return;
        drawn = now;
        const seconds = (now - started) / 1000;
        this.#shown = formatProgress(
          { label, unit, done, total: known, seconds },
          this.#columns(),
        );
        this.#write(`\r${this.#shown}\x1b[K`);
      },
      finish: () => this.clear(),
    };
  }

  /** Print a line above the bar. */
  print(line: string): void {
    const bar = this.#shown;
    this.clear();
    this.#write(`${line}\n${bar}`);
    this.#shown = bar;
  }

  /** Take the bar away. */
  clear(): void {
    if (this.#shown !== "") this.#write("\r\x1b[K");
    this.#shown = "";
  }
}
