/**
 * Pictures of a patch stream: what its samples hold, put together at the size of a picture.
 *
 * @module
 */
import type { DataType, NdArray } from "../array/mod.ts";
import { InputError } from "../errors.ts";
import type { GeoTransform } from "../geo/mod.ts";
import type { PictureGround } from "../image/mod.ts";
import type { ArrayName, Sample, StreamHeader } from "../stream/mod.ts";
import { mapArea } from "../tiling/mod.ts";
import { expressionBands } from "./indices.ts";
import {
  drawBands,
  drawClassMap,
  type LookOptions,
  type Picture,
  pictureGround,
  shownBands,
} from "./raster_picture.ts";
import { fitInto } from "./read_reduced.ts";
import { Reducer } from "./reducer.ts";

/** Arrays of a sample that can be shown, in the order of the panels. */
export const SHOWN_ARRAYS = [
  "image",
  "label",
  "pred",
  "confidence",
] as const satisfies readonly ArrayName[];

/** Array of a sample that can be shown. */
export type ShownArray = (typeof SHOWN_ARRAYS)[number];

/** How a stream is shown. */
export interface StreamPictureOptions extends LookOptions {
  /** Longer side of the pictures in pixels. */
  readonly maxSide: number;
  /** Arrays to show; all that there are where left out. */
  readonly arrays?: readonly ShownArray[];
}

/** A picture of one array of all samples. */
export interface StreamPicture extends Picture {
  /** Which array it is of. */
  readonly array: ShownArray;
}

/** The pictures of a scene. */
export interface StreamPictures {
  /** One for each array. */
  readonly pictures: readonly StreamPicture[];
  /** Where they lie; null where unknown. */
  readonly ground: PictureGround | null;
}

/** Puts together the samples of one segment. */
export class StreamPainter {
  readonly #header: StreamHeader;
  readonly #options: StreamPictureOptions;
  readonly #columns: number;
  readonly #rows: number;
  /** Bands of `image` that are shown. */
  readonly #bands: readonly number[];
  readonly #reducers = new Map<ShownArray, Reducer>();
  #imageType: DataType;

  /**
   * Begin a segment.
   *
   * @param header Its header.
   * @param options What to show, and how.
   * @throws {InputError} If it has no scene, or not the bands that are wanted.
   */
  constructor(header: StreamHeader, options: StreamPictureOptions) {
    this.#header = header;
    this.#options = options;
    const { width, height } = mapArea(header);
    ({ columns: this.#columns, rows: this.#rows } = fitInto({ width, height }, options.maxSide));
    const raster = { source: header.scene!.name, bands: header.bands };
    const isShown = header.bands.length > 0 && (options.arrays?.includes("image") ?? true);
    this.#bands = !isShown
      ? []
      : options.index === undefined
      ? shownBands(raster, options.bands)
      : expressionBands(options.index, raster);
    this.#imageType = header.dtype ?? "float32";
  }

  /**
   * Take the next sample.
   *
   * @throws {InputError} If it lacks an array that is to be shown.
   */
  add(sample: Sample): void {
    const { info: { window, core }, arrays } = sample;
    const valid = arrays.valid as NdArray<"uint8"> | undefined;
    const start = this.#header.shard?.y ?? 0;
    const part = { ...core, x: core.x - window.x, y: core.y - window.y };
    for (const name of this.#options.arrays ?? SHOWN_ARRAYS) {
      const array = arrays[name];
      if (array === undefined) {
        if (this.#options.arrays !== undefined || this.#reducers.has(name)) {
          throw missing(sample, name);
        }
        continue;
      }
      const [height, width] = array.shape.slice(-2) as [number, number];
      const shown = name === "image"
        ? pickBands(array, this.#bands)
        : { ...array, shape: [1, height, width] };
      this.#reducerOf(name, shown.shape[0]!).add(shown, valid, window.x, window.y - start, part);
    }
  }

  /**
   * The pictures.
   *
   * @throws {InputError} If the samples held nothing to show.
   */
  async finish(): Promise<StreamPictures> {
    const { classes, bands } = this.#header;
    if (this.#reducers.size === 0) {
      throw new InputError(
        "Cannot show the stream as its samples have neither images nor classes",
        {
          hint: "pipe logits through `swath upsample`",
        },
      );
    }
    const pictures: StreamPicture[] = [];
    for (const array of SHOWN_ARRAYS) {
      const pixels = this.#reducers.get(array)?.finish();
      if (pixels === undefined) continue;
      const { index: _index, bands: _bands, ...plain } = this.#options;
      const picture = array === "image"
        ? await drawBands(
          pixels,
          this.#bands.map((band) => bands[band]!),
          this.#imageType,
          this.#options,
        )
        : array === "confidence"
        ? await drawBands(pixels, [{ name: "confidence", scale: 1, offset: 0 }], "float32", plain)
        : drawClassMap(pixels, classes, this.#options);
      pictures.push({ ...picture, array });
    }
    return { pictures, ground: this.#ground(pictures[0]!.picture) };
  }

  #reducerOf(name: ShownArray, bands: number): Reducer {
    let reducer = this.#reducers.get(name);
    if (reducer === undefined) {
      const { width, height } = mapArea(this.#header);
      reducer = new Reducer({
        width,
        height,
        columns: this.#columns,
        rows: this.#rows,
        bands,
        reduction: name === "label" || name === "pred" ? "vote" : "average",
      });
      this.#reducers.set(name, reducer);
    }
    return reducer;
  }

  #ground(picture: NdArray): PictureGround | null {
    const { georeference, width, height } = mapArea(this.#header);
    if (georeference.transform === null) return null;
    const [x0, a, b, y0, d, e] = georeference.transform;
    const [h, v] = [width / this.#columns, height / this.#rows];
    const transform: GeoTransform = [x0, a * h, b * v, y0, d * h, e * v];
    return pictureGround({ ...georeference, transform }, picture);
  }
}

/** Bands of an image by their numbers. */
function pickBands(image: NdArray, bands: readonly number[]): NdArray {
  const [, height, width] = image.shape as [number, number, number];
  const plane = height * width;
  const data = image.data.slice(0, bands.length * plane);
  bands.forEach((band, index) => {
    const from = image.data.subarray(band * plane, (band + 1) * plane);
    (data as Float32Array).set(from as Float32Array, index * plane);
  });
  return { ...image, data, shape: [bands.length, height, width] } as NdArray;
}

function missing({ key }: Sample, name: ShownArray): InputError {
  return new InputError(`Cannot show ${name} of sample "${key}" as it has none`);
}
