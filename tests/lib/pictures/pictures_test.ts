import assert from "node:assert/strict";
import {
  classesFromNames,
  encodePng,
  fitPicture,
  InputError,
  isPictureFolder,
  listPictures,
  ndarray,
  type PictureSize,
  pictureStream,
  readLabelMap,
  readPictureProcessor,
  resizeNearest,
  type Sample,
  sizeOfPicture,
} from "swath";

async function withFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function bytes(shape: readonly number[], values: readonly number[]) {
  return ndarray("uint8", shape, Uint8Array.from(values));
}

Deno.test("pictures: those of subfolders too, with labels of the usual names", async () => {
  await withFolder(async (folder) => {
    for (const name of ["images/train", "labels/train", "empty"]) {
      await Deno.mkdir(`${folder}/${name}`, { recursive: true });
    }
    const touch = (path: string) => Deno.writeTextFile(`${folder}/${path}`, "");
    for (const name of ["b.jpg", "a.v2.png", "c.JPEG"]) await touch(`images/train/${name}`);
    await touch("images/readme.txt");
    for (const name of ["b.png", "a.v2_L.png"]) await touch(`labels/train/${name}`);
    await assert.rejects(
      () => listPictures(`${folder}/images`, `${folder}/labels`),
      (error) => {
        assert.ok(error instanceof InputError);
        return /Cannot find the labels of ".*c\.JPEG": expected ".*train\/c\.png"/.test(
          error.message,
        );
      },
    );
    await touch("labels/train/c_mask.png");
    const files = await listPictures(`${folder}/images`, `${folder}/labels`);
    assert.deepEqual(files.map(({ key }) => key), ["train/a_v2", "train/b", "train/c"]);
    assert.deepEqual(files.map(({ label }) => label!.slice(folder.length)), [
      "/labels/train/a.v2_L.png",
      "/labels/train/b.png",
      "/labels/train/c_mask.png",
    ]);
    assert.equal(await isPictureFolder(`${folder}/images`), true);
    assert.equal(await isPictureFolder(`${folder}/empty`), false);
    assert.equal(await isPictureFolder(`${folder}/nowhere`), false);
    await touch("images/train/scene.tif");
    assert.equal(await isPictureFolder(`${folder}/images`), false);
    await touch("images/train/b.png");
    await assert.rejects(() => listPictures(`${folder}/images`, null), /both would be "train\/b"/);
    await assert.rejects(() => listPictures(`${folder}/empty`, null), InputError);
  });
});

Deno.test("labels: numbers, and reduced ones as ADE20K has them", () => {
  const image = bytes([1, 1, 5], [0, 1, 2, 150, 255]);
  const read = (
    reduce: boolean,
  ) => [...readLabelMap(image, { source: "a.png" }, { classes: null, reduce }).data];
  assert.deepEqual(read(false), [0, 1, 2, 150, 255]);
  assert.deepEqual(read(true), [255, 0, 1, 149, 255]);
});

Deno.test("labels: colours of the classes; black is no class unless it is one", () => {
  const classes = classesFromNames(["sky", "road"]).map((each, i) => ({
    ...each,
    color: ["#808080", "#804080"][i]!,
  }));
  const image = bytes([3, 1, 3], [128, 128, 0, 128, 64, 0, 128, 128, 0]);
  const reading = { classes, reduce: false };
  assert.deepEqual([...readLabelMap(image, { source: "a.png" }, reading).data], [0, 1, 255]);
  image.data[1] = 7;
  assert.throws(
    () => readLabelMap(image, { source: "a.png" }, reading),
    new InputError(
      'Cannot read labels from "a.png": no class has the colour #074080 of row 0, column 1',
    ),
  );
  assert.throws(
    () => readLabelMap(image, { source: "a.png" }, { classes: null, reduce: false }),
    /colours of unknown classes/,
  );
});

Deno.test("fit: stretched, cut out of the middle, filled up", () => {
  const image = ndarray("uint8", [3, 2, 4]);
  for (let i = 0; i < 24; i++) image.data[i] = 10 * (i % 8);
  const label = bytes([2, 4], [0, 1, 2, 3, 4, 5, 6, 7]);
  const valid = ndarray("uint8", [2, 4]);
  valid.data.fill(1);
  const fit = (mode: "none" | "stretch" | "crop" | "pad", height: number, width: number) => {
    const result = fitPicture(
      { image, label, valid },
      mode === "none" ? { mode } : { mode, size: { height, width }, filter: "bilinear" },
      255,
    );
    return {
      shape: result.image.shape,
      image: [...result.image.data.subarray(0, height * width)],
      label: [...result.label!.data],
      valid: [...result.valid.data],
    };
  };
  assert.deepEqual(fit("none", 9, 9).shape, [3, 2, 4]);
  assert.deepEqual(fit("crop", 2, 2), {
    shape: [3, 2, 2],
    image: [10, 20, 50, 60],
    label: [1, 2, 5, 6],
    valid: [1, 1, 1, 1],
  });
  assert.deepEqual(fit("pad", 4, 4), {
    shape: [3, 4, 4],
    image: [0, 10, 20, 30, 40, 50, 60, 70, 0, 0, 0, 0, 0, 0, 0, 0],
    label: [0, 1, 2, 3, 4, 5, 6, 7, ...Array(8).fill(255)],
    valid: [...Array(8).fill(1), ...Array(8).fill(0)],
  });
  const stretched = fit("stretch", 4, 4);
  assert.deepEqual(stretched.label, [0, 1, 2, 3, 0, 1, 2, 3, 4, 5, 6, 7, 4, 5, 6, 7]);
  assert.deepEqual(stretched.valid, Array(16).fill(1));
  assert.deepEqual([...resizeNearest(label, 1, 2).data], [5, 7]);
});

