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

/** What transformers makes of each picture, with Pillow and, where it is installed, with torchvision. */
interface Backends {
  readonly pillow: Readonly<Record<string, Expected>>;
  readonly torchvision?: Readonly<Record<string, Expected>>;
}

/** Odd sides, a pixel, lines, and sizes that Pillow resizes along columns first. */
const PICTURES = {
  smaller: { size: [31, 40], mode: "RGB" },
  larger: { size: [333, 257], mode: "RGB", palette: true },
  tall: { size: [64, 150], mode: "RGB" },
  grey: { size: [150, 64], mode: "L" },
  colours: { size: [180, 150], mode: "P" },
  wide: { size: [201, 11], mode: "RGB" },
  pixel: { size: [1, 1], mode: "RGB" },
  row: { size: [37, 1], mode: "RGB" },
  column: { size: [1, 41], mode: "RGB" },
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
  { size: { shortest_edge: 33 }, do_reduce_labels: true },
  { size: { shortest_edge: 64, longest_edge: 2000 } },
  { size: { max_height: 50, max_width: 70 } },
  { size: 17, default_to_square: false },
  { size: [23, 61], resample: 3 },
  { size: { height: 1, width: 7 }, do_center_crop: true, crop_size: { height: 4, width: 4 } },
];

peerTest(
  "pictures and labels are prepared as by transformers",
  ["transformers", "PIL"],
  async () => {
    const folder = await Deno.makeTempDir();
    try {
      const expected = await runPythonJson<Backends[]>("picture_set.py", [
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

async function compare(folder: string, index: number, expected: Backends): Promise<void> {
  const { config, path } = await readModelPreprocessor(`${folder}/${index}`);
  const { resize, reduceLabels } = readPictureProcessor(config, path);
  const normalization = normalizationFromPreprocessor(config, PICTURE_BANDS, path);
  const files = await listPictures(`${folder}/images`, `${folder}/labels`);
  const fit = resize === null ? { mode: "none" } as const : { mode: "stretch", ...resize } as const;
  // A level of 8 bits in numbers of the result.
  const level = Math.max(
    ...normalization.scale.map((scale, band) => scale / normalization.std[band]!),
  );
  for await (const item of pictureStream(files, { fit, classes: null, reduceLabels })) {
    if (item.type !== "sample") continue;
    const { key, arrays: { image, label, valid } } = item.sample;
    const { shape, pixels, labels } = expected.pillow[key]!;
    assert.deepEqual(image!.shape, shape, key);
    const prepared = applyNormalization(image!, valid as NdArray<"uint8">, normalization);
    near(prepared, pixels, 1e-5, `${index}: ${key}`);
    assert.deepEqual([...label!.data as Uint8Array], labels, key);
    const other = expected.torchvision?.[key];
    if (other === undefined || resize?.filter === "bicubic") continue;
    assert.deepEqual(other.shape, shape, key);
    near(prepared, other.pixels, 1.01 * level, `${index}: ${key} by torchvision`);
  }
}

/** All pixels are within a tolerance; larger numbers are within that part of them. */
function near(
  { data }: NdArray,
  expected: readonly number[],
  tolerance: number,
  what: string,
): void {
  assert.equal(data.length, expected.length, what);
  expected.forEach((pixel, index) => {
    const error = Math.abs(Number(data[index]) - pixel);
    const found = `${what}: ${data[index]} instead of ${pixel}`;
    assert.ok(error <= tolerance * Math.max(1, Math.abs(pixel)), found);
  });
}
