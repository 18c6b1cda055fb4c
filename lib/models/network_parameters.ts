/**
 * The parameters of a network, as its own forward pass makes them.
 *
 * @module
 */
import { elementCount } from "../array/mod.ts";
import { Graph, type Initializer, nodeCosts } from "../onnx/mod.ts";
import type { Forward } from "./forward.ts";
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
  const size = 2 * network.multiple;
  const graph = forwardGraph(network, size, size);
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

/** A feature map of an encoder. */
export interface FeatureShape {
  /** The part that it comes from, such as `stage 1`. */
  readonly name: string;
  /** Channels, rows and columns. */
  readonly shape: readonly [channels: number, height: number, width: number];
}

/**
 * Feature maps of one image on its way through the encoder, in order.
 *
 * @param network The network.
 * @param height Rows of the image, a multiple of `multiple`.
 * @param width Columns of the image, a multiple of `multiple`.
 */
export function featureShapes(network: Network, height: number, width: number): FeatureShape[] {
  const shapes: FeatureShape[] = [];
  forwardGraph(network, height, width, (name, shape) => shapes.push({ name, shape }));
  return shapes;
}

/**
 * Multiply-adds that a network's graph executes for one image, without those that resample maps.
 *
 * @param network The network.
 * @param height Rows of the image, a multiple of `multiple`.
 * @param width Columns of the image, a multiple of `multiple`.
 */
export function executedMultiplyAdds(network: Network, height: number, width: number): number {
  return graphMultiplyAdds(forwardGraph(network, height, width));
}

/** The same of a graph whose images' number is `batch`. */
export function graphMultiplyAdds(graph: Graph): number {
  return nodeCosts(graph, { batch: 1 }).reduce(
    (sum, { node, multiplyAdds }) => RESAMPLING.test(node.scope) ? sum : sum + multiplyAdds,
    0,
  );
}

/** Scopes of nodes that resample: other tools do not count them. */
const RESAMPLING = /(^|\/)resize(\/|$)/;

/** The network at inference. */
function forwardGraph(
  network: Network,
  height: number,
  width: number,
  onFeature?: NonNullable<Forward["onFeature"]>,
): Graph {
  const graph = new Graph(network.family);
  const x = graph.input("x", "float32", ["batch", network.bands, height, width]);
  const forward: Forward = { graph, training: false, ...(onFeature && { onFeature }) };
  graph.output("logits", network.build(forward, x));
  return graph;
}
