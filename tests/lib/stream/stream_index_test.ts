import assert from "node:assert/strict";
import {
  indexStream,
  InputError,
  openRandomAccessFile,
  readIndexedSample,
  readStream,
  type Sample,
} from "swath";
import { concat, encode, makeSegment } from "./support.ts";

async function withFile(bytes: Uint8Array, body: (path: string) => Promise<void>): Promise<void> {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeFile(path, bytes);
    await body(path);
  } finally {
    await Deno.remove(path);
  }
}

const SHARD = concat(
  await encode(makeSegment({ scene: "a", rows: 2, columns: 3, size: 40, bands: 30 })),
  await encode(makeSegment({ scene: "b", rows: 1, columns: 2, size: 3, dtype: "float32" })),
);

Deno.test("index: samples read in any order are those of the stream", async () => {
  const expected: Sample[] = [];
  for await (const item of readStream(new Blob([SHARD]).stream())) {
    if (item.type === "sample") expected.push(item.sample);
  }
  await withFile(SHARD, async (path) => {
    using file = await openRandomAccessFile(path);
    // What a worker gets.
    const index = structuredClone(await indexStream(file));
    assert.equal(index.headers.length, 2);
    assert.deepEqual(index.samples.map(({ key }) => key), expected.map(({ key }) => key));
    for (const number of [7, 0, 3, 6, 1, 5, 2, 4]) {
      assert.deepEqual(readIndexedSample(file, index, number), expected[number]);
    }
    const { arrays } = readIndexedSample(file, index, 2, ["label"]);
    assert.deepEqual(arrays, { label: expected[2]!.arrays.label });
  });
});

Deno.test("index: the arrays are passed over", async () => {
  await withFile(SHARD, async (path) => {
    using file = await openRandomAccessFile(path);
    let read = 0;
    const counted = {
      ...file,
      read: (position: number, length: number) => {
        read += length;
        return file.read(position, length);
      },
    };
    const big = await encode(makeSegment({ rows: 1, columns: 2, size: 256, bands: 20 }));
    await Deno.writeFile(path, big);
    using bigFile = await openRandomAccessFile(path);
    const index = await indexStream({ ...counted, size: bigFile.size });
    assert.equal(index.samples.length, 2);
    assert.ok(read < big.length / 10, `${read} of ${big.length} bytes`);
  });
});

Deno.test("index: every truncation and every flipped byte is found, at the latest when it is read", async () => {
  const small = await encode(makeSegment({ rows: 1, columns: 2, size: 2, bands: 1 }));
  const changed = async (bytes: Uint8Array) => {
    let found = false;
    await withFile(bytes, async (path) => {
      try {
        using file = await openRandomAccessFile(path);
        const index = await indexStream(file);
        for (let i = 0; i < index.samples.length; i++) readIndexedSample(file, index, i);
      } catch (error) {
        assert.ok(error instanceof InputError, String(error));
        assert.ok(error.message.includes(path));
        found = true;
      }
    });
    return found;
  };
  assert.equal(await changed(small), false);
  for (let length = 0; length < small.length - 1024; length += 7) {
    assert.ok(await changed(small.subarray(0, length)), `cut at ${length}`);
  }
  for (let at = 0; at < small.length - 1024; at += 3) {
    const bytes = small.slice();
    bytes[at]! ^= 0x10;
    assert.ok(await changed(bytes), `flipped at ${at}`);
  }
});

Deno.test("index: what is not a shard is named", async () => {
  const cases: [Uint8Array, RegExp][] = [
    [new Uint8Array(), /it is empty$/],
    [
      new TextEncoder().encode("II*\0 and more"),
      /is not a patch stream: it looks like a TIFF image$/,
    ],
    [await encode(makeSegment(), "ndjson"), /it holds JSON lines, and shards are tar files$/],
  ];
  for (const [bytes, message] of cases) {
    await withFile(bytes, async (path) => {
      using file = await openRandomAccessFile(path);
      await assert.rejects(indexStream(file), { name: "InputError", message });
    });
  }
});
