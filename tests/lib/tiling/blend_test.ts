import assert from "node:assert/strict";
import fc from "fast-check";
import {
  createBlendingStitcher,
  InputError,
  type NdArray,
  ndarray,
  type Sample,
  storeProbabilities,
} from "swath";
import { SCENES, type Segment, segment } from "./segment.ts";
import { memorySink } from "./support.ts";

async function stitch({ header, samples }: Segment) {
  const map = memorySink("uint8");
  const confidence = memorySink("float32");
  const stitcher = createBlendingStitcher(header, { map, confidence });
  for (const sample of samples) await stitcher.add(sample);
  await stitcher.finish();
  return { map: map.result(), confidence: confidence.result(), tallest: map.tallest };
}

/** The same with everything in memory and plain loops: weights, true sum, bilinear, argmax. */
function reference({ header, samples }: Segment, classes: number): NdArray<"uint8"> {
  const { width, height } = header.scene!;
  const { stride } = header.output!;
  const cells = new Map<string, { weight: number; sums: number[] }>();
  for (const { info: { window, position }, arrays } of samples) {
    const { data, shape: [, rows = 0, columns = 0] } = arrays.logits as NdArray<"float32">;
    const along = (i: number, n: number, first: boolean, last: boolean) =>
      Math.min(Math.ceil(n / 2), first ? n : i + 1, last ? n : n - i);
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        const weight = along(i, rows, position[0] === 0, position[0] === header.grid!.rows - 1) *
          along(j, columns, position[1] === 0, position[1] === header.grid!.columns - 1);
        const key = `${window.y / stride + i},${window.x / stride + j}`;
        const cell = cells.get(key) ?? { weight: 0, sums: Array(classes).fill(0) };
        cells.set(key, cell);
        cell.weight += weight;
        for (let k = 0; k < classes; k++) {
          cell.sums[k] += weight * data[(k * rows + i) * columns + j]!;
        }
      }
    }
  }
  const map = ndarray("uint8", [1, height, width]);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [v, u] = [(y + 0.5) / stride - 0.5, (x + 0.5) / stride - 0.5];
      const scores: number[] = Array(classes).fill(0);
      for (
        const [i, a] of [[Math.floor(v), 1 - v + Math.floor(v)], [
          Math.floor(v) + 1,
          v - Math.floor(v),
        ]]
      ) {
        for (
          const [j, b] of [[Math.floor(u), 1 - u + Math.floor(u)], [
            Math.floor(u) + 1,
            u - Math.floor(u),
          ]]
        ) {
          const cell = cells.get(`${Math.max(0, i!)},${Math.max(0, j!)}`);
          if (cell !== undefined) {
            cell.sums.forEach((sum, k) => scores[k]! += a! * b! * sum / cell.weight);
          }
        }
      }
      map.data[y * width + x] = scores.indexOf(Math.max(...scores));
    }
  }
  return map;
}

Deno.test("blending in a band equals blending in memory", async () => {
  await fc.assert(
    fc.asyncProperty(SCENES, fc.nat(1000), async (scene, seed) => {
      const tiles = segment(
        scene,
        (k, sample, x, y) => Math.sin(seed + 1.3 * k + 0.37 * x + 0.71 * y + 0.5 * sample),
      );
      const { map } = await stitch(tiles);
      const expected = reference(tiles, 3);
      // Sums in another order may decide a tie the other way.
      const different = map.data.filter((value, i) => value !== expected.data[i]).length;
      assert(different <= map.data.length / 5000, `${different} pixels differ`);
      assert.deepEqual(map.shape, expected.shape);
    }),
    { numRuns: 40 },
  );
});

