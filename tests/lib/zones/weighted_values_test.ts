/**
 * Percentiles of weighted values; exactextract's and NumPy's are compared with in `tests/peers`.
 */
import assert from "node:assert/strict";
import { WeightedIntegers, WeightedValues } from "../../../lib/zones/weighted_values.ts";

function randomNumbers(seed: number) {
  let state = seed;
  return () => (state = state * 48271 % 2147483647) / 2147483647;
}

Deno.test("values in any order, many times over, are sorted with their weights", () => {
  const random = randomNumbers(3);
  const [values, integers] = [new WeightedValues(1 << 20), new WeightedIntegers()];
  for (let i = 0; i < 20_000; i++) {
    const value = Math.floor(random() ** 2 * 3000) - 500;
    const weight = random() < 0.9 ? 1 : random();
    values.add(value, weight);
    integers.add(value, weight);
  }
  const shares = [0, 0.1, 0.25, 0.5, 0.9, 1];
  const [a, b] = [values.quantiles(shares, "weighted"), integers.quantiles(shares, "weighted")];
  a.forEach((value, i) => assert.ok(Math.abs(value - b[i]!) < 1e-6, `${a} ${b}`));
  assert.equal(values.merged, false);
});

Deno.test("plain percentiles are those of NumPy", () => {
  const values = new WeightedValues(1 << 20);
  for (const value of [4, 1, 3, 3, 10]) values.add(value, 1);
  const found = values.quantiles([0, 0.5, 0.9, 1], "plain");
  assert.deepEqual(found.map((value) => Number(value.toFixed(9))), [1, 3, 7.6, 10]);
});

Deno.test("beyond the limit, percentiles are near, and say so", () => {
  const random = randomNumbers(5);
  const values = new WeightedValues(4096);
  const all: number[] = [];
  for (let i = 0; i < 200_000; i++) {
    const value = random() ** 3;
    all.push(value);
    values.add(value, 1);
  }
  all.sort((a, b) => a - b);
  assert.equal(values.merged, true);
  for (const share of [0.05, 0.5, 0.95]) {
    const [found] = values.quantiles([share], "weighted");
    const rank = all.findIndex((value) => value >= found!) / all.length;
    assert.ok(Math.abs(rank - share) < 0.005, `${share}: ${rank}`);
  }
});
