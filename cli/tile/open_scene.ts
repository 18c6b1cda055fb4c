/**
 * Scenes to be cut: opened, planned and checked before the first byte goes out.
 *
 * @module
 */
import {
  type Bounds,
  checkLabelRaster,
  finishedRows,
  formatBytes,
  type GridPlan,
  openRaster,
  openSceneFiles,
  type PixelWindow,
  planGrid,
  polygonsOnScene,
  type RasterInfo,
  type RasterReader,
  sceneHeader,
  type SceneShard,
  selectBands,
  selectPatches,
  type ShardPart,
  touchingPatches,
  windowOfBounds,
} from "../../mod.ts";
import { CommandError } from "../errors.ts";
import type { CommandIo } from "../io.ts";
import { OutputNames } from "../output_names.ts";
import type { HttpHeader, Overlap } from "../values.ts";
import type { ScenePaths } from "./scene_list.ts";

/** How to cut, the same for every scene. */
export interface CutOptions {
  /** Columns and rows of a patch. */
  readonly size: number;
  readonly overlap: Overlap | undefined;
  readonly stride: number | undefined;
  readonly window: PixelWindow | undefined;
  /** Part of the scene by its place on the ground, instead. */
  readonly bbox: Bounds | undefined;
  /** CRS of its coordinates; the scene's where left out. */
  readonly bboxCrs: string | undefined;
  /** File of polygons: patches that touch none of them are left out. */
  readonly aoi: string | undefined;
  readonly limit: number | undefined;
  readonly shard: SceneShard | ShardPart | undefined;
  /** Number of the overview that is read; the full resolution where left out. */
  readonly overview: number | undefined;
  readonly bands: readonly string[] | undefined;
  /** Divisors of the stored numbers. */
  readonly scale: readonly number[] | undefined;
  readonly offset: readonly number[] | undefined;
  readonly header: readonly HttpHeader[];
  /** Most bytes for the pixels of a scene. */
  readonly maxMemory: number | undefined;
  /** Map whose finished rows are left out; {scene} stands for the scene's name. */
  readonly resumeFrom: string | undefined;
}

/** A scene that is ready to be cut. */
export interface OpenScene extends Disposable {
  readonly reader: RasterReader;
  /** Null where there are none. */
  readonly labels: RasterReader | null;
  readonly plan: GridPlan;
  /** Bands that samples will have. */
  readonly bandCount: number;
}

/**
 * Open a scene with its labels and plan how to cut it.
 *
 * @throws {InputError} If a file cannot be read or used, the plan makes no sense, a band is unknown,
 * or the labels do not lie on the scene.
 */
export async function openScene(paths: ScenePaths, options: CutOptions): Promise<OpenScene> {
  const headers = Object.fromEntries(options.header.map(({ name, value }) => [name, value]));
  const { bands, maxMemory, overview } = options;
  const reading = {
    headers,
    ...(maxMemory === undefined ? {} : { maxMemory }),
    ...(overview === undefined ? {} : { overview }),
  };
  const reader = await openSceneFiles(paths.files, {
    ...reading,
    ...(bands === undefined ? {} : { bands }),
  });
  let labels: RasterReader | null = null;
  const close = () => {
    reader.close();
    labels?.close();
  };
  try {
    if (paths.labels !== null) {
      refuseLabelsAsScene(reader.info);
      labels = await openRaster(paths.labels, reading);
      checkLabelRaster(reader.info, labels.info);
    }
    const bandCount = bands === undefined
      ? reader.info.bands.length
      : selectBands(reader.info, bands).length;
    const plan = await planRest(paths, reader, options);
    return { reader, labels, plan, bandCount, [Symbol.dispose]: close };
  } catch (error) {
    close();
    throw error;
  }
}

/**
 * A shell's pattern after `--labels` gives it one file, and the others become scenes. A raster that has
 * names for its numbers, or is called as maps and labels are, is no scene beside labels.
 */
function refuseLabelsAsScene({ source, bands, classes }: RasterInfo): void {
  if (bands.length !== 1 || classes === null && !/^(label|class)$/.test(bands[0]!.name)) return;
  throw new CommandError(
    `Cannot cut "${source}" with labels as it looks like labels itself: 1 band of classes`,
    "A pattern after --labels gives it one file only: repeat --labels before each file",
  );
}

/** Plan what an earlier run has not finished. */
async function planRest(
  { name, date }: ScenePaths,
  reader: RasterReader,
  options: CutOptions,
): Promise<GridPlan> {
  const { resumeFrom, bands, bbox, bboxCrs, aoi } = options;
  const window = bbox === undefined
    ? options.window
    : await windowOfBounds(reader.info, bbox, bboxCrs);
  const polygons = aoi === undefined ? null : await polygonsOnScene(reader.info, aoi);
  const planFrom = (finished: number) => {
    const plan = planScene(reader, { ...options, window }, finished);
    return polygons === null ? plan : selectPatches(plan, touchingPatches(plan, polygons));
  };
  const plan = planFrom(0);
  if (resumeFrom === undefined) return plan;
  const header = sceneHeader(reader, plan, {
    sceneName: name,
    ...(date === null ? {} : { date }),
    ...(bands === undefined ? {} : { bands }),
  });
  return planFrom(await finishedRows(new OutputNames(resumeFrom).next(name), header));
}

/** What {@linkcode planScene} needs to know. */
export type GridChoice = Pick<
  CutOptions,
  "size" | "overlap" | "stride" | "window" | "limit" | "shard"
>;

/** Plan how to cut an open scene, without rows that are finished. */
export function planScene(
  { info }: RasterReader,
  { size, overlap, stride, window, limit, shard }: GridChoice,
  finishedRows = 0,
): GridPlan {
  return planGrid({
    width: info.width,
    height: info.height,
    size,
    ...(overlap === undefined ? {} : { overlap: overlapPixels(overlap, size) }),
    ...(stride === undefined ? {} : { stride }),
    ...(window === undefined ? {} : { window }),
    ...(limit === undefined ? {} : { limit }),
    ...(shard === undefined ? {} : { shard }),
    ...(finishedRows === 0 ? {} : { finishedRows }),
  });
}

function overlapPixels({ value, unit }: Overlap, size: number): number {
  return unit === "pixels" ? value : Math.round(size * value / 100);
}

/** Say how much was read, with `--verbose`. */
export function reportTraffic(io: CommandIo, { reader, labels }: OpenScene): void {
  for (const raster of [reader, labels]) {
    if (raster === null) continue;
    const { requests, bytes } = raster.traffic;
    const what = /^https?:/i.test(raster.info.source) ? "requests" : "reads";
    io.debug(`${raster.info.source}: ${requests} ${what}, ${formatBytes(bytes)}`);
  }
}
