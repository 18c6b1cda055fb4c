/**
 * SegFormer against transformers: feature maps and logits from the same weights.
 */
import assert from "node:assert/strict";
import {
  createSession,
  Graph,
  isDataType,
  type NdArray,
  networkFromConfig,
  openSafetensors,
  parseSegformerConfig,
  segformerEncoder,
} from "../../mod.ts";
import { peerTest, runPython } from "./python.ts";

interface Case {
  readonly name: string;
  readonly config: Record<string, unknown>;
  readonly shape: readonly [number, number, number, number];
  readonly task?: "segmentation" | "classification";
}

const TINY = {
  depths: [1, 1, 1, 1],
  hidden_sizes: [8, 16, 24, 32],
  num_attention_heads: [1, 2, 3, 4],
  decoder_hidden_size: 24,
};
const B2 = {
  depths: [3, 4, 6, 3],
  hidden_sizes: [64, 128, 320, 512],
  decoder_hidden_size: 768,
};

const CASES: readonly Case[] = [
  { name: "tiny, 3 bands", config: { ...TINY, num_labels: 5 }, shape: [1, 3, 64, 64] },
  {
    name: "tiny, other reductions, ReLU, not square",
    config: {
      ...TINY,
      num_channels: 14,
      num_labels: 3,
      sr_ratios: [4, 2, 2, 1],
      mlp_ratios: [2, 4, 3, 4],
      hidden_act: "relu",
    },
    shape: [2, 14, 96, 160],
  },
  { name: "B0, 3 bands", config: { num_labels: 150 }, shape: [1, 3, 512, 512] },
  {
    name: "B0, 14 bands, batch 2, not square",
    config: { num_channels: 14, num_labels: 10 },
    shape: [2, 14, 256, 416],
  },
  {
    name: "B0, 14 bands, batch 2",
    config: { num_channels: 14, num_labels: 10 },
    shape: [2, 14, 512, 512],
  },
  {
    name: "B2, 14 bands",
    config: { ...B2, num_channels: 14, num_labels: 10 },
    shape: [1, 14, 512, 512],
  },
  {
    name: "B0 with classifier",
    config: { num_labels: 1000 },
    shape: [2, 3, 224, 224],
    task: "classification",
  },
];

/** The largest difference as a share of the largest magnitude wanted. */
function relativeError(actual: NdArray, expected: NdArray): number {
  assert.deepEqual(actual.shape, expected.shape);
  assert(isDataType(actual, "float32") && isDataType(expected, "float32"));
  let difference = 0;
  let magnitude = 0;
  for (let i = 0; i < expected.data.length; i++) {
    difference = Math.max(difference, Math.abs(actual.data[i]! - expected.data[i]!));
    magnitude = Math.max(magnitude, Math.abs(expected.data[i]!));
  }
  return difference / magnitude;
}

async function compare({ config, shape, task = "segmentation" }: Case): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await runPython("segformer.py", [JSON.stringify({ config, shape, task }), folder]);
    using weights = await openSafetensors(`${folder}/model.safetensors`);
    using expected = await openSafetensors(`${folder}/expected.safetensors`);
    const saved = JSON.parse(await Deno.readTextFile(`${folder}/config.json`));
    const parameters = (name: string) => weights.tensors.has(name) ? weights.read(name) : undefined;
    const [, bands, height, width] = shape;
    const feeds = { x: expected.read("x") };

    const network = networkFromConfig(saved);
    const graph = new Graph("segformer");
    const x = graph.input("x", "float32", ["batch", bands, height, width]);
    graph.output("logits", network.build({ graph, training: false }, x));
    assert.equal(network.task, task);

    const encoder = new Graph("encoder");
    const features = segformerEncoder(
      { graph: encoder, training: false },
      encoder.input("x", "float32", ["batch", bands, height, width]),
      parseSegformerConfig(saved),
    );
    for (const [stage, { value, height, width }] of features.entries()) {
      const rows = encoder.op("Transpose", [value], { perm: [0, 2, 1] });
      const map = encoder.op("Reshape", [rows, [0, 0, height, width]]);
      encoder.output(`feature.${stage}`, map);
    }

    const outputs: Record<string, NdArray> = {};
    for (const model of [graph, encoder]) {
      const session = await createSession(model, { device: "cpu", threads: 2, parameters });
      Object.assign(outputs, await session.run(feeds));
      await session.release();
    }
    for (const name of Object.keys(outputs)) {
      const error = relativeError(outputs[name]!, expected.read(name));
      assert(error < 1e-4, `${name}: relative error ${error}`);
    }
    const [batch] = shape;
    if (task === "segmentation") {
      assert.deepEqual(outputs.logits!.shape, [batch, network.classes, height / 4, width / 4]);
      assert.deepEqual(outputs["feature.3"]!.shape.slice(2), [height / 32, width / 32]);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

for (const example of CASES) {
  peerTest(
    `SegFormer equals transformers: ${example.name}`,
    ["torch", "transformers", "safetensors"],
    () => compare(example),
  );
}

if (Deno.env.get("SWATH_SLOW_TESTS") === "1") {
  peerTest(
    "SegFormer equals transformers: B5, 14 bands",
    ["torch", "transformers", "safetensors"],
    () =>
      compare({
        name: "B5",
        config: { ...B2, depths: [3, 6, 40, 3], num_channels: 14, num_labels: 10 },
        shape: [1, 14, 512, 512],
      }),
  );
}
