/**
 * Boundary loss: Kervadec et al., "Boundary loss for highly unbalanced segmentation" (2019).
 *
 * @module
 */
import type { Loss, LossOptions } from "./loss.ts";
import { labelWeights, pixelMaps, positiveOrOne } from "./pixel_bands.ts";

/** Options of {@linkcode boundaryDistanceLoss}. */
export type BoundaryDistanceOptions = LossOptions;

/**
 * Mean over the pixels that count and all classes of p · φ, with the signed distance φ in pixels to the
 * class's boundary, negative inside; see {@linkcode signedDistances}. It may be negative, and has no use without a
 * loss of regions or pixels beside it. A class that an image does not have has distances of 0 there, so that it
 * does not count. A batch without labels gives 0.
 *
 * @param options The label to ignore, as for the distances.
 * @returns The loss.
 */
export function boundaryDistanceLoss(options: BoundaryDistanceOptions = {}): Loss {
  const { ignoreIndex = 255 } = options;
  return (graph, inputs) => {
    if (inputs.distances === undefined) {
      throw new Error("internal: the boundary loss needs the input of distances");
    }
    const distances = inputs.distances();
    const maps = pixelMaps(graph, inputs);
    const counted = labelWeights(graph, maps, ignoreIndex);
    const total = graph.op("ReduceSum", [counted], { keepdims: false });
    const sum = maps.sum((band) => {
      const terms = graph.op("Mul", [band.probabilities(), band.part(distances, 2)]);
      const mask = graph.op("Unsqueeze", [band.part(counted), [1]]);
      return graph.op("ReduceSum", [graph.op("Mul", [terms, mask])], { keepdims: false });
    });
    return graph.op("Div", [
      graph.op("Mul", [sum, 1 / maps.classes]),
      positiveOrOne(graph, total),
    ]);
  };
}
