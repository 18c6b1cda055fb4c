/**
 * A folder of pictures as a stream of independent images.
 *
 * @module
 */
import { type NdArray, ndarray } from "../array/mod.ts";
import { type ClassInfo, IGNORE_LABEL } from "../classes/mod.ts";
import { InputError } from "../errors.ts";
import { openRaster } from "../raster/mod.ts";
import { type Sample, STREAM_VERSION, type StreamItem } from "../stream/mod.ts";
import type { PictureFile } from "./picture_files.ts";
import { fitPicture, type LabelledPicture, type PictureFit } from "./picture_fit.ts";
import { readLabelMap } from "./picture_labels.ts";
import { pictureToRgb } from "./rgb.ts";

/** Options of {@linkcode pictureStream}. */
export interface PictureStreamOptions {
  /** How pictures come to a size. */
  readonly fit: PictureFit;
  /** Names and colours of the classes; null where unknown. */
  readonly classes: readonly ClassInfo[] | null;
  /** Label 0 is left out, and the others count from 0. */
  readonly reduceLabels: boolean;
  /** Put into the header. */
  readonly history?: readonly string[];
  /** Called after each picture. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Names of the bands of pictures. */
export const PICTURE_BANDS = ["R", "G", "B"] as const;

/**
 * Read pictures, one after the other.
 *
 * @param files The pictures.
 * @param options Size, classes and labels.
 * @returns One segment without a scene: RGB in 8 bits, `valid`, and `label` where there are labels.
 * @throws {InputError} If a file is damaged, or labels do not have the size of their picture.
 */
export async function* pictureStream(
  files: readonly PictureFile[],
  options: PictureStreamOptions,
): AsyncGenerator<StreamItem, void, undefined> {
  const { classes, history = [], onProgress } = options;
  yield {
    type: "header",
    header: {
      swath: STREAM_VERSION,
      scene: null,
      grid: null,
      samples: files.length,
      bands: PICTURE_BANDS.map((name) => ({ name, scale: 1, offset: 0 })),
      dtype: "uint8",
      normalization: null,
      classes,
      output: null,
      history,
    },
  };
  for (const [index, file] of files.entries()) {
    yield { type: "sample", sample: await sampleOf(file, index, options) };
    onProgress?.(index + 1, files.length);
  }
  yield { type: "end", end: { samples: files.length, skipped: 0 } };
}

async function sampleOf(
  file: PictureFile,
  index: number,
  { fit, classes, reduceLabels }: PictureStreamOptions,
): Promise<Sample> {
  const { image, info } = await readWhole(file.image);
  const rgb = pictureToRgb(image, info);
  const [, height, width] = rgb.shape as [number, number, number];
  let label: NdArray<"uint8"> | null = null;
  if (file.label !== null) {
    const map = await readWhole(file.label);
    label = readLabelMap(map.image, map.info, { classes, reduce: reduceLabels });
    const [rows, columns] = label.shape as [number, number];
    if (rows !== height || columns !== width) {
      throw new InputError(
        `Cannot use the labels "${file.label}" of ${columns}x${rows} pixels for "${file.image}" of ${width}x${height}`,
      );
    }
    checkLabels(label, file.label, classes);
  }
  const valid = ndarray("uint8", [height, width]);
  valid.data.fill(1);
  const fitted: LabelledPicture = fitPicture({ image: rgb, label, valid }, fit, IGNORE_LABEL);
  const [, rows, columns] = fitted.image.shape as [number, number, number];
  const window = { x: 0, y: 0, width: columns, height: rows };
  let validPixels = 0;
  for (const value of fitted.valid.data) validPixels += value;
  return {
    key: file.key,
    info: { window, core: window, position: [index, 0], transform: null, crs: null, validPixels },
    arrays: {
      image: fitted.image,
      ...(fitted.label !== null && { label: fitted.label }),
      valid: fitted.valid,
    },
  };
}

async function readWhole(path: string) {
  const reader = await openRaster(path);
  try {
    const { width, height } = reader.info;
    const { image } = await reader.read({ x: 0, y: 0, width, height });
    return { image, info: reader.info };
  } finally {
    reader.close();
  }
}

/** Refuse numbers that no class has. */
function checkLabels(
  { data, shape }: NdArray<"uint8">,
  source: string,
  classes: readonly ClassInfo[] | null,
): void {
  if (classes === null) return;
  const wrong = data.findIndex((label) => label >= classes.length && label !== IGNORE_LABEL);
  if (wrong < 0) return;
  const width = shape[1]!;
  throw new InputError(
    `Cannot use label ${data[wrong]} at row ${Math.floor(wrong / width)}, column ${
      wrong % width
    } of "${source}": there are ${classes.length} classes`,
    { hint: "If the labels count from 1 and 0 is no class: --reduce-labels" },
  );
}
