/**
 * Which samples lie near one another.
 *
 * @module
 */
import type { PixelWindow } from "../geo/mod.ts";

/** A sample's place on the ground. */
export interface Place {
  /** Key of the sample. */
  readonly key: string;
  /** Samples of one plane share a grid of pixels; see {@linkcode groundPlace}. */
  readonly plane: string;
  /** Its place on the plane, in pixels, which need not be whole. */
  readonly window: PixelWindow;
}

/** Pixels between two windows along the axis where they are farther apart; negative where they overlap. */
export function gapBetween(a: PixelWindow, b: PixelWindow): number {
  const horizontal = Math.max(a.x - b.x - b.width, b.x - a.x - a.width);
  const vertical = Math.max(a.y - b.y - b.height, b.y - a.y - a.height);
  return Math.max(horizontal, vertical);
}

/**
 * Finds the places that may lie within a distance of one, without looking at all of them.
 *
 * @param places The places.
 * @param distance In pixels.
 * @returns Numbers of the places that may be near a given one, which is no larger than they are.
 */
export function neighbourhood(
  places: readonly Place[],
  distance: number,
): (place: Place) => Iterable<number> {
  const largest = places.reduce(
    (size, { window }) => Math.max(size, window.width, window.height),
    1,
  );
  const cell = largest + distance;
  const cellOf = (position: number) => Math.floor(position / cell);
  const cells = new Map<string, number[]>();
  places.forEach(({ plane, window }, index) => {
    const name = `${plane}\n${cellOf(window.y)}\n${cellOf(window.x)}`;
    const members = cells.get(name);
    if (members === undefined) cells.set(name, [index]);
    else members.push(index);
  });
  return function* ({ plane, window }) {
    const row = cellOf(window.y);
    const column = cellOf(window.x);
    for (let y = row - 1; y <= row + 1; y++) {
      for (let x = column - 1; x <= column + 1; x++) {
        yield* cells.get(`${plane}\n${y}\n${x}`) ?? [];
      }
    }
  };
}
