/** SegFormer maps and learns on WebGPU as on the CPU. */
import assert from "node:assert/strict";
import {
  adamw,
  createPredictor,
  createTrainStep,
  crossEntropy,
  type Device,
  EMPTY_MODEL_CARD,
  makeNormalization,
  type NdArray,
  ndarray,
  networkFromConfig,
  networkParameters,
  openModel,
  randomStream,
  saveModel,
  type TrainStep,
  type TrainStepOptions,
  variantConfig,
} from "swath";
import { webgpuTest } from "./support.ts";

const TOLERANCE = 1e-3;
const EXTENT = 64;

/** A SegFormer of 50 thousand parameters. */
const CONFIG = {
  ...variantConfig("b0", { bands: 3, classes: 2 }),
  depths: [1, 1, 1, 1],
  hidden_sizes: [8, 16, 24, 32],
  num_attention_heads: [1, 2, 3, 4],
  decoder_hidden_size: 16,
};

function largestDifference(a: NdArray<"float32">, b: NdArray<"float32">): number {
  assert.deepEqual(a.shape, b.shape);
  return a.data.reduce((most, value, i) => Math.max(most, Math.abs(value - b.data[i]!)), 0);
}

/** Save the network with weights that are wide, so that every path has a say in the logits. */
async function saveWideModel(directory: string): Promise<void> {
  const bands = ["red", "green", "blue"];
  const parameters = networkParameters(networkFromConfig(CONFIG));
  await saveModel(directory, {
    config: CONFIG,
    card: {
      ...EMPTY_MODEL_CARD,
      bands,
      normalization: makeNormalization(bands, { mean: [2000], std: [1000] }),
    },
    tensors: new Map(parameters.map(({ name, shape }) => {
      const array = ndarray("float32", shape);
      randomStream(1, name).normals(array.data);
      const width = shape.length > 1 ? 1.5 / Math.sqrt(array.data.length / shape[0]!) : 0.1;
      const center = /(norm.*weight|running_var)$/.test(name) ? 1 : 0;
      array.data.forEach((value, i) => array.data[i] = center + width * value);
      return [name, array];
    })),
  });
}

webgpuTest("a model gives the same logits", async () => {
  const random = randomStream(1, "image");
  const image = ndarray("uint16", [3, EXTENT, EXTENT]);
  for (let i = 0; i < image.data.length; i++) image.data[i] = 4000 * random.uniform(i);
  const valid = ndarray("uint8", [EXTENT, EXTENT]);
  for (let i = 0; i < valid.data.length; i++) valid.data[i] = i < 9 * EXTENT ? 0 : 1;
  const directory = await Deno.makeTempDir({ prefix: "swath-model-" });
  await saveWideModel(`${directory}/model`);
  const logitsOn = async (device: Device) => {
    using model = await openModel(`${directory}/model`);
    const predictor = createPredictor(model, { device });
    const [logits] = await predictor.predict([{ image, valid }], predictor.normalization);
    assert.equal(predictor.device, device);
    await predictor.release();
    return logits!;
  };
  const [cpu, webgpu] = [await logitsOn("cpu"), await logitsOn("webgpu")];
  const largest = Math.max(...cpu.data.map(Math.abs));
  assert.ok(largest > 1, `logits up to ${largest}`);
  const difference = largestDifference(cpu, webgpu);
  assert.ok(difference < TOLERANCE, `logits differ by ${difference}`);
  await Deno.remove(directory, { recursive: true });
});

/** All that a train step can have. */
const OPTIONS: Omit<TrainStepOptions, "device"> = {
  network: networkFromConfig(CONFIG),
  batch: 2,
  height: 32,
  width: 32,
  loss: crossEntropy(),
  optimizer: adamw(),
  weightDecay: 0.01,
  emaDecay: 0.9,
  seed: 3,
};

for (const split of [false, true]) {
  webgpuTest(`a train step in ${split ? "two graphs" : "one graph"} learns the same`, async () => {
    const image = ndarray("float32", [2, 3, 32, 32]);
    const labels = ndarray("uint8", [2, 32, 32]);
    const random = randomStream(2, "batch");
    for (let i = 0; i < labels.data.length; i++) {
      labels.data[i] = i % 32 < 16 ? 0 : i % 37 ? 1 : 255;
    }
    for (let i = 0; i < image.data.length; i++) {
      image.data[i] = random.normal(i) + (i % 32 < 16 ? 1 : 0);
    }
    const frozen = (name: string) => name.startsWith("segformer.encoder.patch_embeddings.0.");
    const trainOn = async (device: Device) => {
      const losses: number[] = [];
      const take = async (step: TrainStep, number: number) => {
        const { loss } = await step.run([{ image, labels }], { step: number, learningRate: 5e-3 });
        losses.push(loss);
      };
      const step = await createTrainStep({ ...OPTIONS, frozen, split, device });
      for (let number = 1; number <= 2; number++) await take(step, number);
      await step.download();
      // Another one goes on with what the device held.
      const other = await createTrainStep({ ...OPTIONS, frozen, split, device });
      other.load(step.parameters, step.state);
      await step.release();
      for (let number = 3; number <= 4; number++) await take(other, number);
      await other.download();
      const { parameters, state } = other;
      await other.release();
      return { losses, arrays: new Map([...parameters, ...state]) };
    };
    const [cpu, webgpu] = [await trainOn("cpu"), await trainOn("webgpu")];
    assert.ok(webgpu.losses[3]! < webgpu.losses[0]!, `losses ${webgpu.losses}`);
    for (const [i, loss] of webgpu.losses.entries()) {
      const both = `losses ${webgpu.losses} are not ${cpu.losses}`;
      assert.ok(Math.abs(loss - cpu.losses[i]!) < TOLERANCE, both);
    }
    for (const [name, array] of cpu.arrays) {
      // AdamW's first steps have the size of the learning rate, however small a gradient is.
      const difference = largestDifference(array, webgpu.arrays.get(name)!);
      assert.ok(difference < 2e-2, `${name} differs by ${difference}`);
    }
    const moved = cpu.arrays.get("decode_head.batch_norm.running_mean")!;
    assert.ok(moved.data.some((value) => Math.abs(value) > 1e-3), "statistics have moved");
  });
}
