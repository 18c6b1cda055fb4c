import assert from "node:assert/strict";
import {
  type BatchPlan,
  createBatchLoader,
  createBatchMaker,
  createDataSetReader,
  InputError,
  learningCurves,
  openDataSet,
  parseTrainConfig,
} from "swath";
import { withFolder, writeTrainingShard } from "./training_support.ts";

async function planOf(path: string, changes: Partial<BatchPlan> = {}): Promise<BatchPlan> {
  const { augment } = parseTrainConfig({ augment: { scale: [0.5, 2], gain: 0.2, offset: 0.2 } });
  return {
    set: await openDataSet([path]),
    bands: null,
    normalization: null,
    ignoreIndex: 255,
    height: 32,
    width: 32,
    batchSize: 2,
    random: { seed: 3, augment, size: null },
    ...changes,
  };
}

Deno.test("batches: those of a worker are those of the main thread, in any order", async () => {
  await withFolder(async (folder) => {
    const plan = await planOf(await writeTrainingShard(`${folder}/a.tar`));
    using maker = createBatchMaker(plan);
    using loader = createBatchLoader(plan);
    assert.equal(maker.batchesPerEpoch, 3);
    const loaded = await Array.fromAsync(loader.batches(1, 7));
    for (const index of [5, 1, 6, 2]) {
      assert.deepEqual(loaded[index - 1], await maker.make(index));
    }
    assert.notDeepEqual(loaded[0]!.image.data, loaded[3]!.image.data);
    const epoch = loaded.slice(2, 5).flatMap(({ samples }) => samples.map(({ key }) => key));
    assert.equal(new Set(epoch).size, 6, "each sample once an epoch");
  });
});

Deno.test("batches: a caller that stops early gets the right batches when it starts again", async () => {
  await withFolder(async (folder) => {
    const plan = await planOf(await writeTrainingShard(`${folder}/a.tar`));
    using maker = createBatchMaker(plan);
    using loader = createBatchLoader(plan);
    for await (const _ of loader.batches(0, 10)) break;
    const again = await Array.fromAsync(loader.batches(0, 4));
    for (const [index, batch] of again.entries()) assert.deepEqual(batch, await maker.make(index));
  });
});

Deno.test("batches: bands are chosen, normalized and filled up with pixels that do not count", async () => {
  await withFolder(async (folder) => {
    const path = await writeTrainingShard(`${folder}/a.tar`, { rows: 1, columns: 1, size: 16 });
    const plan = await planOf(path, {
      bands: [1],
      normalization: {
        bands: ["B02"],
        scale: [1],
        offset: [0],
        mean: [1000],
        std: [2],
        clip: null,
      },
      random: null,
    });
    using maker = createBatchMaker(plan);
    const { image, labels, samples } = await maker.make(0);
    assert.deepEqual(image.shape, [2, 1, 32, 32]);
    assert.equal(samples.length, 1);
    const { arrays } = await readFirst(plan);
    const stored = arrays.image!.data as Uint16Array;
    assert.equal(image.data[33], (stored[256 + 17]! - 1000) / 2);
    assert.deepEqual([image.data[16], labels.data[16]], [0, 255]);
    assert.deepEqual(labels.data.slice(0, 16), arrays.label!.data.slice(0, 16));
    assert.ok(labels.data.subarray(32 * 16).every((label) => label === 255));
  });
});

async function readFirst(plan: BatchPlan) {
  using reader = createDataSetReader(plan.set);
  return await reader.read(0);
}

Deno.test("batches: what fails in the worker is told where the batch is awaited", async () => {
  await withFolder(async (folder) => {
    const path = await writeTrainingShard(`${folder}/a.tar`);
    using loader = createBatchLoader(await planOf(path));
    const bytes = await Deno.readFile(path);
    await Deno.writeFile(path, bytes.subarray(0, 2000));
    await assert.rejects(Array.fromAsync(loader.batches(0, 2)), (error) => {
      assert.ok(error instanceof InputError, String(error));
      assert.match(error.message, /^Cannot read "/);
      return true;
    });
  });
});

Deno.test("learningCurves: epochs by their metrics, steps by their learning rate, long ones thinned out", () => {
  const records = Array.from({ length: 5000 }, (_, i) => ({
    step: i + 1,
    epoch: 0,
    loss: 1,
    learning_rate: i,
  }));
  const epoch = { step: 5000, epoch: 0, train_loss: 1, val_loss: 2, val_miou: null };
  const [loss, metric, rate] = learningCurves(
    [{ name: "run", records: [...records, epoch] }],
    "val_miou",
  );
  assert.deepEqual(loss!.points.map(({ series, value }) => [series, value]), [
    ["training", 1],
    ["validation", 2],
  ]);
  assert.deepEqual(metric!.points, []);
  assert.ok(rate!.points.length <= 1000);
  assert.equal(rate!.points.at(-1)!.step, 5000);
});
