/**
 * Lovász-softmax: Berman et al., "The Lovász-Softmax loss" (2018), a surrogate of one minus IoU.
 *
 * @module
 */
import { type Graph, stopGradient, type Value } from "../onnx/mod.ts";
import { meanOfClasses } from "./class_overlap.ts";
import type { ClassLossOptions, Loss } from "./loss.ts";
import {
  labelWeights,
  type PixelBand,
  type PixelMaps,
  pixelMaps,
  positiveOrOne,
} from "./pixel_bands.ts";

/** Options of {@linkcode lovaszSoftmax}. */
export interface LovaszOptions extends ClassLossOptions {
  /** The mean of the images' losses instead of that of all pixels of the batch together; false where left out. */
  readonly perImage?: boolean;
}

/**
 * For each class, the errors |y − p| of the pixels that count, sorted, times the changes of the Jaccard index as
 * pixel after pixel goes wrong; the mean over classes.
 *
 * A class that no label has (of the batch, or of the image) is left out of the mean, unless `classes` is `all`: then
 * its loss is the largest probability that it has anywhere. Images without labels do not count; a batch without
 * labels gives 0.
 *
 * Counts are float32, exact up to 2²⁴ pixels of one sort.
 *
 * @param options Pixels of images or batches, classes and the label to ignore.
 * @returns The loss.
 */
export function lovaszSoftmax(options: LovaszOptions = {}): Loss {
  const { ignoreIndex = 255, perImage = false, classes = "present" } = options;
  return (graph, inputs) => {
    const maps = pixelMaps(graph, inputs);
    const counted = graph.op("Greater", [labelWeights(graph, maps, ignoreIndex), 0]);
    const hits = onlyCounted(graph, counted, joined(graph, maps, (band) => band.hits()));
    const errors = joined(
      graph,
      maps,
      (band) => graph.op("Abs", [graph.op("Sub", [band.hits(), band.probabilities()])]),
    );
    const truth = stopGradient(groups(graph, maps, perImage, hits));
    const order = groups(graph, maps, perImage, sortable(graph, counted, errors));
    const { loss, labelled } = classLosses(graph, order, truth);
    const [groupCount] = loss.shape as [number];
    if (groupCount === 1) return meanOfClasses(graph, loss, labelled, classes);
    const means = Array.from({ length: groupCount }, (_, index) => {
      const one = (value: Value) => graph.op("Slice", [value, [index], [index + 1], [0]]);
      return meanOfClasses(graph, one(loss), one(labelled), classes);
    });
    const total = graph.op("ReduceSum", [labelled, [1]], { keepdims: false });
    const hasLabels = graph.op("Cast", [graph.op("Greater", [total, 0])], { to: loss.dtype });
    const images = graph.op("ReduceSum", [hasLabels], { keepdims: false });
    const sum = means.reduce((a, b) => graph.op("Add", [a, b]));
    return graph.op("Div", [sum, positiveOrOne(graph, images)]);
  };
}

/** A map (N, K, H, W) of all bands. */
function joined(graph: Graph, maps: PixelMaps, pick: (band: PixelBand) => Value): Value {
  const parts = maps.bands.map((band) => graph.scope(band.name, () => pick(band)));
  return parts.length === 1 ? parts[0]! : graph.op("Concat", parts, { axis: 2 });
}

function onlyCounted(graph: Graph, counted: Value, hits: Value): Value {
  const mask = graph.op("Cast", [counted], { to: hits.dtype });
  return graph.op("Mul", [hits, graph.op("Unsqueeze", [mask, [1]])]);
}

/** Pixels that do not count have an error of −1, so that they come last. */
function sortable(graph: Graph, counted: Value, errors: Value): Value {
  return graph.op("Where", [graph.op("Unsqueeze", [counted, [1]]), errors, -1]);
}

/** (N, K, H, W) as (1, K, N·H·W), or (N, K, H·W) by image. */
function groups(graph: Graph, maps: PixelMaps, perImage: boolean, value: Value): Value {
  const { batch, classes, rows, columns } = maps;
  const flat = graph.op("Reshape", [value, [batch, classes, rows * columns]]);
  if (perImage || batch === 1) return flat;
  const byClass = graph.op("Transpose", [flat], { perm: [1, 0, 2] });
  return graph.op("Reshape", [byClass, [1, classes, batch * rows * columns]]);
}

/** Loss and number of labels of each class (G, K), from errors and one-hot labels (G, K, P). */
function classLosses(
  graph: Graph,
  errors: Value,
  truth: Value,
): { readonly loss: Value; readonly labelled: Value } {
  const pixels = errors.shape[2] as number;
  const [sorted, order] = graph.ops("TopK", 2, [errors, [pixels]], { axis: -1 });
  const inside = graph.op("GatherElements", [truth, order], { axis: -1 });
  const isCounted = graph.op("Cast", [graph.op("GreaterOrEqual", [sorted, 0])], {
    to: errors.dtype,
  });
  const labelled = graph.op("ReduceSum", [truth, [2]], { keepdims: false });
  const weights = jaccardSlopes(graph, inside, isCounted, graph.op("Unsqueeze", [labelled, [2]]));
  const terms = graph.op("Mul", [sorted, stopGradient(weights)]);
  return { loss: graph.op("ReduceSum", [terms, [2]], { keepdims: false }), labelled };
}

/**
 * By how much one minus the Jaccard index grows with each pixel. With g labels, and f of them and b others
 * among the pixels so far, it is 1 − (g − f) / (g + b). Differences of that, as the paper's code takes them, would
 * be rounding errors for large images, so that they are written out: 1 / (g + b) for a pixel of the
 * class, (g − f) / ((g + b)(g + b − 1)) for another.
 */
function jaccardSlopes(graph: Graph, inside: Value, isCounted: Value, labelled: Value): Value {
  const axis = graph.constant(2, "int64");
  const found = graph.op("CumSum", [inside, axis]);
  const places = graph.op("CumSum", [isCounted, axis]);
  const others = graph.op("Sub", [places, found]);
  const union = graph.op("Max", [graph.op("Add", [others, labelled]), 1]);
  const before = graph.op("Max", [graph.op("Sub", [union, 1]), 1]);
  const ofClass = graph.op("Div", [1, union]);
  const ofOther = graph.op("Div", [
    graph.op("Div", [graph.op("Sub", [labelled, found]), union]),
    before,
  ]);
  const slopes = graph.op("Where", [graph.op("Greater", [inside, 0]), ofClass, ofOther]);
  // Without a label, the first wrong pixel takes the index from 1 to 0.
  const first = graph.op("Cast", [graph.op("Equal", [others, 1])], { to: slopes.dtype });
  const all = graph.op("Where", [graph.op("Greater", [labelled, 0]), slopes, first]);
  return graph.op("Mul", [all, isCounted]);
}
