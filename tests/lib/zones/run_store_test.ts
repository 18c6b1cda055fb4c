/**
 * Stretches of pixels wait for their rows: in memory, and on disk beyond a limit.
 */
import assert from "node:assert/strict";
import { RunStore } from "../../../lib/zones/run_store.ts";

Deno.test("what goes to the disk comes back as it was, strip by strip, in order", () => {
  const [height, stripRows] = [1000, 64];
  using spilled = new RunStore(height, stripRows, 64 * 1024);
  using held = new RunStore(height, stripRows);
  let state = 11;
  const random = (below: number) => (state = state * 48271 % 2147483647) % below;
  for (let zone = 0; zone < 400; zone++) {
    const top = random(height - 60);
    for (let row = top; row < top + 60; row++) {
      const first = random(5000);
      for (const store of [spilled, held]) store.add(zone, row, first, first + 7, (zone + 1) / 401);
    }
  }
  assert.ok(spilled.bytes >= 400 * 60 * 24);
  const flat = (store: RunStore, strip: number) =>
    [...store.take(strip)].flatMap(({ count, fields, shares }) =>
      Array.from({ length: count }, (_, i) => [...fields.subarray(4 * i, 4 * i + 4), shares[i]])
    );
  let total = 0;
  for (let strip = 0; strip * stripRows < height; strip++) {
    const runs = flat(spilled, strip);
    assert.deepEqual(runs, flat(held, strip));
    for (const [, row] of runs) assert.equal(Math.floor(row! / stripRows), strip);
    total += runs.length;
  }
  assert.equal(total, 400 * 60);
});
