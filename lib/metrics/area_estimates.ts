/**
 * Areas of classes that are corrected for the errors of the map, with their uncertainty.
 *
 * Counting the pixels of a map gives biased areas: what the map takes for a class is not what is there.
 * Where samples of the truth were drawn at random from each class of the map, the stratified estimator
 * of Olofsson et al., "Good practices for estimating area and assessing accuracy of land change",
 * Remote Sensing of Environment 148 (2014), says how much of each class there is and how sure that is.
 * Equations here are numbered as there.
 *
 * @module
 */
import { InputError } from "../errors.ts";
import type { ConfusionMatrix } from "./confusion_matrix.ts";

/** A figure with its standard error. */
export interface Estimate {
  /** The figure; null where it is 0/0. */
  readonly value: number | null;
  /** Its standard error; null where it cannot be told. */
  readonly standardError: number | null;
}

/** What is known of a class. */
export interface ClassArea {
  /** Number of the class. */
  readonly class: number;
  /** Samples that the map has in the class. */
  readonly samples: number;
  /** Share of the map that the class has. */
  readonly mappedShare: number;
  /** Share of the area that the class is estimated to have (equations 9 and 10). */
  readonly share: Estimate;
  /** Share of what is mapped as the class that is it (equations 2 and 6). */
  readonly usersAccuracy: Estimate;
  /** Share of what is the class that is mapped as it (equations 3 and 7). */
  readonly producersAccuracy: Estimate;
}

/** Areas and accuracies of a map. */
export interface AreaEstimates {
  /** The classes that are in the map or in the samples. */
  readonly classes: readonly ClassArea[];
  /** Share of the map that is right (equations 1 and 5). */
  readonly overallAccuracy: Estimate;
}

/** Options of {@linkcode estimateAreas}. */
export interface AreaOptions {
  /**
   * How many samples count for one that is independent of the others: 1 (where left out) for points
   * drawn at random, more for pixels of whole patches, which resemble their neighbours.
   */
  readonly designEffect?: number;
  /** Names of the classes, for errors. */
  readonly names?: readonly string[];
}

/**
 * Estimate areas and accuracies.
 *
 * @param samples Counts of samples: true class and mapped class.
 * @param mapped Pixels, or area in any unit, of each class in the map.
 * @param options How independent the samples are.
 * @throws {InputError} If a class of the map has fewer than two samples, or the map is empty.
 *
 * @example
 * ```ts
 * import { ConfusionMatrix, estimateAreas } from "swath";
 *
 * // Of 100 samples mapped as class 0, 90 are; of 100 mapped as class 1, 80.
 * const samples = new ConfusionMatrix(2);
 * samples.counts.set([90, 20, 10, 80]);
 * const { classes } = estimateAreas(samples, [1000, 3000]);
 * if (Math.abs(classes[0]!.share.value! - (0.25 * 0.9 + 0.75 * 0.2)) > 1e-12) throw new Error("share");
 * ```
 */
export function estimateAreas(
  samples: ConfusionMatrix,
  mapped: ArrayLike<number>,
  options: AreaOptions = {},
): AreaEstimates {
  const { designEffect = 1, names = [] } = options;
  const strata = strataOf(samples, mapped, designEffect, names);
  const numbers = Array.from({ length: samples.classCount }, (_, number) => number);
  // Of a truth j among the samples of stratum i.
  const rate = (i: Stratum, j: number) => i.counts[j]! / i.samples;
  const total = (term: (stratum: Stratum) => number) =>
    strata.reduce((sum, stratum) => sum + term(stratum), 0);

  const classes = numbers.flatMap((j): ClassArea[] => {
    const own = strata.find(({ number }) => number === j);
    const share = total((i) => i.weight * rate(i, j));
    if (own === undefined && share === 0) return [];
    const shareVariance = total((i) =>
      i.weight ** 2 * rate(i, j) * (1 - rate(i, j)) / (i.independent - 1)
    );
    const users = own === undefined ? null : rate(own, j);
    const usersVariance = own === undefined || users === null
      ? null
      : users * (1 - users) / (own.independent - 1);
    const producers = share === 0 ? null : (own === undefined ? 0 : own.weight * users! / share);
    return [{
      class: j,
      samples: own?.samples ?? 0,
      mappedShare: own?.weight ?? 0,
      share: { value: share, standardError: Math.sqrt(shareVariance) },
      usersAccuracy: {
        value: users,
        standardError: usersVariance === null ? null : Math.sqrt(usersVariance),
      },
      producersAccuracy: {
        value: producers,
        standardError: producers === null
          ? null
          : Math.sqrt(producersVariance(strata, j, share, producers, rate)),
      },
    }];
  });
  const overallVariance = total((i) =>
    i.weight ** 2 * rate(i, i.number) * (1 - rate(i, i.number)) / (i.independent - 1)
  );
  return {
    classes,
    overallAccuracy: {
      value: total((i) => i.weight * rate(i, i.number)),
      standardError: Math.sqrt(overallVariance),
    },
  };
}

/** A class of the map, that samples were drawn from. */
interface Stratum {
  readonly number: number;
  /** Share of the map. */
  readonly weight: number;
  readonly samples: number;
  /** Samples that count as independent. */
  readonly independent: number;
  /** Samples by their true class. */
  readonly counts: readonly number[];
}

