/**
 * Confidence intervals of scores by the bootstrap over scenes: Efron and Tibshirani, "An introduction to the
 * bootstrap" (1993), percentile intervals.
 *
 * @module
 */
import { InputError } from "../errors.ts";
import { randomStream } from "../random/mod.ts";
import { type BoundaryCounts, boundaryReport } from "./boundary_counts.ts";
import { ConfusionMatrix } from "./confusion_matrix.ts";
import { type AbsentPolicy, computeScores } from "./scores.ts";

/** What was counted in one scene. */
export interface SceneCounts {
  /** Its name. */
  readonly name: string;
  /** Its pixels. */
  readonly matrix: ConfusionMatrix;
  /** Its boundaries; null where not counted. */
  readonly boundary: BoundaryCounts | null;
}

/** Options of {@linkcode bootstrapScores}. */
export interface BootstrapOptions {
  /** How often scenes are drawn anew. */
  readonly replicates: number;
  /** Probability that an interval covers; 0.95 where left out. */
  readonly level?: number;
  /** Seed of the draws; 0 where left out. */
  readonly seed?: number;
  /** What absent classes count; `skip` where left out. */
  readonly absent?: AbsentPolicy;
}

/** Lower and upper end; null where the score is undefined in every draw. */
export type Interval = readonly [low: number, high: number] | null;

/** Scores over all classes that have intervals. */
export const INTERVAL_SCORES = [
  "meanIou",
  "meanDice",
  "pixelAccuracy",
  "meanAccuracy",
  "frequencyWeightedIou",
  "kappa",
  "matthews",
  "ade20k",
] as const;

/** Confidence intervals. */
export interface Intervals {
  /** Scenes that were drawn from. */
  readonly scenes: number;
  /** How often. */
  readonly replicates: number;
  /** Probability that an interval covers. */
  readonly level: number;
  /** Scores over all classes by name; with boundaries also `boundaryIou` and `boundaryF1`. */
  readonly overall: Readonly<Record<string, Interval>>;
  /** Intervals of the IoU of each class. */
  readonly iou: readonly Interval[];
}

/**
 * Draw as many scenes as there are, with replacement, again and again, and compute the scores of their summed
 * counts: how far they spread is how far other scenes of the same kind would move them. Draws in which a score is
 * undefined do not count for it.
 *
 * @param scenes The scenes, with as many classes each; at least two.
 * @param options How often to draw, and the level.
 * @returns Percentile intervals.
 * @throws {InputError} If there are fewer than two scenes.
 */
export function bootstrapScores(
  scenes: readonly SceneCounts[],
  { replicates, level = 0.95, seed = 0, absent = "skip" }: BootstrapOptions,
): Intervals {
  if (scenes.length < 2) {
    throw new InputError(
      `Cannot compute confidence intervals from ${scenes.length} scene${
        scenes.length === 1 ? "" : "s"
      }: expected at least 2`,
      { hint: "Score several scenes in one stream, or add up results of --bootstrap with --merge" },
    );
  }
  const random = randomStream(seed, "bootstrap");
  const overall = new Map<string, number[]>();
  const perClass = Array.from({ length: scenes[0]!.matrix.classCount }, (): number[] => []);
  const keep = (name: string, value: number | null) => {
    if (!overall.has(name)) overall.set(name, []);
    if (value !== null) overall.get(name)!.push(value);
  };
  for (let draw = 0; draw < replicates; draw++) {
    const drawn = scenes.map((_, place) =>
      scenes[random.integer(draw * scenes.length + place, scenes.length)]!
    );
    const scores = computeScores(sumOf(drawn), { absent });
    for (const name of INTERVAL_SCORES) keep(name, scores[name]);
    scores.classes.forEach(({ iou }, index) => {
      if (iou !== null) perClass[index]!.push(iou);
    });
    const boundary = sumOfBoundaries(drawn);
    if (boundary === null) continue;
    const report = boundaryReport(boundary, drawn[0]!.matrix.ignoreLabel);
    keep("boundaryIou", report.meanIou);
    keep("boundaryF1", report.meanF1);
  }
  return {
    scenes: scenes.length,
    replicates,
    level,
    overall: Object.fromEntries(
      [...overall].map(([name, values]) => [name, percentiles(values, level)]),
    ),
    iou: perClass.map((values) => percentiles(values, level)),
  };
}

function sumOf(scenes: readonly SceneCounts[]): ConfusionMatrix {
  const { classCount, ignoreLabel } = scenes[0]!.matrix;
  const sum = new ConfusionMatrix(classCount, { ignoreLabel });
  for (const { matrix } of scenes) sum.merge(matrix);
  return sum;
}

function sumOfBoundaries(scenes: readonly SceneCounts[]): BoundaryCounts | null {
  const [first] = scenes;
  if (first!.boundary === null) return null;
  const sum = first!.boundary.withClassCount(first!.boundary.classCount);
  for (const { boundary } of scenes.slice(1)) sum.merge(boundary!);
  return sum;
}

/** The interval that leaves out equal shares of the draws at both ends; linear between draws, as NumPy's. */
function percentiles(values: readonly number[], level: number): Interval {
  if (values.length === 0) return null;
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => {
    const place = share * (sorted.length - 1);
    const low = Math.floor(place);
    const high = Math.min(low + 1, sorted.length - 1);
    return sorted[low]! + (place - low) * (sorted[high]! - sorted[low]!);
  };
  return [at((1 - level) / 2), at((1 + level) / 2)];
}
