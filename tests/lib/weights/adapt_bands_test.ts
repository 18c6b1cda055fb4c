import assert from "node:assert/strict";
import fc from "fast-check";
import { adaptKernelToBands, ndarray, RGB_BANDS } from "swath";

const FILTERS = 2;
const AREA = 4;
const kernel = ndarray(
  "float32",
  [FILTERS, 3, 2, 2],
  Float32Array.from({ length: FILTERS * 3 * AREA }, (_, index) => Math.sin(index + 1)),
);

/** Sum over the bands, at each filter and position: the answer to an input equal in all bands. */
function greyResponse(data: Float32Array, bands: number): number[] {
  return Array.from({ length: FILTERS * AREA }, (_, index) => {
    const [filter, at] = [Math.floor(index / AREA), index % AREA];
    let sum = 0;
    for (let band = 0; band < bands; band++) sum += data[(filter * bands + band) * AREA + at]!;
    return sum;
  });
}

const sentinel2 = "B01 B02 B03 B04 B05 B06 B07 B08 B8A B09 B10 B11 B12 NDVI".split(" ");

Deno.test("the response to grey input stays, with any other bands in any order", () => {
  fc.assert(
    fc.property(
      fc.shuffledSubarray(sentinel2.filter((name) => !/^B0[234]$/.test(name))),
      fc.nat(),
      (others, seed) => {
        const bands = [...others, "B02", "B03", "B04"];
        bands.push(...bands.splice(0, seed % bands.length));
        const { kernel: adapted } = adaptKernelToBands(kernel, RGB_BANDS, bands);
        assert.deepEqual(adapted.shape, [FILTERS, bands.length, 2, 2]);
        const expected = greyResponse(kernel.data, 3);
        greyResponse(adapted.data, bands.length).forEach((value, index) => {
          assert(Math.abs(value - expected[index]!) < 1e-5);
        });
      },
    ),
  );
});

Deno.test("red, green and blue find their bands in Sentinel-2's order", () => {
  const { kernel: adapted, report } = adaptKernelToBands(kernel, RGB_BANDS, sentinel2);
  const at = (filter: number, band: string) => {
    const start = (filter * sentinel2.length + sentinel2.indexOf(band)) * AREA;
    return [...adapted.data.subarray(start, start + AREA)];
  };
  for (const [channel, band] of ["B04", "B03", "B02"].entries()) {
    for (const filter of [0, 1]) {
      const start = (filter * 3 + channel) * AREA;
      assert.deepEqual(
        at(filter, band),
        [...kernel.data.subarray(start, start + AREA)].map((value) => Math.fround(value * 3 / 14)),
      );
    }
  }
  assert.deepEqual(at(0, "B08"), at(0, "NDVI"));
  assert.deepEqual(report, [
    "First convolution adapted from 3 to 14 bands:",
    "  by name: B → B02, G → B03, R → B04",
    "  mean of R, G, B: B01, B05, B06, B07, B08, B8A, B09, B10, B11, B12, NDVI",
    "  all times 3/14",
  ]);
});

Deno.test("the same bands keep the kernel, and another order permutes it", () => {
  for (const bands of [["R", "G", "B"], ["red", "Green", "BLUE"], ["B04", "B03", "B02"]]) {
    const { kernel: same, report } = adaptKernelToBands(kernel, RGB_BANDS, bands);
    assert.deepEqual(same.data, kernel.data);
    assert.notEqual(same.data, kernel.data);
    assert.deepEqual(report, []);
  }
  const { kernel: reversed } = adaptKernelToBands(kernel, RGB_BANDS, ["B02", "B03", "B04"]);
  assert.deepEqual(reversed.data.subarray(0, AREA), kernel.data.subarray(2 * AREA, 3 * AREA));
  const from = ["B08", "B11", "SAR"];
  const { kernel: one, report } = adaptKernelToBands(kernel, from, ["SAR"]);
  assert.deepEqual(
    one.data.subarray(0, AREA),
    kernel.data.subarray(2 * AREA, 3 * AREA).map((value) => value * 3),
  );
  assert(report.includes("  not among the bands: B08, B11"));
});

Deno.test("kernels that do not fit the band names are refused", () => {
  assert.throws(
    () => adaptKernelToBands(kernel, ["R", "G"], ["B02"]),
    /Cannot adapt a kernel of type float32 and shape 2x3x2x2 to other bands: expected numbers of shape \(filters, 2, height, width\) for R, G/,
  );
  assert.throws(
    () => adaptKernelToBands(ndarray("int64", [1, 3, 1, 1]), RGB_BANDS, ["a"]),
    /int64/,
  );
  assert.throws(() => adaptKernelToBands(kernel, RGB_BANDS, []), /to no bands/);
});
