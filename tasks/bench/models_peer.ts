/**
 * swath's side of the benchmark of networks, in a process of its own so that its memory can be told.
 *
 *     models_peer.ts FOLDER THREADS
 *
 * FOLDER holds `job.json`, and `weights.pth` and `batch.safetensors` of PyTorch. Prints `ready`; then for each line on
 * standard input a number: for `train` the seconds of a step, for `infer` those of logits at inference, for
 * `loss` the step's loss, for `memory` the most bytes that the process held. What inference needs is loaded when it is
 * asked for first.
 *
 * @module
 */
import {
  adamw,
  createSession,
  createTrainStep,
  crossEntropy,
  Graph,
  loadParameters,
  type NdArray,
  networkFromConfig,
  openModel,
  openSafetensors,
  type Session,
} from "swath";
import { print } from "../print.ts";
import { answerLines, peakMemory } from "./answer_lines.ts";

const [folder, count] = Deno.args as [string, string];
const threads = Number(count);
const { config } = JSON.parse(await Deno.readTextFile(`${folder}/job.json`));
const network = networkFromConfig(config);
using saved = await openSafetensors(`${folder}/batch.safetensors`);
const image = saved.read("image") as NdArray<"float32">;
const labels = saved.read("labels") as NdArray<"uint8">;
const [batch, bands, height, width] = image.shape as [number, number, number, number];

const step = await createTrainStep({
  network,
  batch,
  height,
  width,
  loss: crossEntropy(),
  optimizer: adamw(),
  weightDecay: 0.01,
  seed: 0,
  device: "cpu",
  threads,
});
step.load(await loadWeights());
print("ready\n");

let steps = 0;
let loss = 0;
let session: Session | null = null;
await answerLines(async (work) => {
  if (work === "infer") session ??= await createInference();
  const start = performance.now();
  if (work === "train") {
    loss = (await step.run([{ image, labels }], { step: ++steps, learningRate: 1e-4 })).loss;
  } else if (work === "infer") await session!.run({ x: image });
  if (work === "loss") return loss;
  return work === "memory" ? await peakMemory() : (performance.now() - start) / 1000;
});
await step.release();
await (session as Session | null)?.release();

async function loadWeights(): Promise<ReadonlyMap<string, NdArray>> {
  using model = await openModel(`${folder}/weights.pth`, { configOptional: true });
  return loadParameters(model, network).values;
}

async function createInference(): Promise<Session> {
  const graph = new Graph("inference");
  const x = graph.input("x", "float32", ["batch", bands, height, width]);
  graph.output("logits", network.build({ graph, training: false }, x));
  const values = await loadWeights();
  return await createSession(graph, {
    device: "cpu",
    threads,
    parameters: (name) => values.get(name),
  });
}
