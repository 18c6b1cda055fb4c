/**
 * Pictures and labels at one size.
 *
 * @module
 */
import { cropArray, type NdArray, ndarray } from "../array/mod.ts";
import { type ResizeFilter, resizeImage } from "../image/mod.ts";

/** How pictures come to a size. */
export type PictureFitMode = (typeof PICTURE_FITS)[number];

/**
 * The ways: as they are; stretched to the size; the shorter side to the size and the middle cut out; the longer side
 * to the size and filled up at the bottom and at the right with pixels without data.
 */
export const PICTURE_FITS = ["none", "stretch", "crop", "pad"] as const;

/** Size and way. */
export interface PictureFit {
  /** How the size is come to. */
  readonly mode: PictureFitMode;
  /** Rows. */
  readonly height: number;
  /** Columns. */
  readonly width: number;
  /** Filter of the picture; labels take the nearest pixel. */
  readonly filter: ResizeFilter;
}

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
  const [, height, width] = picture.image.shape as [number, number, number];
  if (fit.mode === "stretch") return resizePicture(picture, fit.height, fit.width, fit.filter);
  const ratios = [fit.height / height, fit.width / width];
  const ratio = fit.mode === "crop" ? Math.max(...ratios) : Math.min(...ratios);
  const [rows, columns] = [height, width].map((extent) => Math.max(1, Math.round(extent * ratio)));
  const resized = resizePicture(picture, rows!, columns!, fit.filter);
  return fit.mode === "crop"
    ? cropMiddle(resized, fit.height, fit.width)
    : fillUp(resized, fit.height, fit.width, ignoreLabel);
}

function resizePicture(
  { image, label, valid }: LabelledPicture,
  height: number,
  width: number,
  filter: ResizeFilter,
): LabelledPicture {
  const [, rows, columns] = image.shape as [number, number, number];
  if (rows === height && columns === width) return { image, label, valid };
  return {
    image: resizeImage(image, { height, width, filter }) as NdArray<"uint8">,
    label: label === null ? null : resizeNearest(label, height, width),
    valid: resizeNearest(valid, height, width),
  };
}

/**
 * Resize labels: each pixel is the one under its centre, as Pillow's filter `NEAREST` has it.
 *
 * @param labels Shape (H, W).
 * @param height Rows of the result.
 * @param width Columns of the result.
 */
export function resizeNearest(
  labels: NdArray<"uint8">,
  height: number,
  width: number,
): NdArray<"uint8"> {
  const [rows, columns] = labels.shape as [number, number];
  const result = ndarray("uint8", [height, width]);
  const place = (index: number, extent: number, resized: number) =>
    Math.min(extent - 1, Math.floor((index + 0.5) * (extent / resized)));
  for (let y = 0; y < height; y++) {
    const from = place(y, rows, height) * columns;
    for (let x = 0; x < width; x++) {
      result.data[y * width + x] = labels.data[from + place(x, columns, width)]!;
    }
  }
  return result;
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
