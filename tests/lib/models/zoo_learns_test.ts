/** Every family learns a little, is saved as a directory, and maps patches from it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import {
  adamw,
  classesFromNames,
  createPredictor,
  createTrainStep,
  crossEntropy,
  EMPTY_MODEL_CARD,
  makeNormalization,
  ndarray,
  NETWORK_FAMILIES,
  type NetworkConfig,
  networkFromConfig,
  openModel,
  randomStream,
  saveModel,
  variantConfig,
} from "swath";
import { withDirectory } from "../weights/helpers.ts";

const BANDS = ["B02", "B03", "B04"];
const CLASSES = ["water", "forest"];
const SIZE = 32;

const RESNET = { depths: [1, 1, 1, 1], hidden_sizes: [8, 16, 16, 32], embedding_size: 8 };
/** Small networks whose logits are fine enough for the squares of the pictures. */
const SETTINGS: Readonly<Record<string, NetworkConfig>> = {
  segformer: { depths: [1, 1, 1, 1], hidden_sizes: [8, 16, 40, 64], decoder_hidden_size: 16 },
  segformer_resnet: { ...RESNET, decoder_hidden_size: 16 },
  setr: {
    hidden_size: 24,
    num_hidden_layers: 2,
    intermediate_size: 48,
    patch_size: 4,
    image_size: 32,
    decoder_size: 16,
  },
  deeplabv3plus: { ...RESNET, decoder_size: 16, low_level_size: 8, atrous_rates: [1, 2, 3] },
  deeplabv3: { ...RESNET, stem_pooling: false, decoder_size: 16, atrous_rates: [1, 2, 3] },
  unet: { hidden_sizes: [8, 16, 16] },
  attention_unet: { hidden_sizes: [8, 16, 16] },
  fcn: {
    batch_norm: true,
    depths: [1, 1, 1, 1, 1],
    strides: [2, 2, 2, 1, 1],
    hidden_sizes: [8, 16, 16, 16, 16],
    fc_size: 16,
  },
};

/** Pictures of squares of 16 pixels: one class is brighter in the first band. */
function pictures(seed: number) {
  const random = randomStream(seed, "pictures");
  const image = ndarray("float32", [4, BANDS.length, SIZE, SIZE]);
  const labels = ndarray("uint8", [4, SIZE, SIZE]);
  labels.data.forEach((_, i, data) => {
    const [picture, row, column] = [
      Math.floor(i / SIZE ** 2),
      Math.floor(i / SIZE) % SIZE,
      i % SIZE,
    ];
    const square = 4 * picture + 2 * Math.floor(row / 16) + Math.floor(column / 16);
    data[i] = random.uniform(1e6 + square) < 0.5 ? 0 : 1;
  });
  image.data.forEach((_, i, data) => {
    const [picture, band] = [Math.floor(i / (3 * SIZE ** 2)), Math.floor(i / SIZE ** 2) % 3];
    const label = labels.data[picture * SIZE ** 2 + i % SIZE ** 2]!;
    data[i] = random.normal(i) / 2 + (band === 0 ? 2 * label - 1 : 0);
  });
  return { image, labels };
}

for (const [name, family] of NETWORK_FAMILIES) {
  Deno.test(`${name} learns, is saved, and maps`, () =>
    withDirectory(async (directory) => {
      const config: NetworkConfig = {
        ...variantConfig(`${name}-${family.variants[0]}`, { bands: 3, classes: 2 }),
        ...SETTINGS[name],
      };
      const still = Object.keys(config).includes("drop_path_rate") ? { drop_path_rate: 0 } : {};
      const settled = { ...config, ...still, classifier_dropout_prob: 0 };
      const network = networkFromConfig(settled);
      const step = await createTrainStep({
        network,
        batch: 4,
        height: SIZE,
        width: SIZE,
        loss: crossEntropy(),
        optimizer: adamw(),
        seed: 1,
        device: "cpu",
        threads: 1,
      });
      const batch = pictures(1);
      const losses: number[] = [];
      for (let number = 1; number <= 40; number++) {
        losses.push((await step.run([batch], { step: number, learningRate: 5e-3 })).loss);
      }
      // Copies, as the buffers end with the step.
      const tensors = new Map(
        [...step.parameters].map(([name, { shape, data }]) =>
          [name, ndarray("float32", shape, data.slice())] as const
        ),
      );
      await step.release();
      assert.ok(losses.at(-1)! < 0.5 * losses[0]!, losses.map((loss) => loss.toFixed(3)).join(" "));

      const path = join(directory, "model");
      const classes = classesFromNames(CLASSES);
      const normalization = makeNormalization(BANDS, { scale: [1], mean: [0], std: [1] });
      const card = { ...EMPTY_MODEL_CARD, bands: BANDS, classes, normalization };
      await saveModel(path, { config: settled, card, tensors });
      using model = await openModel(path);
      assert.equal(model.config.model_type, name);
      const predictor = createPredictor(model, { device: "cpu", threads: 1 });
      try {
        const { image, labels } = batch;
        const whole = ndarray("float32", [3, SIZE, SIZE], image.data.slice(0, 3 * SIZE ** 2));
        const [logits] = await predictor.predict([{ image: whole }], normalization);
        const [, rows, columns] = logits!.shape as [number, number, number];
        assert.equal(rows, Math.ceil(SIZE / network.stride));
        let right = 0;
        for (let row = 0; row < rows; row++) {
          for (let column = 0; column < columns; column++) {
            const at = row * columns + column;
            const label = logits!.data[at]! > logits!.data[rows * columns + at]! ? 0 : 1;
            const [y, x] = [row, column].map((n) => Math.floor((n + 0.5) * network.stride));
            if (label === labels.data[y! * SIZE + x!]) right++;
          }
        }
        assert.ok(right > 0.8 * rows * columns, `${right} of ${rows * columns}`);
        const odd = ndarray("float32", [3, 21, 13]);
        const [other] = await predictor.predict([{ image: odd }], normalization);
        assert.deepEqual(other!.shape, [
          2,
          Math.ceil(21 / network.stride),
          Math.ceil(13 / network.stride),
        ]);
        assert.ok(other!.data.every(Number.isFinite));
      } finally {
        await predictor.release();
      }
    }));
}
