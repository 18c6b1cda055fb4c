/**
 * The inverse of tiling: full-width rows of a map, top to bottom, from samples that come row by row.
 *
 * @module
 */
import { type NdArray, ndarray } from "../array/mod.ts";
import { IGNORE_LABEL } from "../classes/mod.ts";
import { InputError } from "../errors.ts";
import { type PixelWindow, windowTransform } from "../geo/mod.ts";
import type { RasterSpec } from "../raster/mod.ts";
import type { Sample, SceneInfo, StreamHeader } from "../stream/mod.ts";

/** Takes the rows of a raster, top to bottom, such as a GeoTIFF writer. */
export interface RowSink {
  /**
   * Write the next rows.
   *
   * @param rows Shape (bands, n, width), of one band where nothing else is said; only good until the
   * promise is settled.
   */
  writeRows(rows: NdArray): Promise<void>;
}

/** Where a stitched scene goes. */
export interface StitchSinks {
  /** Class indices, uint8; 255 where the scene has no data. */
  readonly map: RowSink;
  /** Share of the winning class, float32 in 0–1; NaN where the scene has no data. */
  readonly confidence?: RowSink;
  /**
   * Share of every class, float32 in 0–1, shape (K, n, width); NaN where the scene has no data. Only
   * logits give them; class maps do not.
   */
  readonly probabilities?: RowSink;
}

/** How a map is decided. */
export interface StitchOptions {
  /** Pixels whose class has less than this share have no class, 255; 0 where left out. */
  readonly minConfidence?: number;
}

/** Turns the samples of one segment into full-width rows. */
export interface Stitcher {
  /**
   * Take the next sample.
   *
   * @throws {InputError} If it is out of order or lacks what is to be stitched.
   */
  add(sample: Sample): Promise<void>;
  /** The segment's end mark has come: write what is left. Not to be called after a failure. */
  finish(): Promise<void>;
}

/** Most bytes of one band of rows: a header that claims more is refused. */
export const MAX_BAND_BYTES = 2 ** 32;
/** Rows without samples are written in pieces of this many. */
const FILL_ROWS = 64;

/** Where a map lies, and how large it is. */
export type MapArea = Pick<RasterSpec, "width" | "height" | "georeference">;

/**
 * What the map of a segment covers: the scene, or the rows of it that a shard answers for.
 *
 * @param header Header of the segment.
 * @throws {InputError} If the samples have no scene.
 */
export function mapArea(header: StreamHeader): MapArea {
  const { width, georeference } = sceneOf(header);
  const { transform } = georeference;
  const { start, end } = mapRows(header);
  return {
    width,
    height: end - start,
    georeference: {
      ...georeference,
      transform: transform === null ? null : windowTransform(transform, 0, start),
    },
  };
}

/**
 * The rows of the scene that the map of a segment has.
 *
 * @param header Header of the segment.
 * @returns The first, and one more than the last.
 * @throws {InputError} If the samples have no scene.
 */
export function mapRows(header: StreamHeader): { readonly start: number; readonly end: number } {
  const { y, height } = header.shard ?? { y: 0, height: sceneOf(header).height };
  return { start: y, end: y + height };
}

/**
 * The rows of the scene that the samples of a segment answer for: those of its map, without what is
 * finished.
 *
 * @param header Header of the segment.
 * @returns The first, and one more than the last.
 * @throws {InputError} If the samples have no scene.
 */
export function stitchedRows(
  header: StreamHeader,
): { readonly start: number; readonly end: number } {
  const { start, end } = mapRows(header);
  return { start: header.resume?.y ?? start, end };
}

/** The scene of a segment, which a map needs. */
export function sceneOf(header: StreamHeader): SceneInfo {
  if (header.scene !== null) return header.scene;
  throw new InputError("Cannot stitch samples that are independent images: they have no scene", {
    hint: "stitch takes the patches that `swath tile` cuts from a scene",
  });
}

/**
 * Put class maps together: each pixel comes from the one sample whose core it lies in.
 *
 * Rows that an earlier run has finished are left out. Holds one row of patches. Pixels that are not valid, and those of patches that were skipped or never
 * cut, become 255 in the map and NaN in the confidence.
 *
 * @param header Header of the segment.
 * @param sinks Where the rows go.
 * @param options Which pixels are left without a class; that takes the samples' confidence.
 * @throws {InputError} If the samples have no scene.
 */
