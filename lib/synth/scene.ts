/**
 * A labelled scene made by rule: pixels and classes that are a function of (seed, row, column).
 *
 * @module
 */
import type { DataType, NdArray } from "../array/mod.ts";
import type { ClassInfo } from "../classes/mod.ts";
import type { Georeference } from "../geo/mod.ts";
import type { BandInfo } from "../raster/mod.ts";

/** Rows of a scene with their labels. */
export interface SyntheticRows {
  /** Shape (C, n, W). */
  readonly image: NdArray;
  /** Shape (n, W): class of each pixel, 255 where the scene has no data. */
  readonly labels: NdArray<"uint8">;
}

/** A scene that is computed when it is asked for; see {@linkcode synthLandcover}. */
export interface SyntheticScene {
  /** Short name, such as `landcover-7`. */
  readonly name: string;
  /** Columns. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
  /** Element type of the image. */
  readonly dtype: DataType;
  /** Bands of the image. */
  readonly bands: readonly BandInfo[];
  /** Value of pixels without data; null where every pixel has data. */
  readonly nodata: number | null;
  /** Where it would lie on the ground. */
  readonly georeference: Georeference;
  /** Classes of the labels. */
  readonly classes: readonly ClassInfo[];
  /**
   * Compute rows. They do not depend on how the scene is divided; rows asked for from top to bottom
   * share work.
   *
   * @param start First row.
   * @param count Number of rows.
   * @returns The pixels and their classes.
   * @throws {RangeError} If the rows are not all in the scene.
   */
  rows(start: number, count: number): SyntheticRows;
}

/** Refuse extents and seeds that no scene can have. */
export function checkSceneOptions(width: number, height: number, seed: number): void {
  for (const [name, value] of [["width", width], ["height", height]] as const) {
    if (!Number.isInteger(value) || value < 1 || value > 2 ** 24) {
      throw new RangeError(
        `internal: the ${name} of a scene must be an integer from 1 to 2^24: got ${value}`,
      );
    }
  }
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new RangeError(`internal: a seed must be an integer from 0 to 2^53 - 1: got ${seed}`);
  }
}

/** Refuse rows outside a scene. */
export function checkRows(start: number, count: number, height: number): void {
  if (!Number.isInteger(start) || !Number.isInteger(count) || start < 0 || count < 1) {
    throw new RangeError(`internal: rows ${start} and ${count} more are not a range of rows`);
  }
  if (start + count > height) {
    throw new RangeError(`internal: rows ${start} to ${start + count} leave the ${height} rows`);
  }
}
