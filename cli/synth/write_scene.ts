/**
 * A synthetic scene as files, and as a sample of a patch stream.
 *
 * @module
 */
import {
  bytesPerElement,
  coarsen,
  coarserTransform,
  createGeoTiff,
  elementCount,
  formatBytes,
  type GeoTiffCompression,
  IGNORE_LABEL,
  nativeFactor,
  type NdArray,
  ndarray,
  type RasterSpec,
  type RasterWriter,
  type Sample,
  selectBands,
  type SyntheticScene,
  TYPED_ARRAY_CONSTRUCTORS,
} from "../../mod.ts";
import { CommandError } from "../errors.ts";

/** What stands for a band's name in the name of an image. */
export const BAND_PLACEHOLDER = "{band}";

/** Files of a scene, and how to write them. */
export interface SceneFiles {
  /** With `{band}` in it, each band has a file of its own. */
  readonly image: string;
  /** True if bands of their own have the pixels that Sentinel-2's have: 10, 20 or 60 m. */
  readonly native: boolean;
  /** Null for none. */
  readonly labels: string | null;
  readonly compression: GeoTiffCompression;
  readonly overwrite: boolean;
}

/** Rows that are computed together: whole pixels of every resolution. */
const PIECE_ROWS = 60;
/** Most bytes of a scene that is one sample, which whoever reads the stream holds as a whole. */
const MAX_SAMPLE_BYTES = 2 ** 30;

/** Zero-based numbers of the bands to take; all where none are named. */
export function bandsOf(scene: SyntheticScene, wanted: readonly string[] | undefined): number[] {
  if (wanted === undefined) return scene.bands.map((_, band) => band);
  return selectBands({ source: scene.name, bands: scene.bands }, wanted);
}

/** A file of some bands of a scene. */
interface ImageFile {
  readonly bands: readonly number[];
  /** Pixels of the scene, in a row or column, for one of the file. */
  readonly factor: number;
  readonly writer: RasterWriter;
}

/** The files of a scene while they are written; they appear when all rows are in. */
export class SceneWriter implements Disposable {
  readonly #scene: SyntheticScene;
  readonly #images: ImageFile[] = [];
  #labels: RasterWriter | null = null;

  private constructor(scene: SyntheticScene) {
    this.#scene = scene;
  }

  /** Begin the files. */
  static async create(
    scene: SyntheticScene,
    bands: readonly number[],
    { image, native, labels, compression, overwrite }: SceneFiles,
  ): Promise<SceneWriter> {
    const files = new SceneWriter(scene);
    const { width, height, georeference } = scene;
    const common = { width, height, georeference, compression, overwrite };
    const parts = image.includes(BAND_PLACEHOLDER) ? bands.map((band) => [band]) : [bands];
    try {
      for (const part of parts) {
        const { name } = scene.bands[part[0]!]!;
        const factor = native ? nativeFactor(name) : 1;
        const writer = await createGeoTiff(image.replaceAll(BAND_PLACEHOLDER, () => name), {
          ...common,
          ...coarserArea(scene, factor),
          ...imageSpec(scene, part),
        });
        files.#images.push({ bands: part, factor, writer });
      }
      if (labels !== null) {
        files.#labels = await createGeoTiff(labels, { ...common, ...labelSpec(scene) });
      }
      return files;
    } catch (error) {
      files[Symbol.dispose]();
      throw error;
    }
  }

  /**
   * Compute and write all rows.
   *
   * @param onProgress Called with the number of rows that were added.
   */
  async write(onProgress: (rows: number) => void): Promise<void> {
    const { width, height, nodata } = this.#scene;
    for (let start = 0; start < height; start += PIECE_ROWS) {
      const count = Math.min(PIECE_ROWS, height - start);
      const { image, labels } = this.#scene.rows(start, count);
      for (const { bands, factor, writer } of this.#images) {
        const rows = takeBands(image, bands);
        await writer.writeRows(factor === 1 ? rows : coarsen(rows, factor, nodata));
      }
      await this.#labels?.writeRows(ndarray("uint8", [1, count, width], labels.data));
      onProgress(count);
    }
    await this.#labels?.finish();
    for (const { writer } of this.#images) await writer.finish();
  }

  /** Drop what is not finished. */
  [Symbol.dispose](): void {
    for (const { writer } of this.#images) writer.abort();
    this.#labels?.abort();
  }
}

function coarserArea(
  { width, height, georeference }: SyntheticScene,
  factor: number,
): Pick<RasterSpec, "width" | "height" | "georeference"> {
  const { transform } = georeference;
  return {
    width: Math.ceil(width / factor),
    height: Math.ceil(height / factor),
    georeference: {
      ...georeference,
      transform: transform === null ? null : coarserTransform(transform, factor),
    },
  };
}

type Contents = Pick<RasterSpec, "dtype" | "bands" | "nodata" | "classes" | "overviews">;

function imageSpec(scene: SyntheticScene, bands: readonly number[]): Contents {
  const { dtype, nodata } = scene;
  return { dtype, nodata, bands: bands.map((band) => scene.bands[band]!), classes: null };
}

function labelSpec({ classes }: SyntheticScene): Contents {
  return {
    dtype: "uint8",
    nodata: IGNORE_LABEL,
    bands: [{ name: "label", scale: 1, offset: 0 }],
    classes,
    overviews: "mode",
  };
}

/**
 * Refuse a scene that is too large to be one sample.
 *
 * @throws {CommandError} If it is.
 */
export function checkSampleSize(
  { width, height, dtype }: SyntheticScene,
  bands: readonly number[],
): void {
  const bytes = width * height * (bands.length * bytesPerElement(dtype) + 2);
  if (bytes <= MAX_SAMPLE_BYTES) return;
  throw new CommandError(
    `Cannot write a scene of ${width}x${height} pixels as one sample: it takes ${
      formatBytes(bytes)
    }, at most ${formatBytes(MAX_SAMPLE_BYTES)} are allowed`,
    "Write it to a file, and cut that: swath synth … -o scene.tif, swath tile scene.tif",
  );
}

/** A scene as one sample. */
export function sampleOf(scene: SyntheticScene, bands: readonly number[]): Sample {
  const { name, width, height, georeference: { crs, transform } } = scene;
  const { image, labels } = scene.rows(0, height);
  const window = { x: 0, y: 0, width, height };
  const valid = ndarray("uint8", [height, width]);
  labels.data.forEach((label, i) => valid.data[i] = label === IGNORE_LABEL ? 0 : 1);
  return {
    key: name,
    info: {
      window,
      core: window,
      position: [0, 0],
      transform,
      crs,
      validPixels: valid.data.reduce((count, value) => count + value, 0),
    },
    arrays: { image: takeBands(image, bands), label: labels, valid },
  };
}

/** Some bands of an image of shape (C, H, W), in the order of their numbers given. */
function takeBands(image: NdArray, bands: readonly number[]): NdArray {
  const [count = 0, ...plane] = image.shape;
  if (bands.length === count && bands.every((band, index) => band === index)) return image;
  const length = elementCount(plane);
  const taken = new TYPED_ARRAY_CONSTRUCTORS[image.dtype](bands.length * length);
  bands.forEach((band, index) => {
    // The element types of both are the same, which TypeScript cannot tell.
    (taken as Uint8Array).set(
      image.data.subarray(band * length, (band + 1) * length) as Uint8Array,
      index * length,
    );
  });
  return ndarray(image.dtype, [bands.length, ...plane], taken);
}
