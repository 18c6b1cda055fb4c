import assert from "node:assert/strict";
import fc from "fast-check";
import {
  applyNormalization,
  type BandInfo,
  BandStatistics,
  type DataType,
  makeNormalization,
  maskNonFinite,
  ndarray,
  normalizationFromPercentiles,
  normalizationFromPreprocessor,
  normalizationFromStatistics,
  TYPED_ARRAY_CONSTRUCTORS,
} from "../../../mod.ts";

function statisticsOf(bands: BandInfo[], rows: number[][]): BandStatistics {
  const statistics = new BandStatistics(bands, "uint16");
  const width = rows[0]!.length;
  statistics.add(ndarray("uint16", [rows.length, 1, width], Uint16Array.from(rows.flat())), null);
  return statistics;
}

const REFLECTANCE = { scale: 0.0001, offset: -0.1 };

Deno.test("normalizationFromStatistics: physical units, and a constant band", () => {
  const statistics = statisticsOf(
    [{ name: "B04", ...REFLECTANCE }, { name: "B08", scale: 1, offset: 0 }],
    [[1000, 3000], [7, 7]],
  );
  const { normalization, constantBands } = normalizationFromStatistics(statistics);
  assert.deepEqual(normalization, {
    bands: ["B04", "B08"],
    scale: [0.0001, 1],
    offset: [-0.1, 0],
    mean: [0.1, 7],
    std: [0.1, 1],
    clip: null,
  });
  assert.deepEqual(constantBands, ["B08"]);
  const image = ndarray("uint16", [2, 1, 2], new Uint16Array([1000, 3000, 7, 7]));
  assert.deepEqual([...applyNormalization(image, null, normalization).data], [-1, 1, 0, 0]);
});

Deno.test("normalizationFromPercentiles stretches onto 0 to 1 and limits the rest", () => {
  const values = Array.from({ length: 101 }, (_, index) => index * 10);
  const statistics = statisticsOf([{ name: "B04", scale: 2, offset: 0 }], [values]);
  const { normalization } = normalizationFromPercentiles(statistics, 2, 98);
  assert.deepEqual([normalization.mean, normalization.std], [[40], [1920]]);
  const image = ndarray("uint16", [1, 1, 5], new Uint16Array([0, 20, 500, 980, 1000]));
  assert.deepEqual([...applyNormalization(image, null, normalization).data], [0, 0, 0.5, 1, 1]);
});

Deno.test("normalizationFromPercentiles with a negative scale still ascends", () => {
  const statistics = statisticsOf([{ name: "B04", scale: -1, offset: 100 }], [[0, 100]]);
  const { normalization } = normalizationFromPercentiles(statistics, 0, 100);
  assert.deepEqual([normalization.mean, normalization.std], [[0], [100]]);
});

Deno.test("statistics without values cannot normalize", () => {
  const empty = new BandStatistics([{ name: "B04", scale: 1, offset: 0 }], "uint16");
  const message = "Cannot normalize band B04 as its statistics have no valid pixels";
  assert.throws(() => normalizationFromStatistics(empty), { name: "InputError", message });
  assert.throws(() => normalizationFromPercentiles(empty, 2, 98), { name: "InputError", message });
});

for (const [low, high] of [[98, 2], [-1, 50], [2, 101], [5, 5], [NaN, 98]] as const) {
  Deno.test(`normalizationFromPercentiles refuses ${low} to ${high}`, () => {
    const statistics = statisticsOf([{ name: "B04", scale: 1, offset: 0 }], [[1, 2]]);
    assert.throws(() => normalizationFromPercentiles(statistics, low, high), {
      name: "InputError",
      message: /0 <= low < high <= 100/,
    });
  });
}

Deno.test("makeNormalization: one number for all bands, or one for each", () => {
  const { scale, mean } = makeNormalization(["a", "b"], { scale: [2], mean: [1, 2] });
  assert.deepEqual([scale, mean], [[2, 2], [1, 2]]);
  assert.throws(() => makeNormalization(["a", "b"], { mean: [1, 2, 3] }), {
    message: "Cannot normalize with 3 numbers for mean: expected 1, or one for each band (2)",
  });
  assert.throws(() => makeNormalization(["a"], { std: [0] }), { name: "InputError" });
  assert.throws(() => makeNormalization(["a"], { mean: [NaN] }), { name: "InputError" });
});

