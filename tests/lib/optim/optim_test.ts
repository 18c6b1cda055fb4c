import assert from "node:assert/strict";
import { adamw, clipFactor, evaluateGraph, Graph, ndarray, type Optimizer, sgd } from "swath";

/** What gradients are multiplied by in the graph. */
const FACTOR = 0.25;

/** Steps of an optimizer on two numbers with the gradients given. */
function run(
  optimizer: Optimizer,
  gradients: readonly (readonly [number, number])[],
  { learningRate = 0.1, weightDecay = 0, momentum = undefined as number | undefined } = {},
): number[] {
  const graph = new Graph("update");
  const vector = (name: string) => graph.input(name, "float32", [2]);
  const scalar = (name: string) => graph.input(name, "float32", []);
  const slots = Object.fromEntries(optimizer.slots.map((name) => [name, vector(name)]));
  const updated = optimizer.update(graph, {
    parameters: vector("parameters"),
    gradients: vector("gradients"),
    gradientFactor: graph.constant(FACTOR, "float32"),
    slots,
    learningRate: scalar("learning_rate"),
    weightDecay,
    scalars: Object.fromEntries(optimizer.scalarNames.map((name) => [name, scalar(name)])),
  });
  const array = (...numbers: number[]) =>
    ndarray("float64", numbers.length === 1 ? [] : [2], Float64Array.from(numbers));
  let state: Record<string, ReturnType<typeof array>> = {
    parameters: array(1, -2),
    ...Object.fromEntries(optimizer.slots.map((name) => [name, array(0, 0)])),
  };
  for (const [index, gradient] of gradients.entries()) {
    const scalars = Object.entries(optimizer.scalars(index + 1, momentum));
    const feeds = {
      ...state,
      gradients: array(...gradient.map((value) => value / FACTOR)),
      "learning_rate": array(learningRate),
      ...Object.fromEntries(scalars.map(([name, value]) => [name, array(value)])),
    };
    const names = ["parameters", ...optimizer.slots];
    const values = [updated.parameters, ...optimizer.slots.map((name) => updated.slots[name]!)];
    const results = evaluateGraph(graph, feeds, values);
    state = Object.fromEntries(names.map((name, i) => [name, results[i]!]));
  }
  return [...state.parameters!.data];
}

function assertClose(actual: readonly number[], expected: readonly number[]): void {
  for (const [i, value] of expected.entries()) {
    assert.ok(Math.abs(actual[i]! - value) < 1e-6, `${actual} instead of ${expected}`);
  }
}

const GRADIENTS = [[0.5, -0.25], [-1, 0.125], [0.75, 2]] as const;

Deno.test("adamw: Algorithm 2 of the paper", () => {
  const [rate, decay, beta1, beta2] = [0.1, 0.05, 0.8, 0.95];
  const expected = [1, -2].map((start, i) => {
    let [p, m, v] = [start, 0, 0];
    for (const [t, gradient] of GRADIENTS.entries()) {
      const g = gradient[i]!;
      p *= 1 - rate * decay;
      m = beta1 * m + (1 - beta1) * g;
      v = beta2 * v + (1 - beta2) * g * g;
      p -= rate * (m / (1 - beta1 ** (t + 1))) / (Math.sqrt(v / (1 - beta2 ** (t + 1))) + 1e-8);
    }
    return p;
  });
  assertClose(run(adamw({ betas: [beta1, beta2] }), GRADIENTS, { weightDecay: decay }), expected);
  // The first beta may come with the step.
  const moved = run(adamw({ betas: [0.1, beta2] }), GRADIENTS, {
    weightDecay: decay,
    momentum: beta1,
  });
  assertClose(moved, expected);
});

for (const nesterov of [false, true]) {
  Deno.test(`sgd: momentum ${nesterov ? "with" : "without"} looking ahead, and decay`, () => {
    const [rate, decay, momentum] = [0.1, 0.05, 0.8];
    const expected = [1, -2].map((start, i) => {
      let [p, velocity] = [start, 0];
      for (const gradient of GRADIENTS) {
        const g = gradient[i]! + decay * p;
        velocity = momentum * velocity + g;
        p -= rate * (nesterov ? g + momentum * velocity : velocity);
      }
      return p;
    });
    assertClose(run(sgd({ momentum, nesterov }), GRADIENTS, { weightDecay: decay }), expected);
  });
}

Deno.test("clipFactor: brings larger gradients to the limit and leaves others", () => {
  const graph = new Graph("clip");
  const [norm, limit] = [graph.input("norm", "float32", []), graph.input("limit", "float32", [])];
  const factor = clipFactor(graph, norm, limit);
  const at = (n: number, l: number) => {
    const scalar = (x: number) => ndarray("float64", [], new Float64Array([x]));
    return evaluateGraph(graph, { norm: scalar(n), limit: scalar(l) }, [factor])[0]!.data[0]!;
  };
  assert.ok(Math.abs(at(4, 1) - 1 / (4 + 1e-6)) < 1e-9);
  assert.equal(at(0.5, 1), 1);
  assert.equal(at(0, 1), 1);
  assert.equal(at(1e30, Infinity), 1);
  assert.ok(Number.isNaN(at(NaN, 1)));
});
