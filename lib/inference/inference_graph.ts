/**
 * The graph that maps patches: normalization, padding, the network, cropping.
 *
 * @module
 */
import { type DataType, ndarray } from "../array/mod.ts";
import type { Network } from "../models/mod.ts";
import type { Normalization } from "../normalization/mod.ts";
import { Graph, type Value } from "../onnx/mod.ts";

/** What goes through a graph of {@linkcode buildInferenceGraph}. */
export interface InferenceInput {
  /** Rows of a patch. */
  readonly height: number;
  /** Columns of a patch. */
  readonly width: number;
  /** Element type of the stored numbers. */
  readonly dtype: DataType;
  /** Applied to the stored numbers inside the graph; null where they are normalized already. */
  readonly normalization: Normalization | null;
  /** What logits are divided by; 1 where left out. */
  readonly temperature?: number;
  /** True if softmax probabilities are wanted in place of logits. */
  readonly probabilities: boolean;
}

/**
 * Build the graph of a network for patches of one size.
 *
 * Inputs: `image` (batch, C, H, W) in the stored type; `valid` uint8 (batch, H, W): pixels that are 0
 * there become 0 after normalization, which is the band's mean. Output of a segmentation network:
 * `logits` float32 (batch, K, ⌈H/stride⌉, ⌈W/stride⌉); of a classifier (batch, K).
 *
 * For segmentation, patches are padded with zeros at the bottom and at the right to the multiple that
 * the network wants; what the padding becomes is cut off again.
 *
 * @param network The network.
 * @param input Size, type and normalization of the patches.
 */
export function buildInferenceGraph(network: Network, input: InferenceInput): Graph {
  const { height, width } = input;
  const graph = new Graph(network.family);
  const image = graph.input("image", input.dtype, ["batch", network.bands, height, width]);
  const valid = graph.input("valid", "uint8", ["batch", height, width]);
  const x = graph.scope(
    "normalize",
    () => masked(graph, normalized(graph, image, input), valid, input.dtype),
  );
  // A classifier has no lattice to crop: what the padding becomes would be part of its mean. It is padded
  // only where the network could not be computed.
  const padTo = (extent: number) =>
    network.task === "classification"
      ? Math.max(extent, network.multiple)
      : Math.ceil(extent / network.multiple) * network.multiple;
  const padding = [0, 0, 0, 0, 0, 0, padTo(height) - height, padTo(width) - width];
  const padded = padding.some((pixels) => pixels > 0) ? graph.op("Pad", [x, padding]) : x;
  const { temperature = 1 } = input;
  const built = network.build({ graph, training: false }, padded);
  const logits = temperature === 1 ? built : graph.op("Mul", [built, 1 / temperature]);
  if (network.task === "classification") {
    graph.output("logits", input.probabilities ? graph.op("Softmax", [logits]) : logits);
    return graph;
  }
  const rows = Math.ceil(height / network.stride);
  const columns = Math.ceil(width / network.stride);
  const [, , allRows, allColumns] = logits.shape;
  const cropped = rows === allRows && columns === allColumns
    ? logits
    : graph.op("Slice", [logits, [0, 0], [rows, columns], [2, 3]]);
  graph.output(
    "logits",
    input.probabilities ? graph.op("Softmax", [cropped], { axis: 1 }) : cropped,
  );
  return graph;
}

/** `(raw · scale + offset − mean) / std` as one product and one sum a band. */
function normalized(
  graph: Graph,
  image: Value,
  { dtype, normalization }: InferenceInput,
): Value {
  const x = dtype === "float32" ? image : graph.op("Cast", [image], { to: "float32" });
  if (normalization === null) return x;
  const { scale, offset, mean, std, clip } = normalization;
  const perBand = (values: number[]) =>
    ndarray("float32", [values.length, 1, 1], Float32Array.from(values));
  const factor = perBand(scale.map((value, band) => value / std[band]!));
  const shift = perBand(offset.map((value, band) => (value - mean[band]!) / std[band]!));
  const y = graph.op("Add", [graph.op("Mul", [x, factor]), shift]);
  return clip === null ? y : graph.op("Clip", [y, clip[0], clip[1]]);
}

/** Zero where there is no data, whatever is stored there (NaN among it). */
function masked(graph: Graph, x: Value, valid: Value, stored: DataType): Value {
  const [batch, , height, width] = x.shape;
  if (typeof height !== "number" || typeof width !== "number") {
    throw new Error(`internal: patches of unknown size ${height}x${width} for batch ${batch}`);
  }
  // Whatever is not 0 counts as valid.
  const mask = graph.op("Unsqueeze", [graph.op("Cast", [valid], { to: "bool" }), [1]]);
  if (stored.startsWith("float")) return graph.op("Where", [mask, x, graph.constant(0)]);
  // Integers are never NaN, and a product is less than half the work of a choice.
  return graph.op("Mul", [x, graph.op("Cast", [mask], { to: "float32" })]);
}
