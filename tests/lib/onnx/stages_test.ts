import assert from "node:assert/strict";
import { allReduce, cutIntoStages, differentiate, Graph, GraphError, type Value } from "swath";

/** A sum, of which a second one is made; beside them what is needed throughout. */
function twoSums() {
  const graph = new Graph("g");
  const x = graph.input("x", "float32", [4]);
  const weight = graph.parameter("w", "float32", [4]);
  const product = graph.op("Mul", [x, weight]);
  const sum = allReduce(graph, product);
  const unneeded = graph.op("Exp", [sum]);
  const again = allReduce(graph, graph.op("Mul", [sum, product]));
  graph.output("y", graph.op("Add", [again, product]));
  return { graph, weight, unneeded };
}

const names = (values: Iterable<Value>) => [...values].map(({ name }) => name);

Deno.test("a graph is cut where it asks for sums; what leads nowhere is left out", () => {
  const stages = cutIntoStages(twoSums().graph);
  assert.equal(stages.length, 3);
  const [first, second, third] = stages as [typeof stages[0], typeof stages[0], typeof stages[0]];
  assert.deepEqual(names(first!.graph.inputs), ["x"]);
  assert.deepEqual(first!.summed, ["summed/Identity"]);
  // The product is needed in both later stages, and handed on once.
  assert.deepEqual(first!.carried, ["carried/Mul"]);
  assert.deepEqual(names(second!.graph.inputs).sort(), ["carried/Mul", "summed/Identity"]);
  assert.deepEqual(names(third!.graph.inputs).sort(), ["carried/Mul", "summed/Identity_1"]);
  assert.deepEqual([...third!.graph.outputs.keys()], ["y"]);
  const kinds = stages.flatMap(({ graph }) => graph.nodes.map(({ operator }) => operator));
  assert.ok(!kinds.includes("Exp"));
});

Deno.test("the gradient of a sum over processes is one too", () => {
  const graph = new Graph("g");
  const weight = graph.parameter("w", "float32", [4]);
  const sum = allReduce(graph, graph.op("Exp", [weight]));
  const loss = graph.op("ReduceSum", [graph.op("Mul", [sum, sum])], { keepdims: false });
  graph.output("gradient", differentiate(graph, loss, [weight]).get(weight)!);
  const stages = cutIntoStages(graph);
  assert.equal(stages.length, 3);
  assert.equal(stages.reduce((count, { summed }) => count + summed.length, 0), 2);
});

Deno.test("a graph without sums is one stage; a sum as output waits for the next stage", () => {
  const graph = new Graph("g");
  const x = graph.input("x", "float32", [2]);
  graph.output("y", graph.op("Exp", [x]));
  assert.equal(cutIntoStages(graph).length, 1);
  graph.output("total", allReduce(graph, graph.op("Neg", [x])));
  const [first, second] = cutIntoStages(graph);
  assert.deepEqual([...first!.graph.outputs.keys()], ["y", "summed/Identity"]);
  assert.deepEqual([...second!.graph.outputs.keys()], ["total"]);
});

Deno.test("a sum that is computed again is summed again", () => {
  const graph = new Graph("g");
  const weight = graph.parameter("w", "float32", [4]);
  const activation = graph.scope("block.0", () => {
    const sum = allReduce(graph, graph.op("Exp", [weight]));
    return graph.op("Mul", [sum, sum]);
  });
  const loss = graph.op("ReduceSum", [graph.op("Mul", [activation, activation])], {
    keepdims: false,
  });
  const recompute = ({ scope }: { scope: string }) => scope.startsWith("block") ? scope : null;
  graph.output("gradient", differentiate(graph, loss, [weight], { recompute }).get(weight)!);
  const summed = cutIntoStages(graph).flatMap((stage) => stage.summed);
  assert.equal(summed.length, 3, summed.join());
});

Deno.test("only float32 is summed", () => {
  const graph = new Graph("g");
  const count = graph.op("Cast", [graph.input("x", "float32", [2])], { to: "int64" });
  graph.output("y", graph.op("Neg", [allReduce(graph, count)]));
  assert.throws(() => cutIntoStages(graph), GraphError);
});
