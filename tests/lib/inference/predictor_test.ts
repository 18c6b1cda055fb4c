import assert from "node:assert/strict";
import {
  applyNormalization,
  createPredictor,
  EMPTY_MODEL_CARD,
  initializeParameter,
  makeNormalization,
  type NdArray,
  ndarray,
  networkFromConfig,
  networkParameters,
  openModel,
  type Predictor,
  type PredictorOptions,
  saveModel,
  variantConfig,
} from "../../../mod.ts";

const BANDS = ["B02", "B03", "B04", "B08"];
const NORMALIZATION = makeNormalization(BANDS, {
  scale: [1e-4],
  offset: [-0.1],
  mean: [0.1, 0.2, 0.3, 0.4],
  std: [0.5, 0.4, 0.3, 0.2],
});

/** A random SegFormer, saved and opened. */
async function withPredictor(
  test: (predictor: Predictor) => Promise<void>,
  options: PredictorOptions = { threads: 1 },
): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    const config = {
      ...variantConfig("b0", { bands: 4, classes: 3 }),
      depths: [1, 1, 1, 1],
      hidden_sizes: [8, 16, 16, 16],
      num_attention_heads: [1, 2, 2, 2],
      decoder_hidden_size: 16,
    };
    const tensors = networkParameters(networkFromConfig(config)).map((spec) => {
      const scaled = { ...spec, init: { kind: "normal", std: 0.2 } as const };
      const drawn = spec.name.includes("running_var") ? spec : scaled;
      return [spec.name, initializeParameter(drawn, 7)] as const;
    });
    await saveModel(`${directory}/model`, {
      config,
      card: { ...EMPTY_MODEL_CARD, bands: BANDS, normalization: NORMALIZATION },
      tensors: new Map(tensors),
    });
    using model = await openModel(`${directory}/model`);
    const predictor = createPredictor(model, { device: "cpu", ...options });
    try {
      await test(predictor);
    } finally {
      await predictor.release();
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function randomImage(height: number, width: number, seed: number): NdArray<"uint16"> {
  const image = ndarray("uint16", [4, height, width]);
  let state = seed;
  for (let i = 0; i < image.data.length; i++) {
    state = state * 48271 % 2147483647;
    image.data[i] = state % 10_000;
  }
  return image;
}

function assertClose(actual: NdArray<"float32">, expected: NdArray<"float32">, tolerance: number) {
  assert.deepEqual(actual.shape, expected.shape);
  actual.data.forEach((value, i) =>
    assert(Math.abs(value - expected.data[i]!) < tolerance, `${value} ${expected.data[i]}`)
  );
}

Deno.test("normalizing inside the graph is normalizing before it", () =>
  withPredictor(async (predictor) => {
    const image = randomImage(64, 64, 1);
    const valid = ndarray("uint8", [64, 64]).data.map((_, i) => i % 7 === 0 ? 0 : 1);
    const mask = ndarray("uint8", [64, 64], valid);
    const normalized = applyNormalization(image, mask, NORMALIZATION);
    const [inside] = await predictor.predict([{ image, valid: mask }], NORMALIZATION);
    const [before] = await predictor.predict([{ image: normalized, valid: mask }], null);
    assertClose(inside!, before!, 1e-4);
  }));

Deno.test("a batch gives what its patches give one by one", () =>
  withPredictor(async (predictor) => {
    const patches = [1, 2, 3].map((seed) => ({ image: randomImage(32, 96, seed) }));
    const together = await predictor.predict(patches, NORMALIZATION);
    for (const [index, patch] of patches.entries()) {
      const [alone] = await predictor.predict([patch], NORMALIZATION);
      assertClose(together[index]!, alone!, 1e-4);
    }
  }));

Deno.test("patches of any size give logits of a quarter, rounded up", () =>
  withPredictor(async (predictor) => {
    for (const [height, width] of [[1, 1], [33, 64], [50, 101], [64, 31]] as const) {
      const [logits] = await predictor.predict([{ image: randomImage(height, width, 5) }], null);
      assert.deepEqual(logits!.shape, [3, Math.ceil(height / 4), Math.ceil(width / 4)]);
      assert(logits!.data.every(Number.isFinite));
    }
  }));

Deno.test("padding inside is padding with the mean outside", () =>
  withPredictor(async (predictor) => {
    const small = applyNormalization(randomImage(40, 48, 9), null, NORMALIZATION);
    const large = ndarray("float32", [4, 64, 64]);
    for (let row = 0; row < 4 * 40; row++) {
      const to = (Math.floor(row / 40) * 64 + row % 40) * 64;
      large.data.set(small.data.subarray(row * 48, (row + 1) * 48), to);
    }
    const [padded] = await predictor.predict([{ image: small }], null);
    const [whole] = await predictor.predict([{ image: large }], null);
    const cropped = ndarray("float32", [3, 10, 12]);
    for (let row = 0; row < 30; row++) {
      const from = (Math.floor(row / 10) * 16 + row % 10) * 16;
      cropped.data.set(whole!.data.subarray(from, from + 12), row * 12);
    }
    assertClose(padded!, cropped, 1e-5);
  }));

Deno.test("values without data do not matter, NaN among them", () =>
  withPredictor(async (predictor) => {
    const image = applyNormalization(randomImage(32, 32, 3), null, NORMALIZATION);
    const valid = ndarray("uint8", [32, 32]);
    valid.data.fill(1);
    valid.data.fill(0, 100, 200);
    const other = ndarray("float32", image.shape, image.data.slice());
    for (let band = 0; band < 4; band++) {
      other.data.fill(band % 2 === 0 ? NaN : 1e30, band * 1024 + 100, band * 1024 + 200);
    }
    const [a] = await predictor.predict([{ image, valid }], null);
    const [b] = await predictor.predict([{ image: other, valid }], null);
    assertClose(b!, a!, 1e-6);
  }));

Deno.test("probabilities sum to one", () =>
  withPredictor(async (predictor) => {
    const [probabilities] = await predictor.predict([{ image: randomImage(32, 32, 2) }], null);
    const pixels = 64;
    for (let pixel = 0; pixel < pixels; pixel++) {
      const sum = [0, 1, 2].reduce((sum, k) => sum + probabilities!.data[k * pixels + pixel]!, 0);
      assert(Math.abs(sum - 1) < 1e-5);
    }
  }, { threads: 1, probabilities: true }));

Deno.test("an image with other bands than the network's is refused", () =>
  withPredictor(async (predictor) => {
    await assert.rejects(
      () => predictor.predict([{ image: ndarray("uint16", [3, 32, 32]) }], null),
      /takes 4 bands: the image has 3/,
    );
  }));

Deno.test("calls at the same time, of patches of several sizes, give what each gives alone", async () => {
  const sizes = [[32, 32], [32, 32], [64, 32], [32, 64], [64, 32]] as const;
  const images = sizes.map(([height, width], seed) => randomImage(height, width, seed + 1));
  const alone: NdArray<"float32">[] = [];
  await withPredictor(async (predictor) => {
    for (const image of images) alone.push(...await predictor.predict([{ image }], NORMALIZATION));
  });
  await withPredictor(async (predictor) => {
    const results = await Promise.all(
      images.map((image) => predictor.predict([{ image }], NORMALIZATION)),
    );
    assert.deepEqual(results.flat(), alone);
    assert.equal(predictor.work.patches, 5);
    assert(predictor.work.seconds > 0);
  }, { threads: 2, concurrent: true });
});
