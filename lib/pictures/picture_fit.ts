/**
 * Pictures and labels at one size.
 *
 * @module
 */
import { cropArray, type NdArray, ndarray } from "../array/mod.ts";
import { type ResizeFilter, resizeImage, resizeNearest, type ResizeOptions } from "../image/mod.ts";
import { type FixedSize, type PictureResize, sizeOfPicture } from "./picture_size.ts";

/** How pictures come to a size. */
export type PictureFitMode = (typeof PICTURE_FITS)[number];

/**
 * The ways: as they are; stretched to the size; the shorter side to the size and the middle cut out; the longer side
 * to the size and filled up at the bottom and at the right with pixels without data.
 */
export const PICTURE_FITS = ["none", "stretch", "crop", "pad"] as const;

/** Size and way. */
export type PictureFit =
  | { readonly mode: "none" }
  | PictureResize & { readonly mode: "stretch" }
  | { readonly mode: "crop" | "pad"; readonly size: FixedSize; readonly filter: ResizeFilter };

/** A picture with its labels. */
export interface LabelledPicture {
  /** Shape (3, H, W). */
  readonly image: NdArray<"uint8">;
  /** Shape (H, W); null without. */
  readonly label: NdArray<"uint8"> | null;
  /** Shape (H, W), 1 where there is data. */
  readonly valid: NdArray<"uint8">;
}

/**
 * Bring a picture to a size.
 *
 * @param picture The picture.
 * @param fit Size and way.
 * @param ignoreLabel Label of pixels that are filled up.
 */
export function fitPicture(
  picture: LabelledPicture,
  fit: PictureFit,
  ignoreLabel: number,
): LabelledPicture {
  if (fit.mode === "none") return picture;
  const [, rows, columns] = picture.image.shape as [number, number, number];
  const { filter } = fit;
  if (fit.mode === "stretch") {
    return resizePicture(picture, { ...sizeOfPicture(fit.size, rows, columns), filter });
  }
  const { height, width } = fit.size;
  const ratios = [height / rows, width / columns];
  const ratio = fit.mode === "crop" ? Math.max(...ratios) : Math.min(...ratios);
  const scaled = (extent: number) => Math.max(1, Math.round(extent * ratio));
  const resized = resizePicture(picture, { height: scaled(rows), width: scaled(columns), filter });
  return fit.mode === "crop"
    ? cropMiddle(resized, height, width)
    : fillUp(resized, height, width, ignoreLabel);
}

function resizePicture(
  { image, label, valid }: LabelledPicture,
  options: ResizeOptions,
): LabelledPicture {
  const { height, width } = options;
  return {
    image: resizeImage(image, options) as NdArray<"uint8">,
    label: label === null ? null : resizeNearest(label, height, width),
    valid: resizeNearest(valid, height, width),
  };
}

function cropMiddle(
  { image, label, valid }: LabelledPicture,
  height: number,
  width: number,
): LabelledPicture {
  const [, rows, columns] = image.shape as [number, number, number];
  const window = {
    x: Math.floor((columns - width) / 2),
    y: Math.floor((rows - height) / 2),
    width,
    height,
  };
  return {
    image: cropArray(image, window) as NdArray<"uint8">,
    label: label === null ? null : cropArray(label, window) as NdArray<"uint8">,
    valid: cropArray(valid, window) as NdArray<"uint8">,
  };
}

function fillUp(
  picture: LabelledPicture,
  height: number,
  width: number,
  ignoreLabel: number,
): LabelledPicture {
  const filled = (array: NdArray<"uint8">, value: number) => {
    const [rows, columns] = array.shape.slice(-2) as [number, number];
    const result = ndarray("uint8", [...array.shape.slice(0, -2), height, width]);
    result.data.fill(value);
    for (let line = 0; line < array.data.length / columns; line++) {
      const to = (Math.floor(line / rows) * height + line % rows) * width;
      result.data.set(array.data.subarray(line * columns, (line + 1) * columns), to);
    }
    return result;
  };
  return {
    image: filled(picture.image, 0),
    label: picture.label === null ? null : filled(picture.label, ignoreLabel),
    valid: filled(picture.valid, 0),
  };
}
