/** Operators that move elements: shape, order, parts, and look-ups by index. @module */
import {
  choice,
  flag,
  type Inference,
  int,
  ints,
  operator,
  optionalInt,
  requiredInt,
  type TensorType,
} from "../operator.ts";
import { addDims, broadcastShapes, type Dim, divideDims, mapDim, multiplyDims } from "../dims.ts";
import { constantIntegers, knownElements } from "../known_elements.ts";
import type { Value } from "../value.ts";
import { likeFirst } from "./elementwise.ts";

/** A constant integer input; `name` is for the message. */
function constant(context: Inference<unknown>, value: Value, name: string): number[] {
  return constantIntegers(value) ?? context.fail(`${name} must be a constant`);
}

/** Constant axes of an optional input, or all axes. */
function axesOrAll(context: Inference<unknown>, index: number, rank: number): number[] {
  const axes = context.optional(index);
  return axes === null
    ? Array.from({ length: rank }, (_, axis) => axis)
    : context.axes(constant(context, axes, "axes"), rank);
}

function inferReshape(context: Inference<{ readonly allowzero: boolean }>): TensorType[] {
  const { dtype, shape } = context.input(0);
  const wanted = knownElements(context.input(1)) ?? context.fail("shape must be a constant");
  const text = `[${wanted.join(", ")}]`;
  const target = wanted.map((dim, axis) =>
    dim === 0 && !context.attributes.allowzero
      ? shape[axis] ?? context.fail(`0 at axis ${axis} of ${text} has no axis to copy`)
      : dim
  );
  const total = multiplyDims(shape);
  const inferred = target.indexOf(-1);
  const rest = multiplyDims(target.filter((_, axis) => axis !== inferred));
  if (inferred >= 0) {
    target[inferred] = divideDims(total, rest) ??
      context.fail(`the number of elements, ${total}, does not fit ${text}`);
  } else if (rest !== total) {
    context.fail(`the number of elements, ${total}, does not fit ${text}`);
  }
  return [{ dtype, shape: target }];
}

function inferSlice(context: Inference<unknown>): TensorType[] {
  const { dtype, shape } = context.input(0);
  const starts = constant(context, context.input(1), "starts");
  const ends = constant(context, context.input(2), "ends");
  const axesInput = context.optional(3);
  const axes = axesInput === null
    ? [...starts.keys()]
    : context.axes(constant(context, axesInput, "axes"), shape.length);
  const stepsInput = context.optional(4);
  const steps = stepsInput === null ? starts.map(() => 1) : constant(context, stepsInput, "steps");
  if (
    ends.length !== starts.length || axes.length !== starts.length || steps.length !== starts.length
  ) {
    context.fail("starts, ends, axes and steps must be of one length");
  }
  const output: Dim[] = [...shape];
  for (const [i, axis] of axes.entries()) {
    const step = steps[i]!;
    if (step === 0) context.fail("a step is 0");
    const range = `${starts[i]}:${ends[i]}:${step}`;
    output[axis] = mapDim(
      shape[axis] ?? context.fail(`axis ${axis} does not exist`),
      (extent) => sliceLength(extent, starts[i]!, ends[i]!, step),
      (symbol) => `${symbol}[${range}]`,
    );
  }
  return [{ dtype, shape: output }];
}

/** Number of elements of `start:end:step` on an axis, by NumPy's rule. */
function sliceLength(extent: number, start: number, end: number, step: number): number {
  const clamp = (position: number, low: number, high: number) =>
    Math.min(Math.max(position < 0 ? position + extent : position, low), high);
  const [low, high] = step > 0 ? [0, extent] : [-1, extent - 1];
  const first = clamp(start, 0, step > 0 ? extent : extent - 1);
  const last = clamp(end, low, high);
  return Math.max(0, Math.ceil((last - first) / step));
}

function inferSplit(
  context: Inference<{ readonly axis: number; readonly numOutputs: number | undefined }>,
): TensorType[] {
  const { dtype, shape } = context.input(0);
  const axis = context.axis(context.attributes.axis, shape.length);
  const count = context.outputCount;
  const split = context.optional(1);
  const extent = shape[axis]!;
  let sizes: Dim[];
  if (split !== null) {
    sizes = constant(context, split, "split");
    if (sizes.length !== count || addDims(sizes) !== extent) {
      context.fail(
        `split [${sizes.join(", ")}] does not fit ${count} outputs and extent ${extent}`,
      );
    }
  } else {
    if (context.attributes.numOutputs !== count) {
      context.fail(`numOutputs must be the number of outputs, ${count}`);
    }
    if (typeof extent !== "number") return context.fail(`axis ${axis} is symbolic: give split`);
    const size = Math.ceil(extent / count);
    sizes = Array.from({ length: count }, (_, i) => Math.min(size, extent - i * size));
    if (sizes.some((part) => (part as number) < 0)) {
      context.fail(`extent ${extent} is too small for ${count} outputs`);
    }
  }
  return sizes.map((size) => ({ dtype, shape: shape.map((dim, i) => i === axis ? size : dim) }));
}

