/**
 * Whole images to classes: pictures prepared as the model's image processor does, then the classifier.
 *
 * @module
 */
import { elementCount, type NdArray, ndarray } from "../array/mod.ts";
import type { ClassInfo } from "../classes/mod.ts";
import { InputError } from "../errors.ts";
import { resizeImage } from "../image/mod.ts";
import { networkFromConfig } from "../models/mod.ts";
import type { Normalization } from "../normalization/mod.ts";
import {
  type PictureResize,
  pictureToRgb,
  readPictureProcessor,
  sizeOfPicture,
} from "../pictures/mod.ts";
import type { RasterInfo, RasterPixels, RasterReader } from "../raster/mod.ts";
import type { OpenModel } from "../weights/mod.ts";
import { createPredictor, type Predictor, type PredictorOptions } from "./predictor.ts";

/** A class of an image. */
export interface RankedClass {
  /** Index of the class. */
  readonly label: number;
  /** Its name. */
  readonly name: string;
  /** Softmax probability. */
  readonly probability: number;
}

/**
 * How a model wants its images resized.
 *
 * @param model The model; `preprocessor_config.json` says it under transformers' names.
 * @returns Size and filter; null where images are taken as they are.
 */
function resizeOf({ preprocessor, directory }: OpenModel): PictureResize | null {
  if (preprocessor === null) return null;
  return readPictureProcessor(preprocessor, `${directory}/preprocessor_config.json`).resize;
}

/** A model that gives one class to an image. */
export class ImageClassifier {
  /** Its classes. */
  readonly classes: readonly ClassInfo[];
  readonly #predictor: Predictor;
  readonly #normalization: Normalization;
  readonly #resize: PictureResize | null;

  /** Wrap a classifier; use {@linkcode createImageClassifier}. */
  constructor(
    predictor: Predictor,
    normalization: Normalization,
    resize: PictureResize | null,
  ) {
    this.classes = predictor.classes;
    this.#predictor = predictor;
    this.#normalization = normalization;
    this.#resize = resize;
  }

  /**
   * Classify an image.
   *
   * Pictures (PNG, JPEG) become RGB for a model of three bands: grey is repeated, colours of a palette
   * are looked up, an alpha channel is dropped. Of a GeoTIFF, the bands that the model names are taken;
   * where it names none or the file does not have them, the number of bands must agree. Pixels of a
   * GeoTIFF without data become the band's mean.
   *
   * @param raster The image.
   * @returns All classes, the most probable first.
   * @throws {InputError} If the bands are not the model's, or a picture does not have 8 bits.
   */
  async classify(raster: RasterReader): Promise<RankedClass[]> {
    const stored = await this.#read(raster);
    const image = resizePicture(stored, this.#resize);
    const [probabilities] = await this.#predictor.predict([{ image }], this.#normalization);
    return this.classes
      .map(({ name }, label) => ({ label, name, probability: probabilities!.data[label]! }))
      .sort((a, b) => b.probability - a.probability);
  }

  /** Free the session. */
  async release(): Promise<void> {
    await this.#predictor.release();
  }

  async #read(raster: RasterReader): Promise<NdArray> {
    const { info } = raster;
    const window = { x: 0, y: 0, width: info.width, height: info.height };
    if (!info.format.startsWith("GeoTIFF") && this.#predictor.network.bands === 3) {
      const { image } = await raster.read(window);
      return pictureToRgb(image, info);
    }
    const pixels = await raster.read(window, selectBands(info, this.#predictor));
    return fillWithMean(pixels, this.#normalization);
  }
}

/**
 * Make a model ready to classify images.
 *
 * @param model The model; its weights are read, so that it may be closed afterwards.
 * @param options Device and threads.
 * @returns The classifier; release it when it is no longer needed.
 * @throws {InputError} If the model maps pixels, does not say how its input is normalized, wants images prepared in
 * a way that is not supported, or lacks weights.
 */
export function createImageClassifier(
  model: OpenModel,
  options: Omit<PredictorOptions, "probabilities"> = {},
): ImageClassifier {
  const { task } = networkFromConfig(model.config);
  const what = `Cannot classify with model "${model.source}" as it`;
  if (task !== "classification") {
    throw new InputError(`${what} maps pixels`, { hint: "Use `swath infer`" });
  }
  const predictor = createPredictor(model, { ...options, probabilities: true });
  if (predictor.normalization === null) {
    throw new InputError(`${what} does not say how its input is normalized`, {
      hint: "Put the preprocessor_config.json of its training beside its weights",
    });
  }
  return new ImageClassifier(predictor, predictor.normalization, resizeOf(model));
}

function resizePicture(image: NdArray, resize: PictureResize | null): NdArray {
  if (resize === null) return image;
  const [, rows, columns] = image.shape as [number, number, number];
  return resizeImage(image, {
    ...sizeOfPicture(resize.size, rows, columns),
    filter: resize.filter,
  });
}

/** Numbers of the bands that the model takes. */
function selectBands(info: RasterInfo, { bands, network, source }: Predictor): number[] {
  const names = info.bands.map(({ name }) => name);
  const named = bands?.map((name) => names.indexOf(name)) ?? [];
  if (named.length > 0 && !named.includes(-1)) return named;
  if (names.length !== network.bands) {
    throw new InputError(
      `Model "${source}" takes ${network.bands} bands: "${info.source}" has ${names.length}`,
    );
  }
  return names.map((_, band) => band);
}

/** Pixels without data become the mean of their band, in stored numbers. */
function fillWithMean(
  { image, valid }: RasterPixels,
  normalization: Normalization,
): NdArray {
  if (valid.data.every((value) => value === 1)) return image;
  const { mean, offset, scale } = normalization;
  const plane = elementCount(valid.shape);
  const filled = ndarray("float32", image.shape, Float32Array.from(image.data, Number));
  filled.data.forEach((_, index) => {
    const band = Math.floor(index / plane);
    if (valid.data[index % plane] === 0) {
      filled.data[index] = (mean[band]! - offset[band]!) / scale[band]!;
    }
  });
  return filled;
}
