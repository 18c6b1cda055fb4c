import assert from "node:assert/strict";
import {
  type BestCheckpoint,
  isBest,
  isImprovement,
  monitoredValue,
  shouldStop,
  startEarlyStopping,
  stepEarlyStopping,
} from "swath";

/** Epoch, counted from 0, after which training stops; null for never. */
function stopsAfter(
  config: { mode: "min" | "max"; patience: number; minDelta: number },
  values: readonly number[],
): number | null {
  let state = startEarlyStopping();
  for (const [epoch, value] of values.entries()) {
    const saved = JSON.parse(JSON.stringify(state));
    state = stepEarlyStopping({ monitor: "m", ...config }, saved, value);
    if (shouldStop({ monitor: "m", ...config }, state)) return epoch;
  }
  return null;
}

Deno.test("early stopping: patience counts epochs without improvement in a row", () => {
  const min = { mode: "min", patience: 3, minDelta: 0 } as const;
  assert.equal(stopsAfter(min, [5, 4, 4, 4, 4, 4]), 4);
  assert.equal(stopsAfter(min, [5, 6, 6, 4, 6, 6, 3, 3, 3, 3]), 9);
  assert.equal(stopsAfter(min, [5, 4, 3, 2, 1]), null);
  assert.equal(stopsAfter({ ...min, mode: "max" }, [5, 4, 3, 2, 1]), 3);
  assert.equal(stopsAfter({ ...min, minDelta: 0.5 }, [5, 4.6, 4.5, 4.49, 4.2]), null);
  assert.equal(stopsAfter({ ...min, minDelta: 0.5 }, [5, 4.6, 4.5, 4.5, 4.2]), 3);
  assert.equal(stopsAfter(min, [NaN, NaN, NaN]), 2);
  assert.equal(stopsAfter(min, [NaN, 1, NaN, NaN]), null);
});

Deno.test("best checkpoint: the first of equals, never a value that is not finite", () => {
  const keep = (mode: "min" | "max", values: readonly number[]) => {
    let best: BestCheckpoint | null = null;
    values.forEach((value, epoch) => {
      if (isBest({ monitor: "m", mode }, best, value)) best = { value, step: epoch * 10, epoch };
    });
    return (best as BestCheckpoint | null)?.epoch ?? null;
  };
  assert.equal(keep("min", [3, 1, 2, 1]), 1);
  assert.equal(keep("max", [3, 1, 3, 2]), 0);
  assert.equal(keep("max", [NaN, -1, Infinity]), 1);
  assert.equal(keep("min", [NaN, -Infinity]), null);
});

Deno.test("isImprovement: the margin must be exceeded", () => {
  assert.equal(isImprovement("min", 0.9, 1, 0.1), false);
  assert.equal(isImprovement("min", 0.89, 1, 0.1), true);
  assert.equal(isImprovement("max", 1.5, 1, 0.5), false);
  assert.equal(isImprovement("max", -5, null), true);
});

Deno.test("monitoredValue: an unknown metric names those that there are", () => {
  const metrics = { val_loss: 0.5, mIoU: null };
  assert.equal(monitoredValue(metrics, "val_loss"), 0.5);
  assert.ok(Number.isNaN(monitoredValue(metrics, "mIoU")));
  assert.throws(() => monitoredValue(metrics, "val_los"), {
    name: "InputError",
    message: 'Cannot monitor "val_los" as there is no such metric: expected one of val_loss, mIoU',
    hint: 'Did you mean "val_loss"?',
  });
  assert.throws(() => monitoredValue(metrics, "toString"), { name: "InputError" });
});
