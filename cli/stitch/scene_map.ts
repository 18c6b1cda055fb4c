/**
 * One scene's map while it is put together: rows go to the file, and are counted on the way.
 *
 * @module
 */
import {
  type ClassInfo,
  createBlendingStitcher,
  createGeoTiff,
  createSeamCounter,
  createStitcher,
  type GeoTiffCompression,
  IGNORE_LABEL,
  InputError,
  mapArea,
  type NdArray,
  probabilityBands,
  type ProbabilityType,
  type RasterSpec,
  type RasterWriter,
  type RowSink,
  type Sample,
  type SeamCounter,
  type SeamReport,
  type Stitcher,
  storeProbabilities,
  type StreamHeader,
} from "../../mod.ts";

/** Files of a scene; null where one is not wanted. */
export interface MapFiles {
  /** The class map. */
  readonly output: string;
  /** The probability of the winning class. */
  readonly confidence: string | null;
  /** The probabilities of all classes. */
  readonly probs: string | null;
}

/** How maps are made. */
export interface MapOptions {
  readonly probsType: ProbabilityType;
  /** Compare patches where they overlap. */
  readonly seamReport: boolean;
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
  readonly #files: MapFiles;
  readonly #options: MapOptions;
  readonly #map: RasterWriter;
  readonly #confidence: RasterWriter | null;
  /** Made with the first sample, which says how many classes there are. */
  #probabilities: RasterWriter | null = null;
  #stitcher: Stitcher | null = null;
  #seams: SeamCounter | null = null;

  private constructor(
    header: StreamHeader,
    files: MapFiles,
    options: MapOptions,
    map: RasterWriter,
    confidence: RasterWriter | null,
  ) {
    this.path = files.output;
    this.#header = header;
    this.#files = files;
    this.#options = options;
    this.#map = map;
    this.#confidence = confidence;
  }

  /**
   * Begin the map of a segment.
   *
   * @throws {InputError} If the segment has no scene, or a file exists or cannot be made.
   */
  static async create(
    header: StreamHeader,
    files: MapFiles,
    options: MapOptions,
  ): Promise<SceneMap> {
    const map = await createGeoTiff(files.output, {
      ...specOf(header, options),
      dtype: "uint8",
      bands: [{ name: "class", scale: 1, offset: 0 }],
      nodata: IGNORE_LABEL,
      classes: header.classes,
      overviews: "mode",
    });
    try {
      const confidence = files.confidence === null ? null : await createGeoTiff(files.confidence, {
        ...specOf(header, options),
        dtype: "float32",
        bands: [{ name: "confidence", scale: 1, offset: 0 }],
        nodata: NaN,
        classes: null,
      });
      return new SceneMap(header, files, options, map, confidence);
    } catch (error) {
      map.abort();
      throw error;
    }
  }

  /** Take the next sample. */
  async add(sample: Sample): Promise<void> {
    this.#stitcher ??= await this.#begin(sample);
    await this.#stitcher.add(sample);
    this.#seams?.add(sample);
  }

  /** All samples have come: write the last rows and give the files their names, the map last. */
  async finish(): Promise<void> {
    this.#stitcher ??= await this.#begin(null);
    await this.#stitcher.finish();
    await this.#probabilities?.finish();
    await this.#confidence?.finish();
    await this.#map.finish();
  }

  /** How much the patches disagreed; null where it was not asked for. */
  seams(): SeamReport | null {
    return this.#seams?.report() ?? null;
  }

  /** Drop what is not finished. */
  [Symbol.dispose](): void {
    this.#map.abort();
    this.#confidence?.abort();
    this.#probabilities?.abort();
  }

  /** Class maps are cropped and put side by side; of logits alone, overlaps are blended. */
  async #begin(sample: Sample | null): Promise<Stitcher> {
    const blends = sample === null
      ? this.#header.output !== null
      : sample.arrays.pred === undefined && sample.arrays.logits !== undefined;
    if (!blends) requireClassMapsSuffice(this.#files, this.#options);
    if (this.#options.seamReport) this.#seams = createSeamCounter(this.#header);
    const sinks = {
      map: countingSink(this.#map, this.counts, this.#header.classes),
      ...(this.#confidence === null ? {} : { confidence: this.#confidence }),
      ...(this.#files.probs === null ? {} : {
        probabilities: await this.#createProbabilities(this.#files.probs, sample),
      }),
    };
    return (blends ? createBlendingStitcher : createStitcher)(this.#header, sinks);
  }

  async #createProbabilities(path: string, sample: Sample | null): Promise<RowSink> {
    const { classes } = this.#header;
    const { probsType } = this.#options;
    const count = sample?.arrays.logits?.shape[0] ?? classes?.length ?? 1;
    const writer = await createGeoTiff(path, {
      ...specOf(this.#header, this.#options),
      ...probabilityBands(probsType, count, classes),
    });
    this.#probabilities = writer;
    return {
      writeRows: (rows) =>
        writer.writeRows(storeProbabilities(rows as NdArray<"float32">, probsType)),
    };
  }
}

/** Refuse what only logits give. */
function requireClassMapsSuffice({ probs }: MapFiles, { seamReport }: MapOptions): void {
  const what = probs !== null
    ? "Cannot write the probabilities of class maps"
    : seamReport
    ? "Cannot report the seams of class maps"
    : null;
  if (what === null) return;
  throw new InputError(`${what}: the stream has no logits, or not them alone`, {
    hint: "pipe `swath infer` into stitch directly, without `swath upsample`",
  });
}

/** What all files have in common. */
function specOf(
  header: StreamHeader,
  { compression, overwrite }: MapOptions,
): Pick<RasterSpec, "width" | "height" | "georeference" | "compression" | "overwrite"> {
  return { ...mapArea(header), compression, overwrite };
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
