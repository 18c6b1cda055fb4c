/**
 * What transformers' `preprocessor_config.json` says of pictures: size, filter, and how labels are counted.
 *
 * @module
 */
import * as v from "valibot";
import { InputError } from "../errors.ts";
import type { ResizeFilter } from "../image/mod.ts";
import type { PictureResize, PictureSize } from "./picture_size.ts";

/** How pictures are prepared, besides their normalization. */
export interface PictureProcessor {
  /** Size and filter; null where pictures are taken as they are. */
  readonly resize: PictureResize | null;
  /** Label 0 is left out, and the others count from 0 (ADE20K). */
  readonly reduceLabels: boolean;
}

/** Filters by Pillow's numbers. */
const PILLOW_FILTERS: readonly ResizeFilter[] = [
  "nearest",
  "lanczos",
  "bilinear",
  "bicubic",
  "box",
  "hamming",
];

const extent = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(16384));
const flag = (fallback: boolean) => v.optional(v.nullable(v.boolean()), fallback);
const SIZE = v.union([
  extent,
  v.pipe(v.strictTuple([extent, extent]), v.transform(([height, width]) => ({ height, width }))),
  v.strictObject({ height: extent, width: extent }),
  v.pipe(
    v.strictObject({ shortest_edge: extent, longest_edge: v.optional(v.nullable(extent), null) }),
    v.transform(({ shortest_edge, longest_edge }) => ({
      shortestEdge: shortest_edge,
      longestEdge: longest_edge,
    })),
  ),
  v.pipe(
    v.strictObject({ max_height: extent, max_width: extent }),
    v.transform(({ max_height, max_width }) => ({ maxHeight: max_height, maxWidth: max_width })),
  ),
]);
/** What {@linkcode SIZE} takes, for errors. */
const SIZES = "no size: expected pixels as N, [height, width], {height, width}, {shortest_edge}, " +
  "{shortest_edge, longest_edge} or {max_height, max_width}";

const PREPROCESSOR = v.object({
  image_processor_type: v.optional(v.nullable(v.string())),
  // Its name before transformers 4.26.
  feature_extractor_type: v.optional(v.nullable(v.string())),
  do_resize: flag(true),
  do_center_crop: flag(false),
  do_pad: flag(false),
  do_reduce_labels: flag(false),
  // Its name before transformers 4.30.
  reduce_labels: flag(false),
  resample: v.optional(v.nullable(v.number()), 2),
  default_to_square: flag(true),
  size: v.nullish(SIZE, 512),
});

/**
 * Read how pictures are prepared: as transformers' `SegformerImageProcessor` does it with Pillow.
 *
 * `size` is a number, `[height, width]`, `{height, width}`, `{shortest_edge}`, `{shortest_edge, longest_edge}` or
 * `{max_height, max_width}`. SegFormer's processors neither crop nor pad, whatever their files say.
 *
 * @param config Content of `preprocessor_config.json`.
 * @param source Where it comes from, for errors.
 * @throws {InputError} If the size is none of these, Pillow has no such filter, or another processor crops or pads.
 */
export function readPictureProcessor(config: unknown, source: string): PictureProcessor {
  const what = `Cannot prepare images as "${source}" says`;
  const parsed = v.safeParse(PREPROCESSOR, config, { abortEarly: true });
  if (!parsed.success) {
    const [issue] = parsed.issues;
    const path = v.getDotPath(issue) ?? "";
    const reason = path.startsWith("size") ? SIZES : `wrong: ${issue.message}`;
    throw new InputError(`${what}: "${path}" is ${reason}`);
  }
  const { image_processor_type, feature_extractor_type, ...processor } = parsed.output;
  const type = image_processor_type ?? feature_extractor_type ?? "";
  const unknown = (["do_center_crop", "do_pad"] as const).find((key) => processor[key]);
  if (unknown !== undefined && !type.startsWith("Segformer")) {
    throw new InputError(`${what}: "${unknown}" is not supported`);
  }
  const reduceLabels = Boolean(processor.do_reduce_labels || processor.reduce_labels);
  if (!processor.do_resize) return { resize: null, reduceLabels };
  const { resample } = processor;
  const filter = PILLOW_FILTERS[resample ?? 2];
  if (filter === undefined) {
    const names = PILLOW_FILTERS.map((name, number) => `${number} (${name})`);
    throw new InputError(`${what}: "resample" is ${resample}: expected ${names.join(", ")}`);
  }
  const { size, default_to_square } = processor;
  return { resize: { size: sizeOf(size, default_to_square ?? true), filter }, reduceLabels };
}

/** A bare number is both sides, or the shorter one. */
function sizeOf(size: number | PictureSize, isSquare: boolean): PictureSize {
  if (typeof size !== "number") return size;
  return isSquare ? { height: size, width: size } : { shortestEdge: size, longestEdge: null };
}
