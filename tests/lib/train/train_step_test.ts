import assert from "node:assert/strict";
import {
  adamw,
  buildTrainGraphs,
  createTrainStep,
  crossEntropy,
  InputError,
  ndarray,
  networkFromConfig,
  type TrainBatch,
  type TrainStep,
  type TrainStepOptions,
  variantConfig,
} from "swath";

/** A SegFormer of 50 thousand parameters. */
const TINY = {
  ...variantConfig("b0", { bands: 3, classes: 2 }),
  depths: [1, 1, 1, 1],
  hidden_sizes: [8, 16, 24, 32],
  num_attention_heads: [1, 2, 3, 4],
  decoder_hidden_size: 16,
};

function options(more: Partial<TrainStepOptions> = {}, config: object = {}): TrainStepOptions {
  return {
    network: networkFromConfig({ ...TINY, ...config }),
    batch: 2,
    height: 32,
    width: 64,
    loss: crossEntropy(),
    optimizer: adamw(),
    weightDecay: 0.01,
    seed: 3,
    device: "cpu",
    threads: 1,
    ...more,
  };
}

/** Left and right, to be told apart by the first band. */
function batch(images: readonly number[] = [0, 1]): TrainBatch {
  const image = ndarray("float32", [images.length, 3, 32, 64]);
  const labels = ndarray("uint8", [images.length, 32, 64]);
  for (const [n, number] of images.entries()) {
    for (let pixel = 0; pixel < 32 * 64; pixel++) {
      const label = Math.floor(pixel / (8 + 4 * number)) % 2;
      labels.data[n * 32 * 64 + pixel] = label;
      for (let band = 0; band < 3; band++) {
        image.data[(n * 3 + band) * 32 * 64 + pixel] = band === 0
          ? 2 * label - 1
          : Math.sin(pixel * (band + number));
      }
    }
  }
  return { image, labels };
}

async function train(step: TrainStep, from: number, to: number, parts = [batch()]) {
  const losses: number[] = [];
  for (let number = from; number <= to; number++) {
    losses.push((await step.run(parts, { step: number, learningRate: 5e-3 })).loss);
  }
  return losses;
}

const copy = (arrays: TrainStep["parameters"]) =>
  new Map(
    [...arrays].map(([name, { shape, data }]) => [name, ndarray("float32", shape, data.slice())]),
  );

function largestDifference(a: TrainStep["parameters"], b: TrainStep["parameters"]): number {
  assert.deepEqual([...a.keys()], [...b.keys()]);
  return Math.max(
    ...[...a].map(([name, { data }]) =>
      data.reduce((most, value, i) => Math.max(most, Math.abs(value - b.get(name)!.data[i]!)), 0)
    ),
  );
}

Deno.test("createTrainStep: the loss falls", async () => {
  const step = await createTrainStep(options());
  const losses = await train(step, 1, 25);
  await step.release();
  assert.ok(losses.at(-1)! < 0.75 * losses[0]!, losses.join(" "));
});

Deno.test("createTrainStep: the same seed gives the same bits, another one others", async () => {
  const results = [];
  for (const seed of [3, 3, 4]) {
    const step = await createTrainStep(options({ seed }));
    await train(step, 1, 3);
    results.push(copy(step.parameters));
    await step.release();
  }
  assert.equal(largestDifference(results[0]!, results[1]!), 0);
  assert.ok(largestDifference(results[0]!, results[2]!) > 0);
});

Deno.test("load: going on from saved parameters and state gives the same bits", async () => {
  const whole = await createTrainStep(options({ emaDecay: 0.9 }));
  await train(whole, 1, 2);
  const [parameters, state] = [copy(whole.parameters), copy(whole.state)];
  await train(whole, 3, 5);
  const resumed = await createTrainStep(options({ emaDecay: 0.9, seed: 3 }));
  resumed.load(parameters, state);
  await train(resumed, 3, 5);
  assert.equal(largestDifference(whole.parameters, resumed.parameters), 0);
  assert.equal(largestDifference(whole.state, resumed.state), 0);
  await whole.release();
  await resumed.release();
});

Deno.test("load: what does not belong is refused", async () => {
  const step = await createTrainStep(options());
  assert.throws(
    () => step.load(new Map([["head.weight", ndarray("float32", [1])]])),
    new InputError('Cannot load parameter "head.weight" as the network does not have it'),
  );
  assert.throws(
    () => step.load(new Map([["decode_head.classifier.bias", ndarray("float32", [3])]])),
    /must be float32 2: current is float32 3$/,
  );
  await step.release();
});

Deno.test("split: one part is the whole step, up to rounding", async () => {
  const still = { drop_path_rate: 0, classifier_dropout_prob: 0 };
  const joint = await createTrainStep(options({}, still));
  const split = await createTrainStep(options({ split: true }, still));
  const [a, b] = [await train(joint, 1, 3), await train(split, 1, 3)];
  for (const [i, loss] of a.entries()) assert.ok(Math.abs(loss - b[i]!) < 1e-5);
  assert.ok(largestDifference(joint.parameters, split.parameters) < 1e-3);
  await joint.release();
  await split.release();
});

