/** Gradients of reductions, cumulative sums, and sorting. @module */
import { constantIntegers } from "../known_elements.ts";
import type { Value } from "../value.ts";
import type { GradientContext, GradientRule, GradientRules } from "./rule.ts";

type ReductionName =
  | "ReduceSum"
  | "ReduceMean"
  | "ReduceMax"
  | "ReduceMin"
  | "ReduceProd"
  | "ReduceL1"
  | "ReduceL2"
  | "ReduceSumSquare"
  | "ReduceLogSumExp";

/** What a reduction's rule works with; `dy` and `y` have the reduced axes, with extent 1. */
interface Reduction {
  readonly c: GradientContext<ReductionName>;
  readonly axes: readonly number[];
  readonly x: Value;
  readonly dy: () => Value;
  readonly y: () => Value;
}

function reduction(gradient: (parts: Reduction) => Value): GradientRule<ReductionName> {
  return (c) => [() => {
    const x = c.input(0);
    const given = c.optional(1);
    const axes = given === null ? [] : constantIntegers(given)!;
    const { keepdims, noopWithEmptyAxes } = c.attributes;
    const rank = x.shape.length;
    const over = axes.length > 0
      ? axes.map((axis) => axis < 0 ? axis + rank : axis)
      : noopWithEmptyAxes
      ? []
      : [...x.shape.keys()];
    const keep = (value: Value) =>
      keepdims || over.length === 0
        ? value
        : c.op("Unsqueeze", [value, over.toSorted((a, b) => a - b)]);
    const parts = { c, axes: over, x, dy: () => keep(c.dy), y: () => keep(c.output(0)) };
    return gradient(parts);
  }];
}

/** Shared evenly by the elements that attain the extreme, as PyTorch's `amax` does. */
const extreme = reduction(({ c, axes, x, dy, y }) => {
  const hits = c.op("Cast", [c.op("Equal", [x, y()])], { to: x.dtype });
  const ties = axes.length === 0 ? hits : c.op("ReduceSum", [hits, axes]);
  return c.op("Mul", [hits, c.op("Div", [dy(), ties])]);
});

/** The product of all other elements, which is not y / x where an element is 0. */
const productOfOthers = reduction(({ c, axes, x, dy, y }) => {
  if (axes.length === 0) return dy();
  const isZero = c.op("Equal", [x, 0]);
  const zeros = c.op("ReduceSum", [c.op("Cast", [isZero], { to: x.dtype }), axes]);
  const nonzero = c.op("Where", [isZero, 1, x]);
  const lonely = c.op("Cast", [c.op("Equal", [zeros, 1])], { to: x.dtype });
  const atZero = c.op("Mul", [c.op("ReduceProd", [nonzero, axes]), lonely]);
  const others = c.op("Where", [isZero, atZero, c.op("Div", [y(), nonzero])]);
  return c.op("Mul", [dy(), others]);
});

/** Rules of the reductions. */
export const REDUCTION_GRADIENTS = {
  ReduceSum: reduction(({ dy }) => dy()),
  ReduceMean: reduction(({ c, axes, x, dy }) => c.op("Mul", [dy(), 1 / c.count(x, axes)])),
  ReduceMax: extreme,
  ReduceMin: extreme,
  ReduceProd: productOfOthers,
  ReduceL1: reduction(({ c, x, dy }) => c.op("Mul", [dy(), c.op("Sign", [x])])),
  ReduceL2: reduction(({ c, x, dy, y }) => {
    // At the origin, where the norm has no derivative, the gradient is 0 as in PyTorch.
    const norm = y();
    const divisor = c.op("Where", [c.op("Greater", [norm, 0]), norm, 1]);
    return c.op("Mul", [x, c.op("Div", [dy(), divisor])]);
  }),
  ReduceSumSquare: reduction(({ c, x, dy }) => c.op("Mul", [x, c.op("Mul", [dy(), 2])])),
  ReduceLogSumExp: reduction(({ c, x, dy, y }) =>
    c.op("Mul", [dy(), c.op("Exp", [c.op("Sub", [x, y()])])])
  ),
  TopK: (c) => [
    () => {
      const { axis } = c.attributes;
      return c.op("ScatterElements", [c.zerosLike(c.input(0)), c.output(1), c.dy], { axis });
    },
    null,
  ],
  CumSum: (c) => [
    () =>
      c.op("CumSum", [c.dy, c.input(1)], {
        exclusive: c.attributes.exclusive,
        reverse: !c.attributes.reverse,
      }),
    null,
  ],
} satisfies GradientRules;
