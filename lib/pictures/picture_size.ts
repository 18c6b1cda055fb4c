/**
 * Sizes that pictures are resized to, as image processors of transformers say them.
 *
 * Source: transformers, `image_transforms.py` (`get_resize_output_image_size`, `get_size_with_aspect_ratio`) and
 * `image_utils.py` (`get_image_size_for_max_height_width`). Their numbers are rounded where they round.
 *
 * @module
 */
import { InputError } from "../errors.ts";
import type { ResizeFilter } from "../image/mod.ts";

/** Rows and columns. */
export interface FixedSize {
  /** Rows. */
  readonly height: number;
  /** Columns. */
  readonly width: number;
}

/** A size, or what it follows from; but for a fixed size, the sides keep their ratio. */
export type PictureSize =
  | FixedSize
  | {
    /** The shorter side. */
    readonly shortestEdge: number;
    /** Limit of the longer side, which goes before; null for none. */
    readonly longestEdge: number | null;
  }
  | {
    /** Limit of the rows: one of the two limits is reached. */
    readonly maxHeight: number;
    /** Limit of the columns. */
    readonly maxWidth: number;
  };

/** Size and filter. */
export interface PictureResize {
  /** The size, or what it follows from. */
  readonly size: PictureSize;
  /** Filter of the picture; labels take the nearest pixel. */
  readonly filter: ResizeFilter;
}

/** More pixels than these are taken for a mistake: a line of pixels whose shorter side is to be 512. */
const MAX_PIXELS = 2 ** 28;

/**
 * The size of one picture.
 *
 * @param size What it follows from.
 * @param rows Rows of the picture.
 * @param columns Columns of the picture.
 * @throws {InputError} If nothing would be left of a side, or the picture would have more than 2^28 pixels.
 */
export function sizeOfPicture(size: PictureSize, rows: number, columns: number): FixedSize {
  const [height, width] = extentsOf(size, rows, columns);
  if (height < 1 || width < 1 || height * width > MAX_PIXELS) {
    throw new InputError(
      `Cannot resize a picture of ${columns}x${rows} pixels to ${width}x${height}: ` +
        `expected sides of 1 pixel or more and ${MAX_PIXELS} pixels or fewer`,
    );
  }
  return { height, width };
}

function extentsOf(size: PictureSize, rows: number, columns: number): readonly [number, number] {
  if ("height" in size) return [size.height, size.width];
  if ("maxHeight" in size) {
    const ratio = Math.min(size.maxHeight / rows, size.maxWidth / columns);
    return [Math.trunc(rows * ratio), Math.trunc(columns * ratio)];
  }
  const [short, long] = edgesOf(size, Math.min(rows, columns), Math.max(rows, columns));
  return columns <= rows ? [long, short] : [short, long];
}

/** Both sides, the shorter one first. */
function edgesOf(
  { shortestEdge, longestEdge }: { shortestEdge: number; longestEdge: number | null },
  short: number,
  long: number,
): readonly [number, number] {
  if (longestEdge !== null && (long / short) * shortestEdge > longestEdge) {
    const limited = (longestEdge * short) / long;
    const rounded = roundHalfToEven(limited);
    return rounded === short ? [short, long] : [rounded, Math.trunc((limited * long) / short)];
  }
  return [shortestEdge, Math.trunc((shortestEdge * long) / short)];
}

/** Python's `round`. */
function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
