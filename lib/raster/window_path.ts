/**
 * Guesses which windows come next, so that a server's answers are under way when they are needed.
 *
 * @module
 */
import type { PixelWindow } from "../geo/mod.ts";

/** The way of a reader that goes through an image row by row. */
export class WindowPath {
  #last: PixelWindow | null = null;
  /** First column of the rows of windows. */
  #firstX = 0;
  /** Rows from one row of windows to the next. */
  #stepY = 0;

  /**
   * Note a window, and guess.
   *
   * @param window The window that is read now.
   * @param image Size of the image.
   * @param count Number of windows to guess.
   * @returns The next windows; none where there is no pattern.
   */
  after(
    window: PixelWindow,
    image: { readonly width: number; readonly height: number },
    count: number,
  ): PixelWindow[] {
    const last = this.#last;
    this.#last = window;
    if (last === null || last.width !== window.width || last.height !== window.height) return [];
    if (window.y > last.y) {
      this.#firstX = window.x;
      this.#stepY = window.y - last.y;
      return [];
    }
    const step = window.x - last.x;
    if (window.y !== last.y || step <= 0) return [];
    if (this.#stepY === 0) this.#firstX = Math.min(this.#firstX, last.x);
    const next: PixelWindow[] = [];
    let { x, y } = window;
    for (let index = 0; index < count; index++) {
      x += step;
      if (x >= image.width) {
        x = this.#firstX;
        y += this.#stepY === 0 ? window.height : this.#stepY;
      }
      if (y >= image.height) break;
      next.push({ ...window, x, y });
    }
    return next;
  }
}
