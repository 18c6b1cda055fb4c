/**
 * A scene as a stream of patches.
 *
 * @module
 */
import { crc32 } from "node:zlib";
import { bytesPerElement, cropArray, type NdArray, ndarray } from "../array/mod.ts";
import { type ClassInfo, IGNORE_LABEL } from "../classes/mod.ts";
import { InputError } from "../errors.ts";
import { type PixelWindow, windowTransform } from "../geo/mod.ts";
import type { BandInfo, RasterPixels, RasterReader } from "../raster/mod.ts";
import {
  type Sample,
  sampleKey,
  type SelectionInfo,
  STREAM_VERSION,
  type StreamHeader,
  type StreamItem,
} from "../stream/mod.ts";
import { type GridPatch, type GridPlan, patchesOf } from "./grid.ts";
import { checkLabelRaster, labelIndices } from "./label_raster.ts";
import { patchesPerRead } from "./plan_summary.ts";
import { sceneNameOf } from "./scene_name.ts";
import { selectBands } from "./select_bands.ts";

/** Options of {@linkcode tileScene}. */
export interface TileSceneOptions {
  /** Bands by name or 1-based number, in the order wanted; all where left out. */
  readonly bands?: readonly string[];
  /**
   * Factor from stored numbers to physical values, in place of what the scene states: one for all
   * bands, or one for each.
   */
  readonly scale?: readonly number[];
  /** Added after scaling, in place of what the scene states: one for all bands, or one for each. */
  readonly offset?: readonly number[];
  /** Class indices on the same grid as the scene. */
  readonly labels?: RasterReader;
  /** Classes of the labels; what the label raster itself says where left out. */
  readonly classes?: readonly ClassInfo[];
  /** Name in the keys of samples; made from the scene's path where left out. */
  readonly sceneName?: string;
  /** When the scene was taken, such as `2020-01-01`. */
  readonly date?: string;
  /** Command lines that lead to the stream. */
  readonly history?: readonly string[];
}

/**
 * Cut a scene into patches.
 *
 * Samples keep the stored numbers in `image`; `valid` is 1 where every band has data; `label` is 255
 * where the labels or the scene have no data. A patch without any valid pixel is left out and counted
 * as skipped in the end mark. The scene is read by runs of neighbouring patches, the next run while
 * this one is taken.
 *
 * @param reader The scene.
 * @param plan How to cut it, from {@linkcode planGrid} with the scene's size.
 * @param options Bands, labels and names.
 * @returns One segment: header, samples row by row, end mark.
 * @throws {InputError} If a band is unknown, there are neither one nor as many scales or offsets as bands,
 * the labels do not lie on the scene or hold something other
 * than the classes, or a file is damaged.
 */
export async function* tileScene(
  reader: RasterReader,
  plan: GridPlan,
  options: TileSceneOptions = {},
): AsyncGenerator<StreamItem, void, undefined> {
  const { info } = reader;
  const { labels } = options;
  if (labels !== undefined) checkLabelRaster(info, labels.info);
  const bands = bandNumbers(reader, options);
  const header = headerOf(reader, plan, bands, options);
  yield { type: "header", header };

  const bytesPerPixel = bands.length * bytesPerElement(info.dtype) + (labels === undefined ? 1 : 2);
  const runs = [...runsOf(plan, patchesPerRead(plan, bytesPerPixel, info.block.width))];
  const windows = runs.map((run) => windowOf(run, plan));
  for (const raster of [reader, labels]) raster?.announce?.(windows);
  const classCount = header.classes?.length ?? null;
  const read = (run: readonly GridPatch[]) => readRun(run, reader, plan, bands, labels, classCount);
  let samples = 0;
  let reading: Promise<RunPixels> | null = null;
  try {
    for (const [index, run] of runs.entries()) {
      const pixels: RunPixels = await (reading ?? read(run));
      reading = null;
      for (const patch of run) {
        const sample = sampleOf(patch, run[0]!, pixels, header);
        if (sample === null) continue;
        samples++;
        yield { type: "sample", sample };
        // Only now, so that the consumer has something to do while this thread decodes.
        const following = runs[index + 1];
        if (reading !== null || following === undefined) continue;
        reading = read(following);
        // A failure is thrown when the run's turn comes; until then it is not "unhandled".
        reading.catch(() => {});
      }
    }
  } finally {
    await Promise.allSettled([reading]);
  }
  yield { type: "end", end: { samples, skipped: plan.patches - samples } };
}

/**
 * The header that {@linkcode tileScene} begins with.
 *
 * @param reader The scene.
 * @param plan How to cut it.
 * @param options Bands, labels and names.
 * @throws {InputError} If a band is unknown, or there are neither one nor as many scales or offsets as
 * bands.
 */
export function sceneHeader(
  reader: RasterReader,
  plan: GridPlan,
  options: TileSceneOptions = {},
): StreamHeader {
  return headerOf(reader, plan, bandNumbers(reader, options), options);
}

function bandNumbers({ info }: RasterReader, { bands }: TileSceneOptions): number[] {
  return bands === undefined ? info.bands.map((_, index) => index) : selectBands(info, bands);
}

