import assert from "node:assert/strict";
import { evaluateGraph, expandOperators, Graph, ndarray } from "swath";

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
