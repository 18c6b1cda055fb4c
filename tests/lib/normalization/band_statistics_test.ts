import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type BandInfo,
  BandStatistics,
  type DataType,
  type NdArray,
  ndarray,
} from "../../../mod.ts";

const BAND: BandInfo = { name: "B04", scale: 1, offset: 0 };

function statisticsOf(values: number[], dtype: DataType, valid: number[] | null = null) {
  const statistics = new BandStatistics([BAND], dtype);
  statistics.add(imageOf(values, dtype), valid === null ? null : maskOf(valid));
  return statistics;
}

function imageOf(values: number[], dtype: DataType): NdArray {
  const image = ndarray(dtype, [1, 1, values.length]);
  values.forEach((value, index) => {
    image.data[index] = typeof image.data[index] === "bigint" ? BigInt(value) : value;
  });
  return image;
}

function maskOf(valid: number[]): NdArray<"uint8"> {
  return ndarray("uint8", [1, valid.length], Uint8Array.from(valid));
}

function restored(statistics: BandStatistics): BandStatistics {
  return BandStatistics.parse(JSON.stringify(statistics), "stats.json");
}

for (const dtype of ["uint8", "int16", "uint16", "float32", "float64", "int32", "int64"] as const) {
  Deno.test(`statistics of ${dtype}: a worked example with a pixel without data`, () => {
    const [summary] = statisticsOf([2, 4, 4, 6, 99], dtype, [1, 1, 1, 1, 0]).summaries();
    assert.deepEqual(summary, {
      ...BAND,
      count: 4,
      nonFinite: 0,
      min: 2,
      max: 6,
      mean: 4,
      std: Math.SQRT2,
    });
  });
}

Deno.test("extreme integers do not overflow", () => {
  const high = statisticsOf(Array<number>(1000).fill(65535), "uint16");
  assert.equal(high.summaries()[0]!.mean, 65535);
  assert.equal(high.summaries()[0]!.std, 0);
  assert.equal(high.percentile(0, 98), 65535);
  const low = statisticsOf([-32768, -32768, 32767, 32767], "int16");
  assert.equal(low.summaries()[0]!.mean, -0.5);
  assert.equal(low.summaries()[0]!.std, 32767.5);
  assert.equal(low.percentile(0, 0), -32768);
});

Deno.test("NaN and infinite values are counted and left out", () => {
  const statistics = statisticsOf([NaN, 1, Infinity, 3, -Infinity, NaN], "float32", [
    1,
    1,
    1,
    1,
    1,
    0,
  ]);
  const [summary] = statistics.summaries();
  assert.equal(summary!.count, 2);
  assert.equal(summary!.nonFinite, 3);
  assert.equal(summary!.mean, 2);
  assert.deepEqual(restored(statistics).summaries(), statistics.summaries());
});

Deno.test("no valid pixels: null, never NaN", () => {
  for (const dtype of ["uint16", "float32"] as const) {
    const statistics = statisticsOf([0, 0], dtype, [0, 0]);
    const { count, min, max, mean, std } = statistics.summaries()[0]!;
    assert.deepEqual([count, min, max, mean, std], [0, null, null, null, null]);
    assert.equal(statistics.percentile(0, 50), null);
    assert.deepEqual(restored(statistics).summaries(), statistics.summaries());
  }
});

Deno.test("percentiles of floats are within 0.1 % over many orders of magnitude", () => {
  const values = Array.from(
    { length: 999 },
    (_, index) => (index % 2 ? -1 : 1) * 1.09 ** (index - 500),
  );
  const statistics = statisticsOf(values, "float64");
  const sorted = values.toSorted((a, b) => a - b);
  for (let rank = 0; rank < sorted.length; rank += 7) {
    const found = statistics.percentile(0, rank / (sorted.length - 1) * 100)!;
    const error = Math.abs(found - sorted[rank]!);
    assert.ok(
      error <= 0.001 * Math.abs(sorted[rank]!) + 1e-37,
      `${rank}: ${found} ${sorted[rank]}`,
    );
  }
});

Deno.test("values beyond float32 keep their place in the range", () => {
  const statistics = statisticsOf([-1e100, 0, 1e100], "float64");
  assert.equal(statistics.percentile(0, 0), -1e100);
  assert.equal(statistics.percentile(0, 100), 1e100);
  assert.ok(Math.abs(statistics.percentile(0, 50)!) < 1e-30);
});

