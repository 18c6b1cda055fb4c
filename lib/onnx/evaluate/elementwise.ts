/** Reference kernels of the elementwise operators. @module */
import {
  broadcastAt,
  given,
  type Kernel,
  type KernelCall,
  type Kernels,
  type Tensor,
  tensor,
} from "./tensor.ts";
import type { OperatorName } from "../operators.ts";

function unary<K extends OperatorName>(
  f: (x: number, attributes: KernelCall<K>["attributes"]) => number,
): Kernel<K> {
  return ({ inputs, attributes }) => {
    const { shape, data } = given(inputs, 0);
    return [{ shape, data: data.map((x) => f(x, attributes)) }];
  };
}

/** A function of one element of every input, which are broadcast. */
function broadcasting<K extends OperatorName>(f: (...elements: number[]) => number): Kernel<K> {
  return ({ inputs, outputShapes }) => {
    const tensors = inputs.filter((input): input is Tensor => input !== null);
    return [
      tensor(outputShapes[0]!, (index) => f(...tensors.map((input) => broadcastAt(input, index)))),
    ];
  };
}

const bool = (f: (a: number, b: number) => boolean) => broadcasting((a, b) => f(a!, b!) ? 1 : 0);

/** The error function by a series of positive terms (Abramowitz and Stegun 7.1.6). */
export function erf(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = 2 * x / Math.sqrt(Math.PI) * Math.exp(-x * x);
  let sum = 0;
  for (let n = 0; Math.abs(term) > 1e-18; n++) {
    sum += term;
    term *= 2 * x * x / (2 * n + 3);
  }
  return sum;
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

const gelu = (x: number, approximate: string) =>
  approximate === "tanh"
    ? x / 2 * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))
    : x / 2 * (1 + erf(x * Math.SQRT1_2));

/** Kernels of the elementwise operators. */
export const ELEMENTWISE_KERNELS = {
  Add: broadcasting((a, b) => a! + b!),
  Sub: broadcasting((a, b) => a! - b!),
  Mul: broadcasting((a, b) => a! * b!),
  Div: broadcasting((a, b) => a! / b!),
  Pow: broadcasting((a, b) => a! ** b!),
  Min: broadcasting(Math.min),
  Max: broadcasting(Math.max),
  Neg: unary((x) => -x),
  Abs: unary(Math.abs),
  Sign: unary(Math.sign),
  Sqrt: unary(Math.sqrt),
  Exp: unary(Math.exp),
  Log: unary(Math.log),
  Erf: unary(erf),
  Reciprocal: unary((x) => 1 / x),
  Sin: unary(Math.sin),
  Cos: unary(Math.cos),
  Floor: unary(Math.floor),
  Ceil: unary(Math.ceil),
  Identity: unary((x) => x),
  Relu: unary((x) => Math.max(x, 0)),
  LeakyRelu: unary<"LeakyRelu">((x, { alpha }) => x > 0 ? x : alpha * x),
  Elu: unary<"Elu">((x, { alpha }) => x > 0 ? x : alpha * Math.expm1(x)),
  Gelu: unary<"Gelu">((x, { approximate }) => gelu(x, approximate)),
  Sigmoid: unary(sigmoid),
  Tanh: unary(Math.tanh),
  Softplus: unary((x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))),
  HardSigmoid: unary<"HardSigmoid">((x, { alpha, beta }) =>
    Math.min(Math.max(alpha * x + beta, 0), 1)
  ),
  Clip: ({ inputs }) => {
    const { shape, data } = given(inputs, 0);
    const low = inputs[1]?.data[0] ?? -Infinity;
    const high = inputs[2]?.data[0] ?? Infinity;
    return [{ shape, data: data.map((x) => Math.min(Math.max(x, low), high)) }];
  },
  Equal: bool((a, b) => a === b),
  Greater: bool((a, b) => a > b),
  Less: bool((a, b) => a < b),
  GreaterOrEqual: bool((a, b) => a >= b),
  LessOrEqual: bool((a, b) => a <= b),
  And: bool((a, b) => a !== 0 && b !== 0),
  Or: bool((a, b) => a !== 0 || b !== 0),
  Not: unary((x) => x === 0 ? 1 : 0),
  IsNaN: unary((x) => Number.isNaN(x) ? 1 : 0),
  Where: broadcasting((condition, x, y) => condition !== 0 ? x! : y!),
  Cast: unary<"Cast">((x, { to }) =>
    to === "bool" ? Number(x !== 0) : to.startsWith("float") ? x : Math.trunc(x)
  ),
} satisfies Kernels;
