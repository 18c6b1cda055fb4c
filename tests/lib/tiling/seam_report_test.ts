import assert from "node:assert/strict";
import fc from "fast-check";
import {
  createSeamCounter,
  InputError,
  type NdArray,
  ndarray,
  type Sample,
  type SeamReport,
  upsampleLogits,
} from "swath";
import { SCENES, type Segment, segment } from "./segment.ts";

function reportOf({ header, samples }: Segment): SeamReport {
  const counter = createSeamCounter(header);
  for (const sample of samples) counter.add(sample);
  return counter.report();
}

/** Pixels of neighbours that differ, found by upsampling whole patches. */
function differingPixels({ header, samples }: Segment): { pixels: number; differing: number } {
  const { width, height } = header.scene!;
  const { stride } = header.output!;
  const predictions = samples.map(({ info: { window }, arrays }) =>
    upsampleLogits(arrays.logits as NdArray<"float32">, {
      width: window.width,
      height: window.height,
      stride,
    }).pred
  );
  let pixels = 0;
  let differing = 0;
  samples.forEach(({ info: a }, i) =>
    samples.forEach(({ info: b }, j) => {
      const [down, across] = [0, 1].map((axis) => b.position[axis]! - a.position[axis]!);
      if (!(down === 0 && across === 1 || down === 1 && across === 0)) return;
      const at = (patch: number, { x, y }: Sample["info"]["window"], column: number, row: number) =>
        predictions[patch]!.data[(row - y) * predictions[patch]!.shape[1]! + column - x];
      const bottom = Math.min(height, a.window.y + a.window.height, b.window.y + b.window.height);
      const right = Math.min(width, a.window.x + a.window.width, b.window.x + b.window.width);
      for (let y = b.window.y; y < bottom; y++) {
        for (let x = b.window.x; x < right; x++) {
          pixels++;
          if (at(i, a.window, x, y) !== at(j, b.window, x, y)) differing++;
        }
      }
    })
  );
  return { pixels, differing };
}

Deno.test("a network that says the same everywhere has no seams", () => {
  fc.assert(fc.property(SCENES, (scene) => {
    const report = reportOf(segment(scene, (k) => Math.sin(k)));
    const { pixels, differing, meanChange } = report;
    if (pixels > 0) assert.deepEqual([differing, meanChange], [0, 0]);
    else assert.deepEqual([differing, meanChange], [null, null]);
    assert.deepEqual(report.worst, []);
    assert.equal(report.perClass.length, 3);
  }));
});

Deno.test("the share of differing pixels is that of patches upsampled whole", () => {
  fc.assert(
    fc.property(SCENES, fc.nat(1000), (scene, seed) => {
      const tiles = segment(
        scene,
        (k, sample, x, y) => Math.sin(seed + 1.3 * k + 0.37 * x + 0.71 * y + 0.5 * sample),
      );
      const report = reportOf(tiles);
      const { pixels, differing } = differingPixels(tiles);
      assert.equal(report.pixels, pixels);
      const found = (report.differing ?? 0) * pixels;
      // Single precision may decide a tie the other way.
      assert(Math.abs(found - differing) <= pixels / 2000 + 1e-6, `${found} of ${differing}`);
      // Every pixel that differs counts for two classes.
      const counted = report.perClass.reduce(
        (sum, scores) => sum + scores.pixels * (scores.differing ?? 0),
        0,
      );
      assert(Math.abs(counted - 2 * found) < 1e-6 * Math.max(1, pixels));
    }),
    { numRuns: 30 },
  );
});

Deno.test("an offset planted in one patch is found, and its seams are the worst", () => {
  const planted = 4;
  const tiles = segment(
    { width: 160, height: 160, size: 64, overlap: 16, stride: 4, classes: 2 },
    (k, sample) => k === 0 ? 0.5 : sample === planted ? 2 : 0,
  );
  assert.equal(tiles.samples.length, 9);
  const report = reportOf(tiles);
  const { key } = tiles.samples[planted]!;
  assert.equal(report.seams, 12);
  assert.equal(report.worst.length, 4);
  for (const { patches, meanChange } of report.worst) {
    assert(patches.includes(key), patches.join());
    assert(meanChange! > 0.1);
  }
  assert(report.differing! > 0 && report.meanChange! > 0);
  assert(report.perClass.every(({ differing }) => differing! > 0));
});

Deno.test("pixels without data are not compared, nor are neighbours that were left out", () => {
  const tiles = segment(
    { width: 96, height: 32, size: 64, overlap: 32, stride: 4, classes: 2 },
    (k, sample) => k === sample ? 1 : 0,
  );
  assert.equal(reportOf(tiles).pixels, 32 * 32);
  const [left, right] = tiles.samples as [Sample, Sample];
  const valid = ndarray("uint8", [32, 64]);
  valid.data[40] = 1;
  const masked = { ...left, arrays: { ...left.arrays, valid } };
  const { pixels, differing } = reportOf({ ...tiles, samples: [masked, right] });
  assert.deepEqual([pixels, differing], [1, 1]);
  assert.equal(reportOf({ ...tiles, samples: [right] }).pixels, 0);
});

Deno.test("probabilities are compared as they are", () => {
  const tiles = segment(
    { width: 96, height: 32, size: 64, overlap: 32, stride: 4, classes: 2, kind: "probabilities" },
    (k, sample) => (k === 0) === (sample === 0) ? 0.75 : 0.25,
  );
  const { differing, meanChange } = reportOf(tiles);
  assert.deepEqual([differing, meanChange], [1, 0.5]);
});

Deno.test("what cannot be compared is refused", () => {
  const { header, samples } = segment({ width: 64, height: 64, size: 32, stride: 4 }, () => 1);
  assert.throws(() => createSeamCounter({ ...header, output: null }), InputError);
  assert.throws(
    () => createSeamCounter(header).add({ ...samples[0]!, arrays: {} }),
    /Cannot compare sample "s\/000000_000000" without logits/,
  );
});
