/**
 * Lists in messages, short enough for one line.
 *
 * @module
 */

/**
 * Join items with commas, leaving out the middle of a long list.
 *
 * @param items What to list.
 * @param limit How many items are shown at most, 3 or more.
 * @returns Such as `B01, B02, B03, …, B12`.
 *
 * @example
 * ```ts
 * import { abbreviateList } from "swath";
 *
 * if (abbreviateList(["a", "b", "c", "d", "e"], 3) !== "a, b, …, e") throw new Error("too long");
 * ```
 */
export function abbreviateList(items: readonly string[], limit = 6): string {
  if (items.length <= limit) return items.join(", ");
  return `${items.slice(0, limit - 1).join(", ")}, …, ${items.at(-1)}`;
}
