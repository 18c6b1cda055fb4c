/**
 * Cross-entropy that weighs pixels at the edges of labels more.
 *
 * @module
 */
import { ndarray } from "../array/mod.ts";
import { type Graph, stopGradient, type Value } from "../onnx/mod.ts";
import { checkSetting } from "./class_overlap.ts";
import { checkClassWeights, type Loss, type PixelLossOptions } from "./loss.ts";
import { labelWeights, type PixelMaps, pixelMaps, pixelShares } from "./pixel_bands.ts";

/** A filter that responds to edges. */
export type EdgeFilter = (typeof EDGE_FILTERS)[number];

/** The filters, the default first. */
export const EDGE_FILTERS = ["sobel", "laplacian"] as const;

/** Options of {@linkcode boundaryEdgeLoss}. */
export interface BoundaryEdgeOptions extends PixelLossOptions {
  /** The filter; `sobel` where left out. */
  readonly filter?: EdgeFilter;
  /** Weight that a pixel at an edge has more than one far from any; 5 where left out. */
  readonly edgeWeight?: number;
}

/** 3×3 kernels over what makes the response at a straight edge 1. */
const KERNELS: Readonly<Record<EdgeFilter, readonly (readonly number[])[]>> = {
  sobel: [
    [-1, 0, 1, -2, 0, 2, -1, 0, 1].map((weight) => weight / 4),
    [-1, -2, -1, 0, 0, 0, 1, 2, 1].map((weight) => weight / 4),
  ],
  laplacian: [[0, 1, 0, 1, -4, 1, 0, 1, 0]],
};

/**
 * Σ weight · −log p / Σ weight over the pixels that count, where a pixel's weight is that of its class times
 * 1 + edgeWeight · e. Its edge strength e, from 0 to 1, is the largest response of the filter to the one-hot labels of
 * any class, 1 at a straight edge (Sobel: the length of the gradient). Neighbours that do not count, or that are outside of the
 * image, are taken to have the pixel's own label.
 *
 * A batch without any label gives 0.
 *
 * @param options Filter, weights and the label to ignore.
 * @returns The loss.
 * @throws {InputError} If a weight is negative or not a number.
 */
export function boundaryEdgeLoss(options: BoundaryEdgeOptions = {}): Loss {
  const { ignoreIndex = 255, classWeights, filter = "sobel", edgeWeight = 5 } = options;
  checkSetting("boundary", "edge weight", edgeWeight);
  checkClassWeights(classWeights);
  return (graph, inputs) => {
    const maps = pixelMaps(graph, inputs);
    const counted = labelWeights(graph, maps, ignoreIndex);
    const edges = edgeStrength(graph, maps, counted, filter);
    const factor = graph.op("Add", [graph.op("Mul", [edges, edgeWeight]), 1]);
    const ofClass = labelWeights(graph, maps, ignoreIndex, classWeights);
    const shares = stopGradient(pixelShares(graph, graph.op("Mul", [ofClass, factor])));
    return maps.sum((band) => {
      const terms = graph.op("Mul", [band.part(shares), band.negativeLogLikelihood()]);
      return graph.op("ReduceSum", [terms], { keepdims: false });
    });
  };
}

/** Edge strength of each pixel (N, H, W). */
function edgeStrength(graph: Graph, maps: PixelMaps, counted: Value, filter: EdgeFilter): Value {
  const { batch, classes, rows, columns, bands } = maps;
  const parts = bands.map((band) => graph.scope(band.name, () => band.hits()));
  const hits = parts.length === 1 ? parts[0]! : graph.op("Concat", parts, { axis: 2 });
  const mask = graph.op("Unsqueeze", [counted, [1]]);
  const kernels = KERNELS[filter];
  const weight = ndarray(
    "float32",
    [kernels.length, 1, 3, 3],
    Float32Array.from(kernels.flat()),
  );
  const responses = (value: Value, count: number) => {
    const planes = graph.op("Reshape", [value, [batch * count, 1, rows, columns]]);
    const filtered = graph.op("Conv", [planes, weight], { pads: [1, 1, 1, 1] });
    return graph.op("Reshape", [filtered, [batch, count, kernels.length, rows, columns]]);
  };
  // Σ weight · (neighbour − own) over the neighbours that count: the kernels' sums are zero.
  const neighbours = responses(graph.op("Mul", [hits, mask]), classes);
  const own = graph.op("Mul", [graph.op("Unsqueeze", [hits, [2]]), responses(mask, 1)]);
  const difference = graph.op("Sub", [neighbours, own]);
  const squares = graph.op("ReduceSumSquare", [difference, [2]], { keepdims: false });
  const strongest = graph.op("ReduceMax", [graph.op("Sqrt", [squares]), [1]], { keepdims: false });
  return stopGradient(graph.op("Min", [strongest, 1]));
}