/** Equation 7, over squares of areas as shares of the whole. */
function producersVariance(
  strata: readonly Stratum[],
  j: number,
  share: number,
  producers: number,
  rate: (stratum: Stratum, j: number) => number,
): number {
  let sum = 0;
  for (const i of strata) {
    const spread = i.weight ** 2 * rate(i, j) * (1 - rate(i, j)) / (i.independent - 1);
    sum += spread * (i.number === j ? (1 - producers) ** 2 : producers ** 2);
  }
  return sum / share ** 2;
}

function strataOf(
  samples: ConfusionMatrix,
  mapped: ArrayLike<number>,
  designEffect: number,
  names: readonly string[],
): Stratum[] {
  let whole = 0;
  for (let i = 0; i < mapped.length; i++) whole += mapped[i]!;
  if (whole === 0) throw new InputError("Cannot estimate areas: the map has no pixel with data");
  const strata: Stratum[] = [];
  for (let number = 0; number < mapped.length; number++) {
    if (mapped[number] === 0) continue;
    const counts = Array.from(
      { length: samples.classCount },
      (_, truth) => number < samples.classCount ? samples.count(truth, number) : 0,
    );
    const found = counts.reduce((sum, count) => sum + count, 0);
    const weight = mapped[number]! / whole;
    const independent = found / designEffect;
    if (found < 2 || independent <= 1) {
      throw new InputError(
        `Cannot estimate areas: class ${names[number] ?? number} covers ${
          (100 * weight).toPrecision(2)
        } % of the map and has ${found} ${found === 1 ? "sample" : "samples"}${
          designEffect === 1 ? "" : `, of which ${independent.toPrecision(2)} are independent`
        }: at least 2 are needed`,
        { hint: "Draw samples from every class of the map: --sample-design says how many" },
      );
    }
    strata.push({ number, weight, samples: found, independent, counts });
  }
  return strata;
}

/** Options of {@linkcode designSample}. */
export interface SampleDesignOptions {
  /** Standard error of the overall accuracy that is aimed at; 0.01 where left out. */
  readonly standardError?: number;
  /** User's accuracy that is expected of each class; 0.85 where left out. */
  readonly expected?: (number: number) => number;
  /** Least samples of a class; 50 where left out. */
  readonly least?: number;
}

/** How many samples to draw from a class. */
export interface StratumDesign {
  /** Number of the class. */
  readonly class: number;
  /** Share of the map. */
  readonly mappedShare: number;
  /** User's accuracy that was expected. */
  readonly expected: number;
  /** Samples to draw. */
  readonly samples: number;
}

/** A plan of samples. */
export interface SampleDesign {
  /** Samples that the standard error asks for. */
  readonly total: number;
  /** How they are shared out; together they may be more, as small classes get the least number. */
  readonly strata: readonly StratumDesign[];
}

/**
 * How many samples an accuracy assessment needs: Cochran's size for stratified sampling (equation 13),
 * shared out in proportion to area, but no class with fewer than a least number (section 5.1.2).
 *
 * @param mapped Pixels, or area in any unit, of each class in the map.
 * @param options What is aimed at.
 * @throws {InputError} If the map is empty.
 *
 * @example
 * ```ts
 * import { designSample } from "swath";
 *
 * // The example of the paper.
 * const expected = [0.7, 0.6, 0.9, 0.95];
 * const { total } = designSample([20, 15, 320, 645], {
 *   standardError: 0.01,
 *   expected: (number) => expected[number]!,
 * });
 * if (total !== 641) throw new Error(String(total));
 * ```
 */
export function designSample(
  mapped: ArrayLike<number>,
  options: SampleDesignOptions = {},
): SampleDesign {
  const { standardError = 0.01, expected = () => 0.85, least = 50 } = options;
  const areas = Array.from(mapped);
  const whole = areas.reduce((sum, area) => sum + area, 0);
  if (whole === 0) throw new InputError("Cannot plan samples: the map has no pixel with data");
  const classes = areas.flatMap((area, number) =>
    area === 0 ? [] : [{ class: number, mappedShare: area / whole, expected: expected(number) }]
  );
  const spread = classes.reduce(
    (sum, { mappedShare, expected }) => sum + mappedShare * Math.sqrt(expected * (1 - expected)),
    0,
  );
  const total = Math.max(1, Math.round((spread / standardError) ** 2));
  // Small classes take the least number; the others share what is left, in proportion.
  let small = new Set<number>();
  for (;;) {
    const left = Math.max(0, total - small.size * least);
    const large = classes.filter((stratum) => !small.has(stratum.class));
    const share = large.reduce((sum, { mappedShare }) => sum + mappedShare, 0);
    const samples = (stratum: typeof classes[number]) =>
      small.has(stratum.class) ? least : Math.round(left * stratum.mappedShare / share);
    const lacking = large.filter((stratum) => samples(stratum) < least);
    if (lacking.length === 0) {
      return {
        total,
        strata: classes.map((stratum) => ({ ...stratum, samples: samples(stratum) })),
      };
    }
    small = new Set([...small, ...lacking.map((stratum) => stratum.class)]);
  }
}
