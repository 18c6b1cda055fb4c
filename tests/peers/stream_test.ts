/** The patch stream as other tools see it: tarfile and NumPy, webdataset. */
import assert from "node:assert/strict";
import { decodeNpy, encodeNpy, ndarray, readStream, type StreamItem } from "swath";
import { DTYPES, encode, makeSegment } from "../lib/stream/support.ts";
import { peerTest, runPython, runPythonJson } from "./python.ts";

interface Described {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly sum: number;
}

/** A stream in a file, and what is in it. */
async function withStream(
  body: (path: string, items: StreamItem[]) => Promise<void>,
  scene = "granule",
  bands = ["B1", "B2", "B3"],
): Promise<void> {
  const items = makeSegment({ scene, rows: 2, columns: 3, size: 8, bands: 3 })
    .map((item): StreamItem =>
      item.type !== "header" ? item : {
        type: "header",
        header: { ...item.header, bands: bands.map((name) => ({ name, scale: 1, offset: 0 })) },
      }
    );
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/stream.tar`;
    await Deno.writeFile(path, await encode(items));
    await body(path, items);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function readFile(path: string): Promise<StreamItem[]> {
  using file = await Deno.open(path);
  return await Array.fromAsync(readStream(file, { source: path }));
}

const describe = (
  array: { dtype: string; shape: readonly number[]; data: ArrayLike<unknown> },
) => ({
  dtype: array.dtype,
  shape: [...array.shape],
  sum: Array.from(array.data, Number).reduce((sum, value) => sum + value, 0),
});

peerTest("numpy.save writes the same bytes for every element type", ["numpy"], async () => {
  for (const dtype of DTYPES) {
    for (const shape of [[], [3], [2, 3, 4]]) {
      const bytes = encodeNpy(ndarray(dtype, shape));
      const saved = await runPython("stream.py", ["numpy"], { stdin: bytes });
      assert.deepEqual(saved, bytes, `${dtype} ${shape}`);
      assert.deepEqual(decodeNpy(saved).shape, shape);
    }
  }
});

peerTest("tarfile and NumPy read a stream, and its checksums hold", ["numpy"], async () => {
  await withStream(async (path, items) => {
    interface Member extends Described {
      readonly name: string;
      readonly crc32: number;
      readonly mtime: number;
      readonly json?: { readonly arrays: Readonly<Record<string, { readonly crc32: number }>> };
    }
    const members = await runPythonJson<Member[]>("stream.py", ["tarfile", path]);
    assert.equal(members[0]!.name, "_stream.json");
    assert.equal(members.at(-1)!.name, "_end.json");
    assert(members.every((member) => member.mtime === 0));
    const samples = items.flatMap((item) => item.type === "sample" ? [item.sample] : []);
    assert.deepEqual(
      members.slice(1, -1).map((member) => member.name),
      samples.flatMap(({ key }) =>
        ["json", "image.npy", "label.npy"].map((end) => `${key}.${end}`)
      ),
    );
    for (const { key, arrays } of samples) {
      for (const name of ["image", "label"] as const) {
        const member = members.find((candidate) => candidate.name === `${key}.${name}.npy`)!;
        const json = members.find((candidate) => candidate.name === `${key}.json`)!.json!;
        assert.equal(json.arrays[name]!.crc32, member.crc32);
        const { dtype, shape, sum } = member;
        assert.deepEqual({ dtype, shape, sum }, describe(arrays[name]!));
      }
    }
  });
});

peerTest("webdataset reads a stream", ["numpy", "webdataset"], async () => {
  await withStream(async (path, items) => {
    interface Found {
      readonly key: string;
      readonly json: { readonly position?: unknown; readonly samples?: number };
      readonly arrays: Readonly<Record<string, Described>>;
    }
    const found = await runPythonJson<Found[]>("stream.py", ["webdataset", path]);
    const samples = items.flatMap((item) => item.type === "sample" ? [item.sample] : []);
    assert.deepEqual(
      found.map((sample) => sample.key),
      ["_stream", ...samples.map((sample) => sample.key), "_end"],
    );
    samples.forEach(({ info, arrays }, i) => {
      const sample = found[i + 1]!;
      assert.deepEqual(sample.json.position, info.position);
      assert.deepEqual(sample.arrays, {
        "image.npy": describe(arrays.image!),
        "label.npy": describe(arrays.label!),
      });
    });
  });
});

peerTest("a stream that webdataset has rewritten is read back", ["webdataset"], async () => {
  await withStream(async (path, items) => {
    await runPython("stream.py", ["rewrite", path, `${path}.out`]);
    assert.notDeepEqual(await Deno.readFile(`${path}.out`), await Deno.readFile(path));
    assert.deepEqual(await readFile(`${path}.out`), items);
  });
});

/** The Python programs of the page on the format, in order. */
async function documentedPrograms(): Promise<string[]> {
  const page = await Deno.readTextFile(new URL("../../docs/stream.md", import.meta.url));
  return [...page.matchAll(/^```python\n(.*?)^```/gms)].map((match) => match[1]!);
}

peerTest("the documented reader and filter work", ["numpy", "webdataset"], async () => {
  await withStream(
    async (path, items) => {
      const [reader, filter] = await documentedPrograms() as [string, string];
      const program = `${path}.py`;
      await Deno.writeTextFile(program, reader.replace("train-000.tar", path));
      const printed = new TextDecoder().decode(await runPython(program));
      assert.match(printed, /^granule\/000000_000000 \(3, 8, 8\) uint16 \['B04', 'B08', 'B11'\]$/m);

      await Deno.writeTextFile(program, filter);
      const output = await runPython(program, [], { stdin: await Deno.readFile(path) });
      const filtered = await Array.fromAsync(readStream(new Blob([output]).stream()));
      assert.equal(filtered.length, items.length);
      assert.deepEqual(filtered.at(-1), items.at(-1));
      filtered.forEach((item, i) => {
        const before = items[i]!;
        if (item.type !== "sample" || before.type !== "sample") return;
        const [image, original] = [item.sample.arrays.image!, before.sample.arrays.image!];
        assert.deepEqual(image.shape, [4, 8, 8]);
        const [red, infrared, index] = [0, 64, 192].map((at) => Number(image.data[at]));
        assert.equal(red, Number(original.data[0]));
        assert(Math.abs(index! - (infrared! - red!) / (infrared! + red!)) < 1e-6);
        assert.deepEqual(item.sample.arrays.label, before.sample.arrays.label);
      });
    },
    "granule",
    ["B04", "B08", "B11"],
  );
});

for (const format of ["ustar", "gnu", "pax"]) {
  peerTest(`a stream that tarfile has repacked as ${format} is read back`, ["numpy"], async () => {
    // Long enough that GNU and pax formats need their extended headers.
    const scene = format === "ustar" ? "granule" : "é".repeat(120);
    await withStream(async (path, items) => {
      await runPython("stream.py", ["repack", path, `${path}.out`, format]);
      assert.deepEqual(await readFile(`${path}.out`), items);
    }, scene);
  });
}
