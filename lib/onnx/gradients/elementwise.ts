/** Gradients of the elementwise operators. @module */
import { allReduce, isAllReduce } from "../all_reduce.ts";
import type { Graph } from "../graph.ts";
import type { OperatorName } from "../operators.ts";
import type { Node, Value } from "../value.ts";
import type { GradientContext, GradientRule, GradientRules } from "./rule.ts";

/** The rule of a function of one variable whose derivative is a factor: `factor(c, x, y)`. */
function scaled<K extends OperatorName>(
  factor: (c: GradientContext<K>, x: Value, y: Value) => Value,
): GradientRule<K> {
  return (c) => [() => c.op("Mul", [c.dyBroadcast, factor(c, c.input(0), c.output(0))])];
}

/**
 * Φ(x), the distribution function of the normal distribution.
 *
 * @param graph The graph.
 * @param x The values.
 */
export function normalProbability(graph: Pick<Graph, "op">, x: Value): Value {
  const erf = graph.op("Erf", [graph.op("Mul", [x, Math.SQRT1_2])]);
  // ½ + ½·erf, which lies between 0 and 1, in one pass.
  return graph.op("HardSigmoid", [erf], { alpha: 0.5, beta: 0.5 });
}

/** 1 where x is positive, else 0, in one pass: x times a power of two so large that it exceeds 1. */
function isPositive(graph: Pick<Graph, "op">, x: Value): Value {
  if (x.dtype !== "float32") {
    return graph.op("Cast", [graph.op("Greater", [x, 0])], { to: x.dtype });
  }
  return graph.op("HardSigmoid", [x], { alpha: 2 ** 100, beta: 0 });
}

/** Φ(x) + x·φ(x), the derivative of x·Φ(x), where x·φ(x) = u·exp(−u²)/√π of u = x/√2. */
function geluSlope(c: GradientContext<"Gelu">, x: Value): Value {
  const u = c.op("Mul", [x, Math.SQRT1_2]);
  const exponent = c.op("Sub", [-0.5 * Math.log(Math.PI), c.op("Mul", [u, u])]);
  return c.op("Add", [normalProbability(c, x), c.op("Mul", [u, c.op("Exp", [exponent])])]);
}

/** The derivative of ½x(1 + tanh(√(2/π)(x + 0.044715x³))). */
function tanhGeluSlope({ op }: GradientContext<"Gelu">, x: Value): Value {
  const scale = Math.sqrt(2 / Math.PI);
  const square = op("Mul", [x, x]);
  const inner = op("Mul", [x, op("Add", [op("Mul", [square, 0.044715 * scale]), scale])]);
  const tanh = op("Tanh", [inner]);
  const innerSlope = op("Add", [op("Mul", [square, 3 * 0.044715 * scale]), scale]);
  const outerSlope = op("Mul", [x, op("Sub", [1, op("Mul", [tanh, tanh])])]);
  const slope = op("Mul", [outerSlope, innerSlope]);
  return op("Mul", [op("Add", [op("Add", [slope, tanh]), 1]), 0.5]);
}

/** Shared evenly by the inputs that attain the extreme, as PyTorch does. */
const extreme: GradientRule<"Min" | "Max"> = (c) => {
  const y = c.output(0);
  const hit = (x: Value) => c.op("Cast", [c.op("Equal", [x, y])], { to: y.dtype });
  const ties = () => c.node.inputs.map((x) => hit(x!)).reduce((a, b) => c.op("Add", [a, b]));
  return c.node.inputs.map((x) => () =>
    c.op("Mul", [c.dyBroadcast, c.op("Div", [hit(x!), ties()])])
  );
};

/** Piecewise constant: the derivative is zero wherever there is one. */
const zero: GradientRule<"Sign" | "Floor" | "Ceil"> = () => [null];

