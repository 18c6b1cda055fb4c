/** AdamW. @module */
import type { Value } from "../onnx/mod.ts";
import type { Optimizer } from "./optimizer.ts";

const SCALAR_NAMES = ["beta1", "correction1", "correction2"] as const;
type ScalarName = (typeof SCALAR_NAMES)[number];

/** Options of {@linkcode adamw}. */
export interface AdamwOptions {
  /** Decay rates of the two moments; 0.9 and 0.999 where left out. */
  readonly betas?: readonly [first: number, second: number];
  /** Added to the root of the second moment; 1e-8 where left out. */
  readonly epsilon?: number;
}

/**
 * AdamW: Loshchilov and Hutter, "Decoupled weight decay regularization" (2019), with the update of
 * `torch.optim.AdamW`.
 *
 * @param options Betas and epsilon.
 */
export function adamw(options: AdamwOptions = {}): Optimizer {
  const { betas: [beta1, beta2] = [0.9, 0.999], epsilon = 1e-8 } = options;
  return {
    slots: ["first_moment", "second_moment"],
    scalarNames: SCALAR_NAMES,
    scalars(step, momentum = beta1) {
      return {
        beta1: momentum,
        correction1: 1 - momentum ** step,
        correction2: Math.sqrt(1 - beta2 ** step),
      };
    },
    update(graph, inputs) {
      const { parameters, gradients, slots, learningRate, weightDecay, scalars } = inputs;
      const { beta1, correction1, correction2 } = scalars as Record<ScalarName, Value>;
      const newShare = graph.op("Sub", [1, beta1]);
      // What takes a pass over the vectors is folded into scalars.
      const share = graph.op("Mul", [
        gradients,
        graph.op("Mul", [inputs.gradientFactor, newShare]),
      ]);
      const first = graph.op("Add", [graph.op("Mul", [slots.first_moment!, beta1]), share]);
      const squareShare = graph.op("Div", [1 - beta2, graph.op("Mul", [newShare, newShare])]);
      const second = graph.op("Add", [
        graph.op("Mul", [slots.second_moment!, beta2]),
        graph.op("Mul", [graph.op("Mul", [share, share]), squareShare]),
      ]);
      // m̂ / (√v̂ + ε) with numerator and denominator multiplied by the second correction.
      const deviation = graph.op("Add", [
        graph.op("Sqrt", [second]),
        graph.op("Mul", [correction2, epsilon]),
      ]);
      const rate = graph.op("Div", [graph.op("Mul", [learningRate, correction2]), correction1]);
      const step = graph.op("Mul", [graph.op("Div", [first, deviation]), rate]);
      const kept = weightDecay === 0 ? parameters : graph.op("Mul", [
        parameters,
        graph.op("Sub", [1, graph.op("Mul", [learningRate, weightDecay])]),
      ]);
      return {
        parameters: graph.op("Sub", [kept, step]),
        slots: { first_moment: first, second_moment: second },
      };
    },
  };
}
