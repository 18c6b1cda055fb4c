/** The graph builder: names, constants, outputs, shape inference and its errors. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { Graph, GraphError, isOperator, ndarray, sameShape, type Value } from "swath";

function fails(build: (graph: Graph) => unknown, message: string): void {
  assert.throws(() => build(new Graph("test")), (error) => {
    assert(error instanceof GraphError);
    assert.equal(error.message, message);
    return true;
  });
}

Deno.test("nodes are named by module path, and repeated ones are numbered", () => {
  const graph = new Graph("test");
  const x = graph.input("x", "float32", [2]);
  graph.scope("encoder", () => {
    graph.scope("block.0.1/attention", () => {
      graph.op("Relu", [x]);
      graph.op("Relu", [x]);
    });
    graph.op("Relu", [x]);
  });
  assert.deepEqual(graph.nodes.map((node) => node.name), [
    "encoder/block.0.1/attention/Relu",
    "encoder/block.0.1/attention/Relu_1",
    "encoder/Relu",
  ]);
  assert.equal(graph.nodes[0]?.scope, "encoder/block.0.1/attention");
  assert.equal(graph.currentScope, "");
});

Deno.test("a scope ends when its body throws", () => {
  const graph = new Graph("test");
  assert.throws(() =>
    graph.scope("a", () => {
      throw new Error("inside");
    })
  );
  assert.equal(graph.currentScope, "");
});

Deno.test("equal constants are one value; type, shape and bytes tell them apart", () => {
  const graph = new Graph("test");
  assert.equal(
    graph.constant([1, 2]),
    graph.constant(ndarray("float32", [2], new Float32Array([1, 2]))),
  );
  const distinct = [
    graph.constant([1, 2]),
    graph.constant([1, 3]),
    graph.constant([1, 2], "int64"),
    graph.constant(ndarray("float32", [1, 2], new Float32Array([1, 2]))),
    graph.constant(0),
    graph.constant(-0),
    graph.constant([0]),
  ];
  assert.equal(new Set(distinct).size, distinct.length);
  assert.equal(graph.constants.length, distinct.length);
});

Deno.test("numbers, lists and arrays become constants", () => {
  const graph = new Graph("test");
  const x = graph.input("x", "float16", [2, 3]);
  graph.op("Mul", [x, 2]);
  graph.op("Reshape", [x, [3, -1]]);
  graph.op("Where", [graph.input("mask", "bool", [3]), x, 0]);
  const types = graph.nodes.map((node) => node.inputs.map((value) => value?.dtype));
  assert.deepEqual(types, [["float16", "float16"], ["float16", "int64"], [
    "bool",
    "float16",
    "float16",
  ]]);
});

Deno.test("an optional output can be added to a node later", () => {
  const graph = new Graph("test");
  const x = graph.input("x", "float32", ["batch", 5, 4]);
  const scale = graph.parameter("scale", "float32", [4]);
  const y = graph.op("LayerNormalization", [x, scale]);
  assert(y.producer.kind === "node");
  const { node } = y.producer;
  assert.equal(node.outputs.length, 1);
  const deviation = graph.outputOf(node, 2);
  assert.deepEqual(deviation.shape, ["batch", 5, 1]);
  assert.deepEqual(node.outputs.map((value) => value.name), [
    "LayerNormalization",
    "LayerNormalization:Mean",
    "LayerNormalization:InvStdDev",
  ]);
  assert.equal(graph.outputOf(node, 0), y);
  assert.throws(() => graph.outputOf(node, 3), /at most 3 outputs can be asked for: current is 4/);
});

Deno.test("attributes are filled in, also those that depend on the inputs", () => {
  const graph = new Graph("test");
  const x = graph.input("x", "float32", [1, 3, 9, 9]);
  const y = graph.op("Conv", [x, graph.parameter("w", "float32", [4, 3, 3, 3])], {
    strides: [2, 2],
  });
  assert(y.producer.kind === "node");
  const { node } = y.producer;
  assert(isOperator(node, "Conv"));
  assert.deepEqual(node.attributes, {
    kernelShape: [3, 3],
    strides: [2, 2],
    dilations: [1, 1],
    pads: [0, 0, 0, 0],
    group: 1,
  });
});

Deno.test("the types of attributes are checked by the compiler", () => {
  const graph = new Graph("test");
  const x = graph.input("x", "float32", [2, 3]);
  // @ts-expect-error an attribute that the operator does not have
  graph.op("Relu", [x], { axis: 1 });
  // @ts-expect-error a value of another type
  assert.throws(() => graph.op("Transpose", [x], { perm: "10" }));
  // @ts-expect-error a required attribute that is left out
  assert.throws(() => graph.op("Concat", [x, x]));
});

Deno.test("an input or constant as output passes through a node", () => {
  const graph = new Graph("test");
  const x = graph.input("x", "float32", [2]);
  const y = graph.op("Relu", [x]);
  graph.output("same", x);
  graph.output("y", y);
  graph.output("again", y);
  assert.deepEqual(graph.nodes.map((node) => node.operator), ["Relu", "Identity", "Identity"]);
});

Deno.test("shape errors name the operator, the node and all shapes", () => {
  fails(
    (g) =>
      g.scope(
        "encoder/query",
        () =>
          g.op("Gemm", [
            g.input("x", "float32", ["64*batch", 32]),
            g.parameter("w", "float32", [16, 24]),
          ], {
            transB: true,
          }),
      ),
    'Gemm "encoder/query/Gemm": inner extents differ, 32 and 24 (transA false, transB true): ' +
      "A is float32 64*batchx32, B is float32 16x24",
  );
  fails(
    (g) => g.op("Add", [g.input("a", "float32", [2, 3]), g.input("b", "float32", [4])]),
    'Add "Add": shapes do not broadcast: A is float32 2x3, B is float32 4',
  );
  fails(
    (g) =>
      g.op("Conv", [
        g.input("x", "float32", [1, 3, 8, 8]),
        g.parameter("w", "float32", [8, 14, 3, 3]),
      ]),
    'Conv "Conv": X must have 14 channels (group 1): X is float32 1x3x8x8, W is float32 8x14x3x3',
  );
  fails(
    (g) => g.op("Reshape", [g.input("x", "float32", ["batch", 3, 4]), [0, -1, 5]]),
    'Reshape "Reshape": the number of elements, 12*batch, does not fit [0, -1, 5]: ' +
      "data is float32 batchx3x4, shape is int64 3",
  );
  fails(
    (g) =>
      g.op("Concat", [g.input("a", "float32", [2, 3]), g.input("b", "float32", [3, 3])], {
        axis: 1,
      }),
    'Concat "Concat": extents other than that of axis 1 differ: ' +
      "inputs[0] is float32 2x3, inputs[1] is float32 3x3",
  );
  fails(
    (g) => g.op("Softmax", [g.input("x", "float32", [2, 3])], { axis: 2 }),
    'Softmax "Softmax": axis must be in [-2, 1]: current axis is 2: X is float32 2x3',
  );
  fails(
    (g) => g.op("Mul", [g.input("a", "float32", [2]), g.input("b", "int64", [2])]),
    'Mul "Mul": element types differ: A is float32 2, B is int64 2',
  );
  fails((g) => g.op("Where", []), 'Where "Where": condition is missing');
  fails(
    (g) => g.op("Relu", [g.input("x", "float32", []), 1]),
    'Relu "Relu": at most 1 inputs can be given: current is 2: X is float32 scalar, input 1 is float32 scalar',
  );
  fails(
    (g) => g.op("MaxPool", [g.input("x", "float32", [1, 1, 2, 2])], { kernelShape: [3, 3] }),
    'MaxPool "MaxPool": a window of 3 does not fit the padded extent 2: X is float32 1x1x2x2',
  );
  fails(
    (g) => g.op("Sqrt", [g.input("x", "int64", [2])]),
    'Sqrt "Sqrt": X must be floating-point: X is int64 2',
  );
});

Deno.test("names are unique, and values belong to one graph", () => {
  fails((g) => {
    g.input("x", "float32", [2]);
    g.parameter("x", "float32", [3]);
  }, 'Cannot add "x" (float32 3) as the name is taken');
  fails(
    (g) => g.op("Relu", [new Graph("other").input("x", "float32", [2])]),
    '"x" is not a value of graph "test"',
  );
  fails((g) => {
    const y = g.op("Relu", [g.input("x", "float32", [2])]);
    g.output("x", y);
  }, 'Cannot name an output "x" as the name is taken');
});

/** Values of one shape, transposed and reshaped at random, and back. */
Deno.test("transposing and reshaping back gives the first shape, with symbols too", () => {
  const shape = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(shape, fc.boolean(), fc.infiniteStream(fc.nat()), (extents, symbolic, random) => {
      const graph = new Graph("test");
      const x = graph.input("x", "float32", symbolic ? ["batch", ...extents] : extents);
      const perm = [...x.shape.keys()];
      const order = new Map(perm.map((axis) => [axis, random.next().value as number]));
      perm.sort((a, b) => order.get(a)! - order.get(b)!);
      const inverse = perm.map((_, axis) => perm.indexOf(axis));
      const there = graph.op("Transpose", [x], { perm });
      const back: Value = graph.op("Transpose", [there], { perm: inverse });
      assert(sameShape(back.shape, x.shape));
      const flat = graph.op("Reshape", [x, [-1]]);
      const restored = graph.op("Reshape", [
        flat,
        x.shape.map((dim) => dim === "batch" ? -1 : dim as number),
      ]);
      assert.deepEqual(restored.shape, x.shape);
    }),
  );
});
