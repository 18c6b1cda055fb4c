/** What holds for every network of the registry. */
import assert from "node:assert/strict";
import {
  buildInferenceGraph,
  countParameters,
  createTrainStep,
  crossEntropy,
  featureShapes,
  findVariant,
  Graph,
  ndarray,
  type Network,
  NETWORK_FAMILIES,
  type NetworkConfig,
  networkFromConfig,
  networkParameters,
  randomStream,
  sgd,
  variantConfig,
} from "swath";

const NAMES = [...NETWORK_FAMILIES.values()].flatMap(({ name, variants }) =>
  variants.map((variant) => `${name}-${variant}`)
);

/**
 * Parameters for 3 bands and 21 classes. Those of DeepLabV3 are torchvision's, of DeepLabV3+
 * segmentation-models-pytorch's; of SegFormer transformers'. tests/peers counts the same in PyTorch.
 */
const COUNTS: Readonly<Record<string, number>> = {
  "segformer-b0": 3_719_541,
  "segformer-b1": 13_682_645,
  "segformer-b2": 27_362_773,
  "segformer-b3": 47_238_613,
  "segformer-b4": 64_009_173,
  "segformer-b5": 84_609_493,
  "segformer_resnet-resnet18": 11_691_349,
  "segformer_resnet-resnet34": 21_799_509,
  "segformer_resnet-resnet50": 24_760_149,
  "segformer_resnet-resnet101": 43_752_277,
  "setr-naive-tiny": 5_579_477,
  "setr-naive-small": 21_769_877,
  "setr-naive-base": 86_001_173,
  "setr-naive-large": 303_569_685,
  "setr-pup-tiny": 7_743_701,
  "setr-pup-small": 24_327_317,
  "setr-pup-base": 89_345_045,
  "setr-pup-large": 307_437_845,
  "setr-mla-tiny": 9_867_861,
  "setr-mla-small": 26_206_869,
  "setr-mla-base": 90_735_381,
  "setr-mla-large": 308_502_037,
  "deeplabv3plus-resnet18": 12_334_437,
  "deeplabv3plus-resnet34": 22_442_597,
  "deeplabv3plus-resnet50": 26_682_725,
  "deeplabv3plus-resnet101": 45_674_853,
  "deeplabv3plus-resnet50-os8": 26_682_725,
  "deeplabv3plus-resnet50-plain": 40_352_181,
  "deeplabv3-resnet50": 42_004_074,
  "deeplabv3-resnet101": 60_996_202,
  "unet-base": 31_038_933,
  "unet-small": 7_763_701,
  "unet-bilinear": 31_386_133,
  "unet-original": 31_033_045,
  "attention_unet-base": 34_879_873,
  "attention_unet-small": 8_726_737,
  "fcn-8s": 134_489_759,
  "fcn-16s": 134_815_994,
  "fcn-32s": 136_152_917,
  "fcn-8s-bn": 134_498_207,
};

/** Fewer channels and layers, so that a step takes a moment. */
function shrink(config: NetworkConfig): NetworkConfig {
  const heads = Number(config.num_attention_heads ?? 1);
  const sizes: Readonly<Record<string, NetworkConfig>> = {
    segformer: { depths: [1, 1, 1, 1], hidden_sizes: [8, 16, 40, 64], decoder_hidden_size: 8 },
    resnet: { depths: [2, 1, 1, 1], hidden_sizes: [16, 16, 32, 32], embedding_size: 8 },
    setr: {
      hidden_size: 4 * heads,
      num_hidden_layers: 4,
      intermediate_size: 16,
      decoder_size: 8,
      mla_size: 4,
      use_auxiliary_head: true,
    },
    unet: { hidden_sizes: [4, 8, 8, 16] },
    fcn: { depths: [1, 1, 2, 1, 1], hidden_sizes: [4, 8, 8, 8, 8], fc_size: 16 },
  };
  const family = String(config.model_type);
  const kind = "layer_type" in config ? "resnet" : family.replace("attention_", "");
  const decoder = "decoder_size" in config ? { decoder_size: 8 } : {};
  return { ...config, ...decoder, ...sizes[kind] };
}

function smallNetwork(name: string, bands = 5, classes = 3): Network {
  return networkFromConfig(shrink(variantConfig(name, { bands, classes })));
}

Deno.test("every network has its number of parameters, each in exactly one part", () => {
  const counts = Object.fromEntries(NAMES.map((name) => {
    const network = networkFromConfig(variantConfig(name, { bands: 3, classes: 21 }));
    const parameters = networkParameters(network);
    for (const parameter of parameters) {
      const owners = network.parts.filter(({ prefixes }) =>
        prefixes.some((prefix) => parameter.name.startsWith(prefix))
      );
      assert.equal(owners.length, 1, `${name}: ${parameter.name}`);
    }
    assert.equal(parameters.filter(({ name }) => name === network.inputWeight).length, 1, name);
    assert.equal(parameters.find(({ name }) => name === network.inputWeight)!.shape[1], 3);
    assert.ok(parameters.some(({ name }) => name.startsWith(network.encoderPrefix)), name);
    assert.ok(parameters.some(({ name }) => !name.startsWith(network.encoderPrefix)), name);
    return [name, countParameters(parameters)];
  }));
  assert.deepEqual(counts, COUNTS);
});