/** Rules of the elementwise operators. */
export const ELEMENTWISE_GRADIENTS = {
  Add: (c) => [() => c.dyBroadcast, () => c.dyBroadcast],
  Sub: (c) => [() => c.dyBroadcast, () => c.op("Neg", [c.dyBroadcast])],
  Mul: (c) => [
    () => c.op("Mul", [c.dyBroadcast, c.input(1)]),
    () => c.op("Mul", [c.dyBroadcast, c.input(0)]),
  ],
  Div: (c) => [
    () => c.op("Div", [c.dyBroadcast, c.input(1)]),
    () => c.op("Div", [c.op("Mul", [c.dyBroadcast, c.op("Neg", [c.output(0)])]), c.input(1)]),
  ],
  Pow: (c) => {
    const [x, exponent] = [c.input(0), c.input(1)];
    return [
      () => {
        const power = c.op("Pow", [x, c.op("Sub", [exponent, 1])]);
        return c.op("Mul", [c.dyBroadcast, c.op("Mul", [exponent, power])]);
      },
      () => {
        // 0 ** e is flat in e, though the logarithm of 0 is infinite.
        const positive = c.op("Greater", [x, 0]);
        const log = c.op("Log", [c.op("Where", [positive, x, 1])]);
        return c.op("Mul", [c.dyBroadcast, c.op("Mul", [c.output(0), log])]);
      },
    ];
  },
  Min: extreme,
  Max: extreme,
  Neg: (c) => [() => c.op("Neg", [c.dyBroadcast])],
  Abs: scaled((c, x) => c.op("Sign", [x])),
  Sign: zero,
  Floor: zero,
  Ceil: zero,
  Sqrt: (c) => [() => c.op("Div", [c.op("Mul", [c.dyBroadcast, 0.5]), c.output(0)])],
  Exp: scaled((_, _x, y) => y),
  Log: (c) => [() => c.op("Div", [c.dyBroadcast, c.input(0)])],
  Erf: scaled((c, x) => {
    const density = c.op("Exp", [c.op("Mul", [x, c.op("Neg", [x])])]);
    return c.op("Mul", [density, 2 / Math.sqrt(Math.PI)]);
  }),
  Reciprocal: scaled((c, _, y) => c.op("Mul", [y, c.op("Neg", [y])])),
  Sin: scaled((c, x) => c.op("Cos", [x])),
  Cos: scaled((c, x) => c.op("Neg", [c.op("Sin", [x])])),
  Identity: (c) => [
    () => isAllReduce(c.node as unknown as Node) ? allReduce(c.graph, c.dy) : c.dyBroadcast,
  ],
  Relu: scaled((c, _, y) => isPositive(c, y)),
  LeakyRelu: (c) => [() => {
    const scaledDown = c.op("Mul", [c.dyBroadcast, c.attributes.alpha]);
    return c.op("Where", [c.op("Greater", [c.input(0), 0]), c.dyBroadcast, scaledDown]);
  }],
  Elu: scaled((c, x, y) =>
    c.op("Where", [c.op("Greater", [x, 0]), 1, c.op("Add", [y, c.attributes.alpha])])
  ),
  Gelu: scaled((c, x) =>
    c.attributes.approximate === "tanh" ? tanhGeluSlope(c, x) : geluSlope(c, x)
  ),
  Sigmoid: scaled((c, _, y) => c.op("Sub", [y, c.op("Mul", [y, y])])),
  Tanh: scaled((c, _, y) => c.op("Sub", [1, c.op("Mul", [y, y])])),
  Softplus: scaled((c, x) => c.op("Sigmoid", [x])),
  HardSigmoid: scaled((c, _, y) => {
    const within = c.op("And", [c.op("Greater", [y, 0]), c.op("Less", [y, 1])]);
    return c.op("Mul", [c.op("Cast", [within], { to: y.dtype }), c.attributes.alpha]);
  }),
  Clip: (c) => {
    const [low, high] = [c.optional(1), c.optional(2)];
    const within = () => {
      const bounds = [
        ...(low === null ? [] : [c.op("GreaterOrEqual", [c.input(0), low])]),
        ...(high === null ? [] : [c.op("LessOrEqual", [c.input(0), high])]),
      ];
      return bounds.length === 2 ? c.op("And", bounds) : bounds[0];
    };
    return [
      () => {
        const mask = within();
        return mask === undefined ? c.dyBroadcast : c.op("Where", [mask, c.dyBroadcast, 0]);
      },
      () => c.op("Where", [c.op("Less", [c.input(0), low]), c.dyBroadcast, 0]),
      () => c.op("Where", [c.op("Greater", [c.input(0), high]), c.dyBroadcast, 0]),
    ];
  },
  Where: (c) => [
    null,
    () => c.op("Where", [c.input(0), c.dyBroadcast, 0]),
    () => c.op("Where", [c.input(0), c.graph.constant(0, c.dyBroadcast.dtype), c.dyBroadcast]),
  ],
  Cast: (c) => [() => c.op("Cast", [c.dyBroadcast], { to: c.input(0).dtype })],
} satisfies GradientRules;
