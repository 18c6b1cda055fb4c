/**
 * Rasters as a report shows them: class maps with their areas, confidence, and the scene below.
 *
 * @module
 */
import { bytesPerElement, type NdArray, ndarray } from "../array/mod.ts";
import { type ClassInfo, IGNORE_LABEL } from "../classes/mod.ts";
import { InputError } from "../errors.ts";
import { groundScale } from "../geo/mod.ts";
import { encodeWebp } from "../image/mod.ts";
import { openRaster, type RasterInfo } from "../raster/mod.ts";
import { drawRaster, type LookOptions, readReduced, Reducer } from "../render/mod.ts";
import { fitInto } from "../render/read_reduced.ts";
import { buildPyramid, type BuiltPyramid, halveClasses, halveValues, NO_DATA } from "./pyramid.ts";

/** Longest side of the finest resolution that is tried: a whole granule of Sentinel-2 has 10980. */
const MOST_PIXELS = 12_000;
/** Longest side of the picture of the scene, and how much smaller each further try is. */
const SCENE_PIXELS = 3000;
const SCENE_STEP = 0.8;
const SCENE_QUALITY = 78;
/** About the most bytes that are read at once. */
const CHUNK_BYTES = 1 << 25;

/** A class map as a report shows it. */
export interface ReportLayer {
  readonly info: RasterInfo;
  readonly built: BuiltPyramid;
  /** Pixels of each class at full resolution, by class number; index 255 is no data. */
  readonly counts: Float64Array;
  /** Square metres of each class; null where the size of pixels is unknown. */
  readonly areas: Float64Array | null;
}

/**
 * Read a class map: all of its pixels are counted, and as many kept as the budget allows.
 *
 * @param source Path or URL.
 * @param budget Bytes that its pyramid may take.
 * @param onProgress Told how many rows are done, and how many there are.
 * @throws {InputError} If it cannot be read, or has several bands.
 */
export async function readLayer(
  source: string,
  budget: number,
  onProgress: (done: number, total: number) => void = () => {},
): Promise<ReportLayer> {
  const reader = await openRaster(source);
  try {
    const { info } = reader;
    if (info.bands.length !== 1) {
      throw new InputError(
        `Cannot report on ${
          JSON.stringify(source)
        } as a class map has one band: it has ${info.bands.length}`,
        { hint: "A scene goes with --scene" },
      );
    }
    const { width, height } = info;
    const { columns, rows } = fitInto(info, MOST_PIXELS);
    const reducer = columns === width
      ? null
      : new Reducer({ width, height, columns, rows, bands: 1, reduction: "vote" });
    const whole = reducer === null ? new Uint8Array(width * height) : null;
    const counts = new Float64Array(256);
    const areas = groundScale(info.georeference, width, height) === null
      ? null
      : new Float64Array(256);
    const chunk = Math.max(
      1,
      Math.floor(CHUNK_BYTES / (width * (bytesPerElement(info.dtype) + 1))),
    );
    const step = Math.max(1, Math.floor(chunk / info.block.height)) * info.block.height;
    for (let y = 0; y < height; y += Math.min(step, chunk)) {
      const count = Math.min(Math.min(step, chunk), height - y);
      const { image, valid } = await reader.read({ x: 0, y, width, height: count });
      const labels = classNumbers(image, valid);
      countRows(labels, info, y, counts, areas);
      whole?.set(labels.data, y * width);
      reducer?.add(labels, undefined, 0, y);
      onProgress(y + count, height);
    }
    const data = whole ?? new Uint8Array(reducer!.finish().image.data);
    const built = buildPyramid({ width: columns, height: rows, data }, budget, halveClasses);
    return { info, built, counts, areas };
  } finally {
    reader.close();
  }
}

/** Class numbers of what was read, shape (1, H, W); 255 where there is none. */
function classNumbers(image: NdArray, valid: NdArray<"uint8">): NdArray<"uint8"> {
  const labels = ndarray("uint8", image.shape);
  for (let index = 0; index < labels.data.length; index++) {
    const value = Number(image.data[index]);
    const isClass = valid.data[index] === 1 && value >= 0 && value < IGNORE_LABEL;
    labels.data[index] = isClass ? value : NO_DATA;
  }
  return labels;
}

