/**
 * How stored numbers become the network's input: radiometric scale and offset, then standardisation
 * per band. Models carry theirs, so that a scene is never mapped with another one's statistics.
 *
 * @module
 */

/**
 * Per-band affine normalization:
 * `y = (raw · scale + offset − mean) / std`, then clipped where `clip` is given.
 *
 * Pixels without data become 0, which is the band's mean.
 */
export interface Normalization {
  /** Band names in order; the normalization applies to these and no others. */
  readonly bands: readonly string[];
  /** Factor from stored numbers to physical values, such as 0.0001 for Sentinel-2 reflectance. */
  readonly scale: readonly number[];
  /** Added after scaling, such as −0.1 for Sentinel-2 products since baseline 04.00. */
  readonly offset: readonly number[];
  /** Subtracted, in physical units. */
  readonly mean: readonly number[];
  /** Divided by, in physical units; never 0. */
  readonly std: readonly number[];
  /** Range that results are limited to; null for none. */
  readonly clip: readonly [number, number] | null;
}
