/**
 * The word that was probably meant, for the hints of error messages.
 *
 * @module
 */

/**
 * Find the candidate that a mistyped word most likely stands for.
 *
 * Distance is optimal string alignment (insertions, deletions, substitutions and swaps of
 * neighbours), without regard to case. A candidate is near if it is at most a third of the longer
 * word away, or if the word begins it.
 *
 * @param word What was typed.
 * @param candidates What is known.
 * @returns The nearest candidate, the first of several as near; null where none is near.
 *
 * @example
 * ```ts
 * import { nearMiss } from "swath";
 *
 * if (nearMiss("forrest", ["water", "forest"]) !== "forest") throw new Error("no near miss");
 * if (nearMiss("snow", ["water", "forest"]) !== null) throw new Error("too generous");
 * ```
 */
export function nearMiss(word: string, candidates: Iterable<string>): string | null {
  const typed = word.toLowerCase();
  let nearest: string | null = null;
  let smallest = Infinity;
  for (const candidate of candidates) {
    const known = candidate.toLowerCase();
    const isPrefix = typed.length >= 2 && known.startsWith(typed);
    const limit = Math.max(1, Math.floor(Math.max(typed.length, known.length) / 3));
    const distance = isPrefix
      ? Math.min(1, known.length - typed.length)
      : editDistance(typed, known);
    // One letter is at distance 1 of any other letter: no hint at all is better than a random one.
    const near = isPrefix || (distance <= limit && distance < Math.min(typed.length, known.length));
    if (near && distance < smallest) {
      smallest = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

/** Optimal string alignment distance, by rows of the usual table. */
function editDistance(a: string, b: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const substitution = a[row - 1] === b[column - 1] ? 0 : 1;
      let distance = Math.min(
        previous[column]! + 1,
        current[column - 1]! + 1,
        previous[column - 1]! + substitution,
      );
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] &&
        a[row - 2] === b[column - 1];
      if (swapped) distance = Math.min(distance, beforePrevious[column - 2]! + 1);
      current.push(distance);
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[b.length]!;
}
