import assert from "node:assert/strict";
import { InputError, type Sample, type StreamItem, transformStream } from "swath";
import { makeSegment } from "./support.ts";

async function* iterate(items: readonly StreamItem[], log: string[] = []) {
  for (const item of items) {
    await Promise.resolve();
    log.push(`read ${name(item)}`);
    yield item;
  }
}

const name = (item: StreamItem) => item.type === "sample" ? item.sample.key.slice(-6) : item.type;

Deno.test("headers, samples and end marks keep their order over several segments", async () => {
  const items = [...makeSegment({ scene: "a" }), ...makeSegment({ scene: "b", rows: 3 })];
  for (const batch of [1, 2, 3, 4, 100]) {
    const sizes: number[] = [];
    const result = await Array.fromAsync(
      transformStream(iterate(items), (header) => ({
        header: { ...header, history: [...header.history, "test"] },
        transform: (samples) => {
          sizes.push(samples.length);
          return samples.map((sample) => ({ ...sample, arrays: {} }));
        },
      }), { batch }),
    );
    const expected = items.map((item): StreamItem => {
      if (item.type === "header") {
        const { header } = item;
        return { type: "header", header: { ...header, history: [...header.history, "test"] } };
      }
      return item.type === "sample"
        ? { type: "sample", sample: { ...item.sample, arrays: {} } }
        : item;
    });
    assert.deepEqual(result, expected);
    assert.equal(sizes.reduce((sum, size) => sum + size), 10);
    assert(sizes.every((size) => size <= batch));
    assert.equal(sizes.length, Math.ceil(4 / batch) + Math.ceil(6 / batch));
  }
});

Deno.test("patches of different sizes do not share a batch", async () => {
  const items = makeSegment();
  const resized = items.map((item, i): StreamItem => {
    if (item.type !== "sample" || i < 3) return item;
    const { info } = item.sample;
    const window = { ...info.window, width: 9 };
    return { type: "sample", sample: { ...item.sample, info: { ...info, window } } };
  });
  const batches: number[][] = [];
  const transform = (samples: readonly Sample[]) => {
    batches.push(samples.map((sample) => sample.info.window.width));
    return samples;
  };
  await Array.fromAsync(
    transformStream(iterate(resized), (header) => ({ header, transform }), { batch: 4 }),
  );
  assert.deepEqual(batches, [[4, 4], [9, 9]]);
});

Deno.test("the next sample is read while one is transformed, and no further", async () => {
  const log: string[] = [];
  const finish: (() => void)[] = [];
  const stream = transformStream(iterate(makeSegment({ columns: 4, rows: 1 }), log), (header) => ({
    header,
    transform: (samples) => {
      log.push(`start ${name({ type: "sample", sample: samples[0]! })}`);
      return new Promise<readonly Sample[]>((resolve) => finish.push(() => resolve(samples)));
    },
  }));
  assert.equal((await stream.next()).value?.type, "header");
  const first = stream.next();
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.deepEqual(log, ["read header", "read 000000", "start 000000", "read 000004"]);
  finish[0]!();
  assert.equal((await first).value?.type, "sample");
  assert.deepEqual(log.slice(4), ["start 000004"]);
  finish[1]!();
  await stream.return();
});

Deno.test("failures of the source and of the transformation come through", async () => {
  const items = makeSegment();
  await assert.rejects(
    Array.fromAsync(transformStream(iterate(items), (header) => ({
      header,
      transform: ([sample]) => {
        if (name({ type: "sample", sample: sample! }) === "000004") {
          throw new InputError("bad patch");
        }
        return [sample!];
      },
    }))),
    /bad patch/,
  );
  async function* broken() {
    yield* iterate(items.slice(0, 3));
    throw new InputError("cut short");
  }
  const seen: string[] = [];
  await assert.rejects(async () => {
    const stream = transformStream(broken(), (header) => ({ header, transform: (s) => s }));
    for await (const item of stream) seen.push(name(item));
  }, /cut short/);
  assert.deepEqual(seen, ["header", "000000"]);
  await assert.rejects(
    Array.fromAsync(transformStream(iterate(items), (header) => ({ header, transform: () => [] }))),
    /internal: 1 samples became 0/,
  );
});

Deno.test("as many samples as wanted are transformed at once, and keep their order", async () => {
  const items = makeSegment({ columns: 4, rows: 2 });
  let running = 0;
  let most = 0;
  const stream = transformStream(iterate(items), (header) => ({
    header,
    transform: async (samples) => {
      most = Math.max(most, ++running);
      // Every other one takes longer than the next.
      const [, column] = samples[0]!.info.position;
      await new Promise((resolve) => setTimeout(resolve, column % 2 === 0 ? 6 : 1));
      running--;
      return samples;
    },
  }), { concurrency: 3 });
  assert.deepEqual((await Array.fromAsync(stream)).map(name), items.map(name));
  assert.equal(most, 3);
});
