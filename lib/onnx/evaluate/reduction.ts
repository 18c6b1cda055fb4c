/** Reference kernels of reductions, sorting and cumulative sums. @module */
import {
  at,
  fromStart,
  given,
  indices,
  type Kernel,
  type Kernels,
  offset,
  tensor,
  withAxis,
  zeros,
} from "./tensor.ts";

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

const sum = (elements: readonly number[]) => elements.reduce((a, b) => a + b, 0);

function reduction(reduce: (elements: readonly number[]) => number): Kernel<ReductionName> {
  return ({ inputs, attributes, outputShapes }) => {
    const x = given(inputs, 0);
    const axes = [...inputs[1]?.data ?? []].map((axis) => fromStart(axis, x.shape.length));
    const whole = axes.length === 0 && !attributes.noopWithEmptyAxes;
    const over = whole ? [...x.shape.keys()] : axes;
    const groups = new Map<number, number[]>();
    const kept = zeros(x.shape.map((extent, axis) => over.includes(axis) ? 1 : extent));
    for (const index of indices(x.shape)) {
      const key = offset(kept, index.map((p, axis) => over.includes(axis) ? 0 : p));
      groups.set(key, [...groups.get(key) ?? [], at(x, index)]);
    }
    const data = Float64Array.from(kept.data, (_, key) => reduce(groups.get(key) ?? []));
    return [{ shape: outputShapes[0]!, data }];
  };
}

/** Position of the extreme along an axis. */
function argument(better: (a: number, b: number) => boolean): Kernel<"ArgMax" | "ArgMin"> {
  return ({ inputs, attributes: { axis, selectLastIndex }, outputShapes }) => {
    const x = given(inputs, 0);
    const over = fromStart(axis, x.shape.length);
    const kept = tensor(x.shape.map((extent, i) => i === over ? 1 : extent), (index) => {
      let best = 0;
      for (let k = 1; k < x.shape[over]!; k++) {
        const [candidate, leader] = [k, best].map((p) => at(x, withAxis(index, over, p)));
        if (better(candidate!, leader!) || (selectLastIndex && candidate === leader)) best = k;
      }
      return best;
    });
    return [{ shape: outputShapes[0]!, data: kept.data }];
  };
}

/** Kernels of the reductions. */
export const REDUCTION_KERNELS = {
  ReduceSum: reduction(sum),
  ReduceMean: reduction((elements) => sum(elements) / elements.length),
  ReduceMax: reduction((elements) => Math.max(...elements)),
  ReduceMin: reduction((elements) => Math.min(...elements)),
  ReduceProd: reduction((elements) => elements.reduce((a, b) => a * b, 1)),
  ReduceL1: reduction((elements) => sum(elements.map(Math.abs))),
  ReduceL2: reduction((elements) => Math.hypot(...elements)),
  ReduceSumSquare: reduction((elements) => sum(elements.map((x) => x * x))),
  ReduceLogSumExp: reduction((elements) => Math.log(sum(elements.map(Math.exp)))),
  ArgMax: argument((a, b) => a > b),
  ArgMin: argument((a, b) => a < b),
  TopK: ({ inputs, attributes: { axis, largest }, outputShapes }) => {
    const x = given(inputs, 0);
    const over = fromStart(axis, x.shape.length);
    const sorted = (index: readonly number[]) =>
      Array.from({ length: x.shape[over]! }, (_, k) => k).sort((i, j) => {
        const [a, b] = [i, j].map((k) => at(x, withAxis(index, over, k))) as [number, number];
        return (largest ? b - a : a - b) || i - j;
      });
    const places = tensor(outputShapes[0]!, (index) => sorted(index)[index[over]!]!);
    const values = tensor(
      outputShapes[0]!,
      (index) => at(x, withAxis(index, over, at(places, index))),
    );
    return [values, places];
  },
  CumSum: ({ inputs, attributes: { exclusive, reverse } }) => {
    const x = given(inputs, 0);
    const over = fromStart(given(inputs, 1).data[0]!, x.shape.length);
    const counts = (position: number, k: number) => {
      const distance = reverse ? k - position : position - k;
      return exclusive ? distance > 0 : distance >= 0;
    };
    return [tensor(x.shape, (index) => {
      const line = Array.from({ length: x.shape[over]! }, (_, k) => k);
      return sum(
        line.filter((k) => counts(index[over]!, k)).map((k) => at(x, withAxis(index, over, k))),
      );
    })];
  },
} satisfies Kernels;
