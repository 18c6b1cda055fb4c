/**
 * Refining the probabilities of a stream of patches by their images.
 *
 * @module
 */
import { type NdArray, ndarray } from "../array/mod.ts";
import { InputError } from "../errors.ts";
import { upsampleScores } from "../inference/mod.ts";
import { type Sample, type StreamHeader, type StreamItem, transformStream } from "../stream/mod.ts";
import { nearMiss } from "../text/mod.ts";
import { denseCrf, type DenseCrfOptions } from "./dense_crf.ts";

/** Options of {@linkcode refineStream}. */
export interface RefineOptions extends Omit<DenseCrfOptions, "bilateralColor"> {
  /** Standard deviation of colours in the image's numbers; null for 13 of 8 bits, 0.5 of normalized images. */
  readonly bilateralColor: number | null;
  /** Bands that make up the colour; all where null. */
  readonly bands: readonly string[] | null;
  /** Keep the image in the samples; it is dropped where left out. */
  readonly keepImage?: boolean;
  /** Appended to the stream's history. */
  readonly history?: readonly string[];
}

/** Kernels of the authors' example, for images of 8 bits. */
export const CRF_DEFAULTS = {
  iterations: 5,
  bilateralWeight: 10,
  bilateralPixels: 80,
  smoothWeight: 3,
  smoothPixels: 3,
} as const;

/** Bands beyond which the lattice has too many corners for a pixel. */
const MOST_BANDS = 16;

/**
 * Refine each patch with {@linkcode denseCrf}, at the size of its image.
 *
 * @param items A stream with `logits` and `image`.
 * @param options Kernels and bands.
 * @returns The stream with probabilities at stride 1 as `logits`.
 * @throws {InputError} If there are no logits or images, or a band is unknown.
 */
export function refineStream(
  items: AsyncIterable<StreamItem>,
  options: RefineOptions,
): AsyncIterable<StreamItem> {
  return transformStream(items, (header) => {
    const { output } = header;
    if (output === null) {
      throw new InputError("Cannot refine a stream without logits", {
        hint: "Pipe the stream through `swath infer MODEL --keep image,label` first",
      });
    }
    if (header.dtype === null) {
      throw new InputError("Cannot refine a stream without images", {
        hint: "Keep them: `swath infer MODEL --keep image,label`",
      });
    }
    const bands = bandsOf(header, options.bands);
    const kernels = { ...options, bilateralColor: colorOf(header, options.bilateralColor) };
    return {
      header: {
        ...header,
        dtype: options.keepImage ? header.dtype : null,
        output: { ...output, stride: 1, kind: "probabilities" },
        history: [...header.history, ...options.history ?? []],
      },
      transform: (samples) =>
        samples.map((sample): Sample => {
          const { image, logits, ...rest } = sample.arrays;
          if (image === undefined || logits === undefined) {
            throw new InputError(
              `Cannot refine sample "${sample.key}" as it has no image or no logits`,
            );
          }
          const { height, width } = sample.info.window;
          const scores = upsampleScores(logits as NdArray<"float32">, {
            height,
            width,
            stride: output.stride,
          });
          if (output.kind === "logits") softmaxPlanes(scores);
          const planes = image.data as Float32Array;
          const area = height * width;
          const refined = denseCrf(scores.data, {
            bands: bands.map((band) => planes.subarray(band * area, (band + 1) * area)),
            height,
            width,
            valid: (rest.valid?.data as Uint8Array | undefined) ?? null,
          }, kernels);
          return {
            ...sample,
            arrays: {
              ...(options.keepImage && { image }),
              ...rest,
              logits: ndarray("float32", scores.shape, refined),
            },
          };
        }),
    };
  });
}

function bandsOf({ bands }: StreamHeader, wanted: readonly string[] | null): number[] {
  const names = bands.map(({ name }) => name);
  const numbers = wanted === null ? [...names.keys()] : wanted.map((name) => {
    const index = names.indexOf(name);
    if (index >= 0) return index;
    const near = nearMiss(name, names);
    throw new InputError(
      `Cannot refine by band "${name}": the stream has ${names.join(", ")}`,
      near === null ? {} : { hint: `Did you mean "${near}"?` },
    );
  });
  if (numbers.length <= MOST_BANDS) return numbers;
  throw new InputError(
    `Cannot refine by ${numbers.length} bands: expected at most ${MOST_BANDS}`,
    { hint: "Choose some with --bands" },
  );
}

function colorOf({ dtype, normalization }: StreamHeader, given: number | null): number {
  if (given !== null) return given;
  if (normalization !== null) return 0.5;
  if (dtype === "uint8") return 13;
  throw new InputError(
    `Cannot refine by images of ${dtype} without knowing how much their numbers vary`,
    { hint: "Give --color DEVIATION in the image's numbers, or normalize the stream first" },
  );
}

/** Softmax over the first axis, in place. */
function softmaxPlanes({ shape, data }: NdArray<"float32">): void {
  const [classes, height, width] = shape as [number, number, number];
  const area = height * width;
  for (let i = 0; i < area; i++) {
    let largest = -Infinity;
    for (let k = 0; k < classes; k++) largest = Math.max(largest, data[k * area + i]!);
    let sum = 0;
    for (let k = 0; k < classes; k++) {
      sum += data[k * area + i] = Math.exp(data[k * area + i]! - largest);
    }
    for (let k = 0; k < classes; k++) data[k * area + i]! /= sum;
  }
}