Deno.test("a constant stays constant to the last bit, corners included", async () => {
  await fc.assert(
    fc.asyncProperty(
      SCENES,
      fc.float({ noNaN: true, min: Math.fround(1e-4), max: 1 }),
      async (scene, constant) => {
        const { map, confidence } = await stitch(
          segment({ ...scene, kind: "probabilities" }, (k) => k === 1 ? constant : 0),
        );
        assert(map.data.every((value) => value === 1));
        assert(confidence.data.every((value) => value === constant), `${constant}`);
      },
    ),
    { numRuns: 40 },
  );
});

Deno.test("the probabilities of all classes sum to 1, and the map and its confidence are their maximum", async () => {
  await fc.assert(
    fc.asyncProperty(SCENES, fc.nat(1000), async (scene, seed) => {
      const { header, samples } = segment(
        scene,
        (k, sample, x, y) => 3 * Math.sin(seed + k + 0.37 * x + 0.71 * y + 0.5 * sample),
      );
      const sinks = {
        map: memorySink("uint8"),
        confidence: memorySink("float32"),
        probabilities: memorySink("float32", 3),
      };
      const stitcher = createBlendingStitcher(header, sinks);
      for (const sample of samples) await stitcher.add(sample);
      await stitcher.finish();
      const { data } = sinks.probabilities.result();
      const pixels = scene.width * scene.height;
      const [map, confidence] = [sinks.map.result().data, sinks.confidence.result().data];
      for (let i = 0; i < pixels; i++) {
        const shares = [data[i]!, data[pixels + i]!, data[2 * pixels + i]!];
        assert(Math.abs(shares[0]! + shares[1]! + shares[2]! - 1) < 1e-6);
        assert.equal(shares[map[i]!], Math.max(...shares));
        assert.equal(shares[map[i]!], confidence[i]);
      }
    }),
    { numRuns: 15 },
  );
});

Deno.test("stored probabilities keep 0, 1 and no data", () => {
  const rows = ndarray("float32", [1, 1, 4], Float32Array.of(0, 1, NaN, 0.5));
  assert.deepEqual([...storeProbabilities(rows, "uint8").data], [0, 254, 255, 127]);
  assert.deepEqual([...storeProbabilities(rows, "float16").data], [0, 1, NaN, 0.5]);
});

Deno.test("the classes are the same, bit by bit, decided patch by patch or with their probabilities", async () => {
  await fc.assert(
    fc.asyncProperty(SCENES, fc.nat(1000), fc.constantFrom(0, 1, 4), async (scene, seed, steps) => {
      // In steps, scores tie over wide areas.
      const inSteps = (score: number) => steps === 0 ? score : Math.round(steps * score) / steps;
      const { header, samples } = segment(
        scene,
        (k, sample, x, y) => inSteps(Math.sin(seed + 1.3 * k + 0.17 * x + 0.31 * y + 0.5 * sample)),
      );
      const { width, height } = header.grid!;
      const kept = samples.filter((_, index) => (index + seed) % 5 !== 2).map((sample, index) => {
        if (index % 3 !== 1) return sample;
        const valid = ndarray("uint8", [height, width]);
        for (let i = 0; i < valid.data.length; i++) valid.data[i] = Number((i + seed) % 7 > 1);
        return { ...sample, arrays: { ...sample.arrays, valid } };
      });
      const map = memorySink("uint8");
      const stitcher = createBlendingStitcher(header, { map });
      for (const sample of kept) await stitcher.add(sample);
      await stitcher.finish();
      const whole = await stitch({ header, samples: kept });
      assert.deepEqual(map.result(), whole.map);
    }),
    { numRuns: 100 },
  );
});

Deno.test("patches that share more than the grid says are refused, and less is no matter", async () => {
  const { header, samples } = segment(
    { width: 144, height: 144, size: 64, overlap: 32, stride: 4 },
    (k, sample, x, y) => Math.sin(k + 0.37 * x + 0.71 * y + 0.5 * sample),
  );
  const stitchAs = async (overlap: number) => {
    const map = memorySink("uint8");
    const grid = { ...header.grid!, overlap };
    const stitcher = createBlendingStitcher({ ...header, grid }, { map });
    for (const sample of samples) await stitcher.add(sample);
    await stitcher.finish();
    return map.result();
  };
  assert.deepEqual(await stitchAs(48), await stitchAs(32));
  await assert.rejects(stitchAs(16), /"s\/000000_000032": it is out of order/);
});

