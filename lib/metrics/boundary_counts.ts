/**
 * How well the boundaries of a map lie on those of the truth, in exact counts that can be added up.
 *
 * A contour pixel is one that has, among its eight neighbours, a pixel of another class. Pixels that are not scored
 * (without data, ignored, not predicted) and the outside of the scene are no class: no boundary runs along
 * them.
 *
 * @module
 */
import { InputError } from "../errors.ts";

/** Largest tolerance: what a scan keeps in memory grows with it. */
export const MOST_TOLERANCE = 1024;

/** Counts of one class, in pixels. */
export interface ClassBoundary {
  /**
   * Pixels near the boundary that truth and map both give to the class: the intersection of boundary IoU. Near are pixels of
   * the class at most `tolerance` pixels, as a chess king moves, from one of another class.
   */
  readonly both: number;
  /** Pixels near the boundary that truth or map gives to the class: the union of boundary IoU. */
  readonly either: number;
  /** Contour pixels of the class in the truth. */
  readonly truth: number;
  /** Those of them that lie within `tolerance` pixels (Euclidean) of a contour pixel of the class in the map. */
  readonly truthMet: number;
  /** Contour pixels of the class in the map. */
  readonly predicted: number;
  /** Those of them that lie within `tolerance` pixels of a contour pixel of the class in the truth. */
  readonly predictedMet: number;
}

/** Names of the counts, in the order in which they are kept. */
export const BOUNDARY_FIELDS = [
  "both",
  "either",
  "truth",
  "truthMet",
  "predicted",
  "predictedMet",
] as const satisfies readonly (keyof ClassBoundary)[];

/** Counts of the boundaries of all classes. */
export class BoundaryCounts {
  /** Number of classes. */
  readonly classCount: number;
  /** Pixels that a boundary may be away. */
  readonly tolerance: number;
  /** The counts: for each class, those of {@linkcode BOUNDARY_FIELDS}. */
  readonly counts: Float64Array<ArrayBuffer>;

  /**
   * Begin with no pixels.
   *
   * @param classCount Number of classes.
   * @param tolerance Whole pixels, 1 to 1024.
   * @throws {InputError} If the tolerance is out of range.
   */
  constructor(classCount: number, tolerance: number) {
    if (!Number.isInteger(tolerance) || tolerance < 1 || tolerance > MOST_TOLERANCE) {
      throw new InputError(
        `Cannot score boundaries with a tolerance of ${tolerance} pixels: expected a whole number from 1 to ${MOST_TOLERANCE}`,
      );
    }
    this.classCount = classCount;
    this.tolerance = tolerance;
    this.counts = new Float64Array(classCount * BOUNDARY_FIELDS.length);
  }

  /** Counts of a class. */
  of(index: number): ClassBoundary {
    const first = index * BOUNDARY_FIELDS.length;
    const [both, either, truth, truthMet, predicted, predictedMet] = this.counts.subarray(first) as
      & Float64Array
      & [number, number, number, number, number, number];
    return { both, either, truth, truthMet, predicted, predictedMet };
  }

  /** Count one more pixel. */
  add(index: number, field: number): void {
    this.counts[index * BOUNDARY_FIELDS.length + field]!++;
  }

  /**
   * Add the counts of others, of as many classes.
   *
   * @throws {InputError} If the tolerance differs.
   */
  merge(other: BoundaryCounts): void {
    if (other.tolerance !== this.tolerance) {
      throw new InputError(
        `Cannot add up boundaries with tolerances of ${this.tolerance} and ${other.tolerance} pixels`,
      );
    }
    other.counts.forEach((count, index) => this.counts[index]! += count);
  }

  /** The same counts for more classes, or for fewer where the rest are not in use. */
  withClassCount(classCount: number): BoundaryCounts {
    const resized = new BoundaryCounts(classCount, this.tolerance);
    resized.counts.set(this.counts.subarray(0, resized.counts.length));
    return resized;
  }
}

/** Scores of the boundaries of one class. */
export interface BoundaryScores {
  /** Boundary IoU (Cheng et al., 2021): IoU of the pixels near boundaries; null without any. */
  readonly iou: number | null;
  /** Share of the map's contour pixels that are met; null without any. */
  readonly precision: number | null;
  /** Share of the truth's contour pixels that are met; null without any. */
  readonly recall: number | null;
  /**
   * Boundary F1 (Csurka et al., 2013): 2 · precision · recall / (precision + recall); 0 where either has no contour,
   * null where both have none.
   */
  readonly f1: number | null;
}

/** Scores of the boundaries of a map. */
export interface BoundaryReport {
  /** Pixels that a boundary may be away. */
  readonly tolerance: number;
  /** Mean boundary IoU over the classes that have one. */
  readonly meanIou: number | null;
  /** Mean boundary F1 over the classes that have one. */
  readonly meanF1: number | null;
  /** Scores and counts by class number. */
  readonly classes: readonly (BoundaryScores & { readonly counts: ClassBoundary })[];
}

/**
 * Scores from counts.
 *
 * @param boundary The counts.
 * @param ignoreLabel Class that takes no part; null for none.
 */
export function boundaryReport(
  boundary: BoundaryCounts,
  ignoreLabel: number | null = null,
): BoundaryReport {
  const classes = Array.from({ length: boundary.classCount }, (_, index) => {
    const counts = boundary.of(index);
    if (index === ignoreLabel) {
      return { iou: null, precision: null, recall: null, f1: null, counts };
    }
    const { both, either, truth, truthMet, predicted, predictedMet } = counts;
    const precision = predicted === 0 ? null : predictedMet / predicted;
    const recall = truth === 0 ? null : truthMet / truth;
    return {
      iou: either === 0 ? null : both / either,
      precision,
      recall,
      f1: f1Of(precision, recall),
      counts,
    };
  });
  return {
    tolerance: boundary.tolerance,
    meanIou: meanOf(classes.map(({ iou }) => iou)),
    meanF1: meanOf(classes.map(({ f1 }) => f1)),
    classes,
  };
}

function f1Of(precision: number | null, recall: number | null): number | null {
  if (precision === null && recall === null) return null;
  const [p, r] = [precision ?? 0, recall ?? 0];
  return p + r === 0 ? 0 : 2 * p * r / (p + r);
}

function meanOf(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
}