Deno.test("published totals: U-Net 31.03 M for 1 band and 2 classes, Attention U-Net 34.88 M", () => {
  const count = (name: string, bands: number, classes: number) =>
    countParameters(networkParameters(networkFromConfig(variantConfig(name, { bands, classes }))));
  assert.equal(count("unet-original", 1, 2), 31_030_658);
  assert.equal(count("unet-base", 3, 2), 31_037_698);
  assert.equal(count("attention_unet-base", 3, 1), 34_878_573);
  assert.equal(count("deeplabv3plus-resnet50", 3, 1), 26_677_585);
});

Deno.test("published multiply-adds", () => {
  const count = (name: string, classes: number, size: number) =>
    networkFromConfig(variantConfig(name, { bands: 3, classes })).multiplyAdds(size, size) / 1e9;
  // torchvision's documentation of deeplabv3_resnet50 says 178.72 G for 520 pixels with 21 classes, the auxiliary
  // classifier included.
  const auxiliary = 65 ** 2 * (9 * 1024 * 256 + 256 * 21) / 1e9;
  assert.equal((count("deeplabv3-resnet50", 21, 520) + auxiliary).toFixed(2), "178.72");
});

for (const name of NAMES) {
  Deno.test(`${name}: images of any size, logits at the output stride`, () => {
    const network = smallNetwork(name);
    for (const [height, width] of [[37, 51], [1, 1], [64, 32]] as const) {
      const graph = buildInferenceGraph(network, {
        height,
        width,
        dtype: "uint16",
        normalization: null,
        probabilities: false,
      });
      assert.deepEqual(graph.outputs.get("logits")!.shape, [
        "batch",
        3,
        Math.ceil(height / network.stride),
        Math.ceil(width / network.stride),
      ]);
    }
    const [rows, columns] = [2 * network.multiple, 3 * network.multiple];
    const shapes = featureShapes(network, rows, columns);
    assert.ok(shapes.length > 0);
    for (const { shape: [, height, width] } of shapes) {
      assert.equal(rows / height, columns / width);
    }
  });

  Deno.test(`${name}: a step is finite, and every parameter has a gradient`, async () => {
    const network = smallNetwork(name);
    const size = Math.max(32, 2 * network.multiple);
    const step = await createTrainStep({
      network,
      batch: 2,
      height: size,
      width: size,
      loss: crossEntropy(),
      optimizer: sgd({ momentum: 0 }),
      split: true,
      seed: 3,
      device: "cpu",
      threads: 1,
    });
    try {
      const random = randomStream(1, name);
      const image = ndarray("float32", [2, 5, size, size]);
      image.data.forEach((_, index) => image.data[index] = random.normal(index));
      const labels = ndarray("uint8", [2, size, size]);
      labels.data.forEach((_, index) => labels.data[index] = Math.floor(index / 7) % 3);
      const { loss } = await step.run([{ image, labels }], { step: 1, learningRate: 0.1 });
      assert.ok(Number.isFinite(loss) && loss > 0, `loss ${loss}`);
      const flat = step.gradients!.data;
      for (
        const { name, offset, length } of step.graphs.layout.segments.flatMap((s) => s.parameters)
      ) {
        const gradient = flat.subarray(offset, offset + length);
        assert.ok(gradient.every(Number.isFinite), `${name} is not finite`);
        assert.ok(gradient.some((value) => value !== 0), `${name} has no gradient`);
      }
      for (const [name, { data }] of step.parameters) {
        assert.ok(data.every(Number.isFinite), `${name} after the step`);
      }
    } finally {
      await step.release();
    }
  });
}

Deno.test("finer strides, for objects of a few pixels", () => {
  const strideOf = (name: string, change: NetworkConfig) => {
    const config = { ...shrink(variantConfig(name, { bands: 3, classes: 2 })), ...change };
    const network = networkFromConfig(config);
    const graph = buildInferenceGraph(network, {
      height: 40,
      width: 24,
      dtype: "float32",
      normalization: null,
      probabilities: false,
    });
    const [, , rows, columns] = graph.outputs.get("logits")!.shape as number[];
    assert.deepEqual([40 / rows!, 24 / columns!], [network.stride, network.stride], name);
    return network.stride;
  };
  assert.equal(strideOf("deeplabv3plus-resnet18", { stem_pooling: false }), 2);
  assert.equal(strideOf("deeplabv3-resnet50", { stem_pooling: false }), 4);
  assert.equal(strideOf("segformer_resnet-resnet18", { stem_pooling: false }), 2);
  assert.equal(strideOf("setr-naive-tiny", { patch_size: 4 }), 4);
  assert.equal(strideOf("setr-pup-tiny", { patch_size: 4 }), 2);
  assert.equal(strideOf("setr-mla-tiny", { patch_size: 4 }), 1);
  assert.equal(strideOf("fcn-8s", { strides: [1, 1, 2, 2, 2] }), 1);
});

