import assert from "node:assert/strict";
import {
  createPredictor,
  openModel,
  parseMetricsLog,
  train,
  type TrainConfig,
  type TrainConfigInput,
  type TrainOptions,
} from "swath";
import { tinyTraining, weightsOf, withFolder } from "./training_support.ts";

/** Stop a training after some steps, as SIGINT does. */
async function trainUntil(
  config: TrainConfig,
  out: string,
  steps: number,
  more: Partial<TrainOptions> = {},
) {
  const stop = new AbortController();
  return await train(config, {
    ...more,
    out,
    signal: stop.signal,
    onStep: ({ step }) => step >= steps && stop.abort(),
  });
}

async function recordsOf(run: string) {
  const path = `${run}/metrics.ndjson`;
  return parseMetricsLog(await Deno.readTextFile(path), path);
}

/** What is logged, without what depends on the clock and the machine. */
async function reproducibleLog(run: string) {
  return (await recordsOf(run)).map((record) =>
    Object.fromEntries(
      Object.entries(record).filter(([name]) =>
        !["samples_per_second", "wait_share", "memory_mb"].includes(name)
      ),
    )
  );
}

/** Configurations that put something else into the state. */
const CONFIGS: Readonly<Record<string, TrainConfigInput>> = {
  plain: {},
  "OneCycle, moving averages, two batches a step": {
    schedule: "one_cycle",
    ema: 0.9,
    batch_size: 1,
    accumulate: 2,
  },
  "SGD, plateau, early stopping, augmentation": {
    optimizer: "sgd",
    schedule: { name: "plateau", patience: 0, threshold: 10, threshold_mode: "abs", factor: 0.5 },
    early_stopping: {},
    augment: { scale: [0.8, 1.2], gain: 0.1, offset: 0.1, band_dropout: 0.1 },
  },
  "an encoder that is frozen at first": { freeze_encoder: true, unfreeze_at: 1 },
};

for (const [name, changes] of Object.entries(CONFIGS)) {
  Deno.test(`train: the same seed gives the same bytes, in one go and in pieces: ${name}`, async () => {
    await withFolder(async (folder) => {
      const config = await tinyTraining(folder, changes);
      const whole = await train(config, { out: `${folder}/whole` });
      assert.equal(whole.status, "finished");
      assert.equal(whole.step, 6);
      for (const cut of [2, 3, 5]) {
        const out = `${folder}/cut-${cut}`;
        const first = await trainUntil(config, out, cut);
        assert.equal(first.status, "interrupted");
        assert.equal(first.step, cut);
        const second = await train(config, { out, resume: true });
        assert.equal(second.status, "finished");
        assert.deepEqual(await weightsOf(out), await weightsOf(`${folder}/whole`));
        assert.deepEqual(await reproducibleLog(out), await reproducibleLog(`${folder}/whole`));
      }
    });
  });
}

Deno.test("train: a step is logged, an epoch with its metrics, and the loss falls", async () => {
  await withFolder(async (folder) => {
    const config = await tinyTraining(folder, { epochs: 12, learning_rate: 0.01 });
    const epochs: number[] = [];
    const { best, bestModel } = await train(config, {
      out: `${folder}/run`,
      onEpoch: ({ epoch }) => epochs.push(epoch),
    });
    assert.deepEqual(epochs, Array.from({ length: 12 }, (_, epoch) => epoch));
    const records = await recordsOf(`${folder}/run`);
    const steps = records.filter((record) => "loss" in record);
    assert.deepEqual(steps.map(({ step }) => step), Array.from({ length: 36 }, (_, i) => i + 1));
    const losses = steps.map(({ loss }) => Number(loss));
    assert.ok(losses.at(-1)! < 0.5 * losses[0]!, losses.join(" "));
    assert.ok(best!.metrics["val_miou"]! > 0.8, JSON.stringify(best));
    assert.deepEqual(Object.keys(best!.metrics), [
      "train_loss",
      "val_loss",
      "val_miou",
      "val_accuracy",
      "val_iou/water",
      "val_iou/forest",
      "learning_rate",
      "gradient_norm",
      "samples_per_second",
      "wait_share",
      "memory_mb",
    ]);
    using model = await openModel(bestModel!);
    assert.deepEqual(model.card.bands, ["B01", "B02"]);
    assert.deepEqual(model.card.classes!.map(({ name }) => name), ["water", "forest"]);
    assert.ok(Math.abs(model.card.normalization!.mean[0]! - 0.145) < 0.01);
    await createPredictor(model).release();
  });
});

for (
  const loss of [
    { ce: 1, dice: 0.5, boundary: { weight: 0.01, form: "distance" } },
    { tversky: 1 },
    { focal: { weight: 1, alpha: 1 } },
    { ce: 1, lovasz: { weight: 1, per_image: true } },
    { boundary: { weight: 1, form: "laplacian" } },
  ] satisfies TrainConfigInput[]
) {
  Deno.test(`train: ${Object.keys(loss).join(" and ")}, in two batches a step`, async () => {
    await withFolder(async (folder) => {
      const config = await tinyTraining(folder, {
        loss,
        epochs: 12,
        learning_rate: 0.01,
        batch_size: 1,
        accumulate: 2,
        class_weights: "auto",
      });
      const { best } = await train(config, { out: `${folder}/run` });
      assert.ok(best!.metrics["val_miou"]! > 0.8, JSON.stringify(best));
    });
  });
}

