/**
 * What flows between swath commands: a header, samples, and an end mark.
 *
 * On the wire this is a POSIX tar in the WebDataset convention, or JSON lines; these types are what
 * both encode. A stream is one or more segments; each segment is `_stream.json`, its samples in
 * row-major order, and `_end.json`. `tile a.tif b.tif` writes two segments, and so does
 * `cat a.tar b.tar`.
 *
 * @module
 */
import type { DataType, NdArray } from "../array/mod.ts";
import type { ClassInfo } from "../classes/mod.ts";
import type { Georeference, GeoTransform, PixelWindow } from "../geo/mod.ts";
import type { Normalization } from "../normalization/mod.ts";
import type { BandInfo } from "../raster/mod.ts";

/** Version of the stream format that this library writes and reads. */
export const STREAM_VERSION = 1;

/** The raster that a segment's samples were cut from. */
export interface SceneInfo {
  /** Short name, used in keys: file name without its extension. */
  readonly name: string;
  /** Path or URL it was read from. */
  readonly source: string;
  /** CRC-32 of where its files keep their pixels; left out where that is not known. */
  readonly crc32?: number;
  /** When it was taken, such as `2020-01-01`; left out where that is not known. */
  readonly date?: string;
  /** Columns of the area that the samples cover. */
  readonly width: number;
  /** Rows of the area that the samples cover. */
  readonly height: number;
  /** CRS and transform of that area. */
  readonly georeference: Georeference;
}

/** How a scene was cut. */
export interface GridInfo {
  /** Columns and rows of each patch. */
  readonly width: number;
  /** Rows of each patch. */
  readonly height: number;
  /** Patches from left to right. */
  readonly columns: number;
  /** Patches from top to bottom. */
  readonly rows: number;
  /** Smallest number of pixels that neighbours share. */
  readonly overlap: number;
}

/**
 * The part of a scene that one of several processes answers for: rows of the area that the samples
 * cover. Samples of its neighbours that reach into them, or touch them, come along, so that blending
 * sees what it would see in the whole scene; their cores have no rows.
 */
export interface ShardInfo {
  /** Number of the shard, from 1 at the top. */
  readonly number: number;
  /** How many shards the scene is cut into. */
  readonly count: number;
  /** First row that the shard answers for. */
  readonly y: number;
  /** Rows that it answers for. */
  readonly height: number;
}

/**
 * Where a run goes on that was broken off: the samples answer for the rows from here on. Samples that
 * reach into them, or touch them, come along, as blending needs them.
 */
export interface ResumeInfo {
  /** First row of the area that is not finished; its height where all are. */
  readonly y: number;
}

/** Which patches of the grid are wanted, where others are left out, such as those outside an area. */
export interface SelectionInfo {
  /** How many. */
  readonly patches: number;
  /** CRC-32 of their numbers in the grid, ascending, as 32-bit integers, least significant byte first. */
  readonly crc32: number;
}

/** What a network's output in the stream means. */
export interface OutputInfo {
  /** Pixels of the patch for each element of the logits, such as 4. */
  readonly stride: number;
  /** Unnormalised scores, or softmax probabilities. */
  readonly kind: "logits" | "probabilities";
  /** Name of the model that made them. */
  readonly model: string;
  /** CRC-32 of the numbers that the model computes with; left out where unknown. */
  readonly crc32?: number;
}

