/**
 * Arrays that grow as numbers come.
 *
 * @module
 */

/**
 * A copy of an array, twice as long.
 *
 * @param array Its elements come first; zeros follow them.
 */
export function grown<T extends Int32Array | Uint8Array | Float64Array>(array: T): T {
  const copy = new (array.constructor as new (length: number) => T)(2 * array.length);
  copy.set(array);
  return copy;
}
