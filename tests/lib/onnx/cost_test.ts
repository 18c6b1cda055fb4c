/** Multiply-adds and parameter counts, against numbers worked out by hand. */
import assert from "node:assert/strict";
import { batchNorm, conv2d, Graph, linear, moduleCosts, nodeCosts, parameterCounts } from "swath";

Deno.test("multiply-adds of products and convolutions", () => {
  const graph = new Graph("test");
  const image = graph.input("image", "float32", ["batch", 8, 6, 6]);
  const weight = (name: string, ...shape: number[]) => graph.parameter(name, "float32", shape);
  const tokens = graph.input("tokens", "float32", ["batch", 10, 8]);
  const sources = graph.input("sources", "float32", ["batch", 5, 8]);
  const y = [
    graph.op("Conv", [image, weight("a", 4, 8, 3, 3)]),
    graph.op("Conv", [image, weight("b", 8, 1, 3, 3)], { group: 8, pads: [1, 1, 1, 1] }),
    graph.op("ConvTranspose", [image, weight("c", 8, 3, 2, 2)], { strides: [2, 2] }),
    graph.op("MatMul", [tokens, weight("d", 8, 7)]),
    graph.op("FusedMatMul", [tokens, tokens], { transA: true }),
    graph.op("FusedMatMul", [tokens, sources], { transB: true }),
    graph.op("Gemm", [graph.op("Reshape", [tokens, [-1, 8]]), weight("e", 3, 8)], { transB: true }),
    graph.op("MultiHeadAttention", [tokens, sources, sources], { numHeads: 2 }),
    graph.op("Relu", [tokens]),
  ];
  for (const [i, value] of y.entries()) graph.output(`y${i}`, value);
  const costs = nodeCosts(graph, { batch: 2 }).filter(({ node }) => node.operator !== "Reshape");
  assert.deepEqual(costs.map(({ multiplyAdds }) => multiplyAdds), [
    2 * 4 * 4 * 4 * (8 * 9),
    2 * 8 * 6 * 6 * 9,
    2 * 8 * 6 * 6 * (3 * 4),
    2 * 10 * 7 * 8,
    2 * 8 * 8 * 10,
    2 * 10 * 5 * 8,
    2 * 10 * 3 * 8,
    2 * 10 * 5 * 8 * 2,
    0,
  ]);
  assert.equal(costs.at(-1)?.outputElements, 2 * 10 * 8);
  assert.throws(() => nodeCosts(graph), /batch has no number/);
});

Deno.test("costs and parameters add up by module", () => {
  const graph = new Graph("test");
  const image = graph.input("image", "float32", [1, 3, 4, 4]);
  const y = graph.scope("encoder", () => {
    const map = conv2d(graph, image, "net.encoder.proj", 8, { kernel: 1 });
    return batchNorm(graph, map, "net.encoder.norm");
  });
  const pooled = graph.op("Flatten", [graph.op("GlobalAveragePool", [y])]);
  graph.output("logits", linear(graph, pooled, "net.head", 2));
  const costs = moduleCosts(graph);
  assert.equal(costs.get("encoder/proj")?.multiplyAdds, 8 * 3 * 16);
  assert.equal(costs.get("encoder")?.nodes, 2);
  assert.equal(costs.get("")?.multiplyAdds, 8 * 3 * 16 + 8 * 2);
  const counts = parameterCounts(graph);
  assert.equal(counts.get("net.encoder"), 8 * 3 + 8 + 16);
  assert.equal(counts.get("net.encoder.norm.running_mean"), undefined);
  assert.equal(counts.get(""), 8 * 3 + 8 + 16 + 18);
});