Deno.test("where neighbours disagree, the one whose middle is nearer wins, and change is gradual", async () => {
  // Left and right patch overlap by half; both shout for their own class.
  const { map, confidence } = await stitch(
    segment(
      { width: 96, height: 64, size: 64, overlap: 32, stride: 4, classes: 2 },
      (k, sample) => k === sample ? 4 : 0,
    ),
  );
  const row = map.data.slice(32 * 96, 33 * 96);
  assert.deepEqual([...row], [...Array(48).fill(0), ...Array(48).fill(1)]);
  const scores = [...confidence.data.slice(32 * 96, 33 * 96)];
  assert(scores[32]! > scores[40]! && scores[40]! > scores[47]!);
  assert(scores[48]! < scores[56]! && scores[56]! < scores[63]!);
  assert(Math.abs(scores[0]! - 1 / (1 + Math.exp(-4))) < 1e-6);
});

Deno.test("skipped patches and pixels without data become 255, without a trace in their neighbours", async () => {
  const tiles = segment({ width: 160, height: 160, size: 32, stride: 4 }, () => 1);
  const kept = tiles.samples.filter(({ info: { position } }) =>
    position[0] !== 1 && position[0] !== 2 && position[1] !== 3
  );
  const [first] = kept;
  const valid = ndarray("uint8", [32, 32], new Uint8Array(1024).fill(1));
  valid.data[5] = 0;
  kept[0] = { ...first!, arrays: { ...first!.arrays, valid } };
  const { map, confidence } = await stitch({ ...tiles, samples: kept });
  for (let i = 0; i < map.data.length; i++) {
    const [x, y] = [i % 160, Math.floor(i / 160)];
    const missing = y >= 32 && y < 96 || x >= 96 && x < 128 || i === 5;
    assert.equal(map.data[i], missing ? 255 : 0, `column ${x}, row ${y}`);
    assert.equal(Number.isNaN(confidence.data[i]), missing);
    if (!missing) assert(Math.abs(confidence.data[i]! - 1 / 3) < 1e-6);
  }
});

Deno.test("no sample at all gives a map without data", async () => {
  const tiles = segment({ width: 70, height: 90, size: 32, stride: 4 }, () => 1);
  const { map } = await stitch({ ...tiles, samples: [] });
  assert.deepEqual(map.shape, [1, 90, 70]);
  assert(map.data.every((value) => value === 255));
});

Deno.test("what cannot be blended is refused", async () => {
  const { header, samples } = segment({ width: 64, height: 64, size: 32, stride: 4 }, () => 1);
  const sinks = () => ({ map: memorySink("uint8") });
  const add = async (...list: Sample[]) => {
    const stitcher = createBlendingStitcher(header, sinks());
    for (const sample of list) await stitcher.add(sample);
  };
  const [a, b, c] = samples as [Sample, Sample, Sample, Sample];
  await assert.rejects(add({ ...a, arrays: {} }), /it has no logits/);
  await assert.rejects(add(a, c, b), /"s\/000000_000032": it is out of order/);
  await assert.rejects(
    add(a, { ...b, arrays: { logits: ndarray("float32", [4, 8, 8]) } }),
    /logits of 4 classes, those before have 3/,
  );
  const shifted = { ...b.info, window: { ...b.info.window, x: 30 } };
  await assert.rejects(add(a, { ...b, info: shifted }), /offset \(column 30, row 0\) must be/);
  assert.throws(() => createBlendingStitcher({ ...header, output: null }, sinks()), InputError);
  assert.throws(() => createBlendingStitcher({ ...header, grid: null }, sinks()), InputError);
});
