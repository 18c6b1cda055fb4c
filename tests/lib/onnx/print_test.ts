/** Graphs as text: golden. */
import assert from "node:assert/strict";
import { conv2d, Graph, layerNorm, linear, printGraph, reshape } from "swath";

Deno.test("a graph prints as one line a node, indented by module path", () => {
  const graph = new Graph("tiny");
  const image = graph.input("image", "float32", ["batch", 3, 16, 16]);
  const features = graph.scope("encoder", () => {
    const map = conv2d(graph, image, "encoder.proj", 8, { kernel: 7, stride: 4, padding: 3 });
    const tokens = graph.op("Transpose", [reshape(graph, map, ["batch", 8, -1])], {
      perm: [0, 2, 1],
    });
    return graph.scope("block.0", () => {
      const normed = layerNorm(graph, tokens, "encoder.block.0.layer_norm");
      const attended = graph.scope(
        "attention",
        () => graph.op("MultiHeadAttention", [normed, normed, normed], { numHeads: 2 }),
      );
      return graph.op("Add", [tokens, attended]);
    });
  });
  const logits = linear(graph, features, "classifier", 5, { bias: false });
  graph.op("Exp", [logits]);
  const total = graph.parameter("seen", "int64", [], { trainable: false });
  graph.output("logits", logits);
  graph.output("seen_after", graph.op("Add", [total, 1]));
  graph.output("best", graph.ops("TopK", 2, [logits, [1]])[1]);
  assert.equal(
    printGraph(graph),
    `graph tiny
  input image: float32 batchx3x16x16
  parameter encoder.proj.weight: float32 8x3x7x7
  parameter encoder.proj.bias: float32 8
  parameter encoder.block.0.layer_norm.weight: float32 8
  parameter encoder.block.0.layer_norm.bias: float32 8
  parameter classifier.weight: float32 5x8
  buffer seen: int64 scalar
  encoder:
    proj:
      %0: float32 batchx8x4x4 = Conv(image, encoder.proj.weight, encoder.proj.bias) kernelShape=[7, 7] strides=[4, 4] pads=[3, 3, 3, 3]
    %1: float32 batchx8x16 = Reshape(%0, [0, 8, -1])
    %2: float32 batchx16x8 = Transpose(%1) perm=[0, 2, 1]
    block.0:
      layer_norm:
        %3: float32 batchx16x8 = LayerNormalization(%2, encoder.block.0.layer_norm.weight, encoder.block.0.layer_norm.bias)
      attention:
        %4: float32 batchx16x8 = com.microsoft.MultiHeadAttention(%3, %3, %3) numHeads=2
      %5: float32 batchx16x8 = Add(%2, %4)
  classifier:
    %6: float32 16*batchx8 = Reshape(%5, [-1, 8])
    %7: float32 16*batchx5 = Gemm(%6, classifier.weight) transB=true
    %8: float32 batchx16x5 = Reshape(%7, [-1, 16, 5])
  %9: int64 scalar = Add(seen, 1)
  %10: float32 batchx16x1, %11: int64 batchx16x1 = TopK(%8, [1])
  output logits = %8
  output seen_after = %9
  output best = %11
`,
  );
});
