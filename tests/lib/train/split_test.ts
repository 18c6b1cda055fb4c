import assert from "node:assert/strict";
import fc from "fast-check";
import { groundPlace, type Place, type SceneInfo, splitBlocks } from "swath";

function grid(
  columns: number,
  rows: number,
  size: number,
  stride: number,
  plane = "a",
): Place[] {
  return Array.from({ length: columns * rows }, (_, i) => {
    const x = (i % columns) * stride;
    const y = Math.floor(i / columns) * stride;
    return { key: `${plane}/${y}_${x}`, plane, window: { x, y, width: size, height: size } };
  });
}

/** Smallest distance between samples of different splits, the slow way. */
function smallestGap(samples: readonly Place[], assignment: readonly (string | null)[]) {
  let smallest = Infinity;
  let overlaps = 0;
  for (let i = 0; i < samples.length; i++) {
    for (let j = 0; j < i; j++) {
      const a = samples[i]!;
      const b = samples[j]!;
      if (a.plane !== b.plane || assignment[i] === null || assignment[j] === null) continue;
      if (assignment[i] === assignment[j]) continue;
      const gap = Math.max(
        Math.max(a.window.x, b.window.x) -
          Math.min(a.window.x + a.window.width, b.window.x + b.window.width),
        Math.max(a.window.y, b.window.y) -
          Math.min(a.window.y + a.window.height, b.window.y + b.window.height),
      );
      smallest = Math.min(smallest, gap);
      if (gap < 0) overlaps++;
    }
  }
  return { smallest, overlaps };
}

Deno.test("split: no sample is nearer than the buffer to one of another split", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 16, max: 64 }),
      fc.integer({ min: 64, max: 300 }),
      fc.integer({ min: 1, max: 60 }),
      fc.nat(1000),
      (stride, block, buffer, seed) => {
        const samples = [...grid(18, 18, 48, stride), ...grid(8, 8, 48, stride, "b")];
        const options = { val: 0.2, test: 0.1, block, buffer, seed };
        let split;
        try {
          split = splitBlocks(samples, options);
        } catch (error) {
          if (!(error instanceof Error) || error.name !== "InputError") throw error;
          return;
        }
        assert.ok(smallestGap(samples, split.assignment).smallest >= buffer);
        assert.equal(split.overlaps, 0);
        assert.equal(split.overlapExample, null);
        const { train, val, test, leftOut } = split.counts;
        assert.equal(train + val + test + leftOut, samples.length);
      },
    ),
    { numRuns: 30 },
  );
});

Deno.test("split: overlaps without a buffer are counted", () => {
  const samples = grid(12, 12, 48, 32);
  const { assignment, overlaps, overlapExample, counts } = splitBlocks(samples, {
    val: 0.25,
    test: 0,
    block: 128,
    buffer: 0,
    seed: 3,
  });
  assert.equal(counts.leftOut, 0);
  assert.equal(overlaps, smallestGap(samples, assignment).overlaps);
  assert.ok(overlaps > 0 && overlapExample !== null);
  const [first, second] = overlapExample.map((key) =>
    assignment[samples.findIndex((sample) => sample.key === key)]
  );
  assert.deepEqual([first, second], ["val", "train"]);
});

Deno.test("split: shares are met as nearly as whole blocks allow", () => {
  const samples = grid(40, 40, 64, 64);
  const options = { val: 0.2, test: 0.1, block: 256, buffer: 0, seed: 0 };
  const { counts } = splitBlocks(samples, options);
  assert.ok(Math.abs(counts.val - 320) <= 8 && Math.abs(counts.test - 160) <= 8);
  assert.deepEqual(splitBlocks(samples, options), splitBlocks(samples, options));
  const other = splitBlocks(samples, { ...options, seed: 1 });
  assert.notDeepEqual(other.assignment, splitBlocks(samples, options).assignment);
});

Deno.test("split: the order of the samples does not matter", () => {
  const samples = grid(10, 10, 64, 64);
  const options = { val: 0.3, test: 0, block: 128, buffer: 10, seed: 5 };
  const forward = splitBlocks(samples, options).assignment;
  const backward = splitBlocks(samples.toReversed(), options).assignment;
  assert.deepEqual(backward.toReversed(), forward);
});

Deno.test("split: two dates of the same ground are split alike", () => {
  const scene = (name: string, left: number, crs: string): SceneInfo => ({
    name,
    source: `${name}.tif`,
    width: 640,
    height: 640,
    georeference: {
      crs,
      transform: [left, 10, 0, 5_100_000, 0, -10],
      geoKeys: null,
      pixelIsPoint: false,
    },
  });
  const july = scene("july", 500_000, "EPSG:32633");
  const august = scene("august", 500_640, "EPSG:32633"); // one patch farther east
  const places = [july, august].flatMap((one) =>
    grid(10, 10, 64, 64).map(({ key, window }) =>
      groundPlace(one, `${one.name}/${key}`, { window })
    )
  );
  const options = { val: 0.3, test: 0, block: 128, buffer: 1, seed: 5 };
  const { assignment } = splitBlocks(places, options);
  for (let row = 0; row < 10; row++) {
    for (let column = 1; column < 10; column++) {
      assert.equal(assignment[10 * row + column], assignment[100 + 10 * row + column - 1]);
    }
  }
  const elsewhere = groundPlace(scene("x", 500_000, "EPSG:32634"), "x", places[0]!);
  assert.notEqual(elsewhere.plane, places[0]!.plane);
  assert.notEqual(
    groundPlace(null, "a", places[0]!).plane,
    groundPlace(null, "b", places[0]!).plane,
  );
});

Deno.test("split: what makes no sense is refused", () => {
  const samples = grid(4, 4, 64, 64);
  const options = { val: 0.2, test: 0, block: 64, buffer: 0, seed: 0 };
  const refuse = (change: Partial<typeof options>, message: string) =>
    assert.throws(() => splitBlocks(samples, { ...options, ...change }), {
      name: "InputError",
      message,
    });
  refuse(
    { val: 0.6, test: 0.4 },
    "Cannot split with shares of 0.6 for validation and 0.4 for test: expected a sum above 0 and below 1",
  );
  refuse(
    { val: NaN },
    "Cannot split with shares of NaN for validation and 0 for test: expected a sum above 0 and below 1",
  );
  refuse(
    { block: 0 },
    "Cannot split with blocks of 0 pixels and a buffer of 0: expected a block above 0 and a buffer of at least 0",
  );
  refuse(
    { block: 4096 },
    "Cannot split 16 samples: none is left for val with blocks of 4096 pixels and a buffer of 0",
  );
  refuse(
    { buffer: 1000 },
    "Cannot split 16 samples: none is left for train with blocks of 64 pixels and a buffer of 1000",
  );
});