Deno.test("split: gradients of parts are averaged", async () => {
  const still = { drop_path_rate: 0, classifier_dropout_prob: 0 };
  const step = await createTrainStep(options({ batch: 1, split: true }, still));
  const gradientOf = async (parts: readonly TrainBatch[]) => {
    step.initialize();
    await step.run(parts, { step: 1, learningRate: 0 });
    return step.gradients!.data.map((sum) => sum / parts.length);
  };
  const [first, second] = [await gradientOf([batch([0])]), await gradientOf([batch([1])])];
  const both = await gradientOf([batch([0]), batch([1])]);
  for (const [i, value] of both.entries()) {
    assert.ok(Math.abs(value - (first[i]! + second[i]!) / 2) < 1e-6);
  }
  await step.release();
});

Deno.test("checkpointActivations: the same steps, with activations computed again", async () => {
  const results = [];
  for (const checkpointActivations of [false, true]) {
    const step = await createTrainStep(options({ checkpointActivations }));
    await train(step, 1, 2);
    results.push(copy(step.parameters));
    const again = step.graphs.step.nodes.filter(({ scope, operator }) =>
      scope.includes("/recompute/") && operator === "Softmax"
    );
    assert.equal(again.length, checkpointActivations ? 4 : 0);
    await step.release();
  }
  assert.ok(largestDifference(results[0]!, results[1]!) < 1e-6);
});

Deno.test("frozen: parameters stay, and nothing is computed for their gradients", async () => {
  const isEncoder = (name: string) => name.startsWith("segformer.");
  const step = await createTrainStep(options({ frozen: isEncoder }));
  const before = copy(step.parameters);
  await train(step, 1, 2);
  for (const [name, { data }] of step.parameters) {
    const moved = data.some((value, i) => value !== before.get(name)!.data[i]);
    assert.equal(moved, !isEncoder(name), name);
  }
  const backward = step.graphs.step.nodes.filter(({ scope }) =>
    scope.startsWith("gradient/encoder")
  );
  assert.equal(backward.length, 0);
  assert.ok(step.graphs.frozen.every(isEncoder));
  await step.release();
});

Deno.test("learningRateScale, weightDecay: each group has its own", () => {
  const { layout } = buildTrainGraphs(options({
    learningRateScale: (name) => name.startsWith("decode_head.") ? 10 : 1,
  }));
  for (const { group, parameters } of layout.segments) {
    for (const { name, shape } of parameters) {
      assert.equal(group.learningRateScale, name.startsWith("decode_head.") ? 10 : 1, name);
      assert.equal(group.weightDecay, shape.length > 1 ? 0.01 : 0, name);
    }
  }
});

Deno.test("emaDecay: the average follows the parameters", async () => {
  const step = await createTrainStep(options({ emaDecay: 0.75 }));
  const name = "decode_head.classifier.weight";
  const average = step.state.get(`moving_average/${name}`)!;
  const parameter = step.parameters.get(name)!;
  const before = average.data.slice();
  assert.deepEqual(before, parameter.data);
  await train(step, 1, 1);
  for (const [i, value] of average.data.entries()) {
    assert.ok(Math.abs(value - (0.75 * before[i]! + 0.25 * parameter.data[i]!)) < 1e-7);
  }
  await step.release();
});

Deno.test("masks: drop path grows from block to block, dropout is by channel", () => {
  const { masks } = buildTrainGraphs(options({}, { drop_path_rate: 0.3 }));
  const rates = masks.filter(({ name }) => name.endsWith("drop_path.mlp")).map(({ rate }) => rate);
  assert.equal(rates.length, 3, "the first block is never dropped");
  for (const [i, rate] of rates.entries()) assert.ok(Math.abs(rate - 0.1 * (i + 1)) < 1e-12);
  const dropout = masks.find(({ name }) => name === "mask/decode_head.dropout")!;
  assert.deepEqual(dropout, { name: "mask/decode_head.dropout", shape: [2, 16, 1, 1], rate: 0.1 });
});

Deno.test("buildTrainGraphs: dropout that would be left out is refused", () => {
  assert.throws(
    () => buildTrainGraphs(options({}, { hidden_dropout_prob: 0.2 })),
    (error: Error) =>
      error instanceof InputError &&
      /"hidden_dropout_prob".*current value is 0.2/.test(error.message),
  );
});

Deno.test("run: a step that diverges says so by its numbers", async () => {
  const step = await createTrainStep(options());
  const broken = batch();
  broken.image.data[0] = NaN;
  const { loss, gradientNorm } = await step.run([broken], { step: 1, learningRate: 1e-3 });
  assert.ok(Number.isNaN(loss) && Number.isNaN(gradientNorm));
  await step.release();
});
