/**
 * Scenes to be cut: opened, planned and checked before the first byte goes out.
 *
 * @module
 */
import {
  checkLabelRaster,
  formatBytes,
  type GridPlan,
  openRaster,
  type PixelWindow,
  planGrid,
  type RasterReader,
  type SceneShard,
  selectBands,
} from "../../mod.ts";
import { CommandError } from "../errors.ts";
import type { CommandIo } from "../io.ts";
import type { HttpHeader, Overlap } from "../values.ts";

/** How to cut, the same for every scene. */
export interface CutOptions {
  /** Columns and rows of a patch. */
  readonly size: number;
  readonly overlap: Overlap | undefined;
  readonly stride: number | undefined;
  readonly window: PixelWindow | undefined;
  readonly limit: number | undefined;
  readonly shard: SceneShard | undefined;
  readonly bands: readonly string[] | undefined;
  readonly header: readonly HttpHeader[];
}

/** A scene and its labels by name. */
export interface ScenePaths {
  readonly scene: string;
  /** Null where there are none. */
  readonly labels: string | null;
  /** Name in the keys of samples. */
  readonly name: string;
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

/** Which labels belong to which scene: one file for each, or one for all. */
export function pairLabels(
  scenes: readonly string[],
  labels: readonly string[],
): (string | null)[] {
  if (labels.length === 0) return scenes.map(() => null);
  if (labels.length === 1) return scenes.map(() => labels[0]!);
  if (labels.length === scenes.length) return [...labels];
  const count = scenes.length === 1 ? "1 scene" : `${scenes.length} scenes`;
  throw new CommandError(
    `Cannot tell which labels belong to which scene: got ${count} and ${labels.length} labels`,
    "Give --labels once for all scenes, or once for each scene in the same order",
  );
}

/**
 * Open a scene with its labels and plan how to cut it.
 *
 * @throws {InputError} If a file cannot be read or used, the plan makes no sense, a band is unknown,
 * or the labels do not lie on the scene.
 */
export async function openScene(paths: ScenePaths, options: CutOptions): Promise<OpenScene> {
  const headers = Object.fromEntries(options.header.map(({ name, value }) => [name, value]));
  const reader = await openRaster(paths.scene, { headers });
  let labels: RasterReader | null = null;
  const close = () => {
    reader.close();
    labels?.close();
  };
  try {
    if (paths.labels !== null) {
      labels = await openRaster(paths.labels, { headers });
      checkLabelRaster(reader.info, labels.info);
    }
    const bandCount = options.bands === undefined
      ? reader.info.bands.length
      : selectBands(reader.info, options.bands).length;
    const plan = planScene(reader, options);
    return { reader, labels, plan, bandCount, [Symbol.dispose]: close };
  } catch (error) {
    close();
    throw error;
  }
}

/** Plan how to cut an open scene. */
export function planScene({ info }: RasterReader, options: CutOptions): GridPlan {
  const { size, overlap, stride, window, limit, shard } = options;
  return planGrid({
    width: info.width,
    height: info.height,
    size,
    ...(overlap === undefined ? {} : { overlap: overlapPixels(overlap, size) }),
    ...(stride === undefined ? {} : { stride }),
    ...(window === undefined ? {} : { window }),
    ...(limit === undefined ? {} : { limit }),
    ...(shard === undefined ? {} : { shard }),
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