const PREPROCESSORS: [what: string, json: unknown, expected: [number, number, number]][] = [
  ["all fields", {
    do_rescale: true,
    rescale_factor: 0.5,
    do_normalize: true,
    image_mean: [1],
    image_std: [2],
  }, [0.5, 1, 2]],
  ["no rescaling", { do_rescale: false, image_mean: [1], image_std: [2] }, [1, 1, 2]],
  ["no normalization", { do_normalize: false, rescale_factor: 0.5 }, [0.5, 0, 1]],
  ["one number for all", { image_mean: 0.5, image_std: 0.25 }, [1 / 255, 0.5, 0.25]],
];
for (const [what, json, [scale, mean, std]] of PREPROCESSORS) {
  Deno.test(`normalizationFromPreprocessor: ${what}`, () => {
    const found = normalizationFromPreprocessor(json, ["1"], "preprocessor_config.json");
    assert.deepEqual([found.scale, found.mean, found.std], [[scale], [mean], [std]]);
  });
}

Deno.test("normalizationFromPreprocessor: SegFormer's defaults, and faults", () => {
  const { mean } = normalizationFromPreprocessor({}, ["R", "G", "B"], "p.json");
  assert.deepEqual(mean, [0.485, 0.456, 0.406]);
  const FAULTS: [config: unknown, message: RegExp][] = [
    [{}, /"p.json" says: Cannot normalize with 3 numbers for mean/],
    [{ image_mean: "x" }, /at "image_mean"/],
    [{ image_mean: [0], image_std: [0] }, /must be positive/],
  ];
  for (const [config, message] of FAULTS) {
    assert.throws(() => normalizationFromPreprocessor(config, ["1"], "p.json"), { message });
  }
});

for (const dtype of Object.keys(TYPED_ARRAY_CONSTRUCTORS) as DataType[]) {
  Deno.test(`applyNormalization of ${dtype}`, () => {
    const image = ndarray(dtype, [2, 1, 2]);
    [0, 1, 1, 1].forEach((value, index) => {
      image.data[index] = typeof image.data[index] === "bigint" ? BigInt(value) : value;
    });
    const valid = ndarray("uint8", [1, 2], new Uint8Array([1, 0]));
    const normalization = makeNormalization(["a", "b"], { mean: [2, 3], std: [4], offset: [0.5] });
    const { dtype: type, shape, data } = applyNormalization(image, valid, normalization);
    assert.equal(type, "float32");
    assert.deepEqual(shape, [2, 1, 2]);
    assert.deepEqual([...data], [-0.375, 0, -0.375, 0]);
  });
}

Deno.test("applyNormalization: what is not finite becomes 0, also where it would be limited", () => {
  const image = ndarray("float64", [1, 1, 4], new Float64Array([NaN, Infinity, -Infinity, 1e300]));
  for (const clip of [null, [-1, 1] as const]) {
    const normalization = { ...makeNormalization(["a"], {}), clip };
    const [nan, plus, minus] = applyNormalization(image, null, normalization).data;
    assert.deepEqual([nan, plus, minus], [0, 0, 0]);
  }
});

Deno.test("applyNormalization refuses another number of bands", () => {
  assert.throws(
    () => applyNormalization(ndarray("uint8", [2, 1, 1]), null, makeNormalization(["a"], {})),
    {
      name: "InputError",
      message: "Cannot normalize an image of shape 2x1x1: expected 1xHxW",
    },
  );
});

Deno.test("property: applyNormalization is the formula, rounded to float32", () => {
  const number = fc.double({ min: -100, max: 100, noNaN: true });
  const positive = fc.double({ min: 0.01, max: 100, noNaN: true });
  fc.assert(fc.property(
    fc.integer({ min: 0, max: 65535 }),
    number,
    number,
    number,
    positive,
    (raw, scale, offset, mean, std) => {
      const values = { scale: [scale], offset: [offset], mean: [mean], std: [std] };
      const image = ndarray("uint16", [1, 1, 1], Uint16Array.of(raw));
      const [found] = applyNormalization(image, null, makeNormalization(["a"], values)).data;
      const expected = (raw * scale + offset - mean) / std;
      const size = (Math.abs(raw * scale) + Math.abs(offset) + Math.abs(mean)) / std;
      assert.ok(Math.abs(found! - expected) <= 1e-7 * size + 1e-30);
    },
  ));
});

Deno.test("maskNonFinite marks pixels where any band is not finite", () => {
  const image = ndarray(
    "float32",
    [2, 1, 4],
    new Float32Array([1, NaN, 1, NaN, Infinity, 1, 1, 1]),
  );
  const valid = ndarray("uint8", [1, 4], new Uint8Array([1, 1, 1, 0]));
  const found = maskNonFinite(image, valid);
  assert.deepEqual([...found.valid!.data], [0, 0, 1, 0]);
  assert.equal(found.masked, 2);
  assert.deepEqual([...valid.data], [1, 1, 1, 0]);
  assert.deepEqual([...maskNonFinite(image, null).valid!.data], [0, 0, 1, 0]);
  assert.equal(maskNonFinite(ndarray("uint8", [1, 1, 4]), valid).valid, valid);
});
