import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { bytesOf, InputError, type NdArray, openTorchFile, readAllTensors } from "swath";
import { assertSurvivesMutation, withFile } from "./helpers.ts";
import { pickle, text, torchFile, zip } from "./torch_writer.ts";

async function readAll(path: string): Promise<Map<string, NdArray>> {
  using source = await openTorchFile(path);
  return readAllTensors(source);
}

const floats = new Uint8Array(new Float32Array([0, 1, 2, 3, 4, 5]).buffer);
const storage = pickle.storage("FloatStorage", "0", 6);

/** A state dictionary of one tensor `w` over the storage `0, 1, 2, 3, 4, 5`. */
function oneTensor(offset: number, shape: number[], strides: number[]): Uint8Array {
  return torchFile(pickle.dict({ w: pickle.tensor(storage, offset, shape, strides) }), {
    0: floats,
  });
}

Deno.test("a file that PyTorch wrote is read without Python", async () => {
  const at = (name: string) => fileURLToPath(new URL(`../../../fixtures/${name}`, import.meta.url));
  const expected = JSON.parse(await Deno.readTextFile(at("state_dict.json")));
  const read = await readAll(at("state_dict.pt"));
  assert.deepEqual(
    Object.fromEntries(
      [...read].map(([name, array]) => [name, {
        dtype: array.dtype,
        shape: array.shape,
        data: bytesOf(array).toHex(),
      }]),
    ),
    expected,
  );
});

const views: [string, number, number[], number[], number[]][] = [
  ["rows", 0, [2, 3], [3, 1], [0, 1, 2, 3, 4, 5]],
  ["transposed", 0, [3, 2], [1, 3], [0, 3, 1, 4, 2, 5]],
  ["every other, from 1", 1, [3], [2], [1, 3, 5]],
  ["repeated", 4, [2, 2], [0, 1], [4, 5, 4, 5]],
  ["scalar", 3, [], [], [3]],
  ["empty", 6, [0, 2], [2, 1], []],
  ["one row, with a stride that is never used", 3, [1, 3], [99, 1], [3, 4, 5]],
];

for (const [name, offset, shape, strides, expected] of views) {
  Deno.test(`strides: ${name}`, () =>
    withFile(oneTensor(offset, shape, strides), async (path) => {
      const tensor = (await readAll(path)).get("w")!;
      assert.deepEqual(tensor.shape, shape);
      assert.deepEqual([...tensor.data], expected);
    }));
}

Deno.test("tensors that share a storage are read apart", () => {
  const shared = torchFile(
    pickle.dict({
      epoch: pickle.int(3),
      state_dict: pickle.dict({
        a: pickle.tensor(storage, 0, [6], [1]),
        b: pickle.tensor(storage, 2, [2], [1]),
        note: pickle.text("not a tensor"),
      }),
    }),
    { 0: floats },
  );
  return withFile(shared, async (path) => {
    const read = await readAll(path);
    assert.deepEqual([...read.keys()], ["a", "b"]);
    (read.get("a")!.data as Float32Array).fill(9);
    assert.deepEqual([...read.get("b")!.data], [2, 3]);
  });
});

const tensor = pickle.tensor(storage, 0, [6], [1]);
const reduce = (module: string, name: string) =>
  torchFile(pickle.call(pickle.global(module, name), pickle.text("touch pwned")));