export function createStitcher(
  header: StreamHeader,
  sinks: StitchSinks,
  { minConfidence = 0 }: StitchOptions = {},
): Stitcher {
  const { width } = sceneOf(header);
  const { start, end } = stitchedRows(header);
  let band: { y: number; map: NdArray<"uint8">; confidence: NdArray<"float32"> | null } | null =
    null;
  let written = start;

  function newBand(y: number, rows: number) {
    requireBand(width * rows * (sinks.confidence === undefined ? 1 : 5), width, rows);
    const map = ndarray("uint8", [1, rows, width]);
    map.data.fill(IGNORE_LABEL);
    const confidence = sinks.confidence === undefined ? null : ndarray("float32", [1, rows, width]);
    confidence?.data.fill(NaN);
    return { y, map, confidence };
  }

  async function write({ map, confidence }: NonNullable<typeof band>): Promise<void> {
    await sinks.map.writeRows(map);
    if (confidence !== null) await sinks.confidence?.writeRows(confidence);
    written += map.shape[1]!;
  }

  async function fillTo(y: number): Promise<void> {
    while (written < y) await write(newBand(written, Math.min(FILL_ROWS, y - written)));
  }

  async function bandOf(sample: Sample): Promise<NonNullable<typeof band>> {
    const { y, height: rows } = sample.info.core;
    if (band !== null && band.y === y && band.map.shape[1] === rows) return band;
    if (band !== null) await write(band);
    if (y < written) {
      throw new InputError(
        `Cannot stitch sample "${sample.key}": its rows from ${y} are already written, up to row ${written}`,
      );
    }
    await fillTo(y);
    return band = newBand(y, rows);
  }

  return {
    async add(sample) {
      const pred = requireArray(sample, "pred");
      if (sample.info.core.height === 0) return;
      const { map, confidence } = await bandOf(sample);
      copyCore(sample, pred, map, width);
      if (confidence !== null) {
        copyCore(sample, requireArray(sample, "confidence"), confidence, width);
      }
      if (minConfidence > 0) dropDoubtful(sample, map, width, minConfidence);
    },
    async finish() {
      if (band !== null) await write(band);
      band = null;
      await fillTo(end);
    },
  };
}

/** Refuse a band that a sane scene would not need, before it is allocated. */
export function requireBand(bytes: number, width: number, rows: number): void {
  if (bytes <= MAX_BAND_BYTES) return;
  throw new InputError(
    `Cannot stitch a scene ${width} pixels wide in patches of ${rows} rows: a row of patches takes ${bytes} bytes, at most ${MAX_BAND_BYTES} are held`,
  );
}

/** The element type of each array that is stitched; the stream reader has checked it. */
interface StitchedTypes {
  pred: "uint8";
  confidence: "float32";
}

function requireArray<Name extends keyof StitchedTypes>(
  sample: Sample,
  name: Name,
): NdArray<StitchedTypes[Name]> {
  const array = sample.arrays[name];
  if (array !== undefined) return array as NdArray<StitchedTypes[Name]>;
  const what = name === "pred" ? "class map" : "confidence";
  throw new InputError(`Cannot stitch sample "${sample.key}": it has no ${what}`, {
    hint: name === "pred"
      ? "pipe the stream through `swath infer MODEL` first"
      : "pipe the stream through `swath upsample --confidence`",
  });
}

/** Copy the valid pixels of a sample's core into a band that starts at the core's first row. */
function copyCore<D extends "uint8" | "float32">(
  { info: { window, core }, arrays }: Sample,
  source: NdArray<D>,
  target: NdArray<D>,
  width: number,
): void {
  const valid = arrays.valid?.data;
  for (let row = 0; row < core.height; row++) {
    const from = coreStart(window, core, row);
    const to = row * width + core.x;
    for (let column = 0; column < core.width; column++) {
      if (valid === undefined || valid[from + column] !== 0) {
        target.data[to + column] = source.data[from + column]!;
      }
    }
  }
}

/** Take the class from the pixels of a sample's core that are not confident enough. */
function dropDoubtful(
  sample: Sample,
  map: NdArray<"uint8">,
  width: number,
  minConfidence: number,
): void {
  const confidence = requireArray(sample, "confidence");
  const { window, core } = sample.info;
  for (let row = 0; row < core.height; row++) {
    const from = coreStart(window, core, row);
    const to = row * width + core.x;
    for (let column = 0; column < core.width; column++) {
      if (confidence.data[from + column]! < minConfidence) map.data[to + column] = IGNORE_LABEL;
    }
  }
}

/** Index in a patch of the first pixel of a row of its core. */
export function coreStart(window: PixelWindow, core: PixelWindow, row: number): number {
  return (core.y - window.y + row) * window.width + core.x - window.x;
}
