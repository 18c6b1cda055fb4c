import assert from "node:assert/strict";
import { join } from "node:path";
import fc from "fast-check";
import {
  type DataType,
  elementCount,
  InputError,
  type NdArray,
  ndarray,
  openSafetensors,
  readAllTensors,
  TYPED_ARRAY_CONSTRUCTORS,
  writeSafetensors,
} from "swath";
import { assertSameArray, assertSurvivesMutation, withDirectory, withFile } from "./helpers.ts";

const dataTypes = Object.keys(TYPED_ARRAY_CONSTRUCTORS) as DataType[];

const anyArray: fc.Arbitrary<NdArray> = fc.record({
  dtype: fc.constantFrom(...dataTypes),
  shape: fc.array(fc.nat(4), { maxLength: 4 }),
}).chain(({ dtype, shape }) => {
  const Constructor = TYPED_ARRAY_CONSTRUCTORS[dtype];
  const length = elementCount(shape) * Constructor.BYTES_PER_ELEMENT;
  const max = dtype === "bool" ? 1 : 255;
  return fc.uint8Array({ minLength: length, maxLength: length, max }).map((bytes) =>
    ndarray(dtype, shape, new Constructor(bytes.slice().buffer as ArrayBuffer))
  );
});

const anyName = fc.string({ unit: "binary" }).filter((name) => name !== "__metadata__");

/** A file with this header, padded or not, and this many bytes of data. */
function fileWith(header: string | Uint8Array, dataLength: number): Uint8Array {
  const json = typeof header === "string" ? new TextEncoder().encode(header) : header;
  const file = new Uint8Array(8 + json.length + dataLength);
  new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true);
  file.set(json, 8);
  return file;
}

async function readAll(path: string): Promise<Map<string, NdArray>> {
  using source = await openSafetensors(path);
  return readAllTensors(source);
}

Deno.test("any tensors survive writing and reading", () =>
  withDirectory(async (directory) => {
    const path = join(directory, "model.safetensors");
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.tuple(anyName, anyArray), { selector: ([name]) => name, maxLength: 6 }),
        async (entries) => {
          await writeSafetensors(path, new Map(entries), { overwrite: true });
          const read = await readAll(path);
          assert.equal(read.size, entries.length);
          for (const [name, array] of entries) assertSameArray(read.get(name)!, array, name);
        },
      ),
      { numRuns: 150 },
    );
  }));

Deno.test("the order of the tensors does not change the file", () =>
  withDirectory(async (directory) => {
    const tensors: [string, NdArray][] = [
      ["b", ndarray("float32", [2, 3])],
      ["a", ndarray("uint8", [5])],
      ["c", ndarray("int64", [1])],
    ];
    const [first, second] = [join(directory, "first"), join(directory, "second")];
    await writeSafetensors(first, new Map(tensors));
    await writeSafetensors(second, new Map(tensors.reverse()));
    assert.deepEqual(await Deno.readFile(first), await Deno.readFile(second));
    using source = await openSafetensors(first);
    assert.deepEqual(source.metadata, { format: "pt" });
    assert.deepEqual([...source.tensors.keys()], ["c", "b", "a"]);
  }));

Deno.test("bfloat16 is widened exactly", async () => {
  const halves = new Uint16Array([0x3f80, 0xc000, 0x0001, 0x7f80, 0x8000]);
  const header = '{"w":{"dtype":"BF16","shape":[5],"data_offsets":[0,10]}}';
  const file = fileWith(header, 10);
  file.set(new Uint8Array(halves.buffer), file.length - 10);
  await withFile(file, async (path) => {
    const tensor = (await readAll(path)).get("w")!;
    assert.equal(tensor.dtype, "float32");
    assert.deepEqual([...tensor.data], [1, -2, 2 ** -133, Infinity, -0]);
  });
});

const tensor = (dtype: string, shape: unknown, offsets: unknown) =>
  JSON.stringify({ dtype, shape, "data_offsets": offsets });

