/** Gradients of softmax and of the normalization layers. @module */
import { once } from "../../once.ts";
import type { Value } from "../value.ts";
import {
  type GradientContext,
  type GradientRule,
  type GradientRules,
  isKnown,
  sumRows,
} from "./rule.ts";

type Builder = Pick<GradientContext, "op">;

/** Axes other than the given ones. */
function otherAxes(rank: number, ...axes: number[]): number[] {
  return Array.from({ length: rank }, (_, axis) => axis).filter((axis) => !axes.includes(axis));
}

/**
 * Gradient of x where x̂ = (x − mean(x)) · inv, inv = 1/√(var(x) + ε), from that of x̂: of the latter is
 * taken off what shifts x and what scales it, as neither changes x̂.
 */
function standardizedGradient(
  { op }: Builder,
  dxhat: Value,
  xhat: Value,
  inv: Value,
  axes: readonly number[],
): Value {
  const shift = op("ReduceMean", [dxhat, axes]);
  const stretch = op("ReduceMean", [op("Mul", [dxhat, xhat]), axes]);
  const inner = op("Sub", [op("Sub", [dxhat, shift]), op("Mul", [xhat, stretch])]);
  return op("Mul", [inner, inv]);
}

/** x̂ and 1/√(var + ε) over some axes. */
function standardize(
  { op }: Builder,
  x: Value,
  axes: readonly number[],
  epsilon: number,
): { xhat: Value; inv: Value } {
  const centered = op("Sub", [x, op("ReduceMean", [x, axes])]);
  const variance = op("ReduceMean", [op("Mul", [centered, centered]), axes]);
  const inv = op("Reciprocal", [op("Sqrt", [op("Add", [variance, epsilon])])]);
  return { xhat: op("Mul", [centered, inv]), inv };
}

const layerNormalization: GradientRule<"LayerNormalization"> = (c) => {
  const [x, scale] = [c.input(0), c.input(1)];
  const rank = x.shape.length;
  const axis = c.attributes.axis < 0 ? c.attributes.axis + rank : c.attributes.axis;
  const lead = otherAxes(axis);
  const axes = otherAxes(rank, ...lead);
  const [mean, inv] = [c.output(1), c.output(2)];
  const xhat = once(() => c.op("Mul", [c.op("Sub", [x, mean]), inv]));
  const weighted = once(() => c.op("Mul", [c.dy, xhat()]));
  const sum = (value: Value) =>
    axes.length === 1
      ? sumRows(c.graph, value)
      : c.op("ReduceSum", [value, lead], { keepdims: false });
  return [
    () => {
      const dxhat = c.op("Mul", [c.dy, scale]);
      if (axes.length > 1) return standardizedGradient(c, dxhat, xhat(), inv, axes);
      // The mean over the last axis of dy · scale · x̂ as a product with a vector.
      const width = c.extents(scale)[0]!;
      const weights = c.op("Reshape", [c.op("Mul", [scale, 1 / width]), [width, 1]]);
      const shift = c.op("ReduceMean", [dxhat, axes]);
      const stretch = c.op("MatMul", [weighted(), weights]);
      const inner = c.op("Sub", [c.op("Sub", [dxhat, shift]), c.op("Mul", [xhat(), stretch])]);
      return c.op("Mul", [inner, inv]);
    },
    () => sum(weighted()),
    () => sum(c.dy),
  ];
};

/** Sum of the products of two maps (N, C, …) over all axes but the channels: (1, C, 1, …). */
function sumOfProducts(c: GradientContext<"BatchNormalization">, a: Value, b: Value): Value {
  const axes = otherAxes(a.shape.length, 1);
  if (!isKnown(a.shape)) return c.op("ReduceSum", [c.op("Mul", [a, b]), axes]);
  const [batch, channels, ...extents] = a.shape as readonly [number, number, ...number[]];
  const rows = (value: Value) => c.op("Reshape", [value, [batch, channels, 1, -1]]);
  // A product of a row with a column each, which writes no map.
  const products = c.op("FusedMatMul", [rows(a), rows(b)], { transB: true });
  const sums = batch === 1 ? products : c.op("ReduceSum", [products, [0]]);
  return c.op("Reshape", [sums, [1, channels, ...extents.map(() => 1)]]);
}

