/** Train steps against transformers and PyTorch, from the same weights on the same batch. */
import assert from "node:assert/strict";
import { join } from "node:path";
import {
  adamw,
  createTrainStep,
  crossEntropy,
  isDataType,
  type NdArray,
  networkFromConfig,
  openSafetensors,
  type Optimizer,
  parseTrainConfig,
  readAllTensors,
  scheduleValues,
  sgd,
  type TrainStep,
  type TrainStepOptions,
  variantConfig,
  writeSafetensors,
} from "swath";
import {
  BATCH_CLASSES,
  EXERCISE_CONFIG,
  EXERCISE_LOSSES,
  EXERCISE_SIZE,
  regularBatch,
} from "../support/exercise.ts";
import { peerTest, runPythonJson } from "./python.ts";

const PACKAGES = ["torch", "transformers", "safetensors"];

interface Job {
  /** Configuration of the network. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly optimizer: Optimizer;
  readonly peerOptimizer: { readonly kind: "adamw" | "sgd"; readonly settings: object };
  readonly weightDecay: number;
  readonly clipNorm: number | null;
  readonly classWeights?: readonly number[];
  readonly rates: readonly (readonly [rate: number, momentum: number | null])[];
  readonly options?: Partial<TrainStepOptions>;
}

interface Outcome {
  readonly losses: number[];
  readonly norms: number[];
  /** Gradients of the first step, where the step is split. */
  readonly gradients: Map<string, Float32Array>;
  /** Statistics after the first step. */
  readonly statistics: Map<string, Float32Array>;
  readonly parameters: Map<string, Float32Array>;
}

/** Copies of the single-precision arrays; the peer also keeps counters. */
function copies(arrays: Iterable<readonly [string, NdArray]>): Map<string, Float32Array> {
  return new Map(
    [...arrays].flatMap(([name, array]) =>
      isDataType(array, "float32") ? [[name, array.data.slice()] as const] : []
    ),
  );
}

async function runOurs(step: TrainStep, job: Job, bands: number): Promise<Outcome> {
  const batch = regularBatch(job, bands);
  const [losses, norms]: [number[], number[]] = [[], []];
  let gradients = new Map<string, Float32Array>();
  let statistics = new Map<string, Float32Array>();
  for (const [index, [learningRate, momentum]] of job.rates.entries()) {
    const result = await step.run([batch], { step: index + 1, learningRate, momentum });
    losses.push(result.loss);
    norms.push(result.gradientNorm);
    if (index > 0) continue;
    statistics = copies(
      step.graphs.statistics.map((name) => [name, step.parameters.get(name)!] as const),
    );
    const flat = step.gradients?.data;
    if (flat === undefined) continue;
    gradients = new Map(
      step.graphs.layout.segments.flatMap(({ parameters }) =>
        parameters.map(({ name, offset, length }) =>
          [name, flat.slice(offset, offset + length)] as const
        )
      ),
    );
  }
  return { losses, norms, gradients, statistics, parameters: copies(step.parameters) };
}

/** The same training by us and by PyTorch. */
async function trainBoth(job: Job): Promise<{ ours: Outcome; theirs: Outcome }> {
  const network = networkFromConfig(job.config);
  const step = await createTrainStep({
    network,
    batch: job.batch,
    height: job.height,
    width: job.width,
    loss: crossEntropy(job.classWeights ? { classWeights: job.classWeights } : {}),
    optimizer: job.optimizer,
    weightDecay: job.weightDecay,
    clipNorm: job.clipNorm,
    seed: 1,
    device: "cpu",
    threads: 2,
    ...job.options,
  });
  const root = await Deno.makeTempDir({ prefix: "swath-train-step-" });
  try {
    await Deno.writeTextFile(join(root, "config.json"), JSON.stringify(job.config));
    await writeSafetensors(join(root, "model.safetensors"), step.parameters);
    const { image, labels } = regularBatch(job, network.bands);
    const batch = new Map<string, NdArray>([["image", image], ["labels", labels]]);
    await writeSafetensors(join(root, "batch.safetensors"), batch);
    const description = {
      optimizer: job.peerOptimizer.kind,
      settings: { ...job.peerOptimizer.settings, "weight_decay": job.weightDecay },
      clip: job.clipNorm,
      rates: job.rates,
      "class_weights": job.classWeights ?? null,
    };
    await Deno.writeTextFile(join(root, "job.json"), JSON.stringify(description));
    const { losses, norms } = await runPythonJson<{ losses: number[]; norms: number[] }>(
      "train_step.py",
      [root],
    );
    const read = async (folder: string) => {
      using source = await openSafetensors(join(root, folder, "model.safetensors"));
      return copies(readAllTensors(source));
    };
    const gradients = await read("gradients");
    const theirs = {
      losses,
      norms,
      gradients,
      statistics: gradients,
      parameters: await read("final"),
    };
    return { ours: await runOurs(step, job, network.bands), theirs };
  } finally {
    await step.release();
    await Deno.remove(root, { recursive: true });
  }
}

