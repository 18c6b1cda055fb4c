/**
 * What is computed when it is first asked for.
 *
 * @module
 */

/** A function that computes at its first call, and gives that result at every later one. */
export function once<T>(compute: () => T): () => T {
  let result: { readonly value: T } | null = null;
  return () => (result ??= { value: compute() }).value;
}
