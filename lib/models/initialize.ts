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
  const random = randomStream(seed, `initialize/${name}`);
  const draw = elementOf(init, random, array.data.length);
  for (let i = 0; i < array.data.length; i++) array.data[i] = draw(i);
  return array;
}

/** The function from an element's index to its value. */
function elementOf(init: Initializer, random: RandomStream, count: number): (i: number) => number {
  switch (init.kind) {
    case "constant":
      return () => init.value;
    case "uniform":
      return (i) => (2 * random.uniform(i) - 1) * init.bound;
    case "normal":
      return (i) => {
        let number = random.normal(i);
        // Further attempts take their counters beyond those of all elements.
        for (let round = 1; init.truncated && Math.abs(number) > TRUNCATION; round++) {
          number = random.normal(i + round * count);
        }
        return number * init.std;
      };
  }
}
