/**
 * Processes that are none: communicators that exchange numbers within one process, for tests that need
 * no launcher.
 */
import type { Communicator, Summable } from "swath";

/**
 * As many communicators as processes; what is called on all of them at the same time goes on once the last
 * one has called.
 */
export function loopback(size: number): Communicator[] {
  let waiting: { readonly data: unknown[]; readonly done: PromiseWithResolvers<void> } | null =
    null;
  /** What all ranks gave, once the last one has. */
  async function meet(rank: number, value: unknown, exchange: (all: unknown[]) => void) {
    waiting ??= { data: [], done: Promise.withResolvers() };
    const { data, done } = waiting;
    data[rank] = value;
    if (Object.keys(data).length === size) {
      waiting = null;
      exchange(data);
      done.resolve();
    }
    await done.promise;
  }
  const reduce = (combine: (a: number, b: number) => number) => (all: unknown[]) => {
    const arrays = all as Summable[];
    const result = arrays[0]!.map((_, i) => arrays.map((array) => array[i]!).reduce(combine));
    for (const array of arrays) array.set(result);
  };
  return Array.from({ length: size }, (_, rank): Communicator => ({
    rank,
    size,
    localSize: size,
    library: "loopback",
    sum: (data) => meet(rank, data, reduce((a, b) => a + b)),
    max: (data) => meet(rank, data, reduce((a, b) => Math.max(a, b))),
    broadcast: (data) =>
      meet(rank, data, (all) => {
        const [first, ...others] = all as Uint8Array[];
        for (const other of others) other.set(first!);
      }),
    exchange: (send, receive) =>
      meet(rank, [send, receive], (all) => {
        const pairs = all as [Uint8Array, Uint8Array][];
        const part = pairs[0]![0].length / size;
        for (const [to, [, target]] of pairs.entries()) {
          for (const [from, [source]] of pairs.entries()) {
            target.set(source.subarray(to * part, (to + 1) * part), from * part);
          }
        }
      }),
    gather: (send, receive) =>
      meet(rank, [send, receive], (all) => {
        const pairs = all as [Uint8Array, Uint8Array][];
        for (const [, target] of pairs) {
          for (const [from, [source]] of pairs.entries()) target.set(source, from * source.length);
        }
      }),
    barrier: () => meet(rank, null, () => {}),
    abort: (code) => {
      throw new Error(`aborted with ${code}`);
    },
    close: () => Promise.resolve(),
  }));
}
