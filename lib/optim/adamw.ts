/** AdamW. @module */
import type { Optimizer } from "./optimizer.ts";

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
    scalarNames: ["beta1", "correction1", "correction2"],
    scalars(step, momentum = beta1) {
      return {
        beta1: momentum,
        correction1: 1 - momentum ** step,
        correction2: Math.sqrt(1 - beta2 ** step),
      };
    },
    update(graph, { parameters, gradients, slots, learningRate, weightDecay, scalars }) {
      const first = graph.op("Add", [
        graph.op("Mul", [slots.first_moment!, scalars.beta1!]),
        graph.op("Mul", [gradients, graph.op("Sub", [1, scalars.beta1!])]),
      ]);
      const second = graph.op("Add", [
        graph.op("Mul", [slots.second_moment!, beta2]),
        graph.op("Mul", [graph.op("Mul", [gradients, gradients]), 1 - beta2]),
      ]);
      const deviation = graph.op("Add", [
        graph.op("Div", [graph.op("Sqrt", [second]), scalars.correction2!]),
        epsilon,
      ]);
      const rate = graph.op("Div", [learningRate, scalars.correction1!]);
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
