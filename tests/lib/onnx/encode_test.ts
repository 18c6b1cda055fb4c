/** Models as bytes: parameters, names, and the limits of the format. */
import assert from "node:assert/strict";
import { createSession, encodeModel, Graph, InputError, ndarray } from "swath";

function affine(): Graph {
  const graph = new Graph("affine");
  const x = graph.input("x", "float32", [2]);
  const scale = graph.parameter("scale", "float32", [2]);
  const shift = graph.parameter("shift", "float32", [2]);
  graph.parameter("unused", "float32", [2]);
  graph.output("y", graph.op("Add", [graph.op("Mul", [x, scale]), shift]));
  return graph;
}

const pair = (a: number, b: number) => ndarray("float32", [2], new Float32Array([a, b]));

Deno.test("parameters are inputs of the model unless they are given", async () => {
  const session = await createSession(encodeModel(affine()), { device: "cpu" });
  assert.deepEqual([...session.inputs.keys()], ["x", "scale", "shift"]);
  const { y } = await session.run({ x: pair(1, 2), scale: pair(3, 4), shift: pair(5, 6) });
  await session.release();
  assert.deepEqual([...y!.data], [8, 14]);
});

Deno.test("given parameters are part of the model; null leaves one an input", async () => {
  const parameters = (name: string) => name === "scale" ? pair(10, 20) : null;
  const session = await createSession(encodeModel(affine(), { parameters }), { device: "cpu" });
  assert.deepEqual([...session.inputs.keys()], ["x", "shift"]);
  const { y } = await session.run({ x: pair(1, 2), shift: pair(5, 6) });
  await session.release();
  assert.deepEqual([...y!.data], [15, 46]);
});

Deno.test("a parameter that is missing or does not fit is refused by name", () => {
  const encode = (parameters: Map<string, ReturnType<typeof pair>>) => () =>
    encodeModel(affine(), { parameters: (name) => parameters.get(name) });
  assert.throws(encode(new Map([["scale", pair(1, 1)]])), {
    name: "InputError",
    message: 'Cannot encode the model as parameter "shift" has no value',
  });
  assert.throws(encode(new Map([["scale", ndarray("float32", [3])], ["shift", pair(1, 1)]])), {
    name: "InputError",
    message: 'Cannot encode the model as parameter "scale" is float32 3: the graph has float32 2',
  });
});

Deno.test("a model beyond 2 GB is refused before memory is taken", () => {
  const elements = 2 ** 28;
  const graph = new Graph("large");
  const parts = ["a", "b"].map((name) => graph.parameter(name, "float32", [elements]));
  graph.output("y", graph.op("Add", parts));
  const array = ndarray("float32", [elements]);
  assert.throws(() => encodeModel(graph, { parameters: () => array }), (error) => {
    assert(error instanceof InputError);
    assert.equal(
      error.message,
      'Cannot encode model "large" as ONNX holds at most 2 GB in one file: current size is 2.1 GB',
    );
    return true;
  });
});

Deno.test("every attribute kind and negative integers arrive", async () => {
  const graph = new Graph("attributes");
  const x = graph.input("x", "float32", [2, 3]);
  graph.output("leaky", graph.op("LeakyRelu", [x], { alpha: 0.25 }));
  graph.output("last", graph.op("ArgMax", [x], { axis: -1, keepdims: false }));
  graph.output("turned", graph.op("Transpose", [x], { perm: [1, 0] }));
  graph.output("bytes", graph.op("Cast", [x], { to: "int8" }));
  graph.output("padded", graph.op("Pad", [x, [0, 1, 0, 0]], { mode: "edge" }));
  const session = await createSession(graph, { device: "cpu" });
  const data = new Float32Array([-4, 2, 1, 0, 5, 9]);
  const outputs = await session.run({ x: ndarray("float32", [2, 3], data) });
  await session.release();
  const elements = Object.fromEntries(
    Object.entries(outputs).map(([name, array]) => [name, Array.from(array.data, Number)]),
  );
  assert.deepEqual(elements, {
    leaky: [-1, 2, 1, 0, 5, 9],
    last: [1, 2],
    turned: [-4, 0, 2, 5, 1, 9],
    bytes: [-4, 2, 1, 0, 5, 9],
    padded: [-4, -4, 2, 1, 0, 0, 5, 9],
  });
});
