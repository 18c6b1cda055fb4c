import assert from "node:assert/strict";
import {
  adaptScale,
  checkBands,
  checkScale,
  makeNormalization,
  ndarray,
  RangeMonitor,
} from "../../../mod.ts";

const S2 = [
  "B01",
  "B02",
  "B03",
  "B04",
  "B05",
  "B06",
  "B07",
  "B08",
  "B8A",
  "B09",
  "B10",
  "B11",
  "B12",
];

const AGREE: [wanted: string[], found: string[]][] = [
  [S2, S2],
  [S2, S2.map((_, index) => String(index + 1))],
  [["1", "2"], ["B04", "B08"]],
];
for (const [wanted, found] of AGREE) {
  Deno.test(`checkBands: ${wanted.length} bands from ${found[0]} agree with ${wanted[0]}`, () => {
    checkBands(wanted, found);
  });
}

const DIFFER: [wanted: string[], found: string[], message: string, hint?: string][] = [
  [
    S2,
    S2.filter((name) => name !== "B10"),
    "Bands do not match: the model wants 13 bands (B01, B02, B03, B04, B05, B06, B07, B08, B8A, B09, B10, B11, B12), the stream has 12 bands (B01, B02, B03, B04, B05, B06, B07, B08, B8A, B09, B11, B12)",
  ],
  [
    ["B02", "B03", "B04"],
    ["B04", "B03", "B02"],
    "Bands do not match: the model wants 3 bands (B02, B03, B04), the stream has 3 bands (B04, B03, B02)",
    "Cut the scene with `--bands B02,B03,B04`",
  ],
  [
    ["B04"],
    ["B03", "B04"],
    "Bands do not match: the model wants 1 band (B04), the stream has 2 bands (B03, B04)",
    "Cut the scene with `--bands B04`",
  ],
  [
    ["B04", "B08"],
    ["1", "2", "3"],
    "Bands do not match: the model wants 2 bands (B04, B08), the stream has 3 bands",
  ],
];
for (const [wanted, found, message, hint] of DIFFER) {
  Deno.test(`checkBands refuses ${found.length} bands for ${wanted.length}`, () => {
    assert.throws(() => checkBands(wanted, found), { name: "InputError", message, hint });
  });
}

Deno.test("checkScale: silent files and equal scales agree, others are named", () => {
  const normalization = makeNormalization(["B04"], { scale: [0.0001], offset: [0] });
  checkScale(normalization, [{ name: "B04", scale: 1, offset: 0 }]);
  checkScale(normalization, [{ name: "B04", scale: Math.fround(0.0001), offset: 0 }]);
  assert.throws(() => checkScale(normalization, [{ name: "B04", scale: 0.0001, offset: -0.1 }]), {
    message:
      "Scales do not match in band B04: the model wants stored numbers with scale 0.0001 and offset 0, the stream has scale 0.0001 and offset -0.1",
  });
});

Deno.test("adaptScale: what an image states of its numbers holds, where the quantity is the same", () => {
  const normalization = makeNormalization(["B04", "DEM"], {
    scale: [0.0001, 1],
    offset: [0, 0],
    mean: [0.1, 300],
    std: [0.05, 90],
  });
  const adapt = (scale: number, offset: number, dem = 1) => {
    const { mean, std, ...adapted } = adaptScale(normalization, [
      { name: "B04", scale, offset },
      { name: "DEM", scale: dem, offset: 0 },
    ]);
    assert.deepEqual([mean, std], [normalization.mean, normalization.std]);
    return [adapted.scale, adapted.offset];
  };
  assert.deepEqual(adapt(1, 0), [[0.0001, 1], [0, 0]]);
  assert.deepEqual(adapt(0.0001, -0.1), [[0.0001, 1], [-0.1, 0]]);
  assert.deepEqual(adapt(0.0000275, -0.2), [[0.0000275, 1], [-0.2, 0]]);
  assert.throws(() => adapt(0.01, 0), /in band B04: the model wants .* 0.0001 .* scale 0.01/);
  assert.throws(() => adapt(0.0001, 0, 0.5), /in band DEM/);
});

const IN_RANGE = makeNormalization(["B04", "B08"], { mean: [0.1, 0.3], std: [0.05, 0.1] });
const SEEN: [values: number[], warning: RegExp | null][] = [
  [[0.1, 0.4], null],
  [[1.2, 0.4], null],
  [[0, 0], null],
  [
    [1000, 3000],
    /values of 2 of 2 bands are on another scale .*: band B04 reaches 1000, where 0.25 is usual/,
  ],
  [[0.1, 0.001], /1 of 2 bands .*: band B08 reaches 0.001, where 0.6 is usual/],
  [[NaN, Infinity], null],
];
for (const [values, warning] of SEEN) {
  Deno.test(`RangeMonitor: ${values} ${warning === null ? "is usual" : "is on another scale"}`, () => {
    const monitor = new RangeMonitor(IN_RANGE);
    monitor.observe(ndarray("float64", [2, 1, 1], Float64Array.from(values)), null);
    if (warning === null) assert.equal(monitor.warning(), null);
    else assert.match(monitor.warning()!, warning);
  });
}

Deno.test("RangeMonitor leaves pixels without data out", () => {
  const monitor = new RangeMonitor(makeNormalization(["B04"], {}));
  const image = ndarray("float32", [1, 1, 2], new Float32Array([1, -9999]));
  monitor.observe(image, ndarray("uint8", [1, 2], new Uint8Array([1, 0])));
  assert.equal(monitor.warning(), null);
});
