/**
 * Train steps that several processes share give what one process gives.
 */
import assert from "node:assert/strict";
import {
  adamw,
  createTrainStep,
  crossEntropy,
  type GradientPrecision,
  ndarray,
  networkFromConfig,
  type Optimizer,
  partsOfBatch,
  sgd,
  type TrainBatch,
  type TrainStep,
  type TrainStepOptions,
  variantConfig,
} from "swath";
import { labelWeights } from "../../../lib/train/label_weights.ts";
import { loopback } from "../../support/loopback.ts";

const SAMPLES = 4;
const [ROWS, COLUMNS] = [32, 64];

const NETWORK = networkFromConfig({
  ...variantConfig("b0", { bands: 3, classes: 2 }),
  depths: [1, 1, 1, 1],
  hidden_sizes: [8, 16, 24, 32],
  num_attention_heads: [1, 2, 3, 4],
  decoder_hidden_size: 16,
  drop_path_rate: 0.2,
  classifier_dropout_prob: 0.2,
});

function options(more: Partial<TrainStepOptions> = {}): TrainStepOptions {
  return {
    network: NETWORK,
    batch: SAMPLES,
    height: ROWS,
    width: COLUMNS,
    loss: crossEntropy({ classWeights: [1, 2] }),
    // A bias before a batch normalization has no gradient but rounding errors, which AdamW scales up to whole
    // steps unless they are small beside its epsilon. No loss depends on them.
    optimizer: adamw({ epsilon: 1e-4 }),
    weightDecay: 0.01,
    seed: 3,
    device: "cpu",
    threads: 1,
    ...more,
  };
}

/** Stripes, with more pixels that do not count in each further sample. */
function batchOf(step: number): TrainBatch {
  const pixels = ROWS * COLUMNS;
  const image = ndarray("float32", [SAMPLES, 3, ROWS, COLUMNS]);
  const labels = ndarray("uint8", [SAMPLES, ROWS, COLUMNS]);
  for (let n = 0; n < SAMPLES; n++) {
    for (let pixel = 0; pixel < pixels; pixel++) {
      const label = Math.floor(pixel / (5 + 3 * n)) % 2;
      labels.data[n * pixels + pixel] = pixel < n * pixels / 4 ? 255 : label;
      for (let band = 0; band < 3; band++) {
        const noise = Math.sin(pixel * (band + n + 1) + step);
        image.data[(n * 3 + band) * pixels + pixel] = band === 0 ? label + noise : 3 + noise;
      }
    }
  }
  return { image, labels };
}

interface Run {
  readonly losses: number[];
  readonly norms: number[];
  readonly parameters: TrainStep["parameters"];
}

async function steps(step: TrainStep, part: (batch: TrainBatch) => TrainBatch[], count: number) {
  const run = { losses: [] as number[], norms: [] as number[], parameters: step.parameters };
  for (let number = 1; number <= count; number++) {
    const settings = { step: number, learningRate: 2e-3 };
    const { loss, gradientNorm } = await step.run(part(batchOf(number)), settings);
    run.losses.push(loss);
    run.norms.push(gradientNorm);
  }
  await step.release();
  return run;
}

/** What each of several processes comes to. */
async function shared(
  size: number,
  count: number,
  more: {
    readonly synchronizeBatchNorm?: boolean;
    readonly gradientPrecision?: GradientPrecision;
    readonly accumulate?: number;
    readonly optimizer?: Optimizer;
    readonly options?: Partial<TrainStepOptions>;
  } = {},
): Promise<Run[]> {
  const { synchronizeBatchNorm = true, gradientPrecision = "float32", accumulate = 1 } = more;
  const { optimizer } = more;
  return await Promise.all(
    loopback(size).map(async (communicator) => {
      const step = await createTrainStep(options({
        batch: SAMPLES / accumulate / size,
        ...(optimizer !== undefined && { optimizer }),
        ...more.options,
        shared: {
          communicator,
          synchronizeBatchNorm,
          gradientPrecision,
          labelWeights: labelWeights(2, 255, [1, 2]),
        },
      }));
      const own = (batch: TrainBatch) =>
        partsOfBatch(batch, accumulate).map((part) => partsOfBatch(part, size)[communicator.rank]!);
      return await steps(step, own, count);
    }),
  );
}

