/**
 * Logits at the labels' size, a band of rows at a time, for all losses of a graph.
 *
 * Rows are resampled and compared band by band, so that each band stays in the processor's cache. What
 * several losses need (softmax, one-hot labels) is computed once.
 *
 * @module
 */
import { type NdArray, ndarray } from "../array/mod.ts";
import { InputError } from "../errors.ts";
import { once } from "../once.ts";
import {
  type Graph,
  interpolationMatrix,
  stopGradient,
  transposedMatrix,
  type Value,
} from "../onnx/mod.ts";
import type { LossInputs } from "./loss.ts";

/** Elements of the upsampled logits that are worked on at a time: 4 MB. */
const BAND_ELEMENTS = 2 ** 20;

/** Number of labels that uint8 can hold. */
const LABELS = 256;

/** Some rows of all images: r rows of W pixels. */
export interface PixelBand {
  /** Its name in the graph; empty where there is one band. */
  readonly name: string;
  /** The band of a value that has rows on an axis, by default (N, H, W). */
  part(value: Value, axis?: number): Value;
  /** Labels (N, r, W), int32. */
  readonly codes: () => Value;
  /** Logits (N, K, r, W) less the largest of each pixel. */
  readonly centered: () => Value;
  /** Exponentials of `centered`. */
  readonly exponentials: () => Value;
  /** Sum of the exponentials of each pixel (N, r, W). */
  readonly total: () => Value;
  /** One-hot labels (N, K, r, W); zeros where a label is no class. */
  readonly hits: () => Value;
  /** `centered` at the label (N, r, W); 0 where it is no class. */
  readonly atLabel: () => Value;
  /** Softmax probabilities (N, K, r, W). */
  readonly probabilities: () => Value;
  /** −log softmax at the label (N, r, W); meaningless where it is no class. */
  readonly negativeLogLikelihood: () => Value;
  /** Σ over the classes of (N, K, r, W), as (N, r, W). */
  sumOfClasses(value: Value): Value;
}

/** Images and labels of a loss. */
export interface PixelMaps {
  /** Images N. */
  readonly batch: number;
  /** Classes K. */
  readonly classes: number;
  /** Rows H of the labels. */
  readonly rows: number;
  /** Columns W of the labels. */
  readonly columns: number;
  /** Labels (N, H, W), int32. */
  readonly codes: Value;
  /** Bands from top to bottom. */
  readonly bands: readonly PixelBand[];
  /**
   * Add up over all bands.
   *
   * @param summand Adds what a band contributes, in the scope of the band.
   */
  sum(summand: (band: PixelBand) => Value): Value;
}

/** Losses of the same logits and labels share their maps. */
const MAPS = new WeakMap<Value, { readonly labels: Value; readonly maps: PixelMaps }>();

/** The maps of logits and labels. */
export function pixelMaps(graph: Graph, { logits, labels }: LossInputs): PixelMaps {
  const known = MAPS.get(logits);
  if (known !== undefined && known.labels === labels) return known.maps;
  const maps = makeMaps(graph, logits, labels);
  MAPS.set(logits, { labels, maps });
  return maps;
}

function makeMaps(graph: Graph, logits: Value, labels: Value): PixelMaps {
  const [batch, classes, height, width] = logits.shape as [number, number, number, number];
  const [, rows, columns] = labels.shape as [number, number, number];
  const codes = graph.op("Cast", [labels], { to: "int32" });
  const wide = once(() =>
    graph.op("MatMul", [logits, transposedMatrix(interpolationMatrix(width, columns))])
  );
  const matrix = interpolationMatrix(height, rows);
  const bandRows = Math.max(1, Math.floor(BAND_ELEMENTS / (batch * classes * columns)));
  const count = Math.ceil(rows / bandRows);
  const bands = Array.from({ length: count }, (_, index) => {
    const from = Math.round(index * rows / count);
    const to = Math.round((index + 1) * rows / count);
    const upsampled = () => {
      const [low, high, weights] = bandOf(matrix, from, to);
      const all = low === 0 && high === height;
      const source = all ? wide() : graph.op("Slice", [wide(), [low], [high], [2]]);
      return graph.op("MatMul", [weights, source]);
    };
    const part = (value: Value, axis = 1) =>
      count === 1 ? value : graph.op("Slice", [value, [from], [to], [axis]]);
    return makeBand(graph, {
      name: count === 1 ? "" : `rows.${from}`,
      part,
      codes: once(() => part(codes)),
      upsampled,
      classes,
    });
  });
  return {
    batch,
    classes,
    rows,
    columns,
    codes,
    bands,
    sum: (summand) =>
      bands.map((band) => graph.scope(band.name, () => summand(band)))
        .reduce((a, b) => graph.op("Add", [a, b])),
  };
}

