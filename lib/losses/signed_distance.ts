/**
 * Signed distances to the boundaries of labels, exactly.
 *
 * The squared Euclidean distance transform of Felzenszwalb and Huttenlocher (2012): along columns, then along
 * rows by the lower envelope of parabolas; linear in the number of pixels.
 *
 * @module
 */
import { type NdArray, ndarray } from "../array/mod.ts";

/** Options of {@linkcode signedDistances}. */
export interface SignedDistanceOptions {
  /** Number of classes K. */
  readonly classes: number;
  /** Label of pixels that do not count; 255 where left out. */
  readonly ignoreIndex?: number;
}

/**
 * Signed distances of Kervadec's boundary loss, for each image and class: outside of the class, the distance in
 * pixels to its nearest pixel; inside, one minus the distance to the nearest pixel that counts and is not of the
 * class. They are 0 where a pixel does not count, and throughout a class that an image does not have or that has all
 * of its pixels.
 *
 * @param labels Labels (N, H, W).
 * @param options Number of classes, and the label that does not count.
 * @returns Distances (N, K, H, W).
 *
 * @example
 * ```ts
 * import { ndarray, signedDistances } from "swath";
 *
 * const labels = ndarray("uint8", [1, 1, 4], new Uint8Array([1, 1, 0, 0]));
 * const { data } = signedDistances(labels, { classes: 2 });
 * if (data.join() !== "2,1,0,-1,-1,0,1,2") throw new Error("distances");
 * ```
 */
export function signedDistances(
  labels: NdArray<"uint8">,
  { classes, ignoreIndex = 255 }: SignedDistanceOptions,
): NdArray<"float32"> {
  const [batch, rows, columns] = labels.shape as [number, number, number];
  const area = rows * columns;
  const distances = ndarray("float32", [batch, classes, rows, columns]);
  const outside = new Float64Array(area);
  const inside = new Float64Array(area);
  for (let n = 0; n < batch; n++) {
    const image = labels.data.subarray(n * area, (n + 1) * area);
    const counts = new Uint32Array(256);
    for (const label of image) counts[label]!++;
    let total = 0;
    for (let k = 0; k < classes; k++) if (k !== ignoreIndex) total += counts[k]!;
    for (let k = 0; k < classes; k++) {
      if (k === ignoreIndex || counts[k] === 0 || counts[k] === total) continue;
      for (let i = 0; i < area; i++) {
        const label = image[i]!;
        const isCounted = label < classes && label !== ignoreIndex;
        outside[i] = label === k ? 0 : Infinity;
        inside[i] = isCounted && label !== k ? 0 : Infinity;
      }
      squaredDistances(outside, rows, columns);
      squaredDistances(inside, rows, columns);
      const plane = distances.data.subarray(
        (n * classes + k) * area,
        (n * classes + k + 1) * area,
      );
      for (let i = 0; i < area; i++) {
        const label = image[i]!;
        if (label >= classes || label === ignoreIndex) continue;
        plane[i] = label === k ? 1 - Math.sqrt(inside[i]!) : Math.sqrt(outside[i]!);
      }
    }
  }
  return distances;
}

/**
 * Replace 0 and infinity by the squared distance to the nearest 0.
 *
 * @param field H×W numbers, row by row, at least one of them 0; changed in place.
 * @param rows Rows H.
 * @param columns Columns W.
 */
export function squaredDistances(field: Float64Array, rows: number, columns: number): void {
  const longest = Math.max(rows, columns);
  const scratch = {
    line: new Float64Array(longest),
    apexes: new Int32Array(longest),
    borders: new Float64Array(longest + 1),
  };
  for (let column = 0; column < columns; column++) {
    transformLine(field, column, columns, rows, scratch);
  }
  for (let row = 0; row < rows; row++) transformLine(field, row * columns, 1, columns, scratch);
}

interface Scratch {
  readonly line: Float64Array;
  readonly apexes: Int32Array;
  readonly borders: Float64Array;
}

/** One line of the field: the lower envelope of the parabolas (x − i)² + f(i). */
function transformLine(
  field: Float64Array,
  start: number,
  step: number,
  length: number,
  { line, apexes, borders }: Scratch,
): void {
  let last = -1;
  for (let i = 0; i < length; i++) {
    const height = field[start + i * step]!;
    line[i] = height;
    if (height === Infinity) continue;
    let border = -Infinity;
    while (last >= 0) {
      const apex = apexes[last]!;
      border = (height + i * i - line[apex]! - apex * apex) / (2 * (i - apex));
      if (border > borders[last]!) break;
      last--;
    }
    last++;
    apexes[last] = i;
    borders[last] = last === 0 ? -Infinity : border;
  }
  if (last < 0) return;
  let current = 0;
  for (let x = 0; x < length; x++) {
    while (current < last && borders[current + 1]! < x) current++;
    const apex = apexes[current]!;
    field[start + x * step] = (x - apex) ** 2 + line[apex]!;
  }
}