const batchNormalization: GradientRule<"BatchNormalization"> = (c) => {
  const { trainingMode, momentum, epsilon } = c.attributes;
  const x = c.input(0);
  const rank = x.shape.length;
  const axes = otherAxes(rank, 1);
  const column = (value: Value) => c.op("Reshape", [value, [-1, ...axes.slice(1).map(() => 1)]]);
  const statistics = once(() => {
    if (!trainingMode) return [column(c.input(3)), column(c.input(4))] as const;
    // With momentum 0 the outputs are the statistics of the batch themselves.
    if (momentum === 0) return [column(c.output(1)), column(c.output(2))] as const;
    const mean = c.op("ReduceMean", [x, axes]);
    const centered = c.op("Sub", [x, mean]);
    return [mean, c.op("ReduceMean", [c.op("Mul", [centered, centered]), axes])] as const;
  });
  const inv = once(() =>
    c.op("Reciprocal", [c.op("Sqrt", [c.op("Add", [statistics()[1], epsilon])])])
  );
  const centered = once(() => c.op("Sub", [x, statistics()[0]]));
  const dscale = once(() => c.op("Mul", [sumOfProducts(c, c.dy, centered()), inv()]));
  const dbias = once(() => c.op("ReduceSum", [c.dy, axes]));
  return [
    () => {
      const factor = c.op("Mul", [inv(), column(c.input(1))]);
      const scaled = c.op("Mul", [c.dy, factor]);
      if (!trainingMode) return scaled;
      // As in standardizedGradient, with what is the same for all elements of a channel multiplied first.
      const share = c.op("Mul", [factor, 1 / c.count(x, axes)]);
      const shift = c.op("Mul", [dbias(), share]);
      const stretch = c.op("Mul", [c.op("Mul", [dscale(), inv()]), share]);
      return c.op("Sub", [c.op("Sub", [scaled, c.op("Mul", [centered(), stretch])]), shift]);
    },
    () => c.reshapeLike(dscale(), c.input(1)),
    () => c.reshapeLike(dbias(), c.input(2)),
    null,
    null,
  ];
};

/** Normalization over the elements of each group of channels and image. */
function groupGradients(
  c: GradientContext<"GroupNormalization" | "InstanceNormalization">,
  groups: number,
) {
  const x = c.input(0);
  const rank = x.shape.length;
  const sums = otherAxes(rank, 1);
  const grouped = (value: Value) => c.op("Reshape", [value, [0, groups, -1]]);
  const parts = once(() => standardize(c, grouped(x), [2], c.attributes.epsilon));
  const xhat = once(() => c.reshapeLike(parts().xhat, x));
  return [
    () => {
      const column = c.op("Reshape", [c.input(1), [-1, ...sums.slice(1).map(() => 1)]]);
      const dxhat = grouped(c.op("Mul", [c.dy, column]));
      const gradient = standardizedGradient(c, dxhat, parts().xhat, parts().inv, [2]);
      return c.reshapeLike(gradient, x);
    },
    () => c.op("ReduceSum", [c.op("Mul", [c.dy, xhat()]), sums], { keepdims: false }),
    () => c.op("ReduceSum", [c.dy, sums], { keepdims: false }),
  ];
}

/** Rules of softmax and normalization. */
export const NORMALIZATION_GRADIENTS = {
  Softmax: (c) => [() => {
    const y = c.output(0);
    const weighted = c.op("Mul", [c.dy, y]);
    const sum = c.op("ReduceSum", [weighted, [c.attributes.axis]]);
    return c.op("Sub", [weighted, c.op("Mul", [y, sum])]);
  }],
  LogSoftmax: (c) => [() => {
    const sum = c.op("ReduceSum", [c.dy, [c.attributes.axis]]);
    return c.op("Sub", [c.dy, c.op("Mul", [c.op("Exp", [c.output(0)]), sum])]);
  }],
  LayerNormalization: layerNormalization,
  BatchNormalization: batchNormalization,
  GroupNormalization: (c) => groupGradients(c, c.attributes.numGroups),
  InstanceNormalization: (c) => groupGradients(c, c.extents(c.input(1))[0]!),
} satisfies GradientRules;
