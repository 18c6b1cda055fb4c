/** Reference kernels of matrix products and attention. @module */
import { at, broadcastAt, given, indices, type Kernels, type Tensor, tensor } from "./tensor.ts";

const swap = (x: Tensor): Tensor => {
  const rank = x.shape.length;
  const shape = [...x.shape.slice(0, -2), x.shape[rank - 1]!, x.shape[rank - 2]!];
  return tensor(shape, (i) => at(x, [...i.slice(0, -2), i[rank - 1]!, i[rank - 2]!]));
};

/** NumPy's matmul. */
function matmul(a: Tensor, b: Tensor, shape: readonly number[], alpha = 1): Tensor {
  const left = a.shape.length > 1 ? a : { ...a, shape: [1, ...a.shape] };
  const right = b.shape.length > 1 ? b : { ...b, shape: [...b.shape, 1] };
  const inner = left.shape.at(-1)!;
  return tensor(shape, (index) => {
    const full = [...index];
    // A vector has no axis in the output: put one back.
    if (a.shape.length === 1) full.splice(b.shape.length === 1 ? full.length : -1, 0, 0);
    if (b.shape.length === 1) full.push(0);
    const lead = full.slice(0, -2);
    let sum = 0;
    for (let k = 0; k < inner; k++) {
      sum += broadcastAt(left, [...lead, full.at(-2)!, k]) *
        broadcastAt(right, [...lead, k, full.at(-1)!]);
    }
    return alpha * sum;
  });
}

/** Kernels of the products. */
export const PRODUCT_KERNELS = {
  MatMul: ({ inputs, outputShapes }) => [
    matmul(given(inputs, 0), given(inputs, 1), outputShapes[0]!),
  ],
  Gemm: ({ inputs, attributes: { alpha, beta, transA, transB }, outputShapes }) => {
    const [a, b, c] = [given(inputs, 0), given(inputs, 1), inputs[2] ?? null];
    const shape = outputShapes[0]!;
    const product = matmul(transA ? swap(a) : a, transB ? swap(b) : b, shape, alpha);
    if (c === null) return [product];
    return [tensor(shape, (index) => at(product, index) + beta * broadcastAt(c, index))];
  },
  FusedMatMul: ({ inputs, attributes: { alpha, transA, transB }, outputShapes }) => {
    const [a, b] = [given(inputs, 0), given(inputs, 1)];
    return [matmul(transA ? swap(a) : a, transB ? swap(b) : b, outputShapes[0]!, alpha)];
  },
  Einsum: ({ inputs, attributes: { equation }, outputShapes }) => {
    const [left, output] = equation.replaceAll(" ", "").split("->") as [string, string];
    const terms = left.split(",");
    const letters = [...new Set([...output, ...terms.join("")])];
    const summed = letters.slice(new Set(output).size);
    const extentOf = (letter: string) => {
      const term = terms.findIndex((letters) => letters.includes(letter));
      return given(inputs, term).shape[terms[term]!.indexOf(letter)]!;
    };
    return [tensor(outputShapes[0]!, (index) => {
      let sum = 0;
      for (const rest of indices(summed.map(extentOf))) {
        const position = new Map([
          ...[...output].map((letter, i) => [letter, index[i]!] as const),
          ...summed.map((letter, i) => [letter, rest[i]!] as const),
        ]);
        sum += terms.reduce(
          (product, term, i) =>
            product * at(given(inputs, i), [...term].map((letter) => position.get(letter)!)),
          1,
        );
      }
      return sum;
    })];
  },
  MultiHeadAttention: ({ inputs, attributes: { numHeads, scale }, outputShapes }) => {
    const [query, key, value] = [given(inputs, 0), given(inputs, 1), given(inputs, 2)];
    if (inputs.slice(3).some((input) => input !== null)) {
      throw new Error("internal: attention with bias or mask has no reference");
    }
    const width = query.shape[2]! / numHeads;
    const factor = scale ?? 1 / Math.sqrt(width);
    const tokens = key.shape[1]!;
    const valueWidth = value.shape[2]! / numHeads;
    return [tensor(outputShapes[0]!, ([n, row, channel]) => {
      const head = Math.floor(channel! / valueWidth);
      const scores = Array.from({ length: tokens }, (_, token) => {
        let score = 0;
        for (let k = head * width; k < (head + 1) * width; k++) {
          score += at(query, [n!, row!, k]) * at(key, [n!, token, k]);
        }
        return Math.exp(factor * score);
      });
      const total = scores.reduce((sum, score) => sum + score, 0);
      return scores.reduce(
        (sum, score, token) => sum + score / total * at(value, [n!, token, channel!]),
        0,
      );
    })];
  },
} satisfies Kernels;
