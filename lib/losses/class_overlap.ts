/**
 * How much the predicted probability and the labels of each class overlap, as Dice and Tversky losses need it.
 *
 * @module
 */
import { InputError } from "../errors.ts";
import { type Graph, stopGradient, type Value } from "../onnx/mod.ts";
import type { ClassSelection } from "./loss.ts";
import { labelWeights, type PixelBand, type PixelMaps, positiveOrOne } from "./pixel_bands.ts";

/** Sums over all pixels of a batch that count, for each class (K, 1). */
export interface ClassOverlap {
  /** Σ p·y. */
  readonly both: Value;
  /** Σ p. */
  readonly predicted: Value;
  /** Σ y: pixels with the label. */
  readonly labelled: Value;
}

/** The sums of a batch. */
export function classOverlap(graph: Graph, maps: PixelMaps, ignoreIndex: number): ClassOverlap {
  const counted = labelWeights(graph, maps, ignoreIndex);
  const { batch, classes } = maps;
  const sumOf = (pick: (band: PixelBand) => Value) =>
    maps.sum((band) => {
      const rows = graph.op("Reshape", [pick(band), [batch, classes, -1]]);
      const mask = graph.op("Reshape", [band.part(counted), [batch, -1, 1]]);
      return graph.op("ReduceSum", [graph.op("MatMul", [rows, mask]), [0]], { keepdims: false });
    });
  return {
    both: sumOf((band) => graph.op("Mul", [band.probabilities(), band.hits()])),
    predicted: sumOf((band) => band.probabilities()),
    labelled: stopGradient(sumOf((band) => band.hits())),
  };
}

/**
 * Mean over classes.
 *
 * @param graph The graph.
 * @param losses Loss of each class.
 * @param labelled Pixels of each class, in the same shape.
 * @param selection Which classes the mean is over.
 * @returns The mean; 0 where no pixel counts.
 */
export function meanOfClasses(
  graph: Graph,
  losses: Value,
  labelled: Value,
  selection: ClassSelection,
): Value {
  const isPresent = graph.op("Cast", [graph.op("Greater", [labelled, 0])], { to: losses.dtype });
  const total = (value: Value) => graph.op("ReduceSum", [value], { keepdims: false });
  const present = total(isPresent);
  if (selection === "present") {
    const sum = total(graph.op("Mul", [losses, isPresent]));
    return graph.op("Div", [sum, positiveOrOne(graph, present)]);
  }
  const mean = graph.op("ReduceMean", [losses], { keepdims: false });
  const anyPresent = graph.op("Cast", [graph.op("Greater", [present, 0])], { to: losses.dtype });
  return graph.op("Mul", [mean, anyPresent]);
}

/** Refuse a setting that is no finite number from `least` up. */
export function checkSetting(loss: string, name: string, value: number, least = 0): void {
  if (Number.isFinite(value) && value >= least) return;
  throw new InputError(
    `Cannot use ${name} ${value} for the ${loss} loss: expected a finite number >= ${least}`,
  );
}
