/** Gradients of operators that move elements. @module */
import { applyAlongAxis, padMatrix, transposed } from "../axis_matrix.ts";
import type { Shape } from "../dims.ts";
import { constantIntegers } from "../known_elements.ts";
import type { Value } from "../value.ts";
import {
  type GradientContext,
  type GradientRule,
  type GradientRules,
  shapeOperand,
} from "./rule.ts";

/** The same elements in another shape: back to the input's. */
const reshaped: GradientRule<"Reshape" | "Flatten" | "Squeeze" | "Unsqueeze"> = (c) => [
  () => c.reshapeLike(c.dy, c.input(0)),
  null,
];

/** An axis counted from the start. */
function fromStart(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}

function integers(c: GradientContext, index: number): number[] | null {
  const value = c.optional(index);
  return value === null ? null : constantIntegers(value);
}

/** The part of a value between two positions of an axis. */
function part(c: GradientContext, value: Value, axis: number, from: number, to: number): Value {
  return c.op("Slice", [value, [from], [to], [axis]]);
}

/** Extents along an axis, which have to be numbers. */
function extentsAlong(c: GradientContext, values: readonly Value[], axis: number): number[] {
  const shape: Shape = values.map((value) => value.shape[axis]!);
  return c.extents({ ...c.output(0), shape });
}

const concat: GradientRule<"Concat"> = (c) => {
  const context = c as unknown as GradientContext;
  const inputs = c.node.inputs.filter((value) => value !== null);
  const axis = fromStart(c.attributes.axis, inputs[0]!.shape.length);
  return inputs.map((_, index) => () => {
    const sizes = extentsAlong(context, inputs.slice(0, index + 1), axis);
    const to = sizes.reduce((sum, size) => sum + size, 0);
    return part(context, c.dy, axis, to - sizes.at(-1)!, to);
  });
};

const split: GradientRule<"Split"> = (c) => [
  () => {
    const parts = c.node.outputs.map((_, index) => c.gradient(index));
    return c.op("Concat", parts, { axis: c.attributes.axis });
  },
  null,
];

/** Elements that were taken go back to their places among zeros. */
const slice: GradientRule<"Slice"> = (c) => {
  const context = c as unknown as GradientContext;
  return [
    () => {
      const x = c.input(0);
      const rank = x.shape.length;
      const starts = integers(context, 1)!;
      const axes = (integers(context, 3) ?? [...starts.keys()]).map((a) => fromStart(a, rank));
      const steps = integers(context, 4) ?? starts.map(() => 1);
      const extents = extentsAlong(
        context,
        axes.map((axis) => ({ ...x, shape: [x.shape[axis]!] })),
        0,
      );
      const counts = extentsAlong(
        context,
        axes.map((axis) => ({ ...x, shape: [c.dy.shape[axis]!] })),
        0,
      );
      let gradient = c.dy;
      const pads = axes.map(() => [0, 0] as [number, number]);
      for (const [i, axis] of axes.entries()) {
        const [extent, count, step] = [extents[i]!, counts[i]!, steps[i]!];
        const start = starts[i]! < 0 ? starts[i]! + extent : starts[i]!;
        let first = Math.min(Math.max(start, 0), step > 0 ? extent : extent - 1);
        if (step < 0 && count > 0) {
          gradient = c.op("Slice", [gradient, [-1], [Number.MIN_SAFE_INTEGER], [axis], [-1]]);
          first += (count - 1) * step;
        }
        if (Math.abs(step) > 1 && count > 1) {
          gradient = spreadOut(c, gradient, axis, Math.abs(step));
        }
        const covered = count === 0 ? 0 : (count - 1) * Math.abs(step) + 1;
        pads[i] = [first, extent - first - covered];
      }
      if (pads.every(([before, after]) => before === 0 && after === 0)) return gradient;
      const list = [...pads.map(([before]) => before), ...pads.map(([, after]) => after)];
      return c.op("Pad", [gradient, list, 0, axes]);
    },
    null,
    null,
    null,
    null,
  ];
};

/** Elements of an axis with zeros in between, `step` apart. */
function spreadOut(
  c: Pick<GradientContext, "op">,
  value: Value,
  axis: number,
  step: number,
): Value {
  const rank = value.shape.length;
  const count = value.shape[axis] as number;
  const column = c.op("Unsqueeze", [value, [axis + 1]]);
  const padded = c.op("Pad", [column, [0, step - 1], 0, [axis + 1]]);
  const target = Array.from(
    { length: rank },
    (_, i) => i === axis ? count * step : value.shape[i] as number,
  );
  const lines = c.op("Reshape", [padded, target]);
  return c.op("Slice", [lines, [0], [(count - 1) * step + 1], [axis]]);
}

