/** Gradients of matrix products. @module */
import { type GradientContext, type GradientRule, type GradientRules, isKnown } from "./rule.ts";
import type { Value } from "../value.ts";

/** Which factors of a product are transposed, and what it is multiplied by. */
interface Form {
  readonly transA: boolean;
  readonly transB: boolean;
  readonly alpha: number;
}

const PLAIN: Form = { transA: false, transB: false, alpha: 1 };

/** `alpha · op(a) · op(b)` over leading axes; a plain product where nothing is transposed or scaled. */
function product(c: Pick<GradientContext, "op">, a: Value, b: Value, form: Form): Value {
  return form.transA || form.transB || form.alpha !== 1
    ? c.op("FusedMatMul", [a, b], form)
    : c.op("MatMul", [a, b]);
}

/** Gradients of `alpha · op(a) · op(b)`, of which leading axes may have been broadcast. */
function matrixGradients(
  c: GradientContext<"MatMul" | "FusedMatMul">,
  { transA, transB, alpha }: Form,
) {
  // A vector takes part as a matrix of one row or column.
  const matrix = (value: Value, axis: number) =>
    value.shape.length > 1 ? value : c.op("Unsqueeze", [value, [axis]]);
  const a = () => matrix(c.input(0), 0);
  const b = () => matrix(c.input(1), 1);
  const dy = () => {
    const missing = [
      ...(c.input(0).shape.length === 1 ? [-2] : []),
      ...(c.input(1).shape.length === 1 ? [-1] : []),
    ];
    return missing.length === 0 ? c.dy : c.op("Unsqueeze", [c.dy, missing]);
  };
  const vectorLike = (gradient: Value, input: Value, axis: number) =>
    input.shape.length > 1 ? gradient : c.op("Squeeze", [gradient, [axis]]);
  return [
    () => {
      const gradient = transA
        ? product(c, b(), dy(), { transA: transB, transB: true, alpha })
        : product(c, dy(), b(), { transA: false, transB: !transB, alpha });
      return vectorLike(gradient, c.input(0), -2);
    },
    () => {
      // One product over all rows instead of a sum of products, where B is the same for all of them.
      const [rows, width] = [c.input(0).shape, c.dy.shape.at(-1)!];
      const shared = !transA && rows.length > 2 && c.input(1).shape.length === 2 &&
        isKnown(rows) && isKnown([width]);
      const [left, right] = shared
        ? [
          c.op("Reshape", [c.input(0), [-1, rows.at(-1)!]]),
          c.op("Reshape", [c.dy, [-1, width as number]]),
        ]
        : [a(), dy()];
      const gradient = transB
        ? product(c, right, left, { transA: true, transB: transA, alpha })
        : product(c, left, right, { transA: !transA, transB: false, alpha });
      return vectorLike(gradient, c.input(1), -1);
    },
  ];
}

const gemm: GradientRule<"Gemm"> = (c) => {
  const { transA, transB, alpha, beta } = c.attributes;
  const multiply = (a: Value, b: Value, transA: boolean, transB: boolean) =>
    c.op("Gemm", [a, b], { transA, transB, alpha });
  return [
    () =>
      transA
        ? multiply(c.input(1), c.dy, transB, true)
        : multiply(c.dy, c.input(1), false, !transB),
    () =>
      transB
        ? multiply(c.dy, c.input(0), true, transA)
        : multiply(c.input(0), c.dy, !transA, false),
    () => beta === 1 ? c.dy : c.op("Mul", [c.dy, beta]),
  ];
};

/** The gradient of an Einstein summation is another one, with output and input exchanged. */
const einsum: GradientRule<"Einsum"> = (c) => {
  const [left, output] = c.attributes.equation.replaceAll(" ", "").split("->") as [string, string];
  const terms = left.split(",");
  return terms.map((term, index) => () => {
    if (new Set(term).size !== term.length) c.fail(`no gradient where a letter repeats: "${term}"`);
    const others = terms.filter((_, i) => i !== index);
    const inputs = c.node.inputs.filter((_, i) => i !== index);
    const present = new Set([output, ...others].join(""));
    // Letters that are summed over in this input alone come back as ones.
    const missing = [...term].filter((letter) => !present.has(letter));
    const shape = missing.map((letter) => c.input(index).shape[term.indexOf(letter)]!);
    const ones = missing.length === 0
      ? []
      : [c.op("Expand", [c.graph.constant(1, c.dy.dtype), c.extents({ ...c.dy, shape })])];
    const equation = [output, ...others, ...(missing.length === 0 ? [] : [missing.join("")])];
    return c.op("Einsum", [c.dy, ...inputs, ...ones], { equation: `${equation.join()}->${term}` });
  });
};

/** Rules of the products. */
export const PRODUCT_GRADIENTS = {
  MatMul: (c) => matrixGradients(c, PLAIN),
  FusedMatMul: (c) => matrixGradients(c, c.attributes),
  Gemm: gemm,
  Einsum: einsum,
} satisfies GradientRules;
