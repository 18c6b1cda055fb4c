/**
 * Pictures of rasters: class maps in their colours, bands as colours, values along a ramp.
 *
 * @module
 */
import { type NdArray, ndarray } from "../array/mod.ts";
import {
  type ClassInfo,
  classPalette,
  IGNORE_LABEL,
  type LegendEntry,
  recolorClasses,
} from "../classes/mod.ts";
import { InputError } from "../errors.ts";
import { type GeoTransform, groundScale, type PixelWindow } from "../geo/mod.ts";
import {
  colorizeClasses,
  colorizeValues,
  compositeBands,
  overlayPictures,
  percentileLimits,
  type PictureGround,
  rampColors,
  type RampName,
  type ValueScale,
} from "../image/mod.ts";
import type { BandInfo, RasterInfo } from "../raster/mod.ts";
import { openSceneFiles } from "../scene/mod.ts";
import { checkLabelRaster, selectBands } from "../tiling/mod.ts";
import type { Expression } from "./expression.ts";
import { expressionBands } from "./indices.ts";
import { readReduced, type ReducedRaster } from "./read_reduced.ts";
import type { ReducedPixels } from "./reducer.ts";

/** How numbers become colours. */
export interface LookOptions {
  /** Three bands, or one, by name or number from 1; red, green and blue where left out. */
  readonly bands?: readonly string[];
  /** Show the value of this instead, along the ramp. */
  readonly index?: Expression;
  /** Percentiles that become the ends of the colours; 2 and 98 where left out. */
  readonly percentiles?: readonly [low: number, high: number];
  /** Values that become the ends, instead of percentiles. */
  readonly range?: readonly [low: number, high: number];
  /** Colours of values; `viridis` where left out. */
  readonly ramp?: RampName;
  /** Classes instead of the raster's own. */
  readonly classes?: readonly ClassInfo[] | null;
  /** Colours instead of theirs, with the name of where they come from. */
  readonly legend?: { readonly entries: readonly LegendEntry[]; readonly source: string };
}