Deno.test("train: a step that is dropped leaves what was saved, from which the run goes on", async () => {
  await withFolder(async (folder) => {
    const config = await tinyTraining(folder, { save: { every_steps: 2 } });
    await train(config, { out: `${folder}/whole` });
    const [out, drop] = [`${folder}/dropped`, new AbortController()];
    const { status, step } = await train(config, {
      out,
      dropSignal: drop.signal,
      onStep: ({ step }) => step === 5 && drop.abort(),
    });
    assert.deepEqual([status, step], ["interrupted", 4]);
    await train(config, { out, resume: true });
    assert.deepEqual(await weightsOf(out), await weightsOf(`${folder}/whole`));
  });
});

Deno.test("train: a loss that is not finite stops, and keeps what was good", async () => {
  await withFolder(async (folder) => {
    const config = await tinyTraining(folder, { epochs: 3 });
    const out = `${folder}/run`;
    await trainUntil(config, out, 4);
    const before = await weightsOf(out);
    const state = await Deno.readFile(`${out}/state.safetensors`);
    const diverging = { ...config, learningRate: 1e20, schedule: { name: "constant" as const } };
    await assert.rejects(train(diverging, { out, resume: true }), {
      message:
        `Cannot go on with the run in "${out}" with learning_rate 100000000000000000000: it has 0.001`,
    });
    await Deno.writeTextFile(
      `${out}/config.yaml`,
      (await Deno.readTextFile(`${out}/config.yaml`)).replace(
        /^learning_rate: .*$/m,
        "learning_rate: 1.0e+20",
      ),
    );
    await assert.rejects(train(diverging, { out, resume: true }), {
      message: new RegExp(
        "^Cannot go on training as the (validation )?loss is (NaN|Infinity) at step \\d+, learning rate " +
          `100000000000000000000; the last good checkpoint is "${out}/last" of step 4$`,
      ),
    });
    assert.deepEqual(await weightsOf(out), before);
    assert.deepEqual(await Deno.readFile(`${out}/state.safetensors`), state);
  });
});

Deno.test("train: early stopping ends a run that no longer improves, for good", async () => {
  await withFolder(async (folder) => {
    const config = await tinyTraining(folder, {
      epochs: 50,
      early_stopping: { patience: 2, min_delta: 100 },
    });
    const out = `${folder}/run`;
    const { status, step } = await train(config, { out });
    assert.deepEqual([status, step], ["stopped", 9]);
    assert.deepEqual((await train(config, { out, resume: true })).step, 9);
  });
});

Deno.test("train: max_steps ends within an epoch, which is validated", async () => {
  await withFolder(async (folder) => {
    const config = await tinyTraining(folder, { epochs: 5, max_steps: 4 });
    const { status, step, best } = await train(config, { out: `${folder}/run` });
    assert.deepEqual([status, step, best!.step], ["finished", 4, best!.epoch === 0 ? 3 : 4]);
  });
});

Deno.test("train: a run goes on for more epochs than it was begun with", async () => {
  await withFolder(async (folder) => {
    const long = await tinyTraining(folder, { epochs: 3 });
    await train(long, { out: `${folder}/whole` });
    await train({ ...long, epochs: 1 }, { out: `${folder}/run` });
    await train(long, { out: `${folder}/run`, resume: true });
    assert.deepEqual(await weightsOf(`${folder}/run`), await weightsOf(`${folder}/whole`));
  });
});

Deno.test("train: a folder is used by one training, and kept unless told otherwise", async () => {
  await withFolder(async (folder) => {
    const config = await tinyTraining(folder, { epochs: 1 });
    const out = `${folder}/run`;
    const stop = new AbortController();
    let other: Promise<unknown> = Promise.resolve();
    await train({ ...config, epochs: 1000 }, {
      out,
      signal: stop.signal,
      onStart() {
        other = assert.rejects(train(config, { out, resume: true }), {
          message: `Cannot train into "${out}" as another training uses it right now`,
        }).finally(() => stop.abort());
      },
    });
    await other;
    await train(config, { out, overwrite: true });
    const before = await weightsOf(out);
    await assert.rejects(train(config, { out }), {
      message: `Cannot train into "${out}" as it holds a run`,
      hint: "Go on with it by --resume, or replace it by --overwrite",
    });
    await assert.rejects(train(config, { out: folder, overwrite: true }), {
      message: `Cannot train into "${folder}" as it holds "run"`,
    });
    await train(config, { out, overwrite: true });
    assert.deepEqual(await weightsOf(out), before);
  });
});

Deno.test("train: a damaged state is refused", async () => {
  await withFolder(async (folder) => {
    const config = await tinyTraining(folder, { epochs: 1 });
    const out = `${folder}/run`;
    await train(config, { out });
    const path = `${out}/state.safetensors`;
    const bytes = await Deno.readFile(path);
    bytes[bytes.length - 5]! ^= 1;
    await Deno.writeFile(path, bytes);
    await assert.rejects(train(config, { out, resume: true }), {
      message: `Cannot go on with the training of "${path}": its checksum is wrong`,
    });
    await Deno.remove(path);
    await assert.rejects(train(config, { out, resume: true }), {
      message: `Cannot go on with the run in "${out}" as state.safetensors is missing`,
    });
  });
});
