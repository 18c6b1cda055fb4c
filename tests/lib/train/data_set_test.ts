import assert from "node:assert/strict";
import {
  checkSeparate,
  createDataSetReader,
  expandShards,
  InputError,
  openDataSet,
  readStream,
  type Sample,
  spoolStream,
  type StreamHeader,
  type StreamItem,
} from "swath";
import { concat, encode, makeSegment, type SegmentOptions } from "../stream/support.ts";

async function withFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Write a shard of segments, whose headers may be changed. */
async function writeShard(
  path: string,
  segments: readonly (SegmentOptions & { readonly header?: Partial<StreamHeader> })[],
): Promise<string> {
  const parts = segments.map(({ header, ...options }) =>
    encode(
      makeSegment(options).map((item): StreamItem =>
        item.type === "header" ? { type: "header", header: { ...item.header, ...header } } : item
      ),
    )
  );
  await Deno.writeFile(path, concat(...await Promise.all(parts)));
  return path;
}

async function samplesOf(path: string): Promise<Sample[]> {
  using file = await Deno.open(path);
  const samples: Sample[] = [];
  for await (const item of readStream(file)) {
    if (item.type === "sample") samples.push(item.sample);
  }
  return samples;
}

/** The message with the folder taken out. */
async function messageOf(folder: string, work: () => Promise<unknown>): Promise<string> {
  try {
    await work();
  } catch (error) {
    assert.ok(error instanceof InputError, String(error));
    return error.message.replaceAll(`${folder}/`, "");
  }
  return "no error";
}

Deno.test("expandShards: paths, globs and braces, in order, each once", async () => {
  await withFolder(async (folder) => {
    for (const name of ["train-002.tar", "train-000.tar", "train-001.tar", "odd[1].tar"]) {
      await Deno.writeTextFile(`${folder}/${name}`, "");
    }
    const names = async (...patterns: string[]) =>
      (await expandShards(patterns.map((pattern) => `${folder}/${pattern}`)))
        .map((path) => path.slice(folder.length + 1));
    const all = ["train-000.tar", "train-001.tar", "train-002.tar"];
    assert.deepEqual(await names("train-*.tar"), all);
    assert.deepEqual(await names("train-{000..001}.tar"), all.slice(0, 2));
    assert.deepEqual(await names("train-00?.tar", "train-001.tar"), all);
    assert.deepEqual(await names("train-002.tar", "train-*"), [
      "train-002.tar",
      ...all.slice(0, 2),
    ]);
    assert.deepEqual(await names("odd[1].tar"), ["odd[1].tar"]);
    assert.equal(
      await messageOf(folder, () => names("val-*.tar")),
      'Cannot read "val-*.tar": no file matches',
    );
    assert.equal(
      await messageOf(folder, () => names("val.tar")),
      'Cannot read "val.tar": no such file or directory',
    );
  });
});

Deno.test("spoolStream: a stream in either encoding becomes a shard; a damaged one leaves nothing", async () => {
  await withFolder(async (folder) => {
    const items = makeSegment();
    for (const format of ["tar", "ndjson"] as const) {
      const bytes = await encode(items, format);
      const path = await spoolStream(new Blob([bytes]).stream(), { folder });
      assert.equal((await samplesOf(path)).length, 4);
      assert.equal((await openDataSet([path])).samples.length, 4);
      await Deno.remove(path);
      const cut = new Blob([bytes.subarray(0, bytes.length / 2)]).stream();
      await assert.rejects(spoolStream(cut, { folder }), InputError);
      assert.deepEqual(await Array.fromAsync(Deno.readDir(folder)), []);
    }
  });
});

