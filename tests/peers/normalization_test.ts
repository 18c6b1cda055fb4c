/**
 * Statistics and normalization against NumPy; image processors against transformers.
 */
import assert from "node:assert/strict";
import {
  applyNormalization,
  BandStatistics,
  makeNormalization,
  type NdArray,
  ndarray,
  normalizationFromPreprocessor,
} from "../../mod.ts";
import { peerTest, runPythonJson } from "./python.ts";

const PERCENTILES = [0, 1, 2, 25, 50, 73.5, 98, 99, 100];

interface BandResult {
  readonly count: number;
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  readonly std: number;
  readonly percentiles: number[];
  readonly normalized: number[];
}

function stdin(value: unknown) {
  return { stdin: new TextEncoder().encode(JSON.stringify(value)) };
}

const IMAGES: [dtype: "uint16" | "int16" | "float32", valueAt: (pixel: number) => number][] = [
  ["uint16", (pixel) => Math.floor(2000 + 1500 * Math.sin(pixel * 1.7) + pixel % 97)],
  ["int16", (pixel) => Math.floor(20000 * Math.cos(pixel ** 1.3))],
  ["float32", (pixel) => Math.fround(Math.exp(Math.sin(pixel * 0.37) * 6) * (pixel % 5 - 1))],
];

for (const [dtype, valueAt] of IMAGES) {
  peerTest(`statistics and normalization of ${dtype} equal NumPy's`, ["numpy"], async () => {
    const pixels = 4000;
    const bands = [{ name: "a", scale: 0.0001, offset: -0.1 }, { name: "b", scale: 2, offset: 1 }];
    const image: NdArray = ndarray(dtype, [2, 40, 100]);
    for (let pixel = 0; pixel < 2 * pixels; pixel++) image.data[pixel] = valueAt(pixel);
    const valid = ndarray("uint8", [40, 100]);
    valid.data.forEach((_, pixel) => valid.data[pixel] = pixel % 7 === 0 ? 0 : 1);
    const values = { scale: [0.0001, 2], offset: [-0.1, 1], mean: [0.12, 900], std: [0.05, 700] };

    const expected = await runPythonJson<BandResult[]>(
      "normalization.py",
      [],
      stdin({
        dtype,
        valid: Array.from(valid.data),
        percentiles: PERCENTILES,
        bands: bands.map(({ scale, offset }, band) => ({
          scale,
          offset,
          mean: values.mean[band],
          std: values.std[band],
          values: Array.from(image.data.subarray(band * pixels, (band + 1) * pixels), Number),
        })),
      }),
    );

    const statistics = new BandStatistics(bands, dtype);
    statistics.add(image, valid);
    const normalized = applyNormalization(image, valid, makeNormalization(["a", "b"], values));
    statistics.summaries().forEach((found, band) => {
      const peer = expected[band]!;
      assert.deepEqual([found.count, found.min, found.max], [peer.count, peer.min, peer.max]);
      near(found.mean!, peer.mean, 1e-12);
      near(found.std!, peer.std, 1e-12);
      PERCENTILES.forEach((percent, index) => {
        // Floats are binned, integers are not.
        near(
          statistics.percentile(band, percent)!,
          peer.percentiles[index]!,
          dtype === "float32" ? 1e-3 : 1e-12,
        );
      });
      peer.normalized.forEach((value, pixel) => {
        near(normalized.data[band * pixels + pixel]!, valid.data[pixel] === 0 ? 0 : value, 1e-6);
      });
    });
  });
}

peerTest(
  "an image processor normalizes as in transformers",
  ["transformers", "torch"],
  async () => {
    const image = ndarray("uint8", [3, 4, 5]);
    image.data.forEach((_, index) => image.data[index] = (index * 37) % 256);
    const { config, pixels } = await runPythonJson<{ config: string; pixels: number[] }>(
      "image_processor.py",
      [],
      stdin({ shape: image.shape, pixels: Array.from(image.data) }),
    );
    const normalization = normalizationFromPreprocessor(
      JSON.parse(config),
      ["R", "G", "B"],
      "preprocessor_config.json",
    );
    const { data } = applyNormalization(image, null, normalization);
    pixels.forEach((value, index) => near(data[index]!, value, 1e-6));
  },
);

function near(found: number, expected: number, tolerance: number): void {
  const error = Math.abs(found - expected);
  assert.ok(error <= tolerance * Math.max(1, Math.abs(expected)), `${found}, expected ${expected}`);
}
