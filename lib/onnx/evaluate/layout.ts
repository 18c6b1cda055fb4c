/** Reference kernels of operators that move elements. @module */
import { padMatrix } from "../axis_matrix.ts";
import {
  at,
  broadcastAt,
  fromStart,
  given,
  indices,
  type Kernel,
  type Kernels,
  list,
  offset,
  type Tensor,
  tensor,
  withAxis,
} from "./tensor.ts";

const reshape: Kernel<"Reshape" | "Flatten" | "Squeeze" | "Unsqueeze"> = (
  { inputs, outputShapes },
) => [{ shape: outputShapes[0]!, data: given(inputs, 0).data }];

/** A negative index counts from the end. */
const wrapped = (index: number, extent: number) => index < 0 ? index + extent : index;

/** How an update changes an element. */
function combine(reduction: string, old: number, update: number): number {
  switch (reduction) {
    case "add":
      return old + update;
    case "mul":
      return old * update;
    case "max":
      return Math.max(old, update);
    case "min":
      return Math.min(old, update);
    default:
      return update;
  }
}

/** Kernels of the operators that move elements. */
export const LAYOUT_KERNELS = {
  Reshape: reshape,
  Flatten: reshape,
  Squeeze: reshape,
  Unsqueeze: reshape,
  Transpose: ({ inputs, attributes: { perm }, outputShapes }) => {
    const x = given(inputs, 0);
    return [
      tensor(outputShapes[0]!, (index) => at(x, x.shape.map((_, i) => index[perm.indexOf(i)]!))),
    ];
  },
  Expand: ({ inputs, outputShapes }) => [
    tensor(outputShapes[0]!, (index) => broadcastAt(given(inputs, 0), index)),
  ],
  Tile: ({ inputs, outputShapes }) => {
    const x = given(inputs, 0);
    return [tensor(outputShapes[0]!, (index) => at(x, index.map((p, i) => p % x.shape[i]!)))];
  },
  Concat: ({ inputs, attributes: { axis }, outputShapes }) => {
    const over = fromStart(axis, outputShapes[0]!.length);
    return [tensor(outputShapes[0]!, (index) => {
      let position = index[over]!;
      for (const input of inputs) {
        if (position < input!.shape[over]!) return at(input!, withAxis(index, over, position));
        position -= input!.shape[over]!;
      }
      throw new Error("internal: beyond the last part");
    })];
  },
  Split: ({ inputs, attributes: { axis }, outputShapes }) => {
    const x = given(inputs, 0);
    const over = fromStart(axis, x.shape.length);
    let first = 0;
    return outputShapes.map((shape) => {
      const start = first;
      first += shape[over]!;
      return tensor(shape, (index) => at(x, withAxis(index, over, start + index[over]!)));
    });
  },
  Slice: ({ inputs, outputShapes }) => {
    const x = given(inputs, 0);
    const starts = list(inputs, 1);
    const axes = inputs[3] ? list(inputs, 3) : [...starts.keys()];
    const steps = inputs[4] ? list(inputs, 4) : starts.map(() => 1);
    const first = x.shape.map(() => 0);
    const step = x.shape.map(() => 1);
    for (const [i, given] of axes.entries()) {
      const axis = fromStart(given, x.shape.length);
      const last = steps[i]! > 0 ? x.shape[axis]! : x.shape[axis]! - 1;
      first[axis] = Math.min(Math.max(wrapped(starts[i]!, x.shape[axis]!), 0), last);
      step[axis] = steps[i]!;
    }
    return [
      tensor(outputShapes[0]!, (index) => at(x, index.map((p, i) => first[i]! + p * step[i]!))),
    ];
  },
  Pad: ({ inputs, attributes: { mode } }) => {
    const x = given(inputs, 0);
    const pads = list(inputs, 1);
    const fill = inputs[2]?.data[0] ?? 0;
    const axes = inputs[3] ? list(inputs, 3) : [...x.shape.keys()];
    return [axes.reduce((y: Tensor, given, i) => {
      const axis = fromStart(given, x.shape.length);
      const [before, after] = [pads[i]!, pads[i + axes.length]!];
      const extent = y.shape[axis]!;
      const shape = y.shape.map((old, j) => j === axis ? extent + before + after : old);
      const sources = mode === "constant"
        ? null
        : padMatrix(extent, before, after, mode).map((row) => row.indexOf(1));
      return tensor(shape, (index) => {
        const source = sources === null ? index[axis]! - before : sources[index[axis]!]!;
        return source < 0 || source >= extent ? fill : at(y, withAxis(index, axis, source));
      });
    }, x)];
  },
  Gather: ({ inputs, attributes: { axis }, outputShapes }) => {
    const [x, where] = [given(inputs, 0), given(inputs, 1)];
    const over = fromStart(axis, x.shape.length);
    const depth = where.shape.length;
    return [tensor(outputShapes[0]!, (index) => {
      const chosen = at(where, index.slice(over, over + depth));
      const position = wrapped(chosen, x.shape[over]!);
      return at(x, [...index.slice(0, over), position, ...index.slice(over + depth)]);
    })];
  },
  GatherElements: ({ inputs, attributes: { axis } }) => {
    const [x, where] = [given(inputs, 0), given(inputs, 1)];
    const over = fromStart(axis, x.shape.length);
    return [
      tensor(
        where.shape,
        (index) => at(x, withAxis(index, over, wrapped(at(where, index), x.shape[over]!))),
      ),
    ];
  },
  ScatterElements: ({ inputs, attributes: { axis, reduction } }) => {
    const [x, where, updates] = [given(inputs, 0), given(inputs, 1), given(inputs, 2)];
    const over = fromStart(axis, x.shape.length);
    const y = { shape: x.shape, data: x.data.slice() };
    for (const index of indices(where.shape)) {
      const position = wrapped(at(where, index), x.shape[over]!);
      const place = offset(y, withAxis(index, over, position));
      y.data[place] = combine(reduction, y.data[place]!, at(updates, index));
    }
    return [y];
  },
  ScatterND: ({ inputs, attributes: { reduction } }) => {
    const [x, where, updates] = [given(inputs, 0), given(inputs, 1), given(inputs, 2)];
    const depth = where.shape.at(-1)!;
    const y = { shape: x.shape, data: x.data.slice() };
    for (const index of indices(updates.shape)) {
      const lead = index.slice(0, where.shape.length - 1);
      const rest = index.slice(where.shape.length - 1);
      const position = Array.from(
        { length: depth },
        (_, i) => wrapped(at(where, [...lead, i]), x.shape[i]!),
      );
      const place = offset(y, [...position, ...rest]);
      y.data[place] = combine(reduction, y.data[place]!, at(updates, index));
    }
    return [y];
  },
  OneHot: ({ inputs, attributes: { axis }, outputShapes }) => {
    const [where, [off, on]] = [given(inputs, 0), list(inputs, 2) as [number, number]];
    const shape = outputShapes[0]!;
    const over = fromStart(axis, shape.length);
    return [tensor(shape, (index) => {
      const rest = [...index.slice(0, over), ...index.slice(over + 1)];
      return wrapped(at(where, rest), shape[over]!) === index[over] ? on : off;
    })];
  },
  Shape: ({ inputs, attributes: { start, end } }) => {
    const extents = given(inputs, 0).shape.slice(start, end);
    return [{ shape: [extents.length], data: Float64Array.from(extents) }];
  },
  Range: ({ inputs, outputShapes }) => {
    const [start, , delta] = inputs.map((input) => input!.data[0]!);
    return [tensor(outputShapes[0]!, ([i]) => start! + i! * delta!)];
  },
} satisfies Kernels;