/** Count classes, and their ground row by row, as pixels of degrees shrink towards the poles. */
function countRows(
  { data, shape: [, rows, width] }: NdArray<"uint8">,
  { georeference }: RasterInfo,
  top: number,
  counts: Float64Array,
  areas: Float64Array | null,
): void {
  const line = new Uint32Array(256);
  for (let row = 0; row < rows!; row++) {
    line.fill(0);
    for (let index = row * width!; index < (row + 1) * width!; index++) line[data[index]!]!++;
    line.forEach((count, value) => counts[value]! += count);
    if (areas === null) continue;
    const [x0, a, b, y0, d, e] = georeference.transform!;
    const y = top + row;
    const scale = groundScale(
      { ...georeference, transform: [x0 + b * y, a, b, y0 + e * y, d, e] },
      width!,
      1,
    );
    const pixel = scale === null ? 0 : scale.metresPerColumn * scale.metresPerRow;
    line.forEach((count, value) => areas[value]! += count * pixel);
  }
}

/**
 * Read confidence, from 0 to 1, or from 0 to 100 or 255 where it is stored in bytes.
 *
 * @param source Path or URL of a raster of one band on the pixels of the map.
 * @param map The map.
 * @param budget Bytes that its pyramid may take.
 * @throws {InputError} If it cannot be read, or lies elsewhere.
 */
export async function readConfidence(
  source: string,
  map: RasterInfo,
  budget: number,
): Promise<BuiltPyramid> {
  const { image, valid, info } = await readReduced(source, {
    maxSide: MOST_PIXELS / 2,
    reduction: "average",
    bands: [0],
  });
  if (info.width !== map.width || info.height !== map.height) {
    throw new InputError(
      `Confidence ${
        JSON.stringify(source)
      } does not lie on the map: it has ${info.width}x${info.height} pixels, the map ${map.width}x${map.height}`,
    );
  }
  const largest = info.dtype === "uint8" ? 255 : 1;
  const [rows, columns] = valid.shape as [number, number];
  const data = Uint8Array.from(valid.data, (isValid, index) => {
    const value = Number(image.data[index]) / largest;
    return isValid === 0 || !Number.isFinite(value)
      ? NO_DATA
      : Math.round(100 * Math.min(1, Math.max(0, value)));
  });
  return buildPyramid({ width: columns, height: rows, data }, budget, halveValues);
}

/** A picture of a scene. */
export interface ScenePicture {
  /** A WebP file. */
  readonly bytes: Uint8Array;
  /** Columns of it. */
  readonly width: number;
  /** Rows of it. */
  readonly height: number;
  /** What it shows. */
  readonly caption: string;
  /** The scene. */
  readonly info: RasterInfo;
}

/**
 * Draw a scene as large as the budget allows.
 *
 * @param source Path or URL.
 * @param look Which bands, and how they are stretched.
 * @param budget Bytes that it may take.
 */
export async function readScene(
  source: string,
  look: LookOptions,
  budget: number,
): Promise<ScenePicture> {
  for (let side = SCENE_PIXELS;; side = Math.floor(side * SCENE_STEP)) {
    const { picture, caption, info } = await drawRaster(source, { ...look, maxSide: side });
    const bytes = await encodeWebp(picture, { quality: SCENE_QUALITY });
    const [height, width] = picture.shape as [number, number];
    if (bytes.length <= budget || side < 256) return { bytes, width, height, caption, info };
  }
}

/** Names of the classes that a report speaks of: those given, and numbers for what has none. */
export function reportClasses(
  named: readonly ClassInfo[] | null,
  layers: readonly ReportLayer[],
  colors: readonly string[],
): ClassInfo[] {
  const highest = Math.max(
    -1,
    ...layers.map(({ counts }) =>
      counts.subarray(0, IGNORE_LABEL).findLastIndex((count) => count > 0)
    ),
  );
  return Array.from(
    { length: Math.max(named?.length ?? 0, highest + 1) },
    (_, index) => named?.[index] ?? { name: String(index), color: colors[index]! },
  );
}
