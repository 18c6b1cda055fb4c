/** Layers: parameter names, shapes, and resampling. */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  batchNorm,
  conv2d,
  createSession,
  Graph,
  interpolationMatrix,
  layerNorm,
  linear,
  ndarray,
  reshape,
  resizeBilinear,
} from "swath";

Deno.test("layers name their parameters by module and their nodes by its last part", () => {
  const graph = new Graph("test");
  const x = graph.input("x", "float32", ["batch", 6, 4, 4]);
  graph.scope("stem", () => {
    const map = batchNorm(
      graph,
      conv2d(graph, x, "stem.conv", 8, { kernel: 3, groups: 2, bias: false }),
      "stem.bn",
    );
    const tokens = graph.op("Transpose", [reshape(graph, map, ["batch", 8, 4])], {
      perm: [0, 2, 1],
    });
    linear(graph, layerNorm(graph, tokens, "stem.layer_norm.0"), "stem.query", 5);
  });
  assert.deepEqual(
    [...graph.parameters.values()].map(({ name, shape }) => `${name} ${shape.join("x")}`),
    [
      "stem.conv.weight 8x3x3x3",
      "stem.bn.weight 8",
      "stem.bn.bias 8",
      "stem.bn.running_mean 8",
      "stem.bn.running_var 8",
      "stem.layer_norm.0.weight 8",
      "stem.layer_norm.0.bias 8",
      "stem.query.weight 5x8",
      "stem.query.bias 5",
    ],
  );
  assert.deepEqual(graph.nodes.map((node) => node.name), [
    "stem/conv/Conv",
    "stem/bn/BatchNormalization",
    "stem/Reshape",
    "stem/Transpose",
    "stem/layer_norm.0/LayerNormalization",
    "stem/query/Reshape",
    "stem/query/Gemm",
    "stem/query/Reshape_1",
  ]);
  assert.deepEqual(graph.nodes.at(-1)?.outputs[0]?.shape, ["batch", 4, 5]);
});

Deno.test("a reshape keeps one symbol, or says why it cannot", () => {
  const graph = new Graph("test");
  const x = graph.input("x", "float32", ["batch", "height", 6]);
  assert.deepEqual(reshape(graph, x, ["batch", "height", 2, 3]).shape, ["batch", "height", 2, 3]);
  assert.throws(() => reshape(graph, x, ["height", "batch", 6]), {
    name: "GraphError",
    message: 'Cannot reshape "x" from batchxheightx6 to heightxbatchx6 ' +
      "as more than one extent would be inferred",
  });
});

Deno.test("every row of an interpolation matrix is a weighted mean of neighbours", () => {
  const extent = fc.integer({ min: 1, max: 40 });
  fc.assert(fc.property(extent, extent, (from, to) => {
    const { data } = interpolationMatrix(from, to);
    for (let row = 0; row < to; row++) {
      const weights = data.subarray(row * from, (row + 1) * from);
      const used = [...weights.keys()].filter((i) => weights[i] !== 0);
      assert(used.length >= 1 && used.length <= 2 && used.at(-1)! - used[0]! <= 1);
      assert(Math.abs(weights.reduce((sum, weight) => sum + weight, 0) - 1) < 1e-6);
      // The centre of gravity is the source position, within the outermost centres.
      const centre = used.reduce((sum, i) => sum + i * weights[i]!, 0);
      const position = Math.min(Math.max((row + 0.5) * from / to - 0.5, 0), from - 1);
      assert(Math.abs(centre - position) < 1e-4);
    }
  }));
});

Deno.test("two products resample as ONNX Runtime's Resize does", async () => {
  const graph = new Graph("test");
  const x = graph.input("x", "float32", [1, 2, 5, 7]);
  graph.output("products", resizeBilinear(graph, x, [20, 9]));
  graph.output(
    "resize",
    graph.op("Resize", [x, null, null, [1, 2, 20, 9]], { mode: "linear" }),
  );
  const session = await createSession(graph, { device: "cpu" });
  const data = Float32Array.from({ length: 70 }, (_, i) => Math.sin(i * 1.7));
  const { products, resize } = await session.run({ x: ndarray("float32", [1, 2, 5, 7], data) });
  await session.release();
  assert.deepEqual(products!.shape, [1, 2, 20, 9]);
  // Both interpolate in single precision; the order of the two axes differs.
  for (const [i, element] of products!.data.entries()) {
    assert(Math.abs(Number(element) - Number(resize!.data[i])) < 2e-6);
  }
});