function inferConcat(context: Inference<{ readonly axis: number }>): TensorType[] {
  const inputs = context.present();
  const dtype = context.sameType(...inputs.keys());
  const first = inputs[0]!.shape;
  const axis = context.axis(context.attributes.axis, first.length);
  for (const { shape } of inputs) {
    if (
      shape.length !== first.length || shape.some((dim, i) => i !== axis && dim !== first[i])
    ) {
      context.fail(`extents other than that of axis ${axis} differ`);
    }
  }
  const joined = addDims(inputs.map(({ shape }) => shape[axis]!));
  return [{ dtype, shape: first.map((dim, i) => i === axis ? joined : dim) }];
}

function inferPad(context: Inference<unknown>): TensorType[] {
  const { dtype, shape } = context.input(0);
  const pads = constant(context, context.input(1), "pads");
  context.sameType(0, 2);
  const axes = axesOrAll(context, 3, shape.length);
  if (pads.length !== 2 * axes.length) {
    context.fail(`pads must have ${2 * axes.length} entries: current is [${pads.join(", ")}]`);
  }
  const output: Dim[] = [...shape];
  for (const [i, axis] of axes.entries()) {
    const extra = pads[i]! + pads[i + axes.length]!;
    if (extra !== 0) output[axis] = addDims([shape[axis]!, extra]);
  }
  return [{ dtype, shape: output }];
}

function requireIndices(context: Inference<unknown>): Value {
  const indices = context.input(1);
  if (indices.dtype !== "int64" && indices.dtype !== "int32") {
    context.fail("indices must be int64 or int32");
  }
  return indices;
}

function inferGather(context: Inference<{ readonly axis: number }>): TensorType[] {
  const { dtype, shape } = context.input(0);
  const axis = context.axis(context.attributes.axis, shape.length);
  const indices = requireIndices(context).shape;
  return [{ dtype, shape: [...shape.slice(0, axis), ...indices, ...shape.slice(axis + 1)] }];
}

function inferScatterElements(context: Inference<{ readonly axis: number }>): TensorType[] {
  const { shape } = context.input(0);
  context.sameType(0, 2);
  context.axis(context.attributes.axis, shape.length);
  const indices = requireIndices(context).shape;
  if (indices.length !== shape.length) context.fail("data and indices must have the same rank");
  context.expectShape(2, indices, "(as indices)");
  return likeFirst(context);
}

function inferScatterNd(context: Inference<unknown>): TensorType[] {
  const { shape } = context.input(0);
  context.sameType(0, 2);
  const indices = requireIndices(context).shape;
  const depth = indices.at(-1);
  if (typeof depth !== "number" || depth > shape.length) {
    return context.fail("the last extent of indices must be at most the rank of data");
  }
  context.expectShape(2, [...indices.slice(0, -1), ...shape.slice(depth)], "(one part an index)");
  return likeFirst(context);
}

function inferOneHot(context: Inference<{ readonly axis: number }>): TensorType[] {
  const { shape } = context.input(0);
  const depth = constant(context, context.input(1), "depth");
  const axis = context.axis(context.attributes.axis, shape.length + 1);
  context.expectShape(2, [2], "(the values for off and on)");
  return [{
    dtype: context.input(2).dtype,
    shape: [...shape.slice(0, axis), depth[0]!, ...shape.slice(axis)],
  }];
}

function inferSqueeze(context: Inference<unknown>): TensorType[] {
  const { dtype, shape } = context.input(0);
  const given = context.optional(1);
  const axes = given === null
    ? [...shape.keys()].filter((axis) => shape[axis] === 1)
    : context.axes(constant(context, given, "axes"), shape.length);
  for (const axis of axes) {
    if (shape[axis] !== 1) context.fail(`axis ${axis} has extent ${shape[axis]}, not 1`);
  }
  return [{ dtype, shape: shape.filter((_, axis) => !axes.includes(axis)) }];
}

function inferUnsqueeze(context: Inference<unknown>): TensorType[] {
  const { dtype, shape } = context.input(0);
  const given = constant(context, context.input(1), "axes");
  const rank = shape.length + given.length;
  const axes = context.axes(given, rank);
  const rest = [...shape];
  const output = Array.from(
    { length: rank },
    (_, axis) => axes.includes(axis) ? 1 : rest.shift()!,
  );
  return [{ dtype, shape: output }];
}

