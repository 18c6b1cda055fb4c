import assert from "node:assert/strict";
import fc from "fast-check";
import {
  bytesOf,
  createBlendingStitcher,
  createSeamCounter,
  createStitcher,
  type GridOptions,
  InputError,
  mapArea,
  type NdArray,
  ndarray,
  patchesOf,
  planGrid,
  upsampleLogits,
} from "swath";
import { SCENES, type Segment, segment } from "./segment.ts";
import { memorySink } from "./support.ts";

/** What each shard makes of a scene. */
async function stitch(
  { header, samples }: Segment,
  blends: boolean,
  height = mapArea(header).height,
) {
  const sinks = {
    map: memorySink("uint8"),
    confidence: memorySink("float32"),
    ...(blends && { probabilities: memorySink("float32", 3) }),
  };
  const stitcher = (blends ? createBlendingStitcher : createStitcher)(header, sinks);
  for (const sample of samples) await stitcher.add(sample);
  await stitcher.finish();
  const map = sinks.map.result();
  assert.equal(map.shape[1], height);
  return [map, sinks.confidence.result()];
}

/** The same with every patch upsampled by itself. */
function upsampled({ header, samples }: Segment): Segment {
  return {
    header: { ...header, output: null },
    samples: samples.map((sample) => {
      const { window: { width, height } } = sample.info;
      const logits = sample.arrays.logits as ReturnType<typeof ndarray<"float32">>;
      const { stride } = header.output!;
      const { pred, confidence } = upsampleLogits(logits, {
        width,
        height,
        stride,
        confidence: true,
      });
      return { ...sample, arrays: { pred, confidence: confidence! } };
    }),
  };
}

Deno.test("the maps of shards, one below the other, are the map of the scene, bit by bit", async () => {
  await fc.assert(
    fc.asyncProperty(SCENES, fc.integer({ min: 1, max: 6 }), async (scene, wanted) => {
      const cut = (options: Partial<GridOptions>) =>
        segment(
          { ...scene, ...options },
          (k, sample, x, y) => Math.sin(1.3 * k + 0.37 * x + 0.71 * y + 0.5 * sample),
        );
      const whole = cut({});
      const count = Math.min(wanted, whole.header.grid!.rows);
      for (const form of [(tiles: Segment) => tiles, upsampled]) {
        const expected = await stitch(form(whole), form !== upsampled);
        const parts: NdArray[][] = [];
        for (let number = 1; number <= count; number++) {
          parts.push(await stitch(form(cut({ shard: { number, count } })), form !== upsampled));
        }
        expected.forEach((array, i) => {
          const joined = parts.flatMap((part) => [...bytesOf(part[i]!)]);
          assert.deepEqual(joined, [...bytesOf(array)]);
        });
      }
      const seams = (tiles: Segment) => {
        const counter = createSeamCounter(tiles.header);
        for (const sample of tiles.samples) counter.add(sample);
        return counter.report().pixels;
      };
      let compared = 0;
      for (let number = 1; number <= count; number++) {
        compared += seams(cut({ shard: { number, count } }));
      }
      assert.equal(compared, seams(whole));
    }),
    { numRuns: 40 },
  );
});

Deno.test("below any row, the rest of a map is made bit by bit, without the patches above", async () => {
  await fc.assert(
    fc.asyncProperty(
      SCENES,
      fc.nat(),
      fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
      async (scene, seed, wanted) => {
        const cut = (options: Partial<GridOptions>) =>
          segment(
            { ...scene, ...options },
            (k, sample, x, y) => Math.sin(1.3 * k + 0.37 * x + 0.71 * y + 0.5 * sample),
          );
        const count = wanted === undefined
          ? undefined
          : Math.min(wanted, cut({}).header.grid!.rows);
        const shard = count === undefined ? {} : { shard: { number: 1 + seed % count, count } };
        const whole = cut(shard);
        const { height } = mapArea(whole.header);
        const finishedRows = seed % (height + 1);
        const rest = cut({ ...shard, finishedRows });
        if (finishedRows === height) assert.equal(rest.samples.length, 0);
        assert(rest.samples.length <= whole.samples.length);
        for (const form of [(tiles: Segment) => tiles, upsampled]) {
          const expected = await stitch(form(whole), form !== upsampled);
          const found = await stitch(form(rest), form !== upsampled, height - finishedRows);
          expected.forEach((array, i) => {
            const bytes = bytesOf(array);
            const below = bytes.subarray(bytes.length * finishedRows / height);
            assert.deepEqual([...bytesOf(found[i]!)], [...below]);
          });
        }
      },
    ),
    { numRuns: 60 },
  );
});

Deno.test("shards go through the same number of rows, within one", () => {
  const size = { width: 512, height: 10980, size: 512 };
  for (const overlap of [0, 64, 256, 300]) {
    for (const count of [2, 3, 4, 5]) {
      const plans = Array.from(
        { length: count },
        (_, i) => planGrid({ ...size, overlap, shard: { number: i + 1, count } }),
      );
      const patches = plans.map((plan) => plan.patches);
      assert(Math.max(...patches) - Math.min(...patches) <= 1, `${overlap} ${patches}`);
      let rows = 0;
      for (const { shard } of plans) {
        assert.equal(shard!.y, rows);
        rows += shard!.height;
      }
      assert.equal(rows, 10980);
    }
  }
});

Deno.test("a shard's own patches answer for its rows, and its neighbours' for none", () => {
  const plan = planGrid({
    width: 100,
    height: 1000,
    size: 64,
    overlap: 16,
    shard: { number: 2, count: 3 },
  });
  const { y, height } = plan.shard!;
  const cores = [...patchesOf(plan)].map(({ core }) => core);
  const area = cores.reduce((sum, core) => sum + core.width * core.height, 0);
  assert.equal(area, 100 * height);
  assert(cores.every((core) => core.height === 0 || core.y >= y));
  assert.equal(cores[0]!.height, 0);
  assert.equal(cores.at(-1)!.height, 0);
});

Deno.test("shards that do not exist are refused", () => {
  const cut = (shard: GridOptions["shard"], limit?: number) => () =>
    planGrid({ width: 64, height: 200, size: 64, shard: shard!, ...(limit && { limit }) });
  assert.throws(cut({ number: 3, count: 2 }), InputError);
  assert.throws(cut({ number: 0, count: 2 }), InputError);
  assert.throws(cut({ number: 1, count: 5 }), /only 4 rows of patches/);
  assert.throws(cut({ number: 1, count: 2 }, 3), /both a limit and a shard/);
});