Deno.test("add refuses images of another kind", () => {
  const statistics = new BandStatistics([BAND], "uint16");
  assert.throws(() => statistics.add(imageOf([1], "uint8"), null), /internal/);
  assert.throws(() => statistics.add(ndarray("uint16", [2, 1, 1]), null), /internal/);
  assert.throws(() => statistics.add(ndarray("uint16", [1, 2, 1]), maskOf([1])), /internal/);
});

Deno.test("merge refuses other bands, scales and element types, saying both", () => {
  const one = new BandStatistics([BAND], "uint16");
  const message =
    "Cannot add up statistics of uint16 bands B04 and statistics of uint16 bands B04*0.0001-0.1";
  assert.throws(
    () => one.merge(new BandStatistics([{ name: "B04", scale: 1e-4, offset: -0.1 }], "uint16")),
    { name: "InputError", message },
  );
  assert.throws(() => one.merge(new BandStatistics([BAND], "uint8")), { name: "InputError" });
  assert.throws(() => one.merge(new BandStatistics([BAND, BAND], "uint16")), {
    name: "InputError",
  });
});

const document = () => JSON.parse(JSON.stringify(statisticsOf([1, 2, 3], "uint8")));
const FAULTS: [
  what: string,
  change: (json: ReturnType<typeof document>) => void,
  message: RegExp,
][] = [
  ["scores", (json) => json.type = "scores", /it holds scores/],
  [
    "a count that is wrong",
    (json) => json.bands[0].count = 4,
    /histogram of band B04 does not hold its 4 values/,
  ],
  [
    "a run outside the bins",
    (json) => json.bands[0].histogram[0][0] = 1e9,
    /does not hold its 3 values/,
  ],
  ["no bands", (json) => json.bands = [], /at "bands"/],
  ["a mean that is text", (json) => json.bands[0].mean = "2", /at "bands.0.mean" expected/],
];
for (const [what, change, message] of FAULTS) {
  Deno.test(`parse refuses ${what}`, () => {
    const json = document();
    change(json);
    assert.throws(() => BandStatistics.parse(JSON.stringify(json), "stats.json"), {
      name: "InputError",
      message,
    });
  });
}

const integers = fc.array(fc.integer({ min: 0, max: 65535 }), { minLength: 1, maxLength: 40 });
const floats = fc.array(
  fc.oneof(
    fc.float({ min: -1000, max: 1000, noNaN: true }),
    fc.constant(NaN),
    fc.constant(Infinity),
  ),
  { minLength: 1, maxLength: 40 },
);

Deno.test("property: of integers, merged parts are the whole in any order, exactly", () => {
  fc.assert(
    fc.property(integers, integers, (a, b) => {
      const merged = statisticsOf(a, "uint16");
      merged.merge(restored(statisticsOf(b, "uint16")));
      assert.deepEqual(merged.toJSON(), statisticsOf([...b, ...a], "uint16").toJSON());
    }),
    { numRuns: 25 },
  );
});

Deno.test("property: of floats, merged parts are the whole in any order, but for rounding", () => {
  fc.assert(
    fc.property(floats, floats, (a, b) => {
      const merged = statisticsOf(a, "float32");
      merged.merge(restored(statisticsOf(b, "float32")));
      const whole = statisticsOf([...b, ...a], "float32");
      const [found, expected] = [merged.summaries()[0]!, whole.summaries()[0]!];
      for (const key of ["count", "nonFinite", "min", "max"] as const) {
        assert.equal(found[key], expected[key]);
      }
      for (const key of ["mean", "std"] as const) {
        assert.ok(Math.abs((found[key] ?? 0) - (expected[key] ?? 0)) < 1e-6, key);
      }
      assert.equal(merged.percentile(0, 37), whole.percentile(0, 37));
    }),
    { numRuns: 25 },
  );
});

Deno.test("property: percentiles of integers are those of the sorted values", () => {
  fc.assert(fc.property(integers, fc.integer({ min: 0, max: 100 }), (values, percent) => {
    const sorted = values.toSorted((a, b) => a - b);
    const position = (sorted.length - 1) * percent / 100;
    const [low, high] = [sorted[Math.floor(position)]!, sorted[Math.ceil(position)]!];
    const expected = low + (high - low) * (position - Math.floor(position));
    assert.equal(statisticsOf(values, "uint16").percentile(0, percent), expected);
  }));
});
