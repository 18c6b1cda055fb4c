/**
 * Cross-entropy of labels at full resolution and logits at the network's stride.
 *
 * The bilinear upsampling to the labels' size is part of the loss: rows are resampled and compared a band at
 * a time, so that the logits at full resolution, the largest map of the whole step, never exist and each band
 * stays in the processor's cache.
 *
 * @module
 */
import { type NdArray, ndarray } from "../array/mod.ts";
import { InputError } from "../errors.ts";
import {
  type Graph,
  interpolationMatrix,
  stopGradient,
  transposedMatrix,
  type Value,
} from "../onnx/mod.ts";
import type { Loss } from "./loss.ts";

/** Elements of the upsampled logits that are worked on at a time: 4 MB. */
const BAND_ELEMENTS = 2 ** 20;

/** Number of labels that uint8 can hold. */
const LABELS = 256;

/** Options of {@linkcode crossEntropy}. */
export interface CrossEntropyOptions {
  /** Label of pixels that do not count; 255 where left out. */
  readonly ignoreIndex?: number;
  /** Weight of each class; 1 where left out. */
  readonly classWeights?: readonly number[];
}

/**
 * Cross-entropy as PyTorch's `CrossEntropyLoss` has it after bilinear upsampling
 * (align_corners=False): Σ weight · −log p / Σ weight over the pixels that count. A batch without any gives
 * 0, and gradients of 0. Labels that are no class do not count either.
 *
 * @param options Class weights and the label to ignore.
 * @returns The loss.
 * @throws {InputError} If a weight is negative or not a number.
 *
 * @example
 * ```ts
 * import { createSession, crossEntropy, Graph, ndarray } from "swath";
 *
 * const graph = new Graph("loss");
 * const logits = graph.input("logits", "float32", [1, 2, 1, 1]);
 * const labels = graph.input("labels", "uint8", [1, 4, 4]);
 * graph.output("loss", crossEntropy()(graph, { logits, labels }));
 * const session = await createSession(graph, { device: "cpu" });
 * const feeds = { logits: ndarray("float32", [1, 2, 1, 1]), labels: ndarray("uint8", [1, 4, 4]) };
 * const { loss } = await session.run(feeds);
 * await session.release();
 * if (Math.abs(Number(loss?.data[0]) - Math.LN2) > 1e-6) throw new Error("two equal logits");
 * ```
 */
export function crossEntropy(options: CrossEntropyOptions = {}): Loss {
  const { ignoreIndex = 255, classWeights } = options;
  const wrong = classWeights?.find((weight) => !(weight >= 0 && Number.isFinite(weight)));
  if (wrong !== undefined) {
    throw new InputError(`Cannot weigh classes by ${wrong} as weights must be >= 0`);
  }
  return (graph, { logits, labels }) => {
    const [batch, classes, height, width] = logits.shape as [number, number, number, number];
    const [, rows, columns] = labels.shape as [number, number, number];
    if (classWeights !== undefined && classWeights.length !== classes) {
      throw new InputError(
        `Cannot weigh ${classes} classes as there must be one weight a class: ` +
          `current number is ${classWeights.length}`,
      );
    }
    const codes = graph.op("Cast", [labels], { to: "int32" });
    const table = weightTable(classes, ignoreIndex, classWeights);
    const shares = pixelShares(graph, graph.op("Gather", [table, codes]));
    const wide = graph.op("MatMul", [
      logits,
      transposedMatrix(interpolationMatrix(width, columns)),
    ]);
    const matrix = interpolationMatrix(height, rows);
    const bandRows = Math.max(1, Math.floor(BAND_ELEMENTS / (batch * classes * columns)));
    const bands = Math.ceil(rows / bandRows);
    const losses = Array.from({ length: bands }, (_, band) => {
      const from = Math.round(band * rows / bands);
      const to = Math.round((band + 1) * rows / bands);
      const part = (value: Value) =>
        bands === 1 ? value : graph.op("Slice", [value, [from], [to], [1]]);
      return graph.scope(bands === 1 ? "" : `rows.${from}`, () => {
        const [low, high, weights] = bandOf(matrix, from, to);
        const source = low === 0 && high === height
          ? wide
          : graph.op("Slice", [wide, [low], [high], [2]]);
        const upsampled = graph.op("MatMul", [weights, source]);
        return graph.op("ReduceSum", [
          graph.op("Mul", [part(shares), negativeLogLikelihood(graph, upsampled, part(codes))]),
        ], { keepdims: false });
      });
    });
    return losses.reduce((a, b) => graph.op("Add", [a, b]));
  };
}

