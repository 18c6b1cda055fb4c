/**
 * What transformers' `preprocessor_config.json` says of pictures: size, filter, and how labels are counted.
 *
 * @module
 */
import * as v from "valibot";
import { InputError } from "../errors.ts";
import type { ResizeOptions } from "../image/mod.ts";

/** How pictures are prepared, besides their normalization. */
export interface PictureProcessor {
  /** Size and filter; null where pictures are taken as they are. */
  readonly resize: ResizeOptions | null;
  /** Label 0 is left out, and the others count from 0 (ADE20K). */
  readonly reduceLabels: boolean;
}

/** transformers' numbers of Pillow's filters that are supported. */
const PILLOW_FILTERS: ReadonlyMap<number, "bilinear" | "bicubic"> = new Map([
  [2, "bilinear"],
  [3, "bicubic"],
]);

const extent = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(16384));
const flag = (fallback: boolean) => v.optional(v.nullable(v.boolean()), fallback);
const PREPROCESSOR = v.object({
  do_resize: flag(true),
  do_center_crop: flag(false),
  do_pad: flag(false),
  do_reduce_labels: flag(false),
  // Its name before transformers 4.30.
  reduce_labels: flag(false),
  resample: v.optional(v.nullable(v.number()), 2),
  size: v.optional(
    v.union([extent, v.object({ height: extent, width: extent })]),
    { height: 512, width: 512 },
  ),
});

/**
 * Read how pictures are prepared.
 *
 * @param config Content of `preprocessor_config.json`.
 * @param source Where it comes from, for errors.
 * @throws {InputError} If it asks for a size that depends on the picture, cropping, padding, or a filter other
 * than bilinear and bicubic.
 */
export function readPictureProcessor(config: unknown, source: string): PictureProcessor {
  const what = `Cannot prepare images as "${source}" says`;
  const parsed = v.safeParse(PREPROCESSOR, config, { abortEarly: true });
  if (!parsed.success) {
    const [issue] = parsed.issues;
    throw new InputError(`${what}: "${v.getDotPath(issue) ?? ""}" must be a size in pixels`);
  }
  const { do_resize, do_center_crop, do_pad, resample, size } = parsed.output;
  if (do_center_crop || do_pad) {
    throw new InputError(
      `${what}: "${do_center_crop ? "do_center_crop" : "do_pad"}" is not supported`,
    );
  }
  const reduceLabels = Boolean(parsed.output.do_reduce_labels || parsed.output.reduce_labels);
  if (!do_resize) return { resize: null, reduceLabels };
  const filter = PILLOW_FILTERS.get(resample ?? 2);
  if (filter === undefined) {
    throw new InputError(
      `${what}: "resample" is ${resample}: expected 2 (bilinear) or 3 (bicubic)`,
    );
  }
  const { height, width } = typeof size === "number" ? { height: size, width: size } : size;
  return { resize: { height, width, filter }, reduceLabels };
}
