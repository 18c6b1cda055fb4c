/** Matrix products and attention. @module */
import {
  flag,
  float,
  type Inference,
  operator,
  optionalFloat,
  requiredInt,
  requiredString,
  type TensorType,
} from "../operator.ts";
import { broadcastShapes, type Dim, type Shape } from "../dims.ts";

const swapLastTwo = (shape: Shape): Dim[] => [...shape.slice(0, -2), shape.at(-1)!, shape.at(-2)!];

/** NumPy's matmul: products of the last two axes, broadcasting over the others. */
function inferProduct(
  context: Inference<unknown>,
  transA: boolean,
  transB: boolean,
): TensorType[] {
  const dtype = context.sameType(0, 1);
  let a: Shape = context.input(0).shape;
  let b: Shape = context.input(1).shape;
  if (a.length === 0 || b.length === 0) context.fail("operands must have at least one axis");
  if ((transA && a.length < 2) || (transB && b.length < 2)) {
    context.fail("only matrices can be transposed");
  }
  if (transA) a = swapLastTwo(a);
  if (transB) b = swapLastTwo(b);
  const left = a.length === 1 ? [1, a[0]!] : a;
  const right = b.length === 1 ? [b[0]!, 1] : b;
  if (left.at(-1) !== right.at(-2)) {
    context.fail(
      `inner extents differ, ${left.at(-1)} and ${right.at(-2)}` +
        (transA || transB ? ` (transA ${transA}, transB ${transB})` : ""),
    );
  }
  const lead = broadcastShapes([left.slice(0, -2), right.slice(0, -2)]) ??
    context.fail("leading axes do not broadcast");
  const rows = a.length === 1 ? [] : [left.at(-2)!];
  const columns = b.length === 1 ? [] : [right.at(-1)!];
  return [{ dtype, shape: [...lead, ...rows, ...columns] }];
}

/** Output of an Einstein summation. */
function inferEinsum(context: Inference<{ equation: string }>): TensorType[] {
  const equation = context.attributes.equation.replaceAll(" ", "");
  const [left, right] = equation.split("->");
  if (!/^[a-zA-Z,]+->[a-zA-Z]*$/.test(equation) || left === undefined || right === undefined) {
    return context.fail(`equation must be letters in the form "ij,jk->ik": "${equation}"`);
  }
  const terms = left.split(",");
  const inputs = context.present();
  if (terms.length !== inputs.length) {
    context.fail(`equation "${equation}" is for ${terms.length} inputs`);
  }
  const extents = new Map<string, Dim>();
  for (const [i, { shape }] of inputs.entries()) {
    const letters = [...terms[i]!];
    if (letters.length !== shape.length) {
      context.fail(`"${terms[i]}" of equation "${equation}" does not fit the rank of its input`);
    }
    for (const [axis, letter] of letters.entries()) {
      const known = extents.get(letter);
      if (known !== undefined && known !== shape[axis]) {
        context.fail(`extents of "${letter}" in equation "${equation}" differ`);
      }
      extents.set(letter, shape[axis]!);
    }
  }
  const shape = [...right].map((letter) =>
    extents.get(letter) ?? context.fail(`"${letter}" is in no term of "${equation}"`)
  );
  return [{ dtype: context.sameType(...inputs.keys()), shape }];
}

/** Rows of the products. */
export const PRODUCTS = {
  MatMul: operator({ inputs: "A B", infer: (context) => inferProduct(context, false, false) }),
  Gemm: operator({
    inputs: "A B C?",
    attributes: {
      alpha: float(1),
      beta: float(1),
      transA: flag(false, "transA"),
      transB: flag(false, "transB"),
    },
    infer: (context) => {
      if (context.input(0).shape.length !== 2 || context.input(1).shape.length !== 2) {
        context.fail("A and B must be matrices");
      }
      const { transA, transB } = context.attributes;
      context.sameType(0, 1, 2);
      const [product] = inferProduct(context, transA, transB);
      const addend = context.optional(2);
      if (addend !== null) {
        const shape = broadcastShapes([product!.shape, addend.shape]);
        if (shape === null || shape.some((dim, axis) => dim !== product!.shape[axis])) {
          context.fail(`C does not broadcast to ${product!.shape.join("x")}`);
        }
      }
      return [product!];
    },
  }),
  /** `alpha · op(A) · op(B)` over leading axes, where op swaps the last two axes or not. */
  FusedMatMul: operator({
    domain: "com.microsoft",
    inputs: "A B",
    attributes: {
      alpha: float(1),
      transA: flag(false, "transA"),
      transB: flag(false, "transB"),
    },
    infer: (context) => inferProduct(context, context.attributes.transA, context.attributes.transB),
  }),
  Einsum: operator({
    inputs: "inputs...",
    attributes: { equation: requiredString() },
    infer: inferEinsum,
  }),
  /** Softmax attention over tokens: query (B, L, C), key (B, S, C), value (B, S, D) → (B, L, D). */
  MultiHeadAttention: operator({
    domain: "com.microsoft",
    inputs: "query key value bias? key_padding_mask? attention_bias?",
    attributes: { numHeads: requiredInt(), scale: optionalFloat() },
    infer: (context) => {
      const dtype = context.sameType(0, 1, 2, 3, 5);
      const [query, key, value] = [context.input(0), context.input(1), context.input(2)];
      const { numHeads } = context.attributes;
      if ([query, key, value].some(({ shape }) => shape.length !== 3)) {
        context.fail("query, key and value must be (batch, tokens, channels)");
      }
      if (
        query.shape[0] !== key.shape[0] || key.shape[0] !== value.shape[0] ||
        query.shape[2] !== key.shape[2] || key.shape[1] !== value.shape[1]
      ) {
        context.fail("query, key and value do not go together");
      }
      for (const channels of [query.shape[2]!, value.shape[2]!]) {
        if (typeof channels !== "number" || channels % numHeads !== 0) {
          context.fail(`${channels} channels do not divide into ${numHeads} heads`);
        }
      }
      return [{ dtype, shape: [query.shape[0]!, query.shape[1]!, value.shape[2]!] }];
    },
  }),
};
