/**
 * Pictures prepared and classified, against transformers with Pillow.
 */
import assert from "node:assert/strict";
import {
  applyNormalization,
  createImageClassifier,
  ndarray,
  normalizationFromPreprocessor,
  openModel,
  openRaster,
  type ResizeFilter,
  resizeImage,
} from "../../mod.ts";
import { peerTest, runPythonJson } from "./python.ts";

const PACKAGES = ["torch", "transformers", "PIL"];
const CONFIG = {
  depths: [1, 1, 1, 1],
  hidden_sizes: [8, 16, 24, 32],
  num_attention_heads: [1, 2, 3, 4],
  num_labels: 7,
};

interface Expected {
  readonly pixels: number[];
  readonly probabilities: Readonly<Record<string, number>>;
}

type Images = Readonly<Record<string, { mode: string; size: readonly [number, number] }>>;

interface Case {
  readonly processor: Readonly<Record<string, unknown>>;
  readonly resize: { height: number; width: number; filter: ResizeFilter } | null;
  readonly images: Images;
}

const CASES: readonly Case[] = [
  {
    processor: { size: { height: 64, width: 96 } },
    resize: { height: 64, width: 96, filter: "bilinear" },
    images: {
      "smaller.png": { mode: "RGB", size: [31, 40] },
      "larger.png": { mode: "RGB", size: [333, 257] },
      "one-way.png": { mode: "RGB", size: [96, 200] },
      "grey.png": { mode: "L", size: [150, 64] },
    },
  },
  {
    processor: { size: { height: 70, width: 70 }, resample: 3, image_mean: [0.5, 0.4, 0.3] },
    resize: { height: 70, width: 70, filter: "bicubic" },
    images: {
      "alpha.png": { mode: "RGBA", size: [121, 66] },
      "grey-alpha.png": { mode: "LA", size: [33, 45] },
      "palette.png": { mode: "P", size: [80, 20] },
    },
  },
  {
    processor: { size: { shortest_edge: 40 } },
    resize: { height: 40, width: 62, filter: "bilinear" },
    images: { "edge.png": { mode: "RGB", size: [100, 64] } },
  },
  {
    // Of a size that no stride divides.
    processor: { do_resize: false },
    resize: null,
    images: { "odd.png": { mode: "RGB", size: [101, 83] } },
  },
];

async function compare(
  folder: string,
  { resize, images }: Case,
  expected: Readonly<Record<string, Expected>>,
): Promise<void> {
  using model = await openModel(folder);
  const classifier = createImageClassifier(model, { device: "cpu", threads: 1 });
  for (const [name, { pixels, probabilities }] of Object.entries(expected)) {
    const raster = await openRaster(`${folder}/${name}`);
    try {
      if (images[name]!.mode === "RGB") {
        const { width, height } = raster.info;
        const { image } = await raster.read({ x: 0, y: 0, width, height });
        const sized = resize === null ? image : resizeImage(image, resize);
        const valid = ndarray("uint8", sized.shape.slice(1));
        valid.data.fill(1);
        const normalization = normalizationFromPreprocessor(
          model.preprocessor,
          ["R", "G", "B"],
          "preprocessor_config.json",
        );
        const prepared = applyNormalization(sized, valid, normalization);
        assert.equal(prepared.data.length, pixels.length);
        pixels.forEach((value, index) => near(Number(prepared.data[index]), value, 1e-5, name));
      }
      const ranking = await classifier.classify(raster);
      assert.equal(ranking.length, CONFIG.num_labels);
      for (const { name: label, probability } of ranking) {
        near(probability, probabilities[label]!, 1e-4, `${name} ${label}`);
      }
      const [best] = Object.entries(probabilities).sort(([, a], [, b]) => b - a);
      assert.equal(ranking[0]!.name, best![0]);
    } finally {
      raster.close();
    }
  }
  await classifier.release();
}

function near(actual: number, expected: number, tolerance: number, what: string): void {
  const found = `${what}: ${actual} instead of ${expected}`;
  assert(Math.abs(actual - expected) <= tolerance, found);
}

peerTest("pictures are prepared and classified as by transformers", PACKAGES, async () => {
  const folder = await Deno.makeTempDir();
  try {
    const request = JSON.stringify({ config: CONFIG, cases: CASES });
    const expected = await runPythonJson<Record<string, Expected>[]>("classify.py", [
      folder,
      request,
    ]);
    assert.equal(expected.length, CASES.length);
    for (const [index, example] of CASES.entries()) {
      await compare(`${folder}/${index}`, example, expected[index]!);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
