/**
 * New elements of parameters.
 *
 * @module
 */
import { type NdArray, ndarray } from "../array/mod.ts";
import type { Initializer } from "../onnx/mod.ts";
import { type RandomStream, randomStream } from "../random/mod.ts";

/** Truncated normal numbers are drawn again outside of this many standard deviations. */
const TRUNCATION = 2;

/** What {@linkcode initializeParameter} needs to know of a parameter. */
export interface InitializedParameter {
  /** Name, of which the numbers are a function. */
  readonly name: string;
  /** Extents. */
  readonly shape: readonly number[];
  /** How elements are drawn. */
  readonly init: Initializer;
}

/**
 * Draw a parameter's elements: a function of the seed and its name, whatever other parameters there are.
 *
 * @param parameter Name, shape and distribution.
 * @param seed Seed of the run.
 *
 * @example
 * ```ts
 * import { initializeParameter } from "swath";
 *
 * const init = { kind: "normal", std: 0.02 } as const;
 * const weight = initializeParameter({ name: "head.weight", shape: [10, 32], init }, 0);
 * if (weight.data.length !== 320) throw new Error("one number an element");
 * ```
 */
export function initializeParameter(
  { name, shape, init }: InitializedParameter,
  seed: number,
): NdArray<"float32"> {
  const array = ndarray("float32", shape);
  if (init.kind === "bilinear") fillBilinear(array);
  else draw(array.data, init, randomStream(seed, `initialize/${name}`));
  return array;
}

/** Kernels that resample: each channel from itself alone, with weights that fall linearly from the middle. */
function fillBilinear({ shape, data }: NdArray<"float32">): void {
  const [inputs, outputs, height, width] = shape as [number, number, number, number];
  const weight = (tap: number, extent: number) => {
    const factor = Math.ceil(extent / 2);
    const center = extent % 2 === 1 ? factor - 1 : factor - 0.5;
    return 1 - Math.abs(tap - center) / factor;
  };
  for (let channel = 0; channel < Math.min(inputs, outputs); channel++) {
    const kernel = (channel * outputs + channel) * height * width;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        data[kernel + y * width + x] = weight(y, height) * weight(x, width);
      }
    }
  }
}

function draw(
  data: Float32Array,
  init: Exclude<Initializer, { kind: "bilinear" }>,
  random: RandomStream,
): void {
  switch (init.kind) {
    case "constant":
      data.fill(init.value);
      return;
    case "uniform":
      for (let i = 0; i < data.length; i++) data[i] = (2 * random.uniform(i) - 1) * init.bound;
      return;
    case "normal":
      random.normals(data);
      for (let i = 0; i < data.length; i++) {
        let number = data[i]!;
        // Further attempts take their counters beyond those of all elements.
        for (let round = 1; init.truncated && Math.abs(number) > TRUNCATION; round++) {
          number = random.normal(i + round * data.length);
        }
        data[i] = number * init.std;
      }
  }
}
