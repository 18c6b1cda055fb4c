/** Reference kernels of softmax and normalization. @module */
import {
  at,
  fromStart,
  given,
  type Index,
  indices,
  type Kernels,
  type Tensor,
  tensor,
  withAxis,
} from "./tensor.ts";

function softmax(x: Tensor, axis: number, log: boolean): Tensor {
  const over = fromStart(axis, x.shape.length);
  return tensor(x.shape, (index) => {
    const line = Array.from(
      { length: x.shape[over]! },
      (_, k) => at(x, withAxis(index, over, k)),
    );
    const largest = Math.max(...line);
    const total = line.reduce((sum, element) => sum + Math.exp(element - largest), 0);
    const logarithm = at(x, index) - largest - Math.log(total);
    return log ? logarithm : Math.exp(logarithm);
  });
}

/** Mean and variance of the elements that share a group, which is a function of the position. */
function moments(x: Tensor, groupOf: (index: Index) => string) {
  const groups = new Map<string, number[]>();
  for (const index of indices(x.shape)) {
    const key = groupOf(index);
    groups.set(key, [...groups.get(key) ?? [], at(x, index)]);
  }
  const mean = (elements: readonly number[]) =>
    elements.reduce((sum, element) => sum + element, 0) / elements.length;
  return new Map([...groups].map(([key, elements]) => {
    const center = mean(elements);
    return [key, { mean: center, variance: mean(elements.map((e) => (e - center) ** 2)) }];
  }));
}

/** Normalization over groups of elements, then a scale and a shift by channel. */
function normalizeGroups(
  inputs: readonly (Tensor | null)[],
  epsilon: number,
  groupOf: (index: Index) => string,
): Tensor {
  const [x, scale, bias] = [given(inputs, 0), given(inputs, 1), given(inputs, 2)];
  const statistics = moments(x, groupOf);
  return tensor(x.shape, (index) => {
    const { mean, variance } = statistics.get(groupOf(index))!;
    const standard = (at(x, index) - mean) / Math.sqrt(variance + epsilon);
    return standard * scale.data[index[1]!]! + bias.data[index[1]!]!;
  });
}

/** Kernels of softmax and normalization. */
export const NORMALIZATION_KERNELS = {
  Softmax: ({ inputs, attributes }) => [softmax(given(inputs, 0), attributes.axis, false)],
  LogSoftmax: ({ inputs, attributes }) => [softmax(given(inputs, 0), attributes.axis, true)],
  LayerNormalization: ({ inputs, attributes, outputShapes }) => {
    const [x, scale, bias] = [given(inputs, 0), given(inputs, 1), inputs[2] ?? null];
    const axis = fromStart(attributes.axis, x.shape.length);
    const groupOf = (index: Index) => index.slice(0, axis).join();
    const statistics = moments(x, groupOf);
    const inverse = (index: Index) =>
      1 / Math.sqrt(statistics.get(groupOf(index))!.variance + attributes.epsilon);
    const y = tensor(x.shape, (index) => {
      const standard = (at(x, index) - statistics.get(groupOf(index))!.mean) * inverse(index);
      const rest = index.slice(axis);
      return standard * at(scale, rest) + (bias === null ? 0 : at(bias, rest));
    });
    const reduced = outputShapes[1] ?? x.shape.map((extent, i) => i < axis ? extent : 1);
    return [
      y,
      tensor(reduced, (index) => statistics.get(groupOf(index))!.mean),
      tensor(reduced, inverse),
    ];
  },
  BatchNormalization: ({ inputs, attributes: { epsilon, momentum, trainingMode } }) => {
    const [x, scale, bias] = [given(inputs, 0), given(inputs, 1), given(inputs, 2)];
    const [mean, variance] = [given(inputs, 3), given(inputs, 4)];
    if (!trainingMode) {
      return [tensor(x.shape, (index) => {
        const c = index[1]!;
        const standard = (at(x, index) - mean.data[c]!) / Math.sqrt(variance.data[c]! + epsilon);
        return standard * scale.data[c]! + bias.data[c]!;
      })];
    }
    const statistics = moments(x, (index) => String(index[1]));
    const running = (before: Tensor, kind: "mean" | "variance") =>
      tensor(
        before.shape,
        ([c]) => before.data[c!]! * momentum + statistics.get(String(c))![kind] * (1 - momentum),
      );
    return [
      normalizeGroups(inputs, epsilon, (index) => String(index[1])),
      running(mean, "mean"),
      running(variance, "variance"),
    ];
  },
  GroupNormalization: ({ inputs, attributes: { epsilon, numGroups } }) => {
    const size = given(inputs, 0).shape[1]! / numGroups;
    return [normalizeGroups(inputs, epsilon, ([n, c]) => `${n} ${Math.floor(c! / size)}`)];
  },
  InstanceNormalization: ({ inputs, attributes: { epsilon } }) => [
    normalizeGroups(inputs, epsilon, ([n, c]) => `${n} ${c}`),
  ],
} satisfies Kernels;
