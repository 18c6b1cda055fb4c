/** The reference evaluator agrees with ONNX Runtime on samples of every operator. */
import assert from "node:assert/strict";
import { createSession, evaluateGraph, Graph, GraphError, ndarray, OPERATORS } from "swath";
import { allSamples, KnownGraph, outputsOf, sampleFeed } from "./sample_graph.ts";

/** Single precision over sums of a few hundred elements. */
const TOLERANCE = 2e-5;

for (const operator of Object.keys(OPERATORS)) {
  Deno.test(`${operator}: the evaluator gives ONNX Runtime's elements`, async () => {
    for (const { number, sample } of allSamples().filter((each) => each.operator === operator)) {
      const graph = new KnownGraph(`${operator}.${number}`);
      const values = outputsOf(sample, graph);
      for (const [i, value] of values.entries()) graph.output(`y${i}`, value);
      const feeds = Object.fromEntries(
        graph.inputs.map((value) => [value.name, sampleFeed(operator as never, value)]),
      );
      const session = await createSession(graph, {
        device: "cpu",
        threads: 1,
        logSeverity: "fatal",
      });
      const wanted = await session.run(feeds);
      await session.release();
      const results = evaluateGraph(graph, feeds, values);
      for (const [i, result] of results.entries()) {
        const want = wanted[`y${i}`]!;
        assert.deepEqual(result.shape, want.shape, `shape of output ${i} of sample ${number}`);
        for (const [k, element] of result.data.entries()) {
          const error = Math.abs(element - Number(want.data[k]));
          // Half precision keeps three digits.
          const limit = want.dtype === "float16" ? 1e-3 : TOLERANCE;
          assert.ok(
            error <= limit * (1 + Math.abs(element)) || Number.isNaN(element),
            `sample ${number}, output ${i}, element ${k}: ${element} is not ${want.data[k]}`,
          );
        }
      }
    }
  });
}

Deno.test("evaluateGraph: an input that is not fed is named", () => {
  const graph = new Graph("sum");
  const x = graph.input("x", "float32", [2]);
  const y = graph.op("Neg", [x]);
  assert.throws(
    () => evaluateGraph(graph, {}, [y]),
    new GraphError('Cannot evaluate "x": it is not fed'),
  );
});

Deno.test("evaluateGraph: double precision whatever the graph's", () => {
  const graph = new Graph("product");
  const x = graph.input("x", "float32", []);
  const square = graph.op("Mul", [x, x]);
  const feeds = { x: ndarray("float64", [], new Float64Array([1 + 2 ** -30])) };
  assert.equal(evaluateGraph(graph, feeds, [square])[0]!.data[0], (1 + 2 ** -30) ** 2);
});