for (const name of ["unet-small", "deeplabv3plus-resnet18", "setr-mla-tiny", "fcn-8s-bn"]) {
  Deno.test(`${name}: activations that are computed again give the same gradients`, async () => {
    const network = smallNetwork(name);
    const norms: number[] = [];
    for (const checkpointActivations of [false, true]) {
      const step = await createTrainStep({
        network,
        batch: 2,
        height: 32,
        width: 32,
        loss: crossEntropy(),
        optimizer: sgd({ momentum: 0 }),
        checkpointActivations,
        seed: 3,
        device: "cpu",
        threads: 1,
      });
      const image = ndarray("float32", [2, 5, 32, 32]);
      randomStream(2, name).normals(image.data);
      const labels = ndarray("uint8", [2, 32, 32]);
      labels.data.forEach((_, index) => labels.data[index] = Math.floor(index / 9) % 3);
      const first = await step.run([{ image, labels }], { step: 1, learningRate: 0.1 });
      const second = await step.run([{ image, labels }], { step: 2, learningRate: 0.1 });
      norms.push(first.gradientNorm, second.loss);
      await step.release();
    }
    const [norm, loss, norm2, loss2] = norms as [number, number, number, number];
    assert.ok(Math.abs(norm / norm2 - 1) < 1e-4, `${norm} and ${norm2}`);
    assert.ok(Math.abs(loss / loss2 - 1) < 1e-4, `${loss} and ${loss2}`);
  });
}

Deno.test("frozen batch normalization keeps its statistics and uses them", async () => {
  const network = smallNetwork("deeplabv3plus-resnet18");
  const step = await createTrainStep({
    network,
    batch: 2,
    height: 32,
    width: 32,
    loss: crossEntropy(),
    optimizer: sgd({ momentum: 0 }),
    frozen: (name) => name.startsWith(network.encoderPrefix),
    seed: 3,
    device: "cpu",
    threads: 1,
  });
  await step.release();
  assert.ok(step.graphs.statistics.length > 0);
  assert.ok(step.graphs.statistics.every((name) => !name.startsWith(network.encoderPrefix)));
  assert.ok(step.graphs.frozen.includes("encoder.bn1.running_mean"));
});

Deno.test("a batch of one is refused where a network normalizes one number a channel", async () => {
  const network = smallNetwork("deeplabv3plus-resnet18");
  await assert.rejects(
    createTrainStep({
      network,
      batch: 1,
      height: 32,
      width: 32,
      loss: crossEntropy(),
      optimizer: sgd({ momentum: 0 }),
      seed: 3,
      device: "cpu",
    }),
    /Cannot train "decoder\.aspp\.0\.convs\.4\.2" on a batch of one/,
  );
});

Deno.test("auxiliary classifiers belong to the model and compute nothing at inference", () => {
  const config = shrink(variantConfig("deeplabv3-resnet50", { bands: 3, classes: 2 }));
  const outputs = (network: Network) => {
    const graph = new Graph("nodes");
    const x = graph.input("x", "float32", ["batch", 3, 32, 32]);
    graph.output("logits", network.build({ graph, training: false }, x));
    return graph;
  };
  const graph = outputs(networkFromConfig(config));
  assert.ok(graph.parameters.has("aux_classifier.4.weight"));
  const without = outputs(networkFromConfig({ ...config, use_auxiliary_head: false }));
  assert.ok(!without.parameters.has("aux_classifier.4.weight"));
});

Deno.test("names of networks: in full, the family's alone, and the variant's where it is the only one", () => {
  const named = (name: string) => {
    const found = findVariant(name);
    return found && `${found.family.name}-${found.variant}`;
  };
  assert.equal(named("setr-pup-large"), "setr-pup-large");
  assert.equal(named("U-Net".replace("-", "")), "unet-base");
  assert.equal(named("pup-large"), "setr-pup-large");
  assert.equal(named("resnet50"), null);
  assert.throws(() => variantConfig("resnet50", { bands: 3, classes: 2 }), /several networks/);
});

Deno.test("wrong settings are refused by the name of what is wrong", () => {
  const refuse = (name: string, change: NetworkConfig, message: RegExp) =>
    assert.throws(() => {
      const config = { ...variantConfig(name, { bands: 3, classes: 2 }), ...change };
      networkParameters(networkFromConfig(config));
    }, message);
  refuse("unet", { hidden_sizes: "many" }, /Cannot build U-Net as "hidden_sizes" is wrong/);
  refuse("deeplabv3plus", { output_stride: 4 }, /Cannot build DeepLabV3\+ as "output_stride"/);
  refuse("deeplabv3plus", { depths: [1, 1] }, /must have 4 entries, one a stage/);
  refuse("setr", { num_attention_heads: 7 }, /192 channels do not divide into 7 heads/);
  refuse("fcn", { skips: 4 }, /Cannot build FCN as "skips" is wrong/);
  refuse("fcn", { strides: [2, 2] }, /"strides" must have 5 entries, each 1 or 2/);
  refuse("setr", { decoder: "pup", patch_size: 12 }, /"patch_size" must be a power of 2/);
});
