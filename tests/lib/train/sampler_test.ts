import assert from "node:assert/strict";
import fc from "fast-check";
import { createBatchSampler } from "swath";

Deno.test("sampler: each epoch takes every sample once, in another order", () => {
  fc.assert(fc.property(
    fc.integer({ min: 1, max: 60 }),
    fc.integer({ min: 1, max: 9 }),
    fc.maxSafeNat(),
    (count, batchSize, seed) => {
      const sampler = createBatchSampler({ count, batchSize, seed, dropLast: false });
      for (const epoch of [0, 1, 7]) {
        const seen: number[] = [];
        for (let i = 0; i < sampler.batchesPerEpoch; i++) {
          const batch = sampler.batch(epoch * sampler.batchesPerEpoch + i);
          assert.equal(batch.epoch, epoch);
          const isLast = i === sampler.batchesPerEpoch - 1;
          assert.equal(batch.samples.length, isLast ? count - i * batchSize : batchSize);
          seen.push(...batch.samples);
        }
        assert.deepEqual(
          seen.toSorted((a, b) => a - b),
          Array.from({ length: count }, (_, i) => i),
        );
      }
    },
  ));
});

Deno.test("sampler: any batch can be asked for at any time", () => {
  const options = { count: 103, batchSize: 8, seed: 42, dropLast: true };
  const inOrder = createBatchSampler(options);
  const batches = Array.from({ length: 40 }, (_, index) => inOrder.batch(index));
  for (const index of [39, 0, 12, 13, 25, 1]) {
    assert.deepEqual(createBatchSampler(options).batch(index), batches[index]);
    assert.deepEqual(inOrder.batch(index), batches[index]);
  }
  assert.equal(inOrder.batchesPerEpoch, 12);
  assert.ok(batches.every(({ samples }) => samples.length === 8));
  assert.notDeepEqual(batches[0]!.samples, batches[12]!.samples);
  const other = createBatchSampler({ ...options, seed: 43 });
  assert.notDeepEqual(other.batch(0), batches[0]);
});

Deno.test("sampler: without a seed the samples stay in order", () => {
  const sampler = createBatchSampler({ count: 5, batchSize: 2, seed: null, dropLast: false });
  assert.deepEqual([...sampler.batch(5).samples], [4]);
  assert.equal(sampler.batch(5).epoch, 1);
});

Deno.test("sampler: nothing to make batches of", () => {
  const make = (count: number) =>
    createBatchSampler({ count, batchSize: 8, seed: 1, dropLast: true });
  assert.throws(() => make(0), {
    name: "InputError",
    message: "Cannot make batches as there are no samples",
  });
  assert.throws(() => make(3), {
    name: "InputError",
    message: "Cannot make a batch of 8 samples: there are 3",
  });
});