Deno.test("pictures: a stream of images of their own sizes", async () => {
  await withFolder(async (folder) => {
    await Deno.mkdir(`${folder}/images`);
    await Deno.mkdir(`${folder}/labels`);
    const write = (path: string, image: ReturnType<typeof bytes>) =>
      Deno.writeFile(`${folder}/${path}`, encodePng(image));
    await write("images/a.png", bytes([2, 3, 1], [1, 2, 3, 4, 5, 6]));
    await write("labels/a.png", bytes([2, 3, 1], [0, 1, 2, 0, 1, 2]));
    await write("images/b.png", bytes([1, 1, 3], [7, 8, 9]));
    await write("labels/b.png", bytes([1, 1, 1], [3]));
    const files = await listPictures(`${folder}/images`, `${folder}/labels`);
    const fit = { mode: "none" } as const;
    const options = { fit, classes: classesFromNames(["x", "y"]), reduceLabels: true };
    const samples: Sample[] = [];
    await assert.rejects(async () => {
      for await (const item of pictureStream(files, options)) {
        if (item.type === "sample") samples.push(item.sample);
      }
    }, /Cannot use label 2 at row 0, column 0 of ".*b\.png": there are 2 classes/);
    const [{ key, arrays }] = samples as [Sample];
    assert.equal(key, "a");
    assert.deepEqual(arrays.image!.shape, [3, 2, 3]);
    assert.deepEqual([...arrays.label!.data as Uint8Array], [255, 0, 1, 255, 0, 1]);
    await write("labels/a.png", bytes([1, 1, 1], [0]));
    await assert.rejects(
      async () => {
        for await (const item of pictureStream(files, options)) void item;
      },
      /Cannot use the labels ".*" of 1x1 pixels for ".*" of 3x2/,
    );
  });
});

Deno.test("processors: sizes, filters, and the older name of reduced labels", () => {
  const read = (config: object) => readPictureProcessor(config, "p.json");
  assert.deepEqual(read({ size: 64, reduce_labels: true }), {
    resize: { size: { height: 64, width: 64 }, filter: "bilinear" },
    reduceLabels: true,
  });
  assert.deepEqual(read({ do_resize: false, do_reduce_labels: true }), {
    resize: null,
    reduceLabels: true,
  });
  const sizeOf = (config: object) => read(config).resize!.size;
  assert.deepEqual(sizeOf({ size: null }), { height: 512, width: 512 });
  assert.deepEqual(sizeOf({ size: [3, 4] }), { height: 3, width: 4 });
  assert.deepEqual(sizeOf({ size: 64, default_to_square: false }), {
    shortestEdge: 64,
    longestEdge: null,
  });
  assert.deepEqual(sizeOf({ size: { shortest_edge: 256, longest_edge: 300 } }), {
    shortestEdge: 256,
    longestEdge: 300,
  });
  assert.equal(read({ resample: 0 }).resize!.filter, "nearest");
  assert.throws(
    () => read({ resample: 6 }),
    /"resample" is 6: expected 0 \(nearest\), 1 \(lanczos\)/,
  );
  for (const size of [{ longest_edge: 5 }, { height: 5 }, { shortest_edge: 0 }, [5], "5"]) {
    assert.throws(
      () => read({ size }),
      /"size.*" is no size: expected pixels as N, \[height, width\]/,
    );
  }
  assert.throws(() => read({ do_resize: "x" }), /"do_resize" is wrong: Invalid type/);
});

Deno.test("processors: SegFormer's neither crops nor pads, others may not want to", () => {
  const config = { do_center_crop: true, crop_size: { height: 8, width: 8 }, do_resize: false };
  for (const key of ["image_processor_type", "feature_extractor_type"]) {
    const named = { ...config, [key]: "SegformerFeatureExtractor" };
    assert.equal(readPictureProcessor(named, "p.json").resize, null);
  }
  assert.throws(() => readPictureProcessor(config, "p.json"), /"do_center_crop" is not supported/);
});

Deno.test("sizes: sides that keep their ratio, rounded as transformers does", () => {
  // Golden values by transformers 5.23: get_size_with_aspect_ratio and its like, of (rows, columns).
  const sizes = (size: PictureSize, ...pictures: readonly [number, number][]) =>
    pictures.map(([rows, columns]) => Object.values(sizeOfPicture(size, rows, columns)).join("x"));
  const shortest = { shortestEdge: 50, longestEdge: null };
  assert.deepEqual(sizes(shortest, [333, 257], [64, 150], [1, 1], [50, 49]), [
    "64x50",
    "50x117",
    "50x50",
    "51x50",
  ]);
  const limited = { shortestEdge: 50, longestEdge: 80 };
  assert.deepEqual(sizes(limited, [150, 64], [31, 40], [31, 90]), ["80x34", "50x64", "28x80"]);
  const within = { maxHeight: 60, maxWidth: 70 };
  assert.deepEqual(sizes(within, [64, 96], [333, 257], [1, 1]), ["46x70", "60x46", "60x60"]);
  assert.throws(
    () => sizes(limited, [1, 300]),
    /Cannot resize a picture of 300x1 pixels to 80x0: expected sides of 1 pixel or more/,
  );
  assert.throws(() => sizes({ shortestEdge: 16384, longestEdge: null }, [1, 300]), InputError);
});
