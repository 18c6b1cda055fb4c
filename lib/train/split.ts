/**
 * Dividing samples into training, validation and test by blocks of ground, so that neighbours, which
 * look alike, do not end up on both sides.
 *
 * Roberts et al., "Cross-validation strategies for data with temporal, spatial, hierarchical, or
 * phylogenetic structure" (Ecography, 2017).
 *
 * @module
 */
import { InputError } from "../errors.ts";
import { randomStream } from "../random/mod.ts";
import type { SampleInfo, SceneInfo } from "../stream/mod.ts";
import { gapBetween, neighbourhood, type Place } from "./neighbours.ts";

/** What a sample is for. */
export type SplitName = "train" | "val" | "test";

/** Options of {@linkcode splitBlocks}. */
export interface SplitOptions {
  /** Share of the samples for validation, from 0 to below 1. */
  readonly val: number;
  /** Share of the samples for test. */
  readonly test: number;
  /** Pixels of a block's side. */
  readonly block: number;
  /** Pixels that must lie between samples of different splits; 0 lets them touch and overlap. */
  readonly buffer: number;
  /** Seed. */
  readonly seed: number;
}

/** What became of the samples. */
export interface Split {
  /** For each sample what it is for; null where it is left out as it lies in the buffer. */
  readonly assignment: readonly (SplitName | null)[];
  /** Samples of each split, and those left out. */
  readonly counts: Readonly<Record<SplitName | "leftOut", number>>;
  /** Pairs of samples of different splits that share pixels; none where there is a buffer. */
  readonly overlaps: number;
  /** The first of these pairs; null for none. */
  readonly overlapExample: readonly [key: string, key: string] | null;
}

/** Those who lose a neighbour to the buffer come last. */
const PRIORITY: readonly SplitName[] = ["test", "val", "train"];

/**
 * Where a sample lies, so that samples of scenes of the same ground, such as several dates, fall into
 * the same blocks.
 *
 * @param scene The scene; null for an independent image, which gets a plane of its own.
 * @param key The sample's key.
 * @param info Its window.
 * @returns Pixels of the ground where the scene has a north-up transform; otherwise of the scene.
 */
export function groundPlace(
  scene: SceneInfo | null,
  key: string,
  info: Pick<SampleInfo, "window">,
): Place {
  const transform = scene?.georeference.transform ?? null;
  const { window } = info;
  if (scene === null || transform === null || transform[2] !== 0 || transform[4] !== 0) {
    return { key, plane: scene === null ? `sample ${key}` : `scene ${scene.name}`, window };
  }
  const [left, width, , top, , height] = transform;
  return {
    key,
    plane: `${scene.georeference.crs ?? "unknown CRS"}, pixels of ${width} x ${height}`,
    window: { ...window, x: window.x + left / width, y: window.y + top / height },
  };
}

/**
 * Assign samples to training, validation and test.
 *
 * The plane is cut into square blocks; a sample belongs to the block that holds its centre. Blocks
 * are taken in random order for test, then for validation, as long as that brings the share of
 * samples nearer to the one wanted; the others are for training. Then samples that lie nearer than
 * the buffer to one of another split are left out: those for training rather than those for
 * validation, these rather than those for test.
 *
 * @param samples Where they lie.
 * @param options Shares, sizes and seed. The same samples in another order give the same split.
 * @throws {InputError} If the shares or sizes make no sense, or there are too few blocks.
 *
 * @example
 * ```ts
 * import { splitBlocks } from "swath";
 *
 * const samples = Array.from({ length: 100 }, (_, i) => ({
 *   key: `scene/${i}`,
 *   plane: "scene",
 *   window: { x: 64 * (i % 10), y: 64 * Math.floor(i / 10), width: 64, height: 64 },
 * }));
 * const { counts } = splitBlocks(samples, { val: 0.2, test: 0, block: 128, buffer: 0, seed: 0 });
 * if (counts.val !== 20 || counts.train !== 80) throw new Error("five of 25 blocks");
 * ```
 */
export function splitBlocks(samples: readonly Place[], options: SplitOptions): Split {
  checkOptions(options);
  const assignment = assignBlocks(samples, options);
  const overlaps = buffered(samples, assignment, options.buffer);
  const counts = { train: 0, val: 0, test: 0, leftOut: 0 };
  for (const name of assignment) counts[name ?? "leftOut"]++;
  for (const name of PRIORITY) {
    const isWanted = name === "train" || options[name] > 0;
    if (!isWanted || counts[name] > 0 || samples.length === 0) continue;
    throw new InputError(
      `Cannot split ${samples.length} samples: none is left for ${name} with blocks of ${options.block} pixels and a buffer of ${options.buffer}`,
      { hint: "Use smaller blocks or a smaller buffer" },
    );
  }
  return { assignment, counts, ...overlaps };
}

function checkOptions({ val, test, block, buffer }: SplitOptions): void {
  if (!(val >= 0 && test >= 0 && val + test > 0 && val + test < 1)) {
    throw new InputError(
      `Cannot split with shares of ${val} for validation and ${test} for test: expected a sum above 0 and below 1`,
    );
  }
  if (!(block > 0 && buffer >= 0 && block < Infinity && buffer < Infinity)) {
    throw new InputError(
      `Cannot split with blocks of ${block} pixels and a buffer of ${buffer}: expected a block above 0 and a buffer of at least 0`,
    );
  }
}

function assignBlocks(
  samples: readonly Place[],
  { val, test, block, seed }: SplitOptions,
): (SplitName | null)[] {
  const blocks = new Map<string, number[]>();
  samples.forEach(({ plane, window }, index) => {
    const row = Math.floor((window.y + window.height / 2) / block);
    const column = Math.floor((window.x + window.width / 2) / block);
    const name = `${plane}\n${row}\n${column}`;
    const members = blocks.get(name);
    if (members === undefined) blocks.set(name, [index]);
    else members.push(index);
  });
  // The order of the samples must not matter.
  const names = [...blocks.keys()].sort();
  const order = randomStream(seed, "split").permutation(names.length);
  const assignment: SplitName[] = samples.map(() => "train");
  const left = { test: test * samples.length, val: val * samples.length };
  for (const index of order) {
    const members = blocks.get(names[index]!)!;
    const isUseful = (wanted: number) => wanted > 0 && members.length / 2 <= wanted;
    const name = isUseful(left.test) ? "test" : isUseful(left.val) ? "val" : null;
    if (name === null) continue;
    left[name] -= members.length;
    for (const member of members) assignment[member] = name;
  }
  return assignment;
}

/** Leave out what lies in the buffer, in place, and count what overlaps all the same. */
function buffered(
  samples: readonly Place[],
  assignment: (SplitName | null)[],
  buffer: number,
): Pick<Split, "overlaps" | "overlapExample"> {
  let overlaps = 0;
  let overlapExample: readonly [string, string] | null = null;
  const neighbours = neighbourhood(samples, buffer);
  // Those for test stay; those for validation must keep away from them; those for training from both.
  for (const [rank, name] of PRIORITY.entries()) {
    samples.forEach((sample, index) => {
      if (assignment[index] !== name) return;
      for (const other of neighbours(sample)) {
        const otherName = assignment[other];
        if (!otherName || PRIORITY.indexOf(otherName) >= rank) continue;
        const gap = gapBetween(sample.window, samples[other]!.window);
        if (buffer > 0 && gap < buffer) {
          assignment[index] = null;
          return;
        }
        if (gap < 0) {
          overlaps++;
          overlapExample ??= [samples[other]!.key, sample.key];
        }
      }
    });
  }
  return { overlaps, overlapExample };
}
