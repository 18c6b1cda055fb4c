import assert from "node:assert/strict";
import { evaluateGraph, expandOperators, Graph, ndarray, replaceParameters } from "swath";

/** y = (x · w)² + 1, and x by another name. */
function sample(): Graph {
  const graph = new Graph("sample");
  const x = graph.input("x", "float32", ["n"]);
  const product = graph.scope("product", () => {
    return graph.op("Mul", [x, graph.parameter("w", "float32", [1], { trainable: false })]);
  });
  graph.output("y", graph.op("Add", [graph.op("Pow", [product, 2]), 1]));
  graph.output("same", x);
  return graph;
}

Deno.test("expandOperators: the function stays, names and order too", () => {
  const graph = sample();
  const expanded = expandOperators(graph, {
    Pow: (g, _, [base]) => [g.op("Mul", [base!, base!])],
    Add: () => null,
  });
  assert.deepEqual(expanded.nodes.map(({ operator }) => operator), [
    "Mul",
    "Mul",
    "Add",
    "Identity",
  ]);
  assert.equal(expanded.nodes[0]!.name, "product/Mul");
  assert.deepEqual(expanded.inputs, graph.inputs);
  assert.deepEqual(expanded.parameters.get("w")!.producer, graph.parameters.get("w")!.producer);
  assert.deepEqual([...expanded.outputs.keys()], ["y", "same"]);
  const feeds = {
    x: ndarray("float32", [2], new Float32Array([1, -3])),
    w: ndarray("float32", [1], new Float32Array([2])),
  };
  const [y, same] = evaluateGraph(expanded, feeds, [...expanded.outputs.values()]);
  assert.deepEqual([...y!.data], [5, 37]);
  assert.deepEqual([...same!.data], [1, -3]);
});

Deno.test("expandOperators: a graph without such operators is the same object", () => {
  const graph = sample();
  assert.equal(expandOperators(graph, { Sqrt: () => null }), graph);
});

Deno.test("replaceParameters: parameters that are parts of a vector give the same", () => {
  const graph = new Graph("parts");
  const x = graph.input("x", "float32", [2, 2]);
  const weight = graph.parameter("weight", "float32", [3, 2]);
  const bias = graph.parameter("bias", "float32", [3]);
  graph.output("y", graph.op("Gemm", [x, weight, bias], { transB: true }));
  const joined = replaceParameters(graph, (result, { name, shape }) => {
    const vector = result.inputs.find((input) => input.name === "vector") ??
      result.input("vector", "float32", [9]);
    const [from, to] = name === "weight" ? [0, 6] : [6, 9];
    const part = result.op("Slice", [vector, [from], [to], [0]]);
    return result.op("Reshape", [part, shape as readonly number[]]);
  });
  assert.deepEqual([...joined.parameters.keys()], []);
  assert.deepEqual(joined.inputs.map(({ name }) => name), ["x", "vector"]);
  const vector = ndarray("float64", [9], Float64Array.from({ length: 9 }, (_, i) => i - 4));
  const feeds = {
    x: ndarray("float64", [2, 2], new Float64Array([1, 2, 3, 4])),
    weight: ndarray("float64", [3, 2], vector.data.slice(0, 6)),
    bias: ndarray("float64", [3], vector.data.slice(6)),
  };
  const [expected] = evaluateGraph(graph, feeds, [graph.outputs.get("y")!]);
  const [actual] = evaluateGraph(joined, { x: feeds.x, vector }, [joined.outputs.get("y")!]);
  assert.deepEqual(actual, expected);
});