const pad: GradientRule<"Pad"> = (c) => {
  const context = c as unknown as GradientContext;
  const x = c.input(0);
  const rank = x.shape.length;
  const pads = integers(context, 1)!;
  const axes = (integers(context, 3) ?? [...x.shape.keys()]).map((axis) => fromStart(axis, rank));
  const { mode } = c.attributes;
  return [
    () => {
      // Negative padding takes away: padding undoes itself.
      if (mode === "constant") return c.op("Pad", [c.dy, pads.map((n) => -n), 0, axes]);
      let gradient = c.dy;
      for (const [i, axis] of axes.entries()) {
        const [before, after] = [pads[i]!, pads[i + axes.length]!];
        if (before === 0 && after === 0) continue;
        const [extent] = extentsAlong(context, [x], axis) as [number];
        const matrix = transposed(padMatrix(extent, before, after, mode));
        gradient = applyAlongAxis(c.graph, gradient, matrix, axis);
      }
      return gradient;
    },
    null,
    null,
    null,
  ];
};

/** Slices that were looked up are added up where they came from. */
const gather: GradientRule<"Gather"> = (c) => [
  () => {
    const [x, indices] = [c.input(0), c.input(1)];
    const rank = x.shape.length;
    const axis = fromStart(c.attributes.axis, rank);
    const depth = indices.shape.length;
    // The axis goes first, where ScatterND adds up whole slices.
    const order = [axis, ...[...x.shape.keys()].filter((i) => i !== axis)];
    const inverse = order.map((_, i) => order.indexOf(i));
    const looked = Array.from({ length: depth }, (_, i) => axis + i);
    const rest = [...c.dy.shape.keys()].filter((i) => !looked.includes(i));
    const updates = c.permute(c.dy, [...looked, ...rest]);
    const places = c.op("Unsqueeze", [c.op("Cast", [indices], { to: "int64" }), [-1]]);
    const zeros = c.op("Expand", [
      c.graph.constant(0, x.dtype),
      shapeOperand(c.graph, { ...x, shape: order.map((i) => x.shape[i]!) }),
    ]);
    const sums = c.op("ScatterND", [zeros, places, updates], { reduction: "add" });
    return c.permute(sums, inverse);
  },
  null,
];

const gatherElements: GradientRule<"GatherElements"> = (c) => [
  () =>
    c.op("ScatterElements", [c.zerosLike(c.input(0)), c.input(1), c.dy], {
      axis: c.attributes.axis,
      reduction: "add",
    }),
  null,
];

const scatterElements: GradientRule<"ScatterElements"> = (c) => {
  const { axis, reduction } = c.attributes;
  if (reduction !== "none" && reduction !== "add") {
    c.fail(`no gradient of reduction "${reduction}"`);
  }
  const [indices, updates] = [c.input(1), c.input(2)];
  return [
    () =>
      reduction === "add"
        ? c.dy
        : c.op("ScatterElements", [c.dy, indices, c.zerosLike(updates)], { axis }),
    null,
    () => c.op("GatherElements", [c.dy, indices], { axis }),
  ];
};

const scatterNd: GradientRule<"ScatterND"> = (c) => {
  const { reduction } = c.attributes;
  if (reduction !== "none" && reduction !== "add") {
    c.fail(`no gradient of reduction "${reduction}"`);
  }
  return [
    () =>
      reduction === "add" ? c.dy : c.op("ScatterND", [c.dy, c.input(1), c.zerosLike(c.input(2))]),
    null,
    () => c.fail("no gradient of the updates"),
  ];
};

/** Copies are added up: the axis of copies is taken apart from the elements'. */
const tile: GradientRule<"Tile"> = (c) => [
  () => {
    const extents = c.extents(c.input(0));
    const repeats = integers(c as unknown as GradientContext, 1)!;
    const apart = c.op("Reshape", [
      c.dy,
      extents.flatMap((extent, axis) => [repeats[axis]!, extent]),
    ]);
    return c.op("ReduceSum", [apart, extents.map((_, axis) => 2 * axis)], { keepdims: false });
  },
  null,
];

/** Rules of the operators that move elements. */
export const LAYOUT_GRADIENTS = {
  Reshape: reshaped,
  Flatten: reshaped,
  Squeeze: reshaped,
  Unsqueeze: reshaped,
  Transpose: (c) => [() => {
    const { perm } = c.attributes;
    return c.op("Transpose", [c.dy], { perm: perm.map((_, axis) => perm.indexOf(axis)) });
  }],
  Expand: (c) => [() => c.dyBroadcast, null],
  Tile: tile,
  Concat: concat,
  Split: split,
  Slice: slice,
  Pad: pad,
  Gather: gather,
  GatherElements: gatherElements,
  ScatterElements: scatterElements,
  ScatterND: scatterNd,
} satisfies GradientRules;
