/**
 * Sharing the patches of many scenes among several processes.
 *
 * @module
 */
import type { GridPlan } from "./grid.ts";
import { checkShard, type SceneShard, type ShardPart, shardPart, visibleRows } from "./shard.ts";

/** What the rows of patches of a scene cost. */
interface SceneCosts {
  readonly rows: number;
  /** Cost of some of them, from the first to one before the end. */
  of(first: number, end: number): number;
}

/** Consecutive rows of patches of consecutive scenes. */
interface Chunk {
  /** Rows of each scene that it has some of, in order. */
  readonly parts: readonly {
    readonly scene: number;
    readonly first: number;
    readonly end: number;
  }[];
  readonly cost: number;
}

/**
 * The part of each scene that a shard answers for.
 *
 * Rows of patches, scene after scene, are cut into as many runs as there are shards, so that the
 * largest number of pixels that one of them has to go through is as small as it can be; the neighbours'
 * rows that a part of a scene goes through as well count, patches that are not selected do not. The
 * same scenes give the same parts,
 * whoever asks.
 *
 * @param plans How each scene is cut, without shards.
 * @param shard Which of how many.
 * @returns For each scene, the rows that the shard answers for, to be given to {@linkcode planGrid};
 * null where it has none. A whole scene is part 1 of 1.
 * @throws {InputError} If there is no such shard, or there are fewer rows of patches than shards.
 *
 * @example
 * ```ts
 * import { planGrid, shareOut } from "swath";
 *
 * const plans = [1, 2, 3].map((n) => planGrid({ width: 512, height: 512 * n, size: 512 }));
 * const [small, middle, large] = shareOut(plans, { number: 1, count: 2 });
 * if (small?.count !== 1 || middle?.count !== 1 || large !== null) throw new Error("three of six rows");
 * ```
 */
export function shareOut(
  plans: readonly GridPlan[],
  shard: SceneShard,
): (ShardPart | null)[] {
  const [only, ...others] = plans;
  if (only === undefined) return [];
  if (others.length === 0) return [shardPart(only.rows, only.grid.height, shard)];
  checkShard(shard, plans.reduce((sum, { grid }) => sum + grid.rows, 0));
  const chunks = cutIntoChunks(plans.map(costsOf), shard.count);
  return plans.map((_, scene) => {
    const holders = chunks.filter(({ parts }) => parts.some((part) => part.scene === scene));
    const own = chunks[shard.number - 1]!.parts.find((part) => part.scene === scene);
    if (own === undefined) return null;
    const number = 1 + holders.indexOf(chunks[shard.number - 1]!);
    return { number, count: holders.length, first: own.first, end: own.end };
  });
}

/** Exactly so many chunks, the costliest of them as cheap as it can be. */
function cutIntoChunks(scenes: readonly SceneCosts[], count: number): Chunk[] {
  let low = 1;
  let high = scenes.reduce((sum, scene) => sum + scene.of(0, scene.rows), 0);
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (chunksWithin(scenes, middle).length <= count) high = middle;
    else low = middle + 1;
  }
  const chunks = chunksWithin(scenes, low);
  while (chunks.length < count) {
    const rows = ({ parts }: Chunk) => parts.reduce((sum, { first, end }) => sum + end - first, 0);
    const costliest = chunks
      .filter((chunk) => rows(chunk) > 1)
      .reduce((a, b) => b.cost > a.cost ? b : a);
    chunks.splice(chunks.indexOf(costliest), 1, ...halves(scenes, costliest));
  }
  return chunks;
}

/** Chunks of at most that cost, or of one row, taken from the start as large as they can be. */
function chunksWithin(scenes: readonly SceneCosts[], most: number): Chunk[] {
  const chunks: Chunk[] = [];
  let parts: Chunk["parts"][number][] = [];
  let before = 0;
  const close = () => {
    if (parts.length > 0) chunks.push({ parts, cost: before });
    parts = [];
    before = 0;
  };
  for (const [scene, { rows, of }] of scenes.entries()) {
    for (let first = 0; first < rows;) {
      let end = first;
      while (end < rows && before + of(first, end + 1) <= most) end++;
      if (end === first && parts.length > 0) {
        close();
        continue;
      }
      // A row that costs more by itself, with the neighbours that it sees, has to go somewhere.
      end = Math.max(end, first + 1);
      parts.push({ scene, first, end });
      before += of(first, end);
      first = end;
      if (end < rows) close();
    }
  }
  close();
  return chunks;
}

/** A chunk in two, as equal as its rows allow. */
function halves(scenes: readonly SceneCosts[], { parts }: Chunk): [Chunk, Chunk] {
  const rows = parts.flatMap(({ scene, first, end }) =>
    Array.from({ length: end - first }, (_, i) => ({ scene, first: first + i, end: first + i + 1 }))
  );
  const chunkOf = (list: typeof rows): Chunk => {
    const joined: typeof rows = [];
    for (const row of list) {
      const last = joined.at(-1);
      if (last?.scene === row.scene) joined[joined.length - 1] = { ...last, end: row.end };
      else joined.push(row);
    }
    const cost = joined.reduce(
      (sum, { scene, first, end }) => sum + scenes[scene]!.of(first, end),
      0,
    );
    return { parts: joined, cost };
  };
  let best: [Chunk, Chunk] | null = null;
  for (let cut = 1; cut < rows.length; cut++) {
    const pair: [Chunk, Chunk] = [chunkOf(rows.slice(0, cut)), chunkOf(rows.slice(cut))];
    const larger = (chunks: [Chunk, Chunk]) => Math.max(chunks[0].cost, chunks[1].cost);
    if (best === null || larger(pair) < larger(best)) best = pair;
  }
  return best!;
}

/** Pixels that rows of patches of a scene have to go through. */
function costsOf({ rows, grid, selected }: GridPlan): SceneCosts {
  const patch = grid.width * grid.height;
  const above = [0];
  for (let row = 0; row < grid.rows; row++) {
    const numbers = Array.from({ length: grid.columns }, (_, i) => row * grid.columns + i);
    const count = numbers.filter((number) => selected?.has(number) ?? true).length;
    above.push(above[row]! + patch * count);
  }
  const visible = rows.cuts.map((cut) => visibleRows(rows, grid.height, cut, cut));
  return {
    rows: grid.rows,
    of: (first, end) => above[visible[end]!.endRow]! - above[visible[first]!.firstRow]!,
  };
}