/** What is shown of a raster, and how. */
export interface RasterPictureOptions extends LookOptions {
  /** Longer side of the picture in pixels; rasters that are smaller keep their size. */
  readonly maxSide: number;
  /** Pixels of the raster to show; all where left out. */
  readonly window?: PixelWindow;
  /** A scene on the same pixels, which shows through a class map. */
  readonly over?: string;
  /** How much a class map covers the scene, from 0 to 1; 0.6 where left out. */
  readonly opacity?: number;
  /** Headers of HTTP requests. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A class of a picture. */
export interface ShownClass extends ClassInfo {
  /** Its number. */
  readonly value: number;
}

/** A picture, and what its colours mean. */
export interface Picture {
  /** Shape (H, W, 4): RGBA. */
  readonly picture: NdArray<"uint8">;
  /** What the colours are of, such as `B04, B03, B02`; empty for classes. */
  readonly caption: string;
  /** Classes that are there, in order of their numbers; none for other pictures. */
  readonly classes: readonly ShownClass[];
  /** What its colours stand for; null where they are classes or bands. */
  readonly values: ValueScale | null;
}

/** A picture of a raster. */
export interface RasterPicture extends Picture {
  /** The raster. */
  readonly info: RasterInfo;
  /** Where the picture lies on the ground; null where unknown. */
  readonly ground: PictureGround | null;
}

/** Names of the bands that eyes see, in the order of preference. */
const NATURAL_COLORS = [["B04", "B03", "B02"], ["red", "green", "blue"], ["R", "G", "B"]] as const;

/** Opacity of a map over a scene that leaves both to be seen. */
const DEFAULT_OPACITY = 0.6;

/**
 * Draw a raster.
 *
 * A raster of one band that has classes, or is told them, is a class map; so is one of 8 bits that says nothing
 * of its numbers, under the numbers as names. Others of one band are values along a ramp, and rasters of
 * more bands are red, green and blue. Reflectance is what the file's scale and offset make of its numbers.
 *
 * @param source Path, or `http:` or `https:` URL; a folder of the files of one scene as well.
 * @param options What to show, and how.
 * @throws {InputError} If it cannot be read or shown so.
 */
export async function drawRaster(
  source: string,
  options: RasterPictureOptions,
): Promise<RasterPicture> {
  const { over, opacity = DEFAULT_OPACITY, maxSide, window, headers } = options;
  const info = await rasterInfo(source, headers);
  const where = {
    maxSide,
    ...(window === undefined ? {} : { window }),
    ...(headers === undefined ? {} : { headers }),
  };
  if (!isClassMap(info, options)) {
    const bands = options.index === undefined
      ? shownBands(info, options.bands)
      : expressionBands(options.index, info);
    const read = await readReduced(source, { ...where, bands, reduction: "average" });
    const picture = await drawBands(
      read,
      bands.map((band) => info.bands[band]!),
      info.dtype,
      options,
    );
    return { ...picture, info, ground: groundOf(read) };
  }
  const read = await readReduced(source, { ...where, reduction: "vote" });
  const map = drawClassMap(read, info.classes, options);
  const ground = groundOf(read);
  if (over === undefined) return { ...map, info, ground };
  const scene = await rasterInfo(over, headers);
  checkLabelRaster(scene, info);
  const bands = shownBands(scene, options.bands);
  const below = await readReduced(over, { ...where, bands, reduction: "average" });
  const { picture } = await drawBands(below, bands.map((band) => scene.bands[band]!), scene.dtype, {
    ...options,
    ramp: "greys",
  });
  return { ...map, picture: overlayPictures(picture, map.picture, opacity), info, ground };
}

/** True for rasters whose numbers are classes. */
export function isClassMap(
  info: Pick<RasterInfo, "bands" | "classes" | "dtype" | "format">,
  { classes, legend, index }: LookOptions,
): boolean {
  const isInteger = !info.dtype.startsWith("float");
  if (info.bands.length !== 1 || !isInteger || index !== undefined) return false;
  if (info.classes !== null || (classes ?? null) !== null || legend !== undefined) return true;
  return info.dtype === "uint8" && info.bands[0]!.scale === 1;
}

/**
 * Draw classes.
 *
 * @param pixels Classes, shape (1, H, W), and where there is data.
 * @param own What the data says of its classes.
 * @param options Classes and colours that count instead.
 * @throws {InputError} If colours do not fit the classes.
 */
export function drawClassMap(
  { image, valid }: ReducedPixels,
  own: readonly ClassInfo[] | null,
  { classes: given, legend }: LookOptions,
): Picture {
  const [height, width] = valid.shape as [number, number];
  const labels = ndarray("uint8", [height, width], image.data as Uint8Array<ArrayBuffer>);
  const seen = new Uint8Array(256);
  labels.data.forEach((label, index) => {
    if (valid.data[index] === 1 && label < IGNORE_LABEL) seen[label] = 1;
  });
  const named = given ?? own;
  const colored = legend === undefined
    ? named
    : recolorClasses(named, legend.entries, legend.source);
  const classes = withAllNumbers(colored ?? [], seen.lastIndexOf(1) + 1);
  return {
    picture: colorizeClasses(labels, classes),
    caption: "",
    classes: classes.flatMap((info, value) => seen[value] === 1 ? [{ ...info, value }] : []),
    values: null,
  };
}

/**
 * Draw bands: three as colours, one along a ramp, or the value of an expression over them.
 *
 * @param pixels Stored numbers of the bands that are wanted, shape (C, H, W).
 * @param bands Names, scales and offsets of the same.
 * @param dtype Element type of what was read.
 * @param options How to show them.
 */
export async function drawBands(
  { image, valid }: ReducedPixels,
  bands: readonly BandInfo[],
  dtype: string,
  options: LookOptions,
): Promise<Picture> {
  const { index, percentiles = [2, 98], ramp = "viridis" } = options;
  const physical = physicalValues(image, bands);
  if (index === undefined && bands.length === 3) {
    // A photo is shown as it is; reflectance is stretched.
    const isPhoto = dtype === "uint8" && options.percentiles === undefined;
    const range = options.range ?? (isPhoto ? [0, 255] as const : undefined);
    return {
      picture: compositeBands(physical, {
        bands: [0, 1, 2],
        valid,
        percentiles,
        ...(range === undefined ? {} : { range, gamma: 1 }),
      }),
      caption: bands.map(({ name }) => name).join(", "),
      classes: [],
      values: null,
    };
  }
  const values = index === undefined ? physical : computeIndex(physical, index);
  const mask = ndarray("uint8", valid.shape, valid.data.slice());
  for (let pixel = 0; pixel < mask.data.length; pixel++) {
    if (!Number.isFinite(values.data[pixel])) mask.data[pixel] = 0;
  }
  const [low, high] = options.range ?? percentileLimits(values.data, mask.data, percentiles);
  const colors = await rampColors(ramp);
  const label = index?.text ?? bands[0]!.name;
  return {
    picture: colorizeValues(values, mask, colors, [low, high]),
    caption: label,
    classes: [],
    values: { label, low, high, colors },
  };
}

/** Zero-based numbers of the bands to show: one or three. */
export function shownBands(
  raster: Pick<RasterInfo, "source" | "bands">,
  wanted: readonly string[] | undefined,
): number[] {
  if (wanted !== undefined) {
    if (wanted.length !== 1 && wanted.length !== 3) {
      throw new InputError(
        `Cannot show ${wanted.length} bands: expected three for red, green and blue, or one`,
      );
    }
    return selectBands(raster, wanted);
  }
  const names = raster.bands.map(({ name }) => name.toLowerCase());
  for (const natural of NATURAL_COLORS) {
    const found = natural.map((name) => names.indexOf(name.toLowerCase()));
    if (found.every((band) => band >= 0)) return found;
  }
  return raster.bands.length >= 3 ? [0, 1, 2] : [0];
}

async function rasterInfo(
  source: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<RasterInfo> {
  const raster = await openSceneFiles([source], { headers });
  raster.close();
  return raster.info;
}

/** Where the picture of a raster lies. */
function groundOf({ info, transform, valid }: ReducedRaster): PictureGround | null {
  return pictureGround({ ...info.georeference, transform }, valid);
}

/** Where a picture lies; null where it does not say, or its pixels are far from square. */
export function pictureGround(
  georeference: RasterInfo["georeference"] & { readonly transform: GeoTransform | null },
  { shape: [height, width] }: NdArray,
): PictureGround | null {
  const scale = groundScale(georeference, width!, height!);
  if (scale === null) return null;
  return { metresPerPixel: scale.metresPerColumn, north: scale.north };
}

function withAllNumbers(classes: readonly ClassInfo[], count: number): ClassInfo[] {
  const colors = classPalette(Math.max(count, classes.length));
  return colors.map((color, index) => classes[index] ?? { name: String(index), color });
}

function physicalValues(image: NdArray, bands: readonly BandInfo[]): NdArray<"float32"> {
  const values = ndarray("float32", image.shape);
  const plane = values.data.length / bands.length;
  bands.forEach(({ scale, offset }, band) => {
    for (let index = band * plane; index < (band + 1) * plane; index++) {
      values.data[index] = Number(image.data[index]) * scale + offset;
    }
  });
  return values;
}

function computeIndex(image: NdArray<"float32">, index: Expression): NdArray<"float32"> {
  const [, height, width] = image.shape as [number, number, number];
  const plane = height * width;
  const values = ndarray("float32", [1, height, width]);
  const pixel = index.names.map(() => 0);
  for (let at = 0; at < plane; at++) {
    for (let band = 0; band < pixel.length; band++) pixel[band] = image.data[band * plane + at]!;
    values.data[at] = index.evaluate(pixel);
  }
  return values;
}