Deno.test("data set: samples of several shards by number, also in a worker", async () => {
  await withFolder(async (folder) => {
    const paths = [
      await writeShard(`${folder}/a.tar`, [{ scene: "a" }, { scene: "b", rows: 1 }]),
      await writeShard(`${folder}/c.tar`, [{ scene: "c", columns: 3 }]),
    ];
    const progress: string[] = [];
    const set = structuredClone(
      await openDataSet(paths, {
        classCount: 4,
        onProgress: (done, total) => void progress.push(`${done}/${total}`),
      }),
    );
    assert.deepEqual(progress, ["1/2", "2/2"]);
    const expected = [...await samplesOf(paths[0]!), ...await samplesOf(paths[1]!)];
    assert.equal(set.samples.length, expected.length);
    using reader = createDataSetReader(set);
    for (const number of [11, 0, 6, 5, 7]) {
      assert.deepEqual(await reader.read(number), expected[number]);
    }
    const counts = Array<number>(256).fill(0);
    for (const { arrays } of expected) {
      for (const label of arrays.label!.data) counts[Number(label)]!++;
    }
    assert.deepEqual(set.labelCounts, counts);
  });
});

Deno.test("data set: more shards than files may be open", async () => {
  await withFolder(async (folder) => {
    const paths = await Promise.all(
      Array.from(
        { length: 80 },
        (_, i) =>
          writeShard(`${folder}/${i}.tar`, [{ scene: `s${i}`, rows: 1, columns: 1, size: 2 }]),
      ),
    );
    const set = await openDataSet(paths);
    using reader = createDataSetReader(set);
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 80; i++) assert.equal((await reader.read(i)).key, `s${i}/000000_000000`);
    }
  });
});

Deno.test("data set: the fingerprint tells the contents, not the files", async () => {
  await withFolder(async (folder) => {
    const a = await openDataSet([await writeShard(`${folder}/a.tar`, [{ scene: "a" }])]);
    const same = await openDataSet([await writeShard(`${folder}/b.tar`, [{ scene: "a" }])]);
    const other = await openDataSet([
      await writeShard(`${folder}/c.tar`, [{ scene: "a", size: 8 }]),
    ]);
    assert.equal(a.fingerprint, same.fingerprint);
    assert.notEqual(a.fingerprint, other.fingerprint);
  });
});

Deno.test("data set: shards that do not go together are refused", async () => {
  const classes = [{ name: "land", color: "#000000" }, { name: "water", color: "#0000ff" }];
  const bands = [{ name: "B01", scale: 1e-4, offset: -0.1 }, {
    name: "B02",
    scale: 1e-4,
    offset: 0,
  }];
  const normalization = {
    bands: ["B01", "B02"],
    scale: [1, 1],
    offset: [0, 0],
    mean: [1, 2],
    std: [3, 4],
    clip: null,
  };
  const cases: [SegmentOptions & { header?: Partial<StreamHeader> }, string][] = [
    [{ bands: 3 }, "bands differ: 2 (B01, B02) and 3 (B01, B02, B03)"],
    [{ dtype: "float32" }, "element types differ: uint16 and float32"],
    [
      { header: { bands } },
      "scale and offset of band B01 differ: 0.0001 and 0 and 0.0001 and -0.1",
    ],
    [
      { header: { normalization } },
      "normalizations differ: none and mean 1, 2; std 3, 4; clip none",
    ],
    [{ header: { classes } }, "classes differ: 2 (water, forest) and 2 (land, water)"],
    [{ header: { classes: null } }, "classes differ: 2 (water, forest) and none"],
  ];
  await withFolder(async (folder) => {
    const a = await writeShard(`${folder}/a.tar`, [{ scene: "a" }]);
    for (const [options, difference] of cases) {
      const b = await writeShard(`${folder}/b.tar`, [{ scene: "b", ...options }]);
      assert.equal(
        await messageOf(folder, () => openDataSet([a, b])),
        `Cannot use samples of "a.tar" and "b.tar" together as ${difference}`,
      );
      const mixed = await writeShard(`${folder}/mixed.tar`, [{ scene: "a" }, {
        scene: "b",
        ...options,
      }]);
      assert.equal(
        await messageOf(folder, () => openDataSet([mixed])),
        `Cannot use samples within "mixed.tar" together as ${difference}`,
      );
    }
  });
});