function largestDifference(a: readonly number[], b: readonly number[]): number {
  assert.equal(a.length, b.length);
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
}

function parameterDifference(a: TrainStep["parameters"], b: TrainStep["parameters"]): number {
  return Math.max(
    ...[...a].map(([name, { data }]) => largestDifference([...data], [...b.get(name)!.data])),
  );
}

for (const size of [1, 2, 4]) {
  Deno.test(`${size} processes give the losses and weights of one`, async () => {
    const one = await steps(await createTrainStep(options()), (batch) => [batch], 50);
    const all = await shared(size, 50);
    for (const run of all) {
      assert.ok(largestDifference(run.losses, one.losses) < 1e-5, "losses");
      assert.ok(parameterDifference(run.parameters, one.parameters) < 1e-5, "parameters");
    }
    assert.ok(one.losses.at(-1)! < one.losses[0]! - 0.15, "it learns");
    // Whoever else has them, they are the same.
    for (const run of all) assert.equal(parameterDifference(run.parameters, all[0]!.parameters), 0);
  });
}

Deno.test("losses agree with AdamW as it is usually set, too", async () => {
  const optimizer = adamw();
  const one = await steps(await createTrainStep(options({ optimizer })), (batch) => [batch], 50);
  const [run] = await shared(2, 50, { optimizer });
  assert.ok(largestDifference(run!.losses, one.losses) < 1e-5);
});

for (const checkpointActivations of [false, true]) {
  const how = checkpointActivations ? ", computed again in the backward pass" : "";
  Deno.test(`a network with a batch normalization after every convolution${how}`, async () => {
    const network = networkFromConfig({
      ...variantConfig("unet-small", { bands: 3, classes: 2 }),
      hidden_sizes: [4, 8, 8, 16],
    });
    // AdamW makes whole steps of gradients that are rounding errors; with it, the losses alone agree as well.
    const optimizer = sgd();
    const more = { network, checkpointActivations, optimizer };
    const one = await steps(await createTrainStep(options(more)), (batch) => [batch], 20);
    const all = await shared(2, 20, { options: more });
    assert.ok(largestDifference(all[0]!.losses, one.losses) < 1e-5, "losses");
    assert.ok(parameterDifference(all[0]!.parameters, one.parameters) < 1e-5, "parameters");
  });
}

Deno.test("parts of a batch and processes go together", async () => {
  const half = options({ batch: SAMPLES / 2, split: true });
  const one = await steps(await createTrainStep(half), (batch) => partsOfBatch(batch, 2), 10);
  const [run] = await shared(2, 10, { accumulate: 2 });
  assert.ok(largestDifference(run!.losses, one.losses) < 1e-5);
  assert.ok(parameterDifference(run!.parameters, one.parameters) < 1e-5);
});

Deno.test("without synchronized batch normalization statistics are averaged, and losses differ", async () => {
  const one = await steps(await createTrainStep(options()), (batch) => [batch], 10);
  const all = await shared(2, 10, { synchronizeBatchNorm: false });
  assert.ok(largestDifference(all[0]!.losses, one.losses) > 1e-4);
  assert.equal(parameterDifference(all[0]!.parameters, all[1]!.parameters), 0);
});

Deno.test("gradients that travel as float16 lose little", async () => {
  const [exact] = await shared(2, 20);
  const [half] = await shared(2, 20, { gradientPrecision: "float16" });
  const difference = largestDifference(half!.losses, exact!.losses);
  assert.ok(difference > 0 && difference < 2e-2, `${difference}`);
  // Later on, small differences grow, as they do between any two machines.
  assert.ok(largestDifference(half!.norms.slice(0, 10), exact!.norms.slice(0, 10)) < 0.01);
});