function inferRange(context: Inference<unknown>): TensorType[] {
  const dtype = context.sameType(0, 1, 2);
  const [start, limit, delta] = [0, 1, 2].map((index) => {
    const { producer } = context.input(index);
    context.expectShape(index, [], "(a scalar)");
    return producer.kind === "constant" ? Number(producer.array.data[0]) : null;
  });
  if (typeof start !== "number" || typeof limit !== "number" || typeof delta !== "number") {
    return context.fail("start, limit and delta must be constants");
  }
  return [{ dtype, shape: [Math.max(0, Math.ceil((limit - start) / delta))] }];
}

/** Rows of the operators that move elements. */
export const LAYOUT = {
  Reshape: operator({
    inputs: "data shape",
    attributes: { allowzero: flag(false) },
    infer: inferReshape,
  }),
  Transpose: operator({
    inputs: "data",
    attributes: { perm: ints() },
    resolve: (context) => ({
      perm: context.attributes.perm ?? [...context.input(0).shape.keys()].reverse(),
    }),
    infer: (context) => {
      const { dtype, shape } = context.input(0);
      const { perm } = context.attributes;
      if (perm.length !== shape.length || context.axes(perm, shape.length).join() !== perm.join()) {
        context.fail(`perm must order all ${shape.length} axes: current is [${perm.join(", ")}]`);
      }
      return [{ dtype, shape: perm.map((axis) => shape[axis]!) }];
    },
  }),
  Flatten: operator({
    inputs: "input",
    attributes: { axis: int(1) },
    infer: (context) => {
      const { dtype, shape } = context.input(0);
      const axis = context.axis(context.attributes.axis, shape.length + 1);
      return [{
        dtype,
        shape: [multiplyDims(shape.slice(0, axis)), multiplyDims(shape.slice(axis))],
      }];
    },
  }),
  Squeeze: operator({ inputs: "data axes?", infer: inferSqueeze }),
  Unsqueeze: operator({ inputs: "data axes", infer: inferUnsqueeze }),
  Expand: operator({
    inputs: "input shape",
    infer: (context) => {
      const { dtype, shape } = context.input(0);
      const wanted = knownElements(context.input(1)) ?? context.fail("shape must be a constant");
      const output = broadcastShapes([shape, wanted]) ??
        context.fail(`input does not broadcast against [${wanted.join(", ")}]`);
      return [{ dtype, shape: output }];
    },
  }),
  Tile: operator({
    inputs: "input repeats",
    infer: (context) => {
      const { dtype, shape } = context.input(0);
      const repeats = constant(context, context.input(1), "repeats");
      if (repeats.length !== shape.length) {
        context.fail(`repeats must have ${shape.length} entries`);
      }
      return [{ dtype, shape: shape.map((dim, axis) => multiplyDims([dim, repeats[axis]!])) }];
    },
  }),
  Concat: operator({
    inputs: "inputs...",
    attributes: { axis: requiredInt() },
    infer: inferConcat,
  }),
  Split: operator({
    inputs: "input split?",
    outputs: "outputs...",
    attributes: { axis: int(0), numOutputs: optionalInt() },
    resolve: (context) => context.optional(1) === null ? { numOutputs: context.outputCount } : {},
    infer: inferSplit,
  }),
  Slice: operator({ inputs: "data starts ends axes? steps?", infer: inferSlice }),
  Pad: operator({
    inputs: "data pads constant_value? axes?",
    attributes: { mode: choice("constant", "reflect", "edge", "wrap") },
    infer: inferPad,
  }),
  Gather: operator({ inputs: "data indices", attributes: { axis: int(0) }, infer: inferGather }),
  GatherElements: operator({
    inputs: "data indices",
    attributes: { axis: int(0) },
    infer: (context) => {
      const { dtype, shape } = context.input(0);
      context.axis(context.attributes.axis, shape.length);
      const indices = requireIndices(context).shape;
      if (indices.length !== shape.length) context.fail("data and indices must have the same rank");
      return [{ dtype, shape: indices }];
    },
  }),
  ScatterElements: operator({
    inputs: "data indices updates",
    attributes: { axis: int(0), reduction: choice("none", "add", "mul", "max", "min") },
    infer: inferScatterElements,
  }),
  ScatterND: operator({
    inputs: "data indices updates",
    attributes: { reduction: choice("none", "add", "mul", "max", "min") },
    infer: inferScatterNd,
  }),
  OneHot: operator({
    inputs: "indices depth values",
    attributes: { axis: int(-1) },
    infer: inferOneHot,
  }),
  Shape: operator({
    inputs: "data",
    attributes: { start: int(0), end: optionalInt() },
    infer: (context) => {
      const { start, end } = context.attributes;
      return [{ dtype: "int64", shape: [context.input(0).shape.slice(start, end).length] }];
    },
  }),
  Range: operator({ inputs: "start limit delta", infer: inferRange }),
};
