/** Folders of pictures, prepared as SegFormer's image processor of transformers does. */
import assert from "node:assert/strict";
import {
  applyNormalization,
  listPictures,
  type NdArray,
  normalizationFromPreprocessor,
  PICTURE_BANDS,
  pictureStream,
  readModelPreprocessor,
  readPictureProcessor,
} from "swath";
import { peerTest, runPythonJson } from "./python.ts";

interface Expected {
  readonly shape: number[];
  readonly pixels: number[];
  readonly labels: number[];
}

/** Sizes are such that every version of Pillow resizes along rows first; see `resizeImage`. */
const PICTURES = {
  smaller: { size: [31, 40], mode: "RGB" },
  larger: { size: [333, 257], mode: "RGB", palette: true },
  grey: { size: [150, 64], mode: "L" },
  colours: { size: [180, 150], mode: "P" },
};

const PROCESSORS = [
  { size: { height: 64, width: 96 }, do_reduce_labels: true },
  {
    size: { height: 64, width: 64 },
    do_reduce_labels: false,
    image_mean: [0.5, 0.4, 0.3],
    image_std: [0.2, 0.3, 0.4],
    rescale_factor: 1 / 127.5,
  },
  { do_resize: false, do_normalize: false, do_reduce_labels: true },
  { size: { height: 64, width: 64 }, do_rescale: false, do_reduce_labels: true },
];

peerTest(
  "pictures and labels are prepared as by transformers",
  ["transformers", "PIL"],
  async () => {
    const folder = await Deno.makeTempDir();
    try {
      const expected = await runPythonJson<Record<string, Expected>[]>("picture_set.py", [
        folder,
        JSON.stringify(PICTURES),
        JSON.stringify(PROCESSORS),
      ]);
      assert.equal(expected.length, PROCESSORS.length);
      for (const [index, each] of expected.entries()) await compare(folder, index, each);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);

async function compare(
  folder: string,
  index: number,
  expected: Readonly<Record<string, Expected>>,
): Promise<void> {
  const { config, path } = await readModelPreprocessor(`${folder}/${index}`);
  const { resize, reduceLabels } = readPictureProcessor(config, path);
  const normalization = normalizationFromPreprocessor(config, PICTURE_BANDS, path);
  const files = await listPictures(`${folder}/images`, `${folder}/labels`);
  const fit = resize === null
    ? { mode: "none", height: 1, width: 1, filter: "bilinear" } as const
    : { mode: "stretch", filter: "bilinear", ...resize } as const;
  for await (const item of pictureStream(files, { fit, classes: null, reduceLabels })) {
    if (item.type !== "sample") continue;
    const { key, arrays: { image, label, valid } } = item.sample;
    const { shape, pixels, labels } = expected[key]!;
    assert.deepEqual(image!.shape, shape, key);
    const prepared = applyNormalization(image!, valid as NdArray<"uint8">, normalization);
    pixels.forEach((pixel, i) => {
      const error = Math.abs(Number(prepared.data[i]) - pixel);
      assert.ok(
        error <= 1e-5 * Math.max(1, Math.abs(pixel)),
        `${key}: ${prepared.data[i]} ${pixel}`,
      );
    });
    assert.deepEqual([...label!.data as Uint8Array], labels, key);
  }
}