/** Largest difference over the largest element, and the cosine, of all vectors together. */
function compare(
  ours: ReadonlyMap<string, Float32Array>,
  theirs: ReadonlyMap<string, Float32Array>,
) {
  let [error, largest, dot, square, peerSquare] = [0, 0, 0, 0, 0];
  assert.ok(ours.size > 0);
  for (const [name, values] of ours) {
    const peer = theirs.get(name);
    assert.ok(peer, `the peer has no "${name}"`);
    assert.equal(values.length, peer.length, name);
    for (let i = 0; i < values.length; i++) {
      error = Math.max(error, Math.abs(values[i]! - peer[i]!));
      largest = Math.max(largest, Math.abs(peer[i]!));
      dot += values[i]! * peer[i]!;
      square += values[i]! ** 2;
      peerSquare += peer[i]! ** 2;
    }
  }
  return { error: error / largest, cosine: dot / Math.sqrt(square * peerSquare) };
}

function assertLosses(ours: Outcome, theirs: Outcome, absolute: number, relative = 0): void {
  for (const [step, loss] of theirs.losses.entries()) {
    const difference = Math.abs(ours.losses[step]! - loss);
    assert.ok(
      difference <= absolute + relative * loss,
      `step ${step}: loss ${ours.losses[step]}, PyTorch has ${loss}`,
    );
  }
}

const STILL = { drop_path_rate: 0, classifier_dropout_prob: 0 };
const segformer = (variant: string, bands: number, more: object = {}) => ({
  ...variantConfig(variant, { bands, classes: BATCH_CLASSES }),
  ...STILL,
  ...more,
});
const ADAMW = { kind: "adamw", settings: {} } as const;

peerTest("three steps of the course's exercise: losses to 1e-4", PACKAGES, async () => {
  const { ours, theirs } = await trainBoth({
    config: EXERCISE_CONFIG,
    ...EXERCISE_SIZE,
    optimizer: adamw(),
    peerOptimizer: ADAMW,
    weightDecay: 0.01,
    clipNorm: null,
    rates: [[1e-3, null], [1e-3, null], [1e-3, null]],
  });
  assertLosses(ours, theirs, 1e-4);
  assertLosses({ ...ours, losses: [...EXERCISE_LOSSES] }, theirs, 1e-4);
  assert.ok(compare(ours.statistics, theirs.statistics).error < 1e-5);
});

for (const [variant, height, width] of [["b0", 64, 64], ["b0", 128, 96], ["b2", 64, 64]] as const) {
  peerTest(`gradients of ${variant} at ${height}x${width}`, PACKAGES, async () => {
    const { ours, theirs } = await trainBoth({
      config: segformer(variant, 14),
      batch: 2,
      height,
      width,
      optimizer: adamw(),
      peerOptimizer: ADAMW,
      weightDecay: 0,
      clipNorm: 1,
      classWeights: [1, 0.25, 3],
      rates: [[1e-3, null]],
      options: { split: true },
    });
    assertLosses(ours, theirs, 1e-5);
    const { error, cosine } = compare(ours.gradients, theirs.gradients);
    assert.ok(error < 5e-4 && cosine > 0.9999, `error ${error}, cosine ${cosine}`);
    const norms = `norm ${ours.norms[0]}, PyTorch has ${
      theirs.norms[0]
    }, error ${error}, cosine ${cosine}`;
    assert.ok(Math.abs(ours.norms[0]! / theirs.norms[0]! - 1) < 1e-5, norms);
    assert.ok(compare(ours.statistics, theirs.statistics).error < 1e-5);
  });
}

peerTest("100 steps with OneCycleLR, clipping and decay: losses within 1 %", PACKAGES, async () => {
  const { schedule } = parseTrainConfig({ schedule: { name: "one_cycle" } });
  const totalSteps = 100;
  const rates = Array.from({ length: totalSteps }, (_, step) => {
    const values = scheduleValues(schedule, { learningRate: 1e-3, step, totalSteps });
    return [values.learningRate, values.momentum] as const;
  });
  const { ours, theirs } = await trainBoth({
    config: segformer("b0", 14),
    batch: 1,
    height: 64,
    width: 64,
    optimizer: adamw(),
    peerOptimizer: ADAMW,
    weightDecay: 0.05,
    clipNorm: 1,
    rates,
  });
  assertLosses(ours, theirs, 0, 0.01);
  assert.ok(theirs.losses.at(-1)! < 0.8 * theirs.losses[0]!, "the peer learns");
});

for (const nesterov of [false, true]) {
  peerTest(`SGD with momentum${nesterov ? " (Nesterov)" : ""}: parameters`, PACKAGES, async () => {
    const { ours, theirs } = await trainBoth({
      config: segformer("b0", 4, { depths: [1, 1, 1, 1] }),
      batch: 1,
      height: 64,
      width: 64,
      optimizer: sgd({ momentum: 0.8, nesterov }),
      peerOptimizer: { kind: "sgd", settings: { momentum: 0.8, nesterov } },
      weightDecay: 0.1,
      clipNorm: null,
      rates: [[0.1, null], [0.05, null], [0.05, null]],
    });
    assertLosses(ours, theirs, 1e-4);
    const { error } = compare(ours.parameters, theirs.parameters);
    assert.ok(error < 1e-5, `parameters differ by ${error}`);
  });
}
