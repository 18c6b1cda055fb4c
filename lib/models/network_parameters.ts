/**
 * The parameters of a network, as its own forward pass makes them.
 *
 * @module
 */
import { elementCount } from "../array/mod.ts";
import { Graph, type Initializer } from "../onnx/mod.ts";
import type { Network } from "./network.ts";

/** A parameter of a network. */
export interface ParameterSpec {
  /** Name on disk. */
  readonly name: string;
  /** Extent of each axis. */
  readonly shape: readonly number[];
  /** How it is drawn before training. */
  readonly init: Initializer;
  /** False for running statistics, which no optimizer touches and which are not counted. */
  readonly trainable: boolean;
}

/**
 * All parameters of a network in the order of its forward pass.
 *
 * @param network The network.
 *
 * @example
 * ```ts
 * import { networkFromConfig, networkParameters, variantConfig } from "swath";
 *
 * const network = networkFromConfig(variantConfig("b0", { bands: 14, classes: 10 }));
 * const [first] = networkParameters(network);
 * if (first?.shape.join("x") !== "32x14x7x7") throw new Error("the first convolution");
 * ```
 */
export function networkParameters(network: Network): ParameterSpec[] {
  const graph = new Graph(network.family);
  const size = 2 * network.multiple;
  const x = graph.input("x", "float32", ["batch", network.bands, size, size]);
  network.build({ graph, training: false }, x);
  return [...graph.parameters.values()].map(({ name, shape, producer }) => {
    if (producer.kind !== "parameter") throw new Error(`internal: "${name}" is no parameter`);
    const { init, trainable } = producer;
    return { name, shape: shape as readonly number[], init, trainable };
  });
}

/** Trainable elements of the given parameters, of all where no prefixes are given. */
export function countParameters(
  parameters: readonly ParameterSpec[],
  prefixes: readonly string[] = [""],
): number {
  return parameters
    .filter(({ name, trainable }) =>
      trainable && prefixes.some((prefix) => name.startsWith(prefix))
    )
    .reduce((sum, { shape }) => sum + elementCount(shape), 0);
}
