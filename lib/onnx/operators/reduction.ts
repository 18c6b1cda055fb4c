/** Reductions, cumulative sums, and the search for extremes. @module */
import { flag, type Inference, int, operator, type TensorType } from "../operator.ts";
import type { Dim, Shape } from "../dims.ts";
import { constantIntegers } from "../known_elements.ts";
import { likeFirst } from "./elementwise.ts";

function reduced(shape: Shape, axes: readonly number[], keepdims: boolean): Dim[] {
  return shape.flatMap((dim, axis) => !axes.includes(axis) ? [dim] : keepdims ? [1] : []);
}

/** Sum, mean, …: over the constant `axes`, or all axes where they are left out. */
const reduction = () =>
  operator({
    inputs: "data axes?",
    attributes: { keepdims: flag(true), noopWithEmptyAxes: flag(false) },
    infer: (context) => {
      const { dtype, shape } = context.input(0);
      const given = context.optional(1);
      const axes = given === null
        ? []
        : constantIntegers(given) ?? context.fail("axes must be a constant");
      const { keepdims, noopWithEmptyAxes } = context.attributes;
      if (axes.length === 0 && noopWithEmptyAxes) return [{ dtype, shape }];
      const over = axes.length === 0 ? [...shape.keys()] : context.axes(axes, shape.length);
      return [{ dtype, shape: reduced(shape, over, keepdims) }];
    },
  });

/** Position of the largest or smallest element along one axis. */
const argument = () =>
  operator({
    inputs: "data",
    attributes: { axis: int(0), keepdims: flag(true), selectLastIndex: flag(false) },
    infer: (context) => {
      const { shape } = context.input(0);
      const axis = context.axis(context.attributes.axis, shape.length);
      return [{ dtype: "int64", shape: reduced(shape, [axis], context.attributes.keepdims) }];
    },
  });

function inferTopK(context: Inference<{ readonly axis: number }>): TensorType[] {
  const { dtype, shape } = context.input(0);
  const axis = context.axis(context.attributes.axis, shape.length);
  const count = constantIntegers(context.input(1)) ?? context.fail("K must be a constant");
  context.expectShape(1, [1], "(one number)");
  const extent = shape[axis]!;
  if (count[0]! < 0 || (typeof extent === "number" && count[0]! > extent)) {
    context.fail(`K must be in [0, ${extent}]: current K is ${count[0]}`);
  }
  const output = shape.map((dim, i) => i === axis ? count[0]! : dim);
  return [{ dtype, shape: output }, { dtype: "int64", shape: output }];
}

/** Rows of the reductions. */
export const REDUCTION = {
  ReduceSum: reduction(),
  ReduceMean: reduction(),
  ReduceMax: reduction(),
  ReduceMin: reduction(),
  ReduceProd: reduction(),
  ReduceL1: reduction(),
  ReduceL2: reduction(),
  ReduceSumSquare: reduction(),
  ReduceLogSumExp: reduction(),
  ArgMax: argument(),
  ArgMin: argument(),
  TopK: operator({
    inputs: "X K",
    outputs: "Values Indices",
    attributes: { axis: int(-1), largest: flag(true), sorted: flag(true) },
    infer: inferTopK,
  }),
  CumSum: operator({
    inputs: "X axis",
    attributes: { exclusive: flag(false), reverse: flag(false) },
    infer: (context) => {
      const axis = constantIntegers(context.input(1)) ?? context.fail("axis must be a constant");
      context.expectShape(1, [], "(a scalar)");
      context.axis(axis[0]!, context.input(0).shape.length);
      return likeFirst(context);
    },
  }),
};