const faults: [string, Uint8Array, RegExp][] = [
  ["empty file", new Uint8Array(0), /it is 0 bytes long, and a header takes at least 8/],
  ["seven bytes", new Uint8Array(7), /it is 7 bytes long/],
  [
    "length beyond the file",
    fileWith("{}", 0).fill(9, 0, 1),
    /header claims 9 bytes, and only 2 follow/,
  ],
  ["length of 2^64-1", new Uint8Array(16).fill(255), /claims 18446744073709551615 bytes/],
  ["no header", fileWith("", 0), /its header is not JSON/],
  ["not UTF-8", fileWith(new Uint8Array([0x7b, 0xff, 0x7d]), 0), /header is not UTF-8 text/],
  ["not JSON", fileWith("{'a': 1}", 0), /its header is not JSON/],
  ["byte order mark", fileWith("\uFEFF{}", 0), /its header is not JSON/],
  ["not an object", fileWith("[]", 0), /its header is not a JSON object/],
  ["deep", fileWith("[".repeat(1e6), 0), /its header nests objects more than 3 deep/],
  [
    "duplicate tensor",
    fileWith(`{"a":${tensor("U8", [1], [0, 1])},"\\u0061" :${tensor("U8", [1], [0, 1])}}`, 1),
    /its header has the key "a" twice/,
  ],
  [
    "duplicate field",
    fileWith('{"a":{"dtype":"U8","dtype":"I8","shape":[1],"data_offsets":[0,1]}}', 1),
    /its header has the key "dtype" twice/,
  ],
  [
    "overlap",
    fileWith(`{"a":${tensor("U8", [2], [0, 2])},"b":${tensor("U8", [2], [1, 3])}}`, 3),
    /tensor "b" overlaps another: it begins at byte 1 of the data, and 2 are taken/,
  ],
  [
    "hole",
    fileWith(`{"a":${tensor("U8", [1], [0, 1])},"b":${tensor("U8", [1], [3, 4])}}`, 4),
    /hole before tensor "b": bytes 1 to 3 of the data belong to no tensor/,
  ],
  [
    "trailing bytes",
    fileWith(`{"a":${tensor("U8", [1], [0, 1])}}`, 3),
    /2 bytes follow its last tensor/,
  ],
  [
    "cut off",
    fileWith(`{"a":${tensor("U8", [4], [0, 4])}}`, 3),
    /tensor "a" ends at byte 4 of the data, which has 3/,
  ],
  [
    "reversed offsets",
    fileWith(`{"a":${tensor("U8", [1], [2, 1])}}`, 2),
    /tensor "a" ends before it begins: data offsets 2 and 1/,
  ],
  [
    "offset beyond exact numbers",
    fileWith('{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,18446744073709551616]}}', 1),
    /tensor "a" has the data offsets \[0,18446744073709552000\], which are not two positions/,
  ],
  [
    "one offset",
    fileWith(`{"a":${tensor("U8", [1], [0])}}`, 1),
    /tensor "a" has the data offsets \[0\], which are not two positions/,
  ],
  [
    "size differs",
    fileWith(`{"a":${tensor("F32", [2, 3], [0, 20])}}`, 20),
    /tensor "a" of type F32 and shape 2x3 takes 24 bytes, and 20 are given to it/,
  ],
  [
    "shape overflows",
    fileWith(`{"a":${tensor("F32", [2 ** 40, 2 ** 40, 2 ** 40], [0, 0])}}`, 0),
    /tensor "a" of type F32 .* takes 5316911983139663491615228241121378304 bytes, and 0/,
  ],
  [
    "negative extent",
    fileWith(`{"a":${tensor("U8", [-1], [0, 1])}}`, 1),
    /tensor "a" has the shape \[-1\], which is not a list of extents/,
  ],
  [
    "unknown element type",
    fileWith(`{"a":${tensor("F8_E4M3", [1], [0, 1])}}`, 1),
    /tensor "a" has the element type "F8_E4M3", which is none of BOOL, U8,/,
  ],
  ["no fields", fileWith('{"a":{}}', 0), /tensor "a" has the element type undefined/],
  ["not described", fileWith('{"a":3}', 0), /tensor "a" is not described by a JSON object/],
  [
    "metadata that is not text",
    fileWith('{"__metadata__":{"epoch":3}}', 0),
    /__metadata__ holds "epoch", which is not text/,
  ],
  ["metadata that is no object", fileWith('{"__metadata__":[]}', 0), /__metadata__ is not a JSON/],
  [
    "Git LFS pointer",
    new TextEncoder().encode("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"),
    /it is a Git LFS pointer instead of the file/,
  ],
  ["HTML", new TextEncoder().encode("<!DOCTYPE html><html>404</html>"), /it is an HTML page/],
  ["zip", new TextEncoder().encode("PK\x03\x04aaaaaaaaaaaaaaaaaaa"), /it is a zip archive/],
];

for (const [name, bytes, message] of faults) {
  Deno.test(`a damaged file is refused: ${name}`, () =>
    withFile(bytes, async (path) => {
      await assert.rejects(openSafetensors(path), (error) => {
        assert(error instanceof InputError);
        assert(error.message.startsWith(`Cannot read ${JSON.stringify(path)} as safetensors: `));
        assert.match(error.message, message);
        return true;
      });
    }));
}

Deno.test("a header beyond 100 MB is refused without reading it", async () => {
  await withDirectory(async (directory) => {
    const path = join(directory, "sparse");
    const file = await Deno.open(path, { write: true, createNew: true });
    await file.write(new Uint8Array([0, 0, 0, 8, 0, 0, 0, 0]));
    await file.truncate(2 ** 28);
    file.close();
    await assert.rejects(
      openSafetensors(path),
      /header claims 134217728 bytes, and at most 100000000/,
    );
  });
});

Deno.test("a changed or cut header never does more than refuse", async () => {
  await withDirectory(async (directory) => {
    const path = join(directory, "model.safetensors");
    await writeSafetensors(
      path,
      new Map<string, NdArray>([
        ["a", ndarray("float32", [2, 2])],
        ["b.weight", ndarray("int8", [3])],
        ["c", ndarray("int64", [])],
      ]),
    );
    const original = await Deno.readFile(path);
    const counts = await assertSurvivesMutation(
      original,
      async (mutant) => void await readAll(mutant),
    );
    // The data and most characters of names may be anything; most of the header may not.
    assert(counts.refused > counts.accepted, JSON.stringify(counts));
  });
});

Deno.test("a missing tensor and a missing file are named", () =>
  withDirectory(async (directory) => {
    const path = join(directory, "model.safetensors");
    await assert.rejects(openSafetensors(path), /^InputError: Cannot read ".*": no such file/);
    await assert.rejects(openSafetensors(directory), /: it is a directory$/);
    await writeSafetensors(path, new Map());
    using source = await openSafetensors(path);
    assert.throws(
      () => source.read("bias"),
      /Cannot read tensor "bias" from ".*model.safetensors"/,
    );
  }));
