/** SegFormer maps and learns on WebGPU as on the CPU. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import {
  adamw,
  createPredictor,
  createTrainStep,
  crossEntropy,
  type Device,
  type NdArray,
  ndarray,
  networkFromConfig,
  openModel,
  randomStream,
  type TrainStepOptions,
  variantConfig,
} from "swath";
import { webgpuTest } from "./support.ts";

const TOLERANCE = 1e-3;
const EXTENT = 64;
const FIXTURE = fileURLToPath(new URL("../../fixtures/segformer-landcover", import.meta.url));

function largestDifference(a: NdArray<"float32">, b: NdArray<"float32">): number {
  assert.deepEqual(a.shape, b.shape);
  return a.data.reduce((most, value, i) => Math.max(most, Math.abs(value - b.data[i]!)), 0);
}

webgpuTest("the fixture model gives the same logits", async () => {
  const random = randomStream(1, "image");
  const image = ndarray("uint16", [14, EXTENT, EXTENT]);
  for (let i = 0; i < image.data.length; i++) image.data[i] = 4000 * random.uniform(i);
  const valid = ndarray("uint8", [EXTENT, EXTENT]);
  for (let i = 0; i < valid.data.length; i++) valid.data[i] = i < 9 * EXTENT ? 0 : 1;
  const logitsOn = async (device: Device) => {
    const model = await openModel(FIXTURE);
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
});

/** A SegFormer of 50 thousand parameters, with all that a train step can have. */
const OPTIONS: Omit<TrainStepOptions, "device"> = {
  network: networkFromConfig({
    ...variantConfig("b0", { bands: 3, classes: 2 }),
    depths: [1, 1, 1, 1],
    hidden_sizes: [8, 16, 24, 32],
    num_attention_heads: [1, 2, 3, 4],
    decoder_hidden_size: 16,
  }),
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
    const lossesOn = async (device: Device) => {
      const step = await createTrainStep({ ...OPTIONS, split, device });
      const losses: number[] = [];
      for (let number = 1; number <= 3; number++) {
        losses.push(
          (await step.run([{ image, labels }], { step: number, learningRate: 5e-3 })).loss,
        );
      }
      await step.release();
      return losses;
    };
    const [cpu, webgpu] = [await lossesOn("cpu"), await lossesOn("webgpu")];
    assert.ok(webgpu[2]! < webgpu[0]!, `losses ${webgpu}`);
    for (const [i, loss] of webgpu.entries()) {
      assert.ok(Math.abs(loss - cpu[i]!) < TOLERANCE, `losses ${webgpu} are not ${cpu}`);
    }
  });
}