interface BandParts extends Pick<PixelBand, "name" | "part" | "codes"> {
  readonly upsampled: () => Value;
  readonly classes: number;
}

function makeBand(graph: Graph, { name, part, codes, upsampled, classes }: BandParts): PixelBand {
  const sumOfClasses = (value: Value) => sumOverClasses(graph, value);
  // No loss depends on what is taken off all logits of a pixel.
  const centered = once(() => {
    const x = upsampled();
    return graph.op("Sub", [x, stopGradient(largestLogit(graph, x))]);
  });
  const exponentials = once(() => graph.op("Exp", [centered()]));
  const total = once(() => sumOfClasses(exponentials()));
  const hits = once(() => {
    const indices = graph.constant(Array.from({ length: classes }, (_, k) => k), "int32");
    const equal = graph.op("Equal", [
      graph.op("Unsqueeze", [codes(), [1]]),
      graph.op("Reshape", [indices, [classes, 1, 1]]),
    ]);
    return graph.op("Cast", [equal], { to: centered().dtype });
  });
  const atLabel = once(() => sumOfClasses(graph.op("Mul", [centered(), hits()])));
  return {
    name,
    part,
    codes,
    centered,
    exponentials,
    total,
    hits,
    atLabel,
    probabilities: once(() =>
      graph.op("Div", [exponentials(), graph.op("Unsqueeze", [total(), [1]])])
    ),
    negativeLogLikelihood: once(() => {
      const sum = total();
      const likelihood = atLabel();
      return graph.op("Sub", [graph.op("Log", [sum]), likelihood]);
    }),
    sumOfClasses,
  };
}

/**
 * Weight of the label of each pixel (N, H, W): 0 for the ignore label and for what is no class.
 *
 * @param graph The graph.
 * @param maps The labels.
 * @param ignoreIndex The label to leave out.
 * @param classWeights Weight of each class; 1 where left out.
 * @throws {InputError} If there is not one weight a class.
 */
export function labelWeights(
  graph: Graph,
  { classes, codes }: PixelMaps,
  ignoreIndex: number,
  classWeights?: readonly number[],
): Value {
  if (classWeights !== undefined && classWeights.length !== classes) {
    throw new InputError(
      `Cannot weigh ${classes} classes as there must be one weight a class: ` +
        `current number is ${classWeights.length}`,
    );
  }
  const weightOf = (label: number) =>
    label >= classes || label === ignoreIndex ? 0 : classWeights ? classWeights[label]! : 1;
  const table = Float32Array.from({ length: LABELS }, (_, label) => weightOf(label));
  return graph.op("Gather", [ndarray("float32", [LABELS], table), codes]);
}

/** Each pixel's weight as a share of all; zeros where all weigh nothing. */
export function pixelShares(graph: Graph, weights: Value): Value {
  const total = graph.op("ReduceSum", [weights], { keepdims: false });
  return graph.op("Div", [weights, positiveOrOne(graph, total)]);
}

/** A divisor: the value where it is above 0, 1 elsewhere. */
export function positiveOrOne(graph: Graph, value: Value): Value {
  return graph.op("Where", [graph.op("Greater", [value, 0]), value, 1]);
}

/** The largest of all classes, (N, 1, r, W), in halves: faster than a reduction along the second axis. */
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

/** Σ over the classes of x (N, K, r, W), as (N, r, W): a product with ones, for speed. */
function sumOverClasses(graph: Graph, x: Value): Value {
  const [batch, classes, rows, columns] = x.shape as [number, number, number, number];
  const ones = ndarray("float32", [1, classes], new Float32Array(classes).fill(1));
  const sums = graph.op("MatMul", [ones, graph.op("Reshape", [x, [batch, classes, -1]])]);
  return graph.op("Reshape", [sums, [batch, rows, columns]]);
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
