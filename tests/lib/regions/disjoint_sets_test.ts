import assert from "node:assert/strict";
import fc from "fast-check";
import { DisjointSets } from "../../../lib/regions/mod.ts";

function setsOf(count: number, joins: readonly (readonly [number, number])[]): number[] {
  const sets = new DisjointSets();
  for (let number = 0; number < count; number++) sets.add();
  for (const [a, b] of joins) sets.join(a, b);
  assert.equal(sets.count, count);
  return [...sets.names()];
}

Deno.test("disjoint sets: numbers that are joined have the smallest one's name", () => {
  assert.deepEqual(setsOf(0, []), []);
  assert.deepEqual(setsOf(4, []), [0, 1, 2, 3]);
  assert.deepEqual(setsOf(6, [[5, 3], [1, 4], [3, 4], [2, 2]]), [0, 1, 2, 1, 1, 1]);
});

Deno.test("disjoint sets: any joins name what a walk over them reaches", () => {
  const count = 40;
  const number = fc.nat({ max: count - 1 });
  fc.assert(fc.property(fc.array(fc.tuple(number, number), { maxLength: 60 }), (joins) => {
    const expected = Array.from({ length: count }, (_, i) => i);
    for (let round = 0; round < count; round++) {
      for (const [a, b] of joins) {
        expected[a] = expected[b] = Math.min(expected[a]!, expected[b]!);
      }
    }
    assert.deepEqual(setsOf(count, joins), expected);
  }));
});

Deno.test("disjoint sets: as many numbers as there are pieces in a map", () => {
  const count = 100_000;
  const chain = Array.from({ length: count - 1 }, (_, i) => [i + 1, i] as const);
  assert.ok(setsOf(count, chain.reverse()).every((name) => name === 0));
});
