/**
 * Land-cover classes: names and colours, as they travel from labels or a model to the stream, the
 * map, the tables and the pictures.
 *
 * @module
 */

/** Label that marks pixels without a class: left out of losses and metrics; nodata in maps. */
export const IGNORE_LABEL = 255;

/** One class of a map. Its position in the list of classes is its index in logits and maps. */
export interface ClassInfo {
  /** Name, such as `forest`. */
  readonly name: string;
  /** Colour as `#rrggbb`. */
  readonly color: string;
}