Deno.test("data set: repeated keys, no samples, labels without a class", async () => {
  await withFolder(async (folder) => {
    const a = await writeShard(`${folder}/a.tar`, [{ scene: "a" }]);
    const b = await writeShard(`${folder}/b.tar`, [{ scene: "a" }]);
    const message = (paths: string[], options = {}) =>
      messageOf(folder, () => openDataSet(paths, options));
    assert.equal(
      await message([a, b]),
      'Cannot use sample "a/000000_000000" as it comes in "a.tar" and in "b.tar"',
    );
    assert.equal(
      await message([a, a]),
      'Cannot use sample "a/000000_000000" as it comes twice in "a.tar"',
    );
    const segment = makeSegment();
    const empty = [segment[0]!, { type: "end" as const, end: { samples: 0, skipped: 4 } }];
    await Deno.writeFile(`${folder}/empty.tar`, await encode(empty));
    assert.equal(
      await message([`${folder}/empty.tar`]),
      'Cannot use "empty.tar" as a data set: there are no samples',
    );
    assert.equal(
      await message([a], { classCount: null }),
      'Cannot train on label 2 at row 0, column 0 of sample "a/000004_000004" in "a.tar": expected 0 to 1, or 255 for pixels to leave out',
    );
    assert.equal(await message([a], { classCount: 2, ignoreIndex: 2 }), "no error");
    const unnamed = await writeShard(`${folder}/n.tar`, [{
      scene: "n",
      header: { classes: null },
    }]);
    assert.equal(
      await message([unnamed], { classCount: null }),
      'Cannot check the labels of "n.tar": it names no classes',
    );
    const unlabelled = segment.map((item): StreamItem => {
      if (item.type !== "sample") return item;
      const { label: _, ...arrays } = item.sample.arrays;
      return { type: "sample", sample: { ...item.sample, arrays } };
    });
    await Deno.writeFile(`${folder}/u.tar`, await encode(unlabelled));
    assert.equal(
      await message([`${folder}/u.tar`], { classCount: 2 }),
      'Cannot train on sample "scene/000000_000000" of "u.tar" as it has no label',
    );
    assert.equal(await message([`${folder}/u.tar`]), "no error");
  });
});

Deno.test("data set: validation must be separate from training", async () => {
  await withFolder(async (folder) => {
    const open = async (name: string, options: SegmentOptions) =>
      await openDataSet([await writeShard(`${folder}/${name}.tar`, [options])]);
    const train = await open("train", { scene: "july" });
    assert.equal(
      await messageOf(folder, () => Promise.resolve().then(() => checkSeparate(train, train))),
      'Cannot validate on the data that is trained on: all 4 validation samples are training samples too, such as "july/000000_000000" in "train.tar" and "train.tar"',
    );
    const wider = await open("wider", { scene: "july", columns: 3 });
    assert.match(
      await messageOf(folder, () => Promise.resolve().then(() => checkSeparate(train, wider))),
      /^Cannot validate on the data that is trained on: 4 of 6 validation samples/,
    );
    assert.equal(checkSeparate(train, await open("august", { scene: "august" })), 0);
    // Patches of 6 pixels from the same scene: the one at the origin has a name that training has.
    const shifted = await open("shifted", { scene: "july", size: 6 });
    const { shards } = shifted;
    const samples = shards[0]!.index.samples.slice(1);
    const index = { ...shards[0]!.index, samples };
    const rest = { ...shifted, shards: [{ ...shards[0]!, index }] };
    assert.equal(checkSeparate(train, rest), 4 + 0 + 1);
    const other = await open("other", { scene: "other", bands: 1 });
    assert.match(
      await messageOf(folder, () => Promise.resolve().then(() => checkSeparate(train, other))),
      /as bands differ: 2 \(B01, B02\) and 1 \(B01\)$/,
    );
  });
});
