import assert from "node:assert/strict";
import fc from "fast-check";
import { type GridPlan, InputError, planGrid, type ShardPart, shareOut } from "swath";

const SCENES = fc.array(
  fc.record({
    width: fc.integer({ min: 1, max: 3000 }),
    height: fc.integer({ min: 1, max: 6000 }),
  }),
  { minLength: 2, maxLength: 8 },
);

/** What each shard does: the part of each scene, and the pixels of the patches that it goes through. */
function shares(sizes: readonly { width: number; height: number }[], count: number, overlap = 0) {
  const cut = (size: { width: number; height: number }, shard?: ShardPart): GridPlan =>
    planGrid({ ...size, size: 256, overlap, ...(shard === undefined ? {} : { shard }) });
  const plans = sizes.map((size) => cut(size));
  return Array.from({ length: count }, (_, i) => {
    const parts = shareOut(plans, { number: i + 1, count });
    const own = parts.map((part, scene) => part === null ? null : cut(sizes[scene]!, part));
    const pixels = own.reduce(
      (sum, plan) => sum + (plan === null ? 0 : plan.patches * plan.grid.width * plan.grid.height),
      0,
    );
    return { parts, own, pixels };
  });
}

Deno.test("shards of many scenes answer for every row once, in order", () => {
  fc.assert(
    fc.property(
      SCENES,
      fc.integer({ min: 1, max: 12 }),
      fc.constantFrom(0, 64),
      (sizes, wanted, overlap) => {
        const rows = sizes.reduce(
          (sum, size) => sum + planGrid({ ...size, size: 256, overlap }).grid.rows,
          0,
        );
        const all = shares(sizes, Math.min(wanted, rows), overlap);
        for (const [scene, { height }] of sizes.entries()) {
          const held = all.map(({ own }) => own[scene]).filter((plan) => plan !== null);
          let y = 0;
          for (const [index, plan] of held.entries()) {
            assert.deepEqual(
              { ...plan!.shard },
              { number: index + 1, count: held.length, y, height: plan!.shard!.height },
            );
            y += plan!.shard!.height;
          }
          assert.equal(y, height);
        }
        assert(all.every(({ parts }) => parts.some((part) => part !== null)));
      },
    ),
    { numRuns: 200 },
  );
});

Deno.test("shards of many scenes have equal work, within a row of patches", () => {
  const sizes = [[2000, 5490], [1000, 1000], [2000, 10_980], [500, 300], [2000, 2000]]
    .map(([width, height]) => ({ width: width!, height: height! }));
  for (const count of [2, 3, 5, 8, 13]) {
    const work = shares(sizes, count).map(({ pixels }) => pixels);
    const row = 8 * 256 * 256;
    const mean = work.reduce((sum, pixels) => sum + pixels, 0) / count;
    assert(Math.max(...work) <= mean + 2 * row, `${count}: ${work}`);
    // The rows of neighbours that are gone through for the border's sake are all that is added.
    assert(mean * count <= shares(sizes, 1)[0]!.pixels + 2 * row * (count - 1));
  }
});

Deno.test("a single scene is shared out as without a catalogue", () => {
  const plan = planGrid({ width: 700, height: 3000, size: 256, overlap: 32 });
  for (const number of [1, 2, 3]) {
    const [part] = shareOut([plan], { number, count: 3 });
    const direct = planGrid({
      width: 700,
      height: 3000,
      size: 256,
      overlap: 32,
      shard: { number, count: 3 },
    });
    const shared = planGrid({ width: 700, height: 3000, size: 256, overlap: 32, shard: part! });
    assert.deepEqual(shared, direct);
  }
});

Deno.test("more shards than rows of patches are refused", () => {
  const plans = [300, 200].map((height) => planGrid({ width: 100, height, size: 128 }));
  assert.equal(shareOut(plans, { number: 5, count: 5 }).filter((part) => part !== null).length, 1);
  assert.throws(
    () => shareOut(plans, { number: 1, count: 6 }),
    (error) => error instanceof InputError && /only 5 rows of patches/.test(error.message),
  );
});
