/**
 * swath's side of the training benchmark, in a process of its own so that its memory can be told.
 *
 *     train_peer.ts FOLDER THREADS CHECKPOINT
 *
 * FOLDER holds a model and `batch.safetensors`. Prints `ready`; then for each line on standard input a number:
 * for `step` the seconds of a step, for `loss` its loss, for `memory` the most bytes that the process held.
 *
 * @module
 */
import {
  adamw,
  createTrainStep,
  crossEntropy,
  networkFromConfig,
  openSafetensors,
  readAllTensors,
  type TrainBatch,
} from "swath";
import { print } from "../print.ts";
import { answerLines, peakMemory } from "./answer_lines.ts";

const [folder, threads, checkpoint] = Deno.args as [string, string, string];
using parameters = await openSafetensors(`${folder}/model.safetensors`);
using saved = await openSafetensors(`${folder}/batch.safetensors`);
const batch = { image: saved.read("image"), labels: saved.read("labels") } as TrainBatch;
const [samples, , height, width] = batch.image.shape as [number, number, number, number];
const step = await createTrainStep({
  network: networkFromConfig(JSON.parse(await Deno.readTextFile(`${folder}/config.json`))),
  batch: samples,
  height,
  width,
  loss: crossEntropy(),
  optimizer: adamw(),
  weightDecay: 0.01,
  checkpointActivations: checkpoint === "true",
  seed: 0,
  device: "cpu",
  threads: Number(threads),
});
const known = step.parameters;
step.load(new Map([...readAllTensors(parameters)].filter(([name]) => known.has(name))));
print("ready\n");

let number = 0;
let loss = 0;
await answerLines(async (work) => {
  const start = performance.now();
  if (work === "step") {
    loss = (await step.run([batch], { step: ++number, learningRate: 1e-4 })).loss;
  }
  if (work === "loss") return loss;
  return work === "memory" ? await peakMemory() : (performance.now() - start) / 1000;
});
await step.release();
