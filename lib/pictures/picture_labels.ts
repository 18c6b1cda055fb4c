/**
 * Label maps of picture data sets: numbers, palettes, or colours.
 *
 * @module
 */
import { isDataType, type NdArray, ndarray } from "../array/mod.ts";
import { type ClassInfo, IGNORE_LABEL } from "../classes/mod.ts";
import { InputError } from "../errors.ts";
import type { RasterInfo } from "../raster/mod.ts";

/** How labels are read. */
export interface LabelReading {
  /** Names and colours of the classes; colours are looked up in them. Null where unknown. */
  readonly classes: readonly ClassInfo[] | null;
  /** Label 0 is left out, and the others count from 0 (ADE20K). */
  readonly reduce: boolean;
}

/** The colour of pixels without a class in most data sets. */
const BLACK = 0;

/**
 * The labels of a map.
 *
 * Maps of one band hold class numbers; those with a palette, its indices. Of maps of three bands, colours are
 * those of the classes; black stands for no class where none is black.
 *
 * @param image Shape (C, H, W), 8 bits.
 * @param info The map.
 * @param reading Classes, and how labels are counted.
 * @returns Shape (H, W); 255 is no class.
 * @throws {InputError} If the map does not have 8 bits, colours are to be looked up without classes, or a colour is that
 * of no class.
 */
export function readLabelMap(
  image: NdArray,
  info: Pick<RasterInfo, "source">,
  { classes, reduce }: LabelReading,
): NdArray<"uint8"> {
  const [bands, height, width] = image.shape as [number, number, number];
  if (!isDataType(image, "uint8")) {
    throw new InputError(
      `Cannot read labels from "${info.source}" as its pixels are ${image.dtype}: expected 8 bits`,
    );
  }
  const labels = bands <= 2
    ? ndarray("uint8", [height, width], image.data.slice(0, height * width))
    : labelsOfColors(image, info.source, classes);
  if (reduce) {
    // 0 and 255 are left out; as transformers' `reduce_label`.
    labels.data.forEach((label, i) =>
      labels.data[i] = label === 0 || label === IGNORE_LABEL ? IGNORE_LABEL : label - 1
    );
  }
  return labels;
}

function labelsOfColors(
  image: NdArray<"uint8">,
  source: string,
  classes: readonly ClassInfo[] | null,
): NdArray<"uint8"> {
  if (classes === null) {
    throw new InputError(
      `Cannot read labels from "${source}" as they are colours of unknown classes`,
      {
        hint: "Name the classes and their colours, such as --classes camvid",
      },
    );
  }
  const [, height, width] = image.shape as [number, number, number];
  const area = height * width;
  const numbers = new Map(
    classes.map(({ color }, index) => [Number.parseInt(color.slice(1), 16), index]),
  );
  if (!numbers.has(BLACK)) numbers.set(BLACK, IGNORE_LABEL);
  const labels = ndarray("uint8", [height, width]);
  for (let i = 0; i < area; i++) {
    const color = image.data[i]! << 16 | image.data[area + i]! << 8 | image.data[2 * area + i]!;
    const label = numbers.get(color);
    if (label === undefined) {
      throw new InputError(
        `Cannot read labels from "${source}": no class has the colour #${
          color.toString(16).padStart(6, "0")
        } of row ${Math.floor(i / width)}, column ${i % width}`,
      );
    }
    labels.data[i] = label;
  }
  return labels;
}
