/**
 * One scene's map while it is put together: rows go to the file, and are counted on the way.
 *
 * @module
 */
import {
  type ClassInfo,
  createBlendingStitcher,
  createGeoTiff,
  createStitcher,
  type GeoTiffCompression,
  IGNORE_LABEL,
  InputError,
  type NdArray,
  type RasterSpec,
  type RasterWriter,
  type RowSink,
  type Sample,
  type Stitcher,
  type StreamHeader,
} from "../../mod.ts";

/** Files to write, and how. */
export interface MapOptions {
  /** The class map. */
  readonly output: string;
  /** The confidence; null for none. */
  readonly confidence: string | null;
  readonly compression: GeoTiffCompression;
  readonly overwrite: boolean;
}

/** A map being made; its files appear when it is finished. */
export class SceneMap implements Disposable {
  /** Name of the class map's file. */
  readonly path: string;
  /** Pixels of each value; 255 is no data. */
  readonly counts = new Float64Array(256);
  readonly #header: StreamHeader;
  readonly #map: RasterWriter;
  readonly #confidence: RasterWriter | null;
  #stitcher: Stitcher | null = null;

  private constructor(
    path: string,
    header: StreamHeader,
    map: RasterWriter,
    confidence: RasterWriter | null,
  ) {
    this.path = path;
    this.#header = header;
    this.#map = map;
    this.#confidence = confidence;
  }

  /**
   * Begin the map of a segment.
   *
   * @throws {InputError} If the segment has no scene, or a file exists or cannot be made.
   */
  static async create(header: StreamHeader, options: MapOptions): Promise<SceneMap> {
    const { output, confidence } = options;
    const map = await createGeoTiff(output, {
      ...specOf(header, options),
      dtype: "uint8",
      bands: [{ name: "class", scale: 1, offset: 0 }],
      nodata: IGNORE_LABEL,
      classes: header.classes,
      overviews: "mode",
    });
    try {
      const confidenceMap = confidence === null ? null : await createGeoTiff(confidence, {
        ...specOf(header, options),
        dtype: "float32",
        bands: [{ name: "confidence", scale: 1, offset: 0 }],
        nodata: NaN,
        classes: null,
      });
      return new SceneMap(output, header, map, confidenceMap);
    } catch (error) {
      map.abort();
      throw error;
    }
  }

  /** Take the next sample. */
  async add(sample: Sample): Promise<void> {
    this.#stitcher ??= this.#createStitcher(sample);
    await this.#stitcher.add(sample);
  }

  /** All samples have come: write the last rows and give the files their names, the map last. */
  async finish(): Promise<void> {
    this.#stitcher ??= this.#createStitcher(null);
    await this.#stitcher.finish();
    await this.#confidence?.finish();
    await this.#map.finish();
  }

  /** Drop what is not finished. */
  [Symbol.dispose](): void {
    this.#map.abort();
    this.#confidence?.abort();
  }

  /** Class maps are cropped and put side by side; of logits alone, overlaps are blended. */
  #createStitcher(sample: Sample | null): Stitcher {
    const sinks = {
      map: countingSink(this.#map, this.counts, this.#header.classes),
      ...(this.#confidence === null ? {} : { confidence: this.#confidence }),
    };
    const blends = sample !== null && sample.arrays.pred === undefined &&
      sample.arrays.logits !== undefined;
    return (blends ? createBlendingStitcher : createStitcher)(this.#header, sinks);
  }
}

/** What both files have in common. */
function specOf(
  { scene }: StreamHeader,
  { compression, overwrite }: MapOptions,
): Pick<RasterSpec, "width" | "height" | "georeference" | "compression" | "overwrite"> {
  if (scene === null) {
    throw new InputError("Cannot stitch samples that are independent images: they have no scene", {
      hint: "stitch takes the patches that `swath tile` cuts from a scene",
    });
  }
  const { width, height, georeference } = scene;
  return { width, height, georeference, compression, overwrite };
}

/** Counts the classes of the rows that pass, and refuses those that do not exist. */
function countingSink(
  target: RowSink,
  counts: Float64Array,
  classes: readonly ClassInfo[] | null,
): RowSink {
  const end = classes?.length ?? IGNORE_LABEL;
  return {
    async writeRows(rows: NdArray) {
      for (const value of rows.data as Uint8Array) counts[value]!++;
      const unknown = counts.findIndex((count, value) =>
        count > 0 && value >= end && value !== IGNORE_LABEL
      );
      if (unknown >= 0) {
        throw new InputError(
          `Cannot stitch class ${unknown} as the stream has ${end} classes: expected 0 to ${
            end - 1
          }, or ${IGNORE_LABEL} for no data`,
        );
      }
      await target.writeRows(rows);
    },
  };
}
