import assert from "node:assert/strict";
import {
  changeConfig,
  featureShapes,
  Graph,
  networkFromConfig,
  parseSegformerConfig,
  segformerEncoder,
  variantConfig,
} from "swath";

Deno.test("a configuration changes in bands, classes and task, and in nothing else", () => {
  const config = variantConfig("b2", { bands: 3, classes: 150 });
  const changed = changeConfig(config, { bands: 14, classes: 4, task: "classification" });
  const network = networkFromConfig(changed);
  assert.deepEqual([network.bands, network.classes, network.task], [14, 4, "classification"]);
  assert.equal(changed.decoder_hidden_size, 768);
  assert.deepEqual(changeConfig(config, {}), config);
});

Deno.test("shapes of the feature maps are those that the encoder makes", () => {
  const config = { ...variantConfig("b1", { bands: 5, classes: 3 }), strides: [4, 2, 1, 2] };
  const network = networkFromConfig(config);
  const graph = new Graph("encoder");
  const made = segformerEncoder(
    { graph, training: false },
    graph.input("x", "float32", ["batch", 5, 96, 160]),
    parseSegformerConfig(config),
  );
  assert.deepEqual(
    featureShapes(network, 96, 160).map(({ shape }) => shape),
    made.map(({ value, height, width }) => [value.shape[2], height, width]),
  );
});