/** −log softmax(x) at the label, for x (N, K, rows, W) and labels (N, rows, W). */
function negativeLogLikelihood(graph: Graph, x: Value, labels: Value): Value {
  const classes = x.shape[1] as number;
  // The loss does not depend on what is taken off all logits of a pixel.
  const centered = graph.op("Sub", [x, stopGradient(largestLogit(graph, x))]);
  const total = sumOfClasses(graph, graph.op("Exp", [centered]), labels);
  const indices = graph.constant(Array.from({ length: classes }, (_, k) => k), "int32");
  const hits = graph.op("Equal", [
    graph.op("Unsqueeze", [labels, [1]]),
    graph.op("Reshape", [indices, [classes, 1, 1]]),
  ]);
  const mask = graph.op("Cast", [hits], { to: x.dtype });
  const atLabel = sumOfClasses(graph, graph.op("Mul", [centered, mask]), labels);
  return graph.op("Sub", [graph.op("Log", [total]), atLabel]);
}

/** The largest of all classes, (N, 1, rows, W), in halves: faster than a reduction along the second axis. */
function largestLogit(graph: Graph, x: Value): Value {
  const classes = x.shape[1] as number;
  if (classes === 1) return x;
  const half = Math.ceil(classes / 2);
  // Halves of an odd number share one class, which does not change the maximum.
  const [low, high] = [[0, half], [classes - half, classes]].map(([from, to]) =>
    graph.op("Slice", [x, [from!], [to!], [1]])
  );
  return largestLogit(graph, graph.op("Max", [low!, high!]));
}

/** Σ over the classes of x (N, K, rows, W), in the shape of the labels: a product with ones, for speed. */
function sumOfClasses(graph: Graph, x: Value, { shape }: Value): Value {
  const [batch, classes] = x.shape as [number, number];
  const ones = ndarray("float32", [1, classes], new Float32Array(classes).fill(1));
  const sums = graph.op("MatMul", [ones, graph.op("Reshape", [x, [batch, classes, -1]])]);
  return graph.op("Reshape", [sums, shape as readonly number[]]);
}

/** Each pixel's weight as a share of all; zeros where all weigh nothing. */
function pixelShares(graph: Graph, weights: Value): Value {
  const total = graph.op("ReduceSum", [weights], { keepdims: false });
  const counted = graph.op("Where", [graph.op("Greater", [total, 0]), total, 1]);
  return graph.op("Div", [weights, counted]);
}

/** Weight of every label that uint8 can hold. */
function weightTable(
  classes: number,
  ignoreIndex: number,
  classWeights: readonly number[] | undefined,
): NdArray<"float32"> {
  return ndarray(
    "float32",
    [LABELS],
    Float32Array.from(
      { length: LABELS },
      (_, label) =>
        label >= classes || label === ignoreIndex ? 0 : classWeights ? classWeights[label]! : 1,
    ),
  );
}

/** The rows of an interpolation matrix, and the columns that they need. */
function bandOf(
  matrix: NdArray<"float32">,
  from: number,
  to: number,
): [low: number, high: number, weights: NdArray<"float32">] {
  const columns = matrix.shape[1]!;
  const used = Array.from({ length: columns }, (_, column) => column).filter((column) => {
    for (let row = from; row < to; row++) {
      if (matrix.data[row * columns + column] !== 0) return true;
    }
    return false;
  });
  const [low, high] = [used[0]!, used.at(-1)! + 1];
  const weights = ndarray("float32", [to - from, high - low]);
  for (let row = from; row < to; row++) {
    const line = matrix.data.subarray(row * columns + low, row * columns + high);
    weights.data.set(line, (row - from) * (high - low));
  }
  return [low, high, weights];
}
