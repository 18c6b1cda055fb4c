/** Gradients in ONNX Runtime against PyTorch's autograd. */
import assert from "node:assert/strict";
import { createSession, differentiate, Graph, ndarray } from "swath";
import { OPERATOR_CASES, type OperatorCase } from "./operator_cases.ts";
import { peerTest, runPythonJson } from "./python.ts";

/** Single precision over sums of some hundred products. */
const TOLERANCE = 2e-5;

/** Different numbers, in a fixed order. */
function elementsOf({ shapes, positive = false }: OperatorCase) {
  let number = 0;
  return Object.entries(shapes).map(([name, shape]) => {
    const array = ndarray("float32", shape);
    for (let i = 0; i < array.data.length; i++) {
      const share = (++number * 0.6180339887) % 1;
      array.data[i] = positive ? 0.2 + share : 2 * share - 1;
    }
    return { name, array };
  });
}

async function ourGradients(each: OperatorCase): Promise<number[][]> {
  const graph = new Graph(each.operator);
  const inputs = elementsOf(each);
  const values = inputs.map(({ name, array }) => graph.input(name, "float32", array.shape));
  const output = each.build(graph, ...values);
  const count = output.shape.reduce<number>((product, dim) => product * Number(dim), 1);
  const weights = Float32Array.from({ length: count }, (_, i) => Math.cos(1 + i));
  const flat = graph.op("Reshape", [output, [-1]]);
  const weighted = graph.op("Mul", [flat, ndarray("float32", [count], weights)]);
  const loss = graph.op("ReduceSum", [weighted], { keepdims: false });
  const gradients = differentiate(graph, loss, values);
  graph.output("y", flat);
  for (const [i, value] of values.entries()) graph.output(`g${i}`, gradients.get(value)!);
  const session = await createSession(graph, { device: "cpu", threads: 1 });
  const feeds = Object.fromEntries(inputs.map(({ name, array }) => [name, array]));
  const results = await session.run(feeds);
  await session.release();
  return ["y", ...values.map((_, i) => `g${i}`)].map((name) =>
    Array.from(results[name]!.data as Float32Array)
  );
}

peerTest("gradients of operators are PyTorch's", ["torch"], async () => {
  const cases = OPERATOR_CASES.map((each) => ({
    inputs: elementsOf(each).map(({ name, array }) => [name, array.shape, [...array.data]]),
    torch: each.torch,
  }));
  const stdin = new TextEncoder().encode(JSON.stringify(cases));
  const theirs = await runPythonJson<[number[], number[][]][]>("operators.py", [], { stdin });
  for (const [i, each] of OPERATOR_CASES.entries()) {
    const [output, gradients] = theirs[i]!;
    const ours = await ourGradients(each);
    for (const [k, expected] of [output, ...gradients].entries()) {
      const what = `${each.operator}, ${each.torch}: ${k === 0 ? "output" : `gradient ${k - 1}`}`;
      assert.equal(ours[k]!.length, expected.length, what);
      for (const [j, value] of expected.entries()) {
        const error = Math.abs(ours[k]![j]! - value);
        assert.ok(
          error <= TOLERANCE * (1 + Math.abs(value)),
          `${what} [${j}]: ${ours[k]![j]}, PyTorch has ${value}`,
        );
      }
    }
  }
});
