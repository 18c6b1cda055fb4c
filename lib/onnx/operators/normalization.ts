/** Softmax and the normalization layers. @module */
import {
  flag,
  float,
  type Inference,
  int,
  operator,
  requiredInt,
  type TensorType,
} from "../operator.ts";
import { likeFirst } from "./elementwise.ts";

function inferSoftmax(context: Inference<{ readonly axis: number }>): TensorType[] {
  context.axis(context.attributes.axis, context.input(0).shape.length);
  return likeFirst(context);
}

/** The channel axis of (N, C, …). */
function channelsOf(context: Inference<unknown>) {
  return context.input(0).shape[1] ?? context.fail("X must be (N, C, …)");
}

const PER_CHANNEL = "(one number a channel)";

/** Rows of softmax and normalization. */
export const NORMALIZATION = {
  Softmax: operator({ inputs: "X", attributes: { axis: int(-1) }, infer: inferSoftmax }),
  LogSoftmax: operator({ inputs: "X", attributes: { axis: int(-1) }, infer: inferSoftmax }),
  /** Over the axes from `axis` on; `Mean` and `InvStdDev` keep those axes with extent 1. */
  LayerNormalization: operator({
    inputs: "X Scale B?",
    outputs: "Y Mean? InvStdDev?",
    attributes: { axis: int(-1), epsilon: float(1e-5) },
    infer: (context) => {
      const { shape } = context.input(0);
      const dtype = context.sameType(0, 1, 2);
      const axis = context.axis(context.attributes.axis, shape.length);
      context.expectShape(1, shape.slice(axis), "(the normalized axes)");
      context.expectShape(2, shape.slice(axis), "(the normalized axes)");
      const reduced = {
        // Statistics are computed in single precision at least.
        dtype: dtype === "float16" ? "float32" : dtype,
        shape: shape.map((dim, i) => i < axis ? dim : 1),
      } as const;
      return [{ dtype, shape }, reduced, reduced];
    },
  }),
  /** With `trainingMode`, statistics of the batch, and the updated running ones as outputs. */
  BatchNormalization: operator({
    inputs: "X scale B input_mean input_var",
    outputs: "Y running_mean? running_var?",
    attributes: { epsilon: float(1e-5), momentum: float(0.9), trainingMode: flag(false) },
    infer: (context) => {
      const dtype = context.sameType(0, 1, 2);
      const running = context.sameType(3, 4);
      const channels = channelsOf(context);
      for (const index of [1, 2, 3, 4]) context.expectShape(index, [channels], PER_CHANNEL);
      if (context.attributes.trainingMode !== (context.outputCount > 1)) {
        context.fail("running_mean and running_var are outputs in training mode and only then");
      }
      const statistic = { dtype: running, shape: [channels] };
      return [{ dtype, shape: context.input(0).shape }, statistic, statistic];
    },
  }),
  /** Scale and bias are per channel, as of operator set 21. */
  GroupNormalization: operator({
    inputs: "X scale bias",
    attributes: { numGroups: requiredInt(), epsilon: float(1e-5) },
    infer: (context) => {
      context.sameType(0, 1, 2);
      const channels = channelsOf(context);
      const { numGroups } = context.attributes;
      if (typeof channels !== "number" || channels % numGroups !== 0) {
        context.fail(`${channels} channels do not divide into ${numGroups} groups`);
      }
      context.expectShape(1, [channels], PER_CHANNEL);
      context.expectShape(2, [channels], PER_CHANNEL);
      return likeFirst(context);
    },
  }),
  InstanceNormalization: operator({
    inputs: "input scale B",
    attributes: { epsilon: float(1e-5) },
    infer: (context) => {
      context.sameType(0, 1, 2);
      const channels = channelsOf(context);
      context.expectShape(1, [channels], PER_CHANNEL);
      context.expectShape(2, [channels], PER_CHANNEL);
      return likeFirst(context);
    },
  }),
};
