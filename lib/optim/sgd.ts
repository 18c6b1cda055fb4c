/** Stochastic gradient descent. @module */
import type { Optimizer } from "./optimizer.ts";

/** Options of {@linkcode sgd}. */
export interface SgdOptions {
  /** Share of the velocity that is kept; 0.9 where left out. */
  readonly momentum?: number;
  /** Look ahead along the velocity; false where left out. */
  readonly nesterov?: boolean;
}

/**
 * Stochastic gradient descent with momentum and L2 weight decay, with the update of `torch.optim.SGD`.
 *
 * @param options Momentum.
 */
export function sgd(options: SgdOptions = {}): Optimizer {
  const { momentum: share = 0.9, nesterov = false } = options;
  return {
    slots: ["velocity"],
    scalarNames: ["momentum"],
    scalars: (_step, momentum = share) => ({ momentum }),
    update(graph, inputs) {
      const { parameters, gradients, slots, learningRate, weightDecay, scalars } = inputs;
      const clipped = graph.op("Mul", [gradients, inputs.gradientFactor]);
      const slope = weightDecay === 0
        ? clipped
        : graph.op("Add", [clipped, graph.op("Mul", [parameters, weightDecay])]);
      const momentum = scalars.momentum!;
      const velocity = graph.op("Add", [graph.op("Mul", [slots.velocity!, momentum]), slope]);
      const direction = nesterov
        ? graph.op("Add", [slope, graph.op("Mul", [velocity, momentum])])
        : velocity;
      const step = graph.op("Mul", [direction, learningRate]);
      return { parameters: graph.op("Sub", [parameters, step]), slots: { velocity } };
    },
  };
}
