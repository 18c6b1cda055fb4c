/**
 * Timing of several contenders side by side, so that a machine that slows down for a while slows all
 * of them down.
 *
 * @module
 */

/** Runs the work once and says how many seconds it took. */
export type Contender = () => Promise<number>;

/** Seconds of one contender's rounds. */
export interface Timing {
  readonly median: number;
  readonly best: number;
}

/**
 * Run each contender once a round, in turn.
 *
 * @param contenders By name. The first round warms up and does not count.
 * @param rounds How many rounds count.
 */
export async function interleave<Name extends string>(
  contenders: Readonly<Record<Name, Contender>>,
  rounds: number,
): Promise<Record<Name, Timing>> {
  const names = Object.keys(contenders) as Name[];
  const seconds = new Map(names.map((name) => [name, [] as number[]]));
  for (let round = 0; round <= rounds; round++) {
    for (const name of names) {
      const elapsed = await contenders[name]();
      if (round > 0) seconds.get(name)!.push(elapsed);
    }
  }
  const timings = names.map((name) => {
    const sorted = seconds.get(name)!.toSorted((a, b) => a - b);
    return [name, { median: sorted[Math.floor(sorted.length / 2)]!, best: sorted[0]! }] as const;
  });
  return Object.fromEntries(timings) as Record<Name, Timing>;
}

/** The time of work that is done in this process. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}
