import assert from "node:assert/strict";
import fc from "fast-check";
import { InputError, patchesOf, planGrid, summarizePlan } from "swath";

const gridOptions = fc.record({
  width: fc.integer({ min: 1, max: 400 }),
  height: fc.integer({ min: 1, max: 400 }),
  size: fc.integer({ min: 16, max: 200 }),
  overlapShare: fc.double({ min: 0, max: 1, noNaN: true }),
}).map(({ overlapShare, ...rest }) => ({
  ...rest,
  overlap: Math.floor((rest.size - 16) * overlapShare),
}));

Deno.test("the cores of any grid cover each pixel exactly once", () => {
  fc.assert(
    fc.property(gridOptions, (options) => {
      const { width, height } = options;
      const covered = new Uint8Array(width * height);
      for (const { core } of patchesOf(planGrid(options))) {
        for (let y = core.y; y < core.y + core.height; y++) {
          for (let x = core.x; x < core.x + core.width; x++) covered[y * width + x]!++;
        }
      }
      assert(covered.every((count) => count === 1));
    }),
    { numRuns: 60 },
  );
});

Deno.test("patches of any grid lie on the lattice, in order, and hold their cores", () => {
  fc.assert(fc.property(gridOptions, (options) => {
    const { width, height, size, overlap } = options;
    const plan = planGrid(options);
    let previous = -1;
    for (const { window, core, position } of patchesOf(plan)) {
      assert.equal(window.x % 16 + window.y % 16, 0);
      assert.equal(window.width, plan.grid.width);
      assert.equal(window.height, plan.grid.height);
      assert(core.x >= window.x && core.x + core.width <= window.x + window.width);
      assert(core.y >= window.y && core.y + core.height <= window.y + window.height);
      assert(core.width > 0 && core.height > 0);
      if (width > size) assert(window.x + window.width < width + 16);
      else assert(window.x === 0 && window.width < width + 32);
      if (height > size) assert(window.y + window.height < height + 16);
      const index = position[0] * plan.grid.columns + position[1];
      assert.equal(index, previous + 1);
      previous = index;
    }
    assert.equal(plan.patches, previous + 1);
    const { offsets } = plan.columns;
    for (let i = 1; i < offsets.length; i++) {
      assert(offsets[i - 1]! + plan.grid.width - offsets[i]! >= overlap);
    }
    assert(plan.grid.overlap >= overlap && plan.grid.overlap < overlap + 16);
  }));
});

Deno.test("the last patches are shifted inwards", () => {
  const { columns } = planGrid({ width: 10980, height: 512, size: 512, stride: 480 });
  assert.equal(columns.offsets.at(-1), 10480); // 10468 rounded up to the lattice: 12 columns padded
  assert.deepEqual(columns.cuts.slice(0, 3), [0, 496, 976]);
  assert.equal(columns.cuts.at(-1), 10980);
});

Deno.test("small scenes give one patch, rounded up to a multiple of 32", () => {
  const sizes = [[1, 1, 32, 32], [33, 512, 64, 512], [700, 10, 512, 32]];
  for (const [width = 0, height = 0, patchWidth, patchHeight] of sizes) {
    const { grid } = planGrid({ width, height, size: 512 });
    assert.deepEqual([grid.width, grid.height], [patchWidth, patchHeight]);
  }
});

Deno.test("window and limit", () => {
  const window = { x: 100, y: 50, width: 600, height: 300 };
  const plan = planGrid({ width: 1000, height: 1000, size: 256, window, limit: 4 });
  assert.deepEqual(plan.area, window);
  assert.equal(plan.grid.columns * plan.grid.rows, 6);
  const patches = [...patchesOf(plan)];
  assert.deepEqual(patches.map((patch) => patch.position), [[0, 0], [0, 1], [0, 2], [1, 0]]);
  assert.equal(patches[0]!.window.x, 0);
});

Deno.test("what makes no sense is refused", () => {
  const scene = { width: 1000, height: 1000, size: 512 };
  const cases: [Partial<Parameters<typeof planGrid>[0]>, RegExp][] = [
    [{ stride: 700 }, /stride 700 as stride must be <= size: current size is 512/],
    [{ overlap: 512 }, /overlap 512 as overlap must be <= size - 16: current size is 512/],
    [{ overlap: -1 }, /overlap must be an integer >= 0/],
    [{ overlap: 1.5 }, /overlap must be an integer >= 0/],
    [{ overlap: 32, stride: 480 }, /both an overlap and a stride/],
    [{ size: 8 }, /size must be an integer >= 16/],
    [{ size: NaN }, /size must be an integer >= 16/],
    [{ limit: 0 }, /limit must be an integer >= 1/],
    [{ window: { x: 900, y: 0, width: 200, height: 10 } }, /must lie in the scene/],
    [{ window: { x: 0, y: 0, width: 0, height: 10 } }, /must lie in the scene/],
  ];
  for (const [change, message] of cases) {
    assert.throws(() => planGrid({ ...scene, ...change }), (error) => {
      assert(error instanceof InputError);
      assert.match(error.message, message);
      return true;
    });
  }
});

Deno.test("the summary adds up", () => {
  const plan = planGrid({ width: 1024, height: 1024, size: 512 });
  const summary = summarizePlan(plan, {
    bands: 14,
    dtype: "uint16",
    labels: true,
    patchesPerSecond: 2,
  });
  assert.equal(summary.patches, 4);
  assert.equal(summary.redundancy, 1);
  assert.equal(summary.seconds, 2);
  assert.equal(summary.streamBytes, 4 * (512 * 512 * 30 + 4096));
  assert.equal(summary.tileBytes, 2 * 512 * 512 * 30 + 8 * 2 ** 20);
  assert.equal(summary.stitchBytes, 1024 * 512);
});

Deno.test("of the blocks under a row of patches, only strips stay in memory", () => {
  const held = (width: number, block: { width: number; height: number }) =>
    summarizePlan(planGrid({ width, height: 4096, size: 512, overlap: 64 }), {
      bands: 4,
      dtype: "uint16",
      labels: false,
      block,
      patchesPerSecond: null,
    }).tileBytes - 2 * 3 * 512 * 512 * 9;
  for (const width of [4096, 40960]) {
    assert.equal(held(width, { width: 256, height: 256 }), 8 * 2 ** 20);
  }
  assert.equal(held(2000, { width: 2000, height: 16 }), 2000 * 528 * 9);
});
