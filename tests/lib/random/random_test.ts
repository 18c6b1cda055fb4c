import assert from "node:assert/strict";
import fc from "fast-check";
import { philox4x32, randomStream, type Words4 } from "../../../lib/random/mod.ts";

// kat_vectors of Random123, the authors' own library: philox4x32 with 10 rounds.
const PUBLISHED: [counter: Words4, key: [number, number], result: Words4][] = [
  [[0, 0, 0, 0], [0, 0], [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]],
  [
    [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
    [0xffffffff, 0xffffffff],
    [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
  ],
  [
    [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
    [0xa4093822, 0x299f31d0],
    [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  ],
];
for (const [counter, key, result] of PUBLISHED) {
  Deno.test(`philox4x32 gives the published words for counter ${counter[0].toString(16)}`, () => {
    assert.deepEqual(philox4x32(counter, key), result);
  });
}

Deno.test("philox4x32 multiplies as 64-bit integers do", () => {
  const word = fc.integer({ min: 0, max: 0xffffffff });
  fc.assert(fc.property(fc.tuple(word, word, word, word), fc.tuple(word, word), (counter, key) => {
    assert.deepEqual(philox4x32(counter, key), philoxOfBigInts(counter, key));
  }));
});

function philoxOfBigInts(counter: Words4, key: [number, number]): number[] {
  const mask = 0xffffffffn;
  let [c0, c1, c2, c3] = counter.map(BigInt) as [bigint, bigint, bigint, bigint];
  let [k0, k1] = key.map(BigInt) as [bigint, bigint];
  for (let round = 0; round < 10; round++) {
    const first = 0xd2511f53n * c0;
    const second = 0xcd9e8d57n * c2;
    [c0, c1, c2, c3] = [
      (second >> 32n) ^ c1 ^ k0,
      second & mask,
      (first >> 32n) ^ c3 ^ k1,
      first & mask,
    ];
    k0 = (k0 + 0x9e3779b9n) & mask;
    k1 = (k1 + 0xbb67ae85n) & mask;
  }
  return [c0, c1, c2, c3].map(Number);
}

Deno.test("randomStream: uniform numbers have the moments of the distribution", () => {
  const { uniform } = randomStream(7, "moments");
  const count = 20_000;
  let sum = 0;
  let squares = 0;
  for (let counter = 0; counter < count; counter++) {
    const value = uniform(counter);
    assert.ok(value >= 0 && value < 1);
    sum += value;
    squares += value * value;
  }
  assert.ok(Math.abs(sum / count - 1 / 2) < 0.01);
  assert.ok(Math.abs(squares / count - 1 / 3) < 0.01);
});

Deno.test("randomStream: normal numbers have mean 0, variance 1 and 4.55 % beyond two deviations", () => {
  const { normal } = randomStream(7, "moments");
  const values = Array.from({ length: 20_000 }, (_, counter) => normal(counter));
  const mean = values.reduce((sum, value) => sum + value) / values.length;
  const variance = values.reduce((sum, value) => sum + value * value, 0) / values.length;
  const beyond = values.filter((value) => Math.abs(value) > 2).length / values.length;
  assert.ok(Math.abs(mean) < 0.03, String(mean));
  assert.ok(Math.abs(variance - 1) < 0.05, String(variance));
  assert.ok(Math.abs(beyond - 0.0455) < 0.006, String(beyond));
});

Deno.test("randomStream: normal numbers filled into an array are those asked for one by one", () => {
  const { normal, normals } = randomStream(3, "fill");
  for (const [first, length] of [[0, 9], [1, 3], [2, 6], [3, 1], [4, 4], [2 ** 40, 5]] as const) {
    const filled = new Float32Array(length);
    normals(filled, first);
    const single = Float32Array.from({ length }, (_, i) => normal(first + i));
    assert.deepEqual(filled, single);
  }
});

Deno.test("randomStream: neighbouring normal numbers do not depend on one another", () => {
  const values = new Float32Array(40_000);
  randomStream(11, "neighbours").normals(values);
  for (const lag of [1, 2, 3, 4]) {
    for (const power of [1, 2]) {
      let sum = 0;
      const centered = (i: number) => values[i]! ** power - (power - 1);
      for (let i = lag; i < values.length; i++) sum += centered(i) * centered(i - lag);
      assert.ok(Math.abs(sum / values.length) < 0.03 * power, `lag ${lag}: ${sum}`);
    }
  }
});

Deno.test("randomStream: integers reach every value of their range alike", () => {
  const { integer } = randomStream(0, "dice");
  const counts = new Array(6).fill(0);
  for (let counter = 0; counter < 12_000; counter++) counts[integer(counter, 6)]++;
  for (const count of counts) assert.ok(Math.abs(count - 2000) < 200, counts.join(" "));
});

Deno.test("randomStream: seeds, streams and counters above 2^32 all matter", () => {
  const far = 2 ** 40 + 3;
  const values = [
    randomStream(1, "a").uniform(3),
    randomStream(2, "a").uniform(3),
    randomStream(1 + 2 ** 32, "a").uniform(3),
    randomStream(1, "b").uniform(3),
    randomStream(1, "a").uniform(4),
    randomStream(1, "a").uniform(far),
  ];
  assert.equal(new Set(values).size, values.length);
  assert.equal(randomStream(1, "a").uniform(far), randomStream(1, "a").uniform(far));
});

Deno.test("randomStream: every order of three is equally likely", () => {
  const { permutation } = randomStream(11, "shuffle");
  const counts = new Map<string, number>();
  for (let epoch = 0; epoch < 6000; epoch++) {
    const order = permutation(3, epoch).join("");
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  assert.equal(counts.size, 6);
  for (const [order, count] of counts) assert.ok(Math.abs(count - 1000) < 150, `${order} ${count}`);
});

Deno.test("randomStream: permutations hold each index once and differ between epochs", () => {
  const { permutation } = randomStream(3, "shuffle");
  fc.assert(fc.property(fc.nat(200), fc.nat(), (length, epoch) => {
    const order = permutation(length, epoch);
    assert.deepEqual([...order].sort((a, b) => a - b), [...Array(length).keys()]);
  }));
  assert.notDeepEqual(permutation(100, 0), permutation(100, 1));
});

Deno.test("randomStream refuses seeds that it would confuse with others", () => {
  for (const seed of [-1, 0.5, NaN, 2 ** 53]) {
    assert.throws(() => randomStream(seed, "a"), RangeError);
  }
});
