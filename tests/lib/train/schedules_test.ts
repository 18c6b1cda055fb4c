import assert from "node:assert/strict";
import {
  parseTrainConfig,
  type PlateauSchedule,
  scheduleValues,
  startPlateau,
  stepPlateau,
} from "swath";

function valuesOf(settings: Readonly<Record<string, unknown>>, totalSteps: number) {
  const { schedule } = parseTrainConfig({ schedule: settings });
  return Array.from(
    { length: totalSteps },
    (_, step) => scheduleValues(schedule, { learningRate: 1, step, totalSteps }),
  );
}

function assertNear(actual: readonly number[], expected: readonly number[]): void {
  assert.equal(actual.length, expected.length);
  actual.forEach((value, i) => assert.ok(Math.abs(value - expected[i]!) < 5e-7, `${i}: ${value}`));
}

// The lists come from PyTorch 2.13; tests/peers/schedules_test.ts compares many more settings.
Deno.test("schedules: OneCycleLR(max_lr=1, total_steps=10)", () => {
  const values = valuesOf({ name: "one_cycle" }, 10);
  assertNear(
    values.map(({ learningRate }) => learningRate),
    [0.04, 0.52, 1, 0.9504846, 0.8117457, 0.6112620, 0.3887420, 0.1882583, 0.0495194, 0.000004],
  );
  assertNear(
    values.map(({ momentum }) => momentum!),
    [0.95, 0.9, 0.85, 0.8549516, 0.8688255, 0.8888740, 0.9111260, 0.9311745, 0.9450484, 0.95],
  );
});

Deno.test("schedules: constant, cosine and polynomial in closed form", () => {
  const rates = (settings: Readonly<Record<string, unknown>>, steps: number) =>
    valuesOf(settings, steps).map(({ learningRate, momentum }) => {
      assert.equal(momentum, null);
      return learningRate;
    });
  assertNear(rates({ name: "constant" }, 3), [1, 1, 1]);
  assertNear(rates({ name: "cosine" }, 4), [
    1,
    (1 + Math.SQRT1_2) / 2,
    0.5,
    (1 - Math.SQRT1_2) / 2,
  ]);
  assertNear(rates({ name: "cosine", t_max: 2, eta_min: 0.2 }, 5), [1, 0.6, 0.2, 0.6, 1]);
  const polynomial = { name: "polynomial", warmup_steps: 2, warmup_factor: 0.5, power: 2 };
  assertNear(rates(polynomial, 6), [0.5, 0.75, 1, 0.5625, 0.25, 0.0625]);
});

Deno.test("schedules: one step, or phases of no length, are no division by zero", () => {
  for (const name of ["one_cycle", "cosine", "polynomial", "constant"]) {
    for (const steps of [1, 2, 10]) {
      for (const pct of name === "one_cycle" ? [0, 0.1, 0.5, 1] : [undefined]) {
        const settings = { name, ...(pct === undefined ? {} : { pct_start: pct }) };
        for (const { learningRate } of valuesOf(settings, steps)) {
          assert.ok(
            learningRate >= 0 && learningRate <= 1,
            `${JSON.stringify(settings)} of ${steps}`,
          );
        }
      }
    }
  }
});

Deno.test("schedules: a plateau lowers the learning rate after its patience, down to its floor", () => {
  const { schedule } = parseTrainConfig({
    schedule: { name: "plateau", patience: 1, factor: 0.5, min_lr: 0.2 },
  });
  let plateau = startPlateau(1);
  const rates = [1, 0.9, 0.95, 0.95, NaN, 0.91, 0.91, 0.91, 0.91].map((loss) => {
    plateau = stepPlateau(schedule as PlateauSchedule, plateau, loss);
    return scheduleValues(schedule, { learningRate: 1, step: 0, totalSteps: 9, plateau })
      .learningRate;
  });
  assert.deepEqual(rates, [1, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.2, 0.2]);
});

Deno.test("schedules: steps outside the run are our own fault", () => {
  const { schedule } = parseTrainConfig({});
  for (const step of [-1, 10, NaN]) {
    assert.throws(
      () => scheduleValues(schedule, { learningRate: 1, step, totalSteps: 10 }),
      /^RangeError: internal: /,
    );
  }
});