/** First member of a segment: `_stream.json`. */
export interface StreamHeader {
  /** Version of the format: {@linkcode STREAM_VERSION}. */
  readonly swath: number;
  /** The scene; null where samples are independent images. */
  readonly scene: SceneInfo | null;
  /** The grid; null where samples are independent images. */
  readonly grid: GridInfo | null;
  /** The part of the scene that the samples answer for; all of it where left out. */
  readonly shard?: ShardInfo;
  /** Which patches of the grid are wanted; all where left out. */
  readonly selection?: SelectionInfo;
  /** Where a broken run goes on; from the first row where left out. */
  readonly resume?: ResumeInfo;
  /** How many patches the producer means to go through, skipped ones included; null where unknown. */
  readonly samples: number | null;
  /** Bands of `image`. */
  readonly bands: readonly BandInfo[];
  /** Element type of `image`; null where samples have none. */
  readonly dtype: DataType | null;
  /** What has been applied to `image`; null for the stored numbers. */
  readonly normalization: Normalization | null;
  /** Classes of `label`, `logits` and `pred`; null where unknown. */
  readonly classes: readonly ClassInfo[] | null;
  /** What `logits` are; null where samples have none. */
  readonly output: OutputInfo | null;
  /** Command lines that made the stream, oldest first. */
  readonly history: readonly string[];
}

/** Last member of a segment: `_end.json`. */
export interface StreamEnd {
  /** Samples in the segment. */
  readonly samples: number;
  /** Patches of the grid that were left out because no pixel of them has data. */
  readonly skipped: number;
}

/** First member of a sample: `<key>.json`. */
export interface SampleInfo {
  /** Position in the scene, in pixels of the covered area; may reach beyond its edges. */
  readonly window: PixelWindow;
  /**
   * The part of `window` that this sample answers for: over all samples, each pixel exactly once. Of no
   * rows where another shard answers for it, or an earlier run has.
   */
  readonly core: PixelWindow;
  /** Zero-based row and column in the grid. */
  readonly position: readonly [row: number, column: number];
  /** Geotransform of the window; null where the scene has none. */
  readonly transform: GeoTransform | null;
  /** CRS of the scene, such as `EPSG:32633`; null where unknown. */
  readonly crs: string | null;
  /** Pixels with data inside the scene. */
  readonly validPixels: number;
}

/** Names of the arrays that a sample may hold, in the order they are written. */
export const ARRAY_NAMES = [
  "image",
  "label",
  "valid",
  "logits",
  "pred",
  "confidence",
] as const;

/** Name of an array of a sample. */
export type ArrayName = (typeof ARRAY_NAMES)[number];

/**
 * Arrays of a sample, with C bands, K classes and a patch of H×W pixels:
 * `image` (C,H,W); `label` uint8 (H,W), 255 = ignore; `valid` uint8 (H,W), 1 = data;
 * `logits` float32 (K, ⌈H/stride⌉, ⌈W/stride⌉); `pred` uint8 (H,W); `confidence` float32 (H,W).
 */
export type SampleArrays = { readonly [Name in ArrayName]?: NdArray };

/** One patch with all that is known of it. */
export interface Sample {
  /** `<scene>/<row>_<column>`: zero-padded pixel offsets, so that names sort in row-major order. */
  readonly key: string;
  /** Where it lies. */
  readonly info: SampleInfo;
  /** Its arrays. */
  readonly arrays: SampleArrays;
}

/**
 * The key of a patch: the scene's name and the pixel offsets of its window, zero-padded.
 *
 * @param scene Name of the scene; see {@linkcode SceneInfo}.
 * @param window The patch.
 * @returns The key, such as `granule/000512_001024` (row first).
 *
 * @example
 * ```ts
 * import { sampleKey } from "swath";
 *
 * const key = sampleKey("granule", { x: 1024, y: 512, width: 512, height: 512 });
 * if (key !== "granule/000512_001024") throw new Error(key);
 * ```
 */
export function sampleKey(scene: string, window: PixelWindow): string {
  const pad = (offset: number) => String(offset).padStart(6, "0");
  return `${scene}/${pad(window.y)}_${pad(window.x)}`;
}

/** What a stream reader yields, and a writer takes, in order. */
export type StreamItem =
  | { readonly type: "header"; readonly header: StreamHeader }
  | { readonly type: "sample"; readonly sample: Sample }
  | { readonly type: "end"; readonly end: StreamEnd };
