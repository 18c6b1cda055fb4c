/** The fingerprint of a graph: what counts and what does not. */
import assert from "node:assert/strict";
import { Graph, hashGraph } from "swath";

interface Variation {
  scope?: string;
  constant?: number;
  alpha?: number;
  swapped?: boolean;
  parameter?: string;
  output?: string;
  extent?: number;
  unused?: boolean;
  trainable?: boolean;
}

function build(variation: Variation = {}): string {
  const { scope = "a", constant = 2, alpha = 1, swapped = false, output = "y" } = variation;
  const graph = new Graph("test");
  const x = graph.input("x", "float32", [variation.extent ?? 3, 4]);
  const w = graph.parameter(variation.parameter ?? "w", "float32", [4, 4], {
    trainable: variation.trainable ?? true,
  });
  const y = graph.scope(scope, () => {
    const product = graph.op("Gemm", [x, w], { alpha });
    if (variation.unused) graph.op("Relu", [product]);
    return graph.op("Sub", swapped ? [constant, product] : [product, constant]);
  });
  graph.output(output, y);
  return hashGraph(graph);
}

Deno.test("the hash of a graph is the same in every run", () => {
  assert.equal(build(), "54a38ac185642acd9564be120bd6e26372e29eaa2b3eda964896b668676d40a6");
});

Deno.test("names of nodes and nodes that lead to no output do not count", () => {
  assert.equal(build({ scope: "b/c" }), build());
  assert.equal(build({ unused: true }), build());
});

Deno.test("structure, attributes, constants, shapes and interface count", () => {
  const variations: Variation[] = [
    {},
    { constant: 3 },
    { alpha: 0.5 },
    { swapped: true },
    { parameter: "v" },
    { output: "z" },
    { extent: 5 },
    { trainable: false },
  ];
  assert.equal(new Set(variations.map(build)).size, variations.length);
});