const faults: [string, Uint8Array, RegExp][] = [
  ["os.system", reduce("os", "system"), /: "os\.system" is not allowed in a weights file$/],
  ["eval", reduce("builtins", "eval"), /: "builtins\.eval" is not allowed in a weights file$/],
  [
    "a name given by the stack",
    torchFile(`${pickle.text("posix")}${pickle.text("system")}\x93`),
    /: "posix\.system" is not allowed in a weights file$/,
  ],
  [
    "a forbidden name that nothing calls",
    torchFile(pickle.global("subprocess", "Popen") + "0" + pickle.dict({ w: tensor }), {
      0: floats,
    }),
    /: "subprocess\.Popen" is not allowed/,
  ],
  [
    "attribute of an allowed name",
    torchFile(pickle.global("torch", "FloatStorage.__reduce__")),
    /: "torch\.FloatStorage\.__reduce__" is not allowed/,
  ],
  ["NEWOBJ", torchFile("))\x81"), /makes objects of Python classes \(opcode NEWOBJ\)/],
  ["EXT1", torchFile("\x82\x01"), /makes objects of Python classes \(opcode EXT1\)/],
  ["INST", torchFile("(ios\nsystem\n"), /makes objects of Python classes \(opcode INST\)/],
  [
    "a reference to something else",
    torchFile(pickle.text("module") + "Q"),
    /refers to something that is no storage of a tensor/,
  ],
  [
    "calling a tensor type",
    torchFile(pickle.call(pickle.global("torch", "FloatStorage"), pickle.int(1))),
    /calls something that is no function/,
  ],
  ["empty stack", torchFile("0"), /takes more from the stack than it put/],
  ["no mark", torchFile("t"), /takes a mark that it did not put/],
  ["memory that is not there", torchFile("h\x09"), /recalls item 9, which is not there/],
  ["text beyond the end", torchFile("X\xff\xff\xff\x7f"), /ends at byte \d+, within an item/],
  ["text of 2^63 bytes", torchFile("\x8d" + "\xff".repeat(8)), /ends at byte \d+, within/],
  ["text that is not UTF-8", torchFile("\x8c\x01\xff"), /text that is not UTF-8/],
  ["huge number", torchFile("\x8b\xff\xff\xff\x7f"), /holds a number of 2147483647 bytes/],
  ["unknown opcode", torchFile("\xff"), /byte 2 of its pickle, 0xff, is no opcode/],
  ["protocol 9", torchFile("\x80\x09N"), /pickle has protocol 9, and at most 5/],
  ["list as a key", torchFile("}]Ns"), /key that is neither text nor a number/],
  ["a list", torchFile("]"), /it holds no dictionary of tensors/],
  [
    "no tensors",
    torchFile(pickle.dict({ epoch: pickle.int(1), args: "}" })),
    /it holds no tensors, neither directly nor under state_dict, .*: it holds "epoch", "args"$/,
  ],
  [
    "beyond its storage",
    oneTensor(1, [2, 3], [3, 1]),
    /tensor "w" of shape 2x3 reaches element 6 of a storage of 24 bytes/,
  ],
  [
    "repeated without end",
    oneTensor(0, [2 ** 30, 2 ** 30], [0, 0]),
    /tensor "w" of shape 1073741824x1073741824 repeats a storage of 24 bytes beyond/,
  ],
  ["negative stride", oneTensor(5, [6], [-1]), /without a storage, type, offset, shape/],
  ["strides missing", oneTensor(0, [2, 3], [1]), /tensor "w" has 2 extents and 1 strides/],
  ["100 axes", oneTensor(0, Array(100).fill(1), Array(100).fill(1)), /has 100 extents/],
  [
    "storage that is not there",
    torchFile(pickle.dict({ w: tensor })),
    /storage "0" is missing from the file/,
  ],
  [
    "storage of another size",
    torchFile(pickle.dict({ w: tensor }), { 0: floats.subarray(4) }),
    /storage "0" has 20 bytes, and its 6 elements take 24/,
  ],
  [
    "big-endian",
    torchFile(pickle.dict({ w: tensor }), { 0: floats }, { "archive/byteorder": text("big") }),
    /its byte order is "big", not little/,
  ],
  [
    "TorchScript",
    torchFile("}", {}, { "archive/constants.pkl": text("") }),
    /it is a TorchScript program, not weights/,
  ],
  ["zip of something else", zip({ "a.txt": text("hello") }), /without the data\.pkl/],
  ["two pickles", zip({ "a/data.pkl": text("N."), "b/data.pkl": text("N.") }), /without the data/],
  ["empty", new Uint8Array(0), /it is empty/],
  ["bare pickle", text("\x80\x04N."), /it is a bare Python pickle/],
  ["HDF5", text("\x89HDF\r\n\x1a\n" + "\0".repeat(80)), /it is an HDF5 file, as Keras writes/],
  ["text", text("hello"), /it is not a zip archive/],
];

for (const [name, bytes, message] of faults) {
  Deno.test(`refused: ${name}`, () =>
    withFile(bytes, async (path) => {
      await assert.rejects(openTorchFile(path), (error) => {
        assert(error instanceof InputError, String(error));
        assert(
          error.message.startsWith(`Cannot read ${JSON.stringify(path)} as PyTorch weights: `),
        );
        assert.match(error.message, message);
        return true;
      });
    }));
}

Deno.test("a flipped bit in a storage is noticed", () => {
  const file = oneTensor(0, [6], [1]);
  const data = file.findIndex((_, at) => floats.every((byte, index) => file[at + index] === byte));
  file[data + 5]! ^= 4;
  return withFile(file, async (path) => {
    await assert.rejects(readAll(path), /"archive\/data\/0" does not have the checksum/);
  });
});

Deno.test("a pickle that contains itself is read", () => {
  // A list is appended to itself, and a dictionary is its own state dictionary.
  const file = torchFile(`]q\x00h\x00a0}q\x01${pickle.text("state_dict")}h\x01s`);
  return withFile(file, async (path) => {
    await assert.rejects(openTorchFile(path), /it holds no tensors/);
  });
});

Deno.test("changed or cut files never do more than refuse", async () => {
  const file = torchFile(
    pickle.dict({ a: tensor, b: pickle.tensor(storage, 1, [2, 2], [1, 3]) }),
    { 0: floats },
  );
  const counts = await assertSurvivesMutation(file, async (path) => void await readAll(path));
  assert(counts.refused > counts.accepted, JSON.stringify(counts));
});

Deno.test("changed pickles never do more than refuse, with checksums that fit", async () => {
  const body = pickle.dict({ a: tensor, b: pickle.tensor(storage, 1, [2, 2], [1, 3]) });
  const original = text(body);
  let refused = 0;
  for (let at = 0; at < original.length; at++) {
    for (const value of [0x00, 0x01, 0x28, 0x5d, 0x52, 0x63, 0x7d, 0x7f, 0xfe, 0xff]) {
      const mutant = original.slice();
      mutant[at] = value;
      const file = torchFile(String.fromCharCode(...mutant), { 0: floats });
      await withFile(file, async (path) => {
        try {
          await readAll(path);
        } catch (error) {
          assert(error instanceof InputError, `byte ${at} set to ${value}: ${error}`);
          refused++;
        }
      });
    }
  }
  assert(refused > original.length);
});
