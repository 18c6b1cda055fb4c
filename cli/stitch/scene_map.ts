/**
 * One scene's map while it is put together: rows go to the file, and are counted on the way.
 *
 * @module
 */
import {
  type ClassInfo,
  createBlendingStitcher,
  createSeamCounter,
  createStitcher,
  type GeoTiffCompression,
  IGNORE_LABEL,
  InputError,
  mapArea,
  type NdArray,
  PARTIAL_SUFFIX,
  probabilityBands,
  type ProbabilityType,
  type RasterSpec,
  releaseBuffer,
  type RowSink,
  type Sample,
  type SeamCounter,
  type SeamReport,
  statOrNull,
  stitchedRows,
  type Stitcher,
  storeProbabilities,
  type StreamHeader,
  withFileErrors,
} from "../../mod.ts";
import { CommandError } from "../errors.ts";
import { DirectFiles, type MapFileSet, ResumableFiles } from "./map_files.ts";

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
  /** Pixels whose class has a lower probability become nodata. */
  readonly minConfidence: number;
  readonly compression: GeoTiffCompression;
  readonly overwrite: boolean;
  /** Put finished rows aside, and go on with those that an earlier run has put aside. */
  readonly resume: boolean;
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
  readonly #outputs: MapFileSet;
  #stitcher: Stitcher | null = null;
  #seams: SeamCounter | null = null;

  private constructor(
    header: StreamHeader,
    files: MapFiles,
    options: MapOptions,
    outputs: MapFileSet,
  ) {
    this.path = files.output;
    this.#header = header;
    this.#files = files;
    this.#options = options;
    this.#outputs = outputs;
  }

  /**
   * Begin the map of a segment.
   *
   * @returns Null where an earlier run has made the map, and the stream knows.
   * @throws {InputError} If the segment has no scene, or a file exists or cannot be made.
   */
  static async create(
    header: StreamHeader,
    files: MapFiles,
    options: MapOptions,
  ): Promise<SceneMap | null> {
    if (options.resume) {
      if (await isFinished(header, files)) return null;
    } else if (header.resume !== undefined) {
      throw new CommandError(
        `Cannot begin "${files.output}" as the stream begins at row ${header.resume.y}, where an earlier run was broken off`,
        "Go on with it: swath stitch --resume",
      );
    }
    const outputs = options.resume
      ? new ResumableFiles(header, options.minConfidence)
      : new DirectFiles();
    try {
      await outputs.open({
        name: "map",
        path: files.output,
        spec: {
          ...specOf(header, options),
          dtype: "uint8",
          bands: [{ name: "class", scale: 1, offset: 0 }],
          nodata: IGNORE_LABEL,
          classes: header.classes,
          overviews: "mode",
        },
      });
      if (files.confidence !== null) {
        await outputs.open({
          name: "confidence",
          path: files.confidence,
          spec: {
            ...specOf(header, options),
            dtype: "float32",
            bands: [{ name: "confidence", scale: 1, offset: 0 }],
            nodata: NaN,
            classes: null,
          },
        });
      }
      return new SceneMap(header, files, options, outputs);
    } catch (error) {
      outputs[Symbol.dispose]();
      throw error;
    }
  }

  /** What is kept for another run. */
  get kept(): MapFileSet["kept"] {
    return this.#outputs.kept;
  }

  /** Take the next sample. */
  async add(sample: Sample): Promise<void> {
    this.#stitcher ??= await this.#begin(sample);
    await this.#stitcher.add(sample);
    if (this.#seams !== null) this.#seams.add(sample);
    else for (const { data } of Object.values(sample.arrays)) releaseBuffer(data.buffer);
  }

  /** All samples have come: write the last rows and give the files their names, the map last. */
  async finish(): Promise<void> {
    this.#stitcher ??= await this.#begin(null);
    await this.#stitcher.finish();
    let isFirst = true;
    await this.#outputs.finish((rows) => {
      // All rows come once more, with those of earlier runs.
      if (isFirst) this.counts.fill(0);
      isFirst = false;
      countValues(rows, this.counts);
    });
  }

  /** How much the patches disagreed; null where it was not asked for. */
  seams(): SeamReport | null {
    return this.#seams?.report() ?? null;
  }

  /** Drop what is not finished, or keep it for another run. */
  [Symbol.dispose](): void {
    this.#outputs[Symbol.dispose]();
  }

  /** Class maps are cropped and put side by side; of logits alone, overlaps are blended. */
  async #begin(sample: Sample | null): Promise<Stitcher> {
    const blends = sample === null
      ? this.#header.output !== null
      : sample.arrays.pred === undefined && sample.arrays.logits !== undefined;
    if (!blends) requireClassMapsSuffice(this.#files, this.#options);
    if (this.#options.seamReport) this.#seams = createSeamCounter(this.#header);
    if (this.#files.probs !== null) await this.#openProbabilities(this.#files.probs, sample);
    const sinks = await this.#outputs.begin();
    const confidence = sinks.get("confidence");
    const probabilities = sinks.get("probabilities");
    return (blends ? createBlendingStitcher : createStitcher)(this.#header, {
      map: countingSink(sinks.get("map")!, this.counts, this.#header.classes),
      ...(confidence === undefined ? {} : { confidence }),
      ...(probabilities === undefined
        ? {}
        : { probabilities: storingSink(probabilities, this.#options.probsType) }),
    }, { minConfidence: this.#options.minConfidence });
  }

  async #openProbabilities(path: string, sample: Sample | null): Promise<void> {
    const { classes } = this.#header;
    const count = sample?.arrays.logits?.shape[0] ?? classes?.length ?? 1;
    const spec = {
      ...specOf(this.#header, this.#options),
      ...probabilityBands(this.#options.probsType, count, classes),
    };
    await this.#outputs.open({ name: "probabilities", path, spec });
  }
}

/**
 * Whether an earlier run has made the map. A file that the stream does not know of is not replaced.
 *
 * @throws {CommandError} If there is one.
 */
async function isFinished(header: StreamHeader, files: MapFiles): Promise<boolean> {
  if (await isThere(files.output + PARTIAL_SUFFIX)) return false;
  const { start, end } = stitchedRows(header);
  const isMade = await isThere(files.output);
  if (isMade && header.resume !== undefined && start === end) return true;
  for (const path of [files.output, files.confidence, files.probs]) {
    if (path === null || !await isThere(path)) continue;
    throw new CommandError(
      `Cannot write "${path}" as it exists`,
      `What is finished is passed over by: swath tile SCENE --resume-from ${files.output}`,
    );
  }
  return false;
}

async function isThere(path: string): Promise<boolean> {
  return await withFileErrors("write", path, () => statOrNull(path)) !== null;
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

/** Converts probabilities to the type that they are stored in. */
function storingSink(target: RowSink, type: ProbabilityType): RowSink {
  return {
    async writeRows(rows) {
      const stored = storeProbabilities(rows as NdArray<"float32">, type);
      await target.writeRows(stored);
      releaseBuffer(stored.data.buffer);
    },
  };
}

/** Add up how often each value occurs. An iterator would make an object for each pixel. */
function countValues({ data }: NdArray, counts: Float64Array): void {
  const values = data as Uint8Array;
  for (let i = 0; i < values.length; i++) counts[values[i]!]!++;
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
      countValues(rows, counts);
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
