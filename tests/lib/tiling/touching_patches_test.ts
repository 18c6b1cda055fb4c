import assert from "node:assert/strict";
import fc from "fast-check";
import {
  createBlendingStitcher,
  createStitcher,
  patchesOf,
  planGrid,
  type Ring,
  selectPatches,
  touchingPatches,
  upsampleLogits,
} from "swath";
import { SCENES, type Segment, segment } from "./segment.ts";
import { memorySink } from "./support.ts";

/** A triangle, and perhaps a hole in it, that may leave the scene. */
const POLYGON = fc.record({
  corners: fc.array(
    fc.tuple(fc.integer({ min: -40, max: 190 }), fc.integer({ min: -40, max: 190 })),
    { minLength: 3, maxLength: 3 },
  ),
  hole: fc.boolean(),
}).map(({ corners, hole }): Ring[] => {
  const [a, b, c] = corners as [number, number][] as [
    [number, number],
    [number, number],
    [number, number],
  ];
  const middle = [(a[0] + b[0] + c[0]) / 3, (a[1] + b[1] + c[1]) / 3] as const;
  const inner = [a, b, c].map(([x, y]) => [
    middle[0] + 0.8 * (x - middle[0]),
    middle[1] + 0.8 * (y - middle[1]),
  ]);
  return [[a, b, c, a], ...(hole ? [[...inner, inner[0]!]] : [])];
});

/** Whether a point is in a polygon, by the number of edges to its right. */
function isInside(rings: readonly Ring[], x: number, y: number): boolean {
  let inside = false;
  for (const ring of rings) {
    for (let i = 1; i < ring.length; i++) {
      const [[ax, ay], [bx, by]] = [ring[i - 1], ring[i]] as [[number, number], [number, number]];
      if (ay > y !== by > y && x < ax + (bx - ax) * (y - ay) / (by - ay)) inside = !inside;
    }
  }
  return inside;
}

async function mapOf({ header, samples }: Segment, blends: boolean): Promise<Uint8Array> {
  const map = memorySink("uint8");
  const stitcher = (blends ? createBlendingStitcher : createStitcher)(header, { map });
  for (const sample of samples) {
    if (blends) {
      await stitcher.add(sample);
      continue;
    }
    const { width, height } = sample.info.window;
    const { pred } = upsampleLogits(sample.arrays.logits as never, {
      width,
      height,
      stride: header.output!.stride,
    });
    await stitcher.add({ ...sample, arrays: { pred } });
  }
  await stitcher.finish();
  return map.result().data;
}

Deno.test("inside polygons, the map of the patches that touch them is that of the whole scene", async () => {
  await fc.assert(
    fc.asyncProperty(
      SCENES,
      fc.array(POLYGON, { minLength: 1, maxLength: 2 }),
      async (scene, polygons) => {
        const whole = segment(
          scene,
          (k, sample, x, y) => Math.sin(1.3 * k + 0.37 * x + 0.71 * y + 0.5 * sample),
        );
        const { stride: _, ...grid } = scene;
        const plan = planGrid(grid);
        const selected = touchingPatches(plan, polygons);
        const samples = whole.samples.filter((_, number) => selected.has(number));
        for (const blends of [true, false]) {
          const expected = await mapOf(whole, blends);
          const found = await mapOf({ header: whole.header, samples }, blends);
          for (let i = 0; i < expected.length; i++) {
            const [x, y] = [i % scene.width + 0.5, Math.floor(i / scene.width) + 0.5];
            if (polygons.some((rings) => isInside(rings, x, y))) {
              assert.equal(
                found[i],
                expected[i],
              );
            }
          }
        }
      },
    ),
    { numRuns: 60 },
  );
});

Deno.test("only patches that reach near a polygon are taken, and not those in its holes", () => {
  const plan = planGrid({ width: 1000, height: 1000, size: 100, overlap: 4 });
  const square = (west: number, north: number, side: number): Ring => [
    [west, north],
    [west + side, north],
    [west + side, north + side],
    [west, north + side],
    [west, north],
  ];
  const count = (rings: readonly Ring[]) => touchingPatches(plan, [rings]).size;
  assert.equal(count([square(500, 500, 10)]), 4);
  assert.equal(count([square(-500, -500, 5000)]), plan.patches);
  assert.equal(count([square(2000, 2000, 10)]), 0);
  const withHole = [square(-100, -100, 1200), square(150, 150, 700)];
  const all = count(withHole.slice(0, 1));
  assert(count(withHole) < all && count(withHole) > all / 2);
});

Deno.test("a selection goes through its patches in order, a limit included", () => {
  const grid = { width: 96, height: 96, size: 32 };
  const numbers = (plan: ReturnType<typeof planGrid>) =>
    [...patchesOf(plan)].map(({ position: [row, column] }) => 3 * row + column);
  const selected = new Set([8, 1, 4, 100]);
  assert.deepEqual(numbers(selectPatches(planGrid(grid), selected)), [1, 4, 8]);
  assert.deepEqual(numbers(selectPatches(planGrid({ ...grid, limit: 2 }), selected)), [1, 4]);
  const below = planGrid({ ...grid, finishedRows: 90 });
  assert.deepEqual(numbers(selectPatches(below, selected)), [4, 8]);
  assert.deepEqual(numbers(selectPatches(planGrid(grid), new Set())), []);
});