function headerOf(
  { info, checksum }: RasterReader,
  plan: GridPlan,
  bands: readonly number[],
  { sceneName, date, classes, labels, history, scale, offset }: TileSceneOptions,
): StreamHeader {
  const { x, y, width, height } = plan.area;
  const { transform } = info.georeference;
  return {
    swath: STREAM_VERSION,
    scene: {
      name: sceneName ?? sceneNameOf(info.source),
      source: info.source,
      ...(checksum === null ? {} : { crc32: checksum }),
      ...(date === undefined ? {} : { date }),
      width,
      height,
      georeference: {
        ...info.georeference,
        transform: transform === null ? null : windowTransform(transform, x, y),
      },
    },
    grid: plan.grid,
    ...(plan.shard === null ? {} : { shard: plan.shard }),
    ...(plan.selected === null ? {} : { selection: selectionOf(plan.selected) }),
    ...(plan.resume === null ? {} : { resume: plan.resume }),
    samples: plan.patches,
    bands: statedBands(bands.map((band) => info.bands[band]!), scale, offset),
    dtype: info.dtype,
    normalization: null,
    classes: classes ?? labels?.info.classes ?? null,
    output: null,
    history: history ?? [],
  };
}

function selectionOf(selected: ReadonlySet<number>): SelectionInfo {
  const numbers = Uint32Array.from(selected).sort();
  return { patches: numbers.length, crc32: crc32(new Uint8Array(numbers.buffer)) };
}

/** The bands with the scales and offsets that were given for them. */
function statedBands(
  bands: readonly BandInfo[],
  scale: readonly number[] | undefined,
  offset: readonly number[] | undefined,
): BandInfo[] {
  for (const [what, numbers] of [["scale", scale], ["offset", offset]] as const) {
    if (numbers === undefined || numbers.length === 1 || numbers.length === bands.length) continue;
    throw new InputError(
      `Cannot tile with ${numbers.length} numbers for ${what}: expected 1, or one for each band (${bands.length})`,
    );
  }
  const of = (numbers: readonly number[], index: number) =>
    numbers.length === 1 ? numbers[0]! : numbers[index]!;
  return bands.map((band, index) => ({
    name: band.name,
    scale: scale === undefined ? band.scale : of(scale, index),
    offset: offset === undefined ? band.offset : of(offset, index),
  }));
}

/** Neighbouring patches of a row, at most so many together. */
function* runsOf(plan: GridPlan, length: number): Generator<GridPatch[], void, undefined> {
  let run: GridPatch[] = [];
  for (const patch of patchesOf(plan)) {
    const [row, column] = patch.position;
    const last = run.at(-1);
    const isNext = last !== undefined && last.position[0] === row &&
      last.position[1] === column - 1;
    if (run.length === length || last !== undefined && !isNext) {
      yield run;
      run = [];
    }
    run.push(patch);
  }
  if (run.length > 0) yield run;
}

/** Pixels of a run of patches. */
interface RunPixels extends RasterPixels {
  readonly label: NdArray<"uint8"> | null;
}

/** Pixels of the scene that a run of patches covers. */
function windowOf(run: readonly GridPatch[], { area }: GridPlan): PixelWindow {
  const first = run[0]!.window;
  const last = run.at(-1)!.window;
  return {
    x: area.x + first.x,
    y: area.y + first.y,
    width: last.x + last.width - first.x,
    height: first.height,
  };
}

async function readRun(
  run: readonly GridPatch[],
  reader: RasterReader,
  plan: GridPlan,
  bands: readonly number[],
  labels: RasterReader | undefined,
  classCount: number | null,
): Promise<RunPixels> {
  const window = windowOf(run, plan);
  const pixels = await reader.read(window, bands);
  const label = labels === undefined
    ? null
    : labelIndices(await labels.read(window), window, labels.info.source, classCount);
  clearOutside(pixels.valid, run[0]!.window, plan.area);
  return { ...pixels, label };
}

/** Pixels beyond the covered area may be real, and help the network; but nothing answers for them. */
function clearOutside(
  valid: NdArray<"uint8">,
  { x, y }: PixelWindow,
  area: PixelWindow,
): void {
  const [rows = 0, columns = 0] = valid.shape;
  for (let row = 0; row < rows; row++) {
    const inside = y + row < area.height ? Math.min(columns, area.width - x) : 0;
    valid.data.fill(0, row * columns + inside, (row + 1) * columns);
  }
}

/** The sample of a patch; null where none of its pixels has data. */
function sampleOf(
  { window, core, position }: GridPatch,
  first: GridPatch,
  pixels: RunPixels,
  header: StreamHeader,
): Sample | null {
  const place = { ...window, x: window.x - first.window.x, y: 0 };
  const valid = cropArray(pixels.valid, place);
  const validPixels = valid.data.reduce((count, value) => count + value, 0);
  if (validPixels === 0) return null;
  const { name, georeference: { crs, transform } } = header.scene!;
  return {
    key: sampleKey(name, window),
    info: {
      window,
      core,
      position,
      transform: transform === null ? null : windowTransform(transform, window.x, window.y),
      crs,
      validPixels,
    },
    arrays: {
      image: cropArray(pixels.image, place),
      ...(pixels.label === null
        ? {}
        : { label: maskedLabel(cropArray(pixels.label, place), valid) }),
      valid,
    },
  };
}

/** Labels with 255 where the scene has no data, so that every consumer leaves those pixels out. */
function maskedLabel(label: NdArray<"uint8">, valid: NdArray<"uint8">): NdArray<"uint8"> {
  const data = label.data.map((value, i) => valid.data[i] === 0 ? IGNORE_LABEL : value);
  return ndarray("uint8", label.shape, data);
}
