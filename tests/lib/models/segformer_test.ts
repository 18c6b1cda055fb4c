import assert from "node:assert/strict";
import {
  elementCount,
  Graph,
  InputError,
  labelNames,
  type Network,
  networkFromConfig,
  variantConfig,
} from "../../../mod.ts";

/** Trainable elements of the parameters with the given prefix. */
function countParameters(network: Network, size: number, prefix = ""): number {
  const graph = new Graph("count");
  const x = graph.input("x", "float32", ["batch", network.bands, size, size]);
  network.build({ graph, training: false }, x);
  let count = 0;
  for (const { name, shape, producer } of graph.parameters.values()) {
    if (producer.kind === "parameter" && producer.trainable && name.startsWith(prefix)) {
      count += elementCount(shape as number[]);
    }
  }
  return count;
}

// transformers' own counts: encoder with 3 bands; model with 150 classes; encoder and classifier with
// 1000 classes; model with 14 bands and 10 classes.
const COUNTS: Record<string, readonly [number, number, number, number]> = {
  b0: [3_319_392, 3_752_694, 3_576_392, 3_733_962],
  b1: [13_151_424, 13_715_798, 13_664_424, 13_714_314],
  b2: [24_196_288, 27_461_974, 24_709_288, 27_388_810],
  b3: [44_072_128, 47_337_814, 44_585_128, 47_264_650],
  b4: [60_842_688, 64_108_374, 61_355_688, 64_035_210],
  b5: [81_443_008, 84_708_694, 81_956_008, 84_635_530],
};

for (const [variant, [encoder, ade20k, imagenet, sentinel]] of Object.entries(COUNTS)) {
  Deno.test(`SegFormer ${variant} has transformers' numbers of parameters`, () => {
    const model = networkFromConfig(variantConfig(variant, { bands: 3, classes: 150 }));
    assert.equal(countParameters(model, 64, model.encoderPrefix), encoder);
    assert.equal(countParameters(model, 64), ade20k);
    const classifier = networkFromConfig({
      ...variantConfig(variant, { bands: 3, classes: 1000 }),
      architectures: ["SegformerForImageClassification"],
    });
    assert.equal(countParameters(classifier, 64), imagenet);
    const mapper = networkFromConfig(variantConfig(variant, { bands: 14, classes: 10 }));
    assert.equal(countParameters(mapper, 64), sentinel);
  });
}

Deno.test("SegFormer has the published multiply-adds", () => {
  const count = (variant: string, bands: number, classes: number, height: number, width: number) =>
    networkFromConfig(variantConfig(variant, { bands, classes })).multiplyAdds(height, width) / 1e9;
  // Xie et al. 2021, table 2: 8.4 G for B0 and 62.4 G for B2 at 512×512 on ADE20K.
  assert.equal(count("b0", 3, 150, 512, 512).toFixed(1), "8.4");
  assert.equal(count("b2", 3, 150, 512, 512).toFixed(1), "62.3");
  assert.equal(count("b5", 3, 150, 640, 640).toFixed(1), "183.1");
  assert.equal(count("b5", 14, 10, 512, 512).toFixed(2), "110.31");
});

Deno.test("a parameter belongs to exactly one part", () => {
  const network = networkFromConfig(variantConfig("b0", { bands: 3, classes: 4 }));
  const graph = new Graph("parts");
  network.build(
    { graph, training: false },
    graph.input("x", "float32", ["batch", 3, 64, 64]),
  );
  for (const name of graph.parameters.keys()) {
    const owners = network.parts.filter(({ prefixes }) =>
      prefixes.some((prefix) => name.startsWith(prefix))
    );
    assert.equal(owners.length, 1, name);
  }
});

Deno.test("logits have a quarter of the image's size, and batch stays symbolic", () => {
  const network = networkFromConfig(variantConfig("b0", { bands: 13, classes: 9 }));
  const graph = new Graph("shape");
  const x = graph.input("x", "float32", ["batch", 13, 96, 160]);
  assert.deepEqual(network.build({ graph, training: false }, x).shape, ["batch", 9, 24, 40]);
});

Deno.test("wrong configurations are refused by the name of what is wrong", () => {
  const config = variantConfig("b0", { bands: 3, classes: 2 });
  const refuse = (change: Record<string, unknown>, message: RegExp) =>
    assert.throws(
      () => networkFromConfig({ ...config, ...change }),
      (error) => error instanceof InputError && message.test(error.message),
    );
  refuse(
    { depths: [1, 2] },
    /"depths" must have 4 entries, one a stage: current value is \[1, 2\]/,
  );
  refuse({ num_attention_heads: [1, 2, 5, 7] }, /256 channels of stage 3 do not divide into 7/);
  refuse({ num_channels: "three" }, /"num_channels" is wrong/);
  refuse({ model_type: "resnet" }, /"model_type" is "resnet": known are "segformer"/);
  refuse({ id2label: { 0: "a", 2: "b" } }, /2 entries and none for 1/);
  assert.throws(() => variantConfig("b7", { bands: 3, classes: 2 }), /There is no network "b7"/);
});

Deno.test("class names come from id2label", () => {
  assert.deepEqual(labelNames({ id2label: { "1": "forest", "0": "water" } }), ["water", "forest"]);
  assert.deepEqual(labelNames({}), ["LABEL_0", "LABEL_1"]);
});
