/**
 * Which windows come next: as announced, or guessed from those that came.
 *
 * Blocks are decoded ahead, and given up, by it; nothing depends on its being right but the time.
 *
 * @module
 */
import type { PixelWindow } from "../geo/mod.ts";

/** A window to come. */
export interface NextWindow {
  readonly window: PixelWindow;
  /** True if no other window shares pixels with it, as far as is known. */
  readonly alone: boolean;
}

/** What follows a window. */
export interface WindowsToCome {
  /** The next windows, in their order; none where there is no pattern. */
  readonly next: Iterable<NextWindow>;
  /** First column of the next window of this row; Infinity where it is the last, null if unknown. */
  readonly nextX: number | null;
  /** First row of the next row of windows; Infinity where this is the last, null if unknown. */
  readonly nextRow: number | null;
}

/** The way of a reader that goes through an image row by row. */
export class WindowPath {
  #announced: readonly NextWindow[] = [];
  /** Place of the next window among those announced. */
  #place = 0;
  #last: PixelWindow | null = null;
  /** Size of the window before. */
  #width = 0;
  #height = 0;
  /** First column of the rows of windows. */
  #firstX = 0;
  /** Columns from one window to the next. */
  #stepX = 0;
  /** Rows from one row of windows to the next. */
  #stepY = 0;

  /** Take the word of one who knows which windows will be read. */
  announce(windows: readonly PixelWindow[]): void {
    this.#announced = withNeighbours(windows);
    this.#place = 0;
  }

  /**
   * Note a window, and say what comes.
   *
   * @param window The window that is read now.
   * @param image Size of the image.
   */
  after(
    window: PixelWindow,
    image: { readonly width: number; readonly height: number },
  ): WindowsToCome {
    const announced = this.#announced;
    const place = this.#place;
    if (place >= announced.length || !isSame(announced[place]!.window, window)) {
      return this.#guess(window, image);
    }
    this.#place = place + 1;
    let rowEnd = place + 1;
    while (rowEnd < announced.length && announced[rowEnd]!.window.y === window.y) rowEnd++;
    return {
      next: { [Symbol.iterator]: () => following(announced, place + 1) },
      nextX: rowEnd > place + 1 ? announced[place + 1]!.window.x : Infinity,
      nextRow: announced[rowEnd]?.window.y ?? Infinity,
    };
  }

  #guess(
    window: PixelWindow,
    image: { readonly width: number; readonly height: number },
  ): WindowsToCome {
    const unknown: WindowsToCome = { next: [], nextX: null, nextRow: null };
    const last = this.#last;
    this.#last = window;
    this.#width = last?.width ?? 0;
    this.#height = last?.height ?? 0;
    if (last === null) return unknown;
    if (window.y > last.y) {
      this.#firstX = window.x;
      this.#stepY = window.y - last.y;
    } else if (window.y === last.y && window.x > last.x) {
      if (this.#stepY === 0) this.#firstX = Math.min(this.#firstX, last.x);
      this.#stepX = window.x - last.x;
    } else {
      return unknown;
    }
    if (this.#stepX === 0) return unknown;
    const nextX = window.x + this.#stepX;
    return {
      next: { [Symbol.iterator]: () => this.#steps(window, image) },
      nextX: nextX < image.width ? nextX : Infinity,
      nextRow: this.#stepY === 0 ? null : window.y + this.#stepY,
    };
  }

  *#steps(
    window: PixelWindow,
    image: { readonly width: number; readonly height: number },
  ): Generator<NextWindow> {
    const stepX = this.#stepX;
    const stepY = this.#stepY === 0 ? window.height : this.#stepY;
    // Those at the edges may be smaller.
    const width = Math.max(window.width, this.#width);
    const height = Math.max(window.height, this.#height);
    // Those that reach beyond the image may turn out to be smaller.
    const isApart = stepX >= width && stepY >= height;
    let { x, y } = window;
    for (;;) {
      x += stepX;
      if (x >= image.width) {
        x = this.#firstX;
        y += stepY;
      }
      if (y >= image.height) return;
      const alone = isApart && x + width <= image.width && y + height <= image.height;
      yield { window: { x, y, width, height }, alone };
    }
  }
}

function isSame(a: PixelWindow, b: PixelWindow): boolean {
  return a.x === b.x && a.y === b.y && a.width === b.width && a.height === b.height;
}

/** Windows in rows from the top, and which of them share no pixels with their neighbours. */
function withNeighbours(windows: readonly PixelWindow[]): NextWindow[] {
  const bottomOfRow = new Map<number, number>();
  for (const { y, height } of windows) {
    bottomOfRow.set(y, Math.max(bottomOfRow.get(y) ?? 0, y + height));
  }
  const rows = [...bottomOfRow.keys()];
  const above = new Map(rows.map((y, row) => [y, bottomOfRow.get(rows[row - 1]!) ?? -Infinity]));
  const below = new Map(rows.map((y, row) => [y, rows[row + 1] ?? Infinity]));
  return windows.map((window, index) => {
    const { x, y, width, height } = window;
    const before = windows[index - 1];
    const after = windows[index + 1];
    const alone = !(before?.y === y && before.x + before.width > x) &&
      !(after?.y === y && after.x < x + width) &&
      above.get(y)! <= y && below.get(y)! >= y + height;
    return { window, alone };
  });
}

function* following(windows: readonly NextWindow[], start: number): Generator<NextWindow> {
  for (let index = start; index < windows.length; index++) yield windows[index]!;
}
