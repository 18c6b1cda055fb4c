/** Weights against PyTorch, safetensors, huggingface_hub and transformers. */
import assert from "node:assert/strict";
import { join } from "node:path";
import {
  bytesOf,
  type NdArray,
  openModel,
  openSafetensors,
  openTorchFile,
  readAllTensors,
  saveModel,
  type TensorSource,
  writeSafetensors,
} from "swath";
import { startFakeHub } from "../lib/weights/fake_hub.ts";
import { withDirectory } from "../lib/weights/helpers.ts";
import { peerTest, runPythonJson } from "./python.ts";

/** A tensor as weights.py describes it. */
interface Described {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: string;
}

type DescribedTensors = Readonly<Record<string, Described>>;

function describe(tensors: ReadonlyMap<string, NdArray>): DescribedTensors {
  return Object.fromEntries(
    [...tensors].map(([name, array]) => [name, {
      dtype: array.dtype,
      shape: array.shape,
      data: bytesOf(array).toHex(),
    }]),
  );
}

async function readAll(open: Promise<TensorSource>): Promise<Map<string, NdArray>> {
  using source = await open;
  return readAllTensors(source);
}

const torch = ["torch", "safetensors"];

peerTest(
  "tensors that Python wrote are read bit by bit",
  torch,
  () =>
    withDirectory(async (directory) => {
      const written = await runPythonJson<Record<string, DescribedTensors>>("weights.py", [
        "save",
        directory,
      ]);
      for (const [name, expected] of Object.entries(written)) {
        const path = join(directory, name);
        const read = await readAll(
          name.endsWith(".safetensors") ? openSafetensors(path) : openTorchFile(path),
        );
        assert.deepEqual(describe(read), expected, name);
      }
      const refused: [string, RegExp][] = [
        [
          "module.pt",
          /"torch\.nn\.modules\.container\.Sequential" is not allowed in a weights file/,
        ],
        ["legacy.pt", /it has the format from before PyTorch 1\.6, which is not supported/],
        ["complex.pt", /tensor "w" has the element type complex64, which is not supported/],
        ["script.pt", /it is a TorchScript program, not weights/],
      ];
      for (const [name, message] of refused) {
        await assert.rejects(openTorchFile(join(directory, name)), message);
      }
    }),
);

peerTest(
  "written safetensors are read by Python and are its own bytes",
  torch,
  () =>
    withDirectory(async (directory) => {
      await runPythonJson("weights.py", ["save", directory]);
      const tensors = await readAll(openTorchFile(join(directory, "types.pt")));
      const [ours, theirs] = [join(directory, "ours"), join(directory, "theirs")];
      await writeSafetensors(ours, tensors);
      const read = await runPythonJson<{ metadata: unknown; tensors: DescribedTensors }>(
        "weights.py",
        ["rewrite", ours, theirs],
      );
      assert.deepEqual(read.metadata, { format: "pt" });
      assert.deepEqual(
        Object.entries(read.tensors).sort(),
        Object.entries(describe(tensors)).sort(),
      );
      assert.deepEqual(await Deno.readFile(ours), await Deno.readFile(theirs));
    }),
);

peerTest("Python finds what swath downloaded, and swath what Python's cache holds", [
  "huggingface_hub",
], () =>
  withDirectory(async (directory) => {
    const commit = "0123456789abcdef0123456789abcdef01234567";
    const path = join(directory, "w.safetensors");
    await writeSafetensors(path, new Map());
    const weights = await Deno.readFile(path);
    const config = new TextEncoder().encode("{}");
    await using server = startFakeHub({
      "nvidia/mit-b0": {
        commit,
        files: {
          "config.json": { content: config },
          "model.safetensors": { content: weights, large: true },
        },
      },
    });
    const hub = { cacheDirectory: join(directory, "hub"), endpoint: server.endpoint };
    for (const source of ["nvidia/mit-b0", "nvidia/mit-b0@refs/pr/1"]) {
      (await openModel(source, { hub })).close();
      for (const file of ["config.json", "model.safetensors"]) {
        const { found, local } = await runPythonJson<Record<string, string>>("weights.py", [
          "cached",
          source,
          file,
          hub.cacheDirectory,
        ]);
        assert.equal(found, local);
        assert.equal(
          found,
          join(hub.cacheDirectory, "models--nvidia--mit-b0", "snapshots", commit, file),
        );
      }
    }
    // Python downloads from the same server into a cache of its own.
    const pythonCache = join(directory, "python");
    await runPythonJson("weights.py", ["download", "nvidia/mit-b0", pythonCache, server.endpoint]);
    server.requests.length = 0;
    const offline = { ...hub, cacheDirectory: pythonCache, offline: true };
    using opened = await openModel("nvidia/mit-b0", { hub: offline });
    assert.equal(opened.commit, commit);
    assert.deepEqual(server.requests, []);
  }));

peerTest("transformers opens what swath saved, and swath what transformers saved", [
  "transformers",
  "torch",
], () =>
  withDirectory(async (directory) => {
    const [theirs, ours] = [join(directory, "theirs"), join(directory, "ours")];
    const saved = await runPythonJson<{ file: DescribedTensors; state: DescribedTensors }>(
      "weights.py",
      ["segformer", theirs],
    );
    using model = await openModel(theirs);
    const tensors = readAllTensors(model.weights);
    assert.deepEqual(describe(tensors), saved.file);
    assert.deepEqual(model.card.classes?.map(({ name }) => name), ["water", "forest", "field"]);

    const card = {
      ...model.card,
      bands: ["B04", "B03", "B02"],
      provenance: { ...model.card.provenance, source: "test" },
    };
    await saveModel(ours, {
      config: model.config,
      card,
      preprocessor: { "image_processor_type": "SegformerImageProcessor" },
      tensors,
    });
    const loaded = await runPythonJson<Record<string, unknown>>("weights.py", [
      "load-segformer",
      ours,
    ]);
    assert.deepEqual(loaded["problems"], {});
    assert.deepEqual(loaded["tensors"], saved.state);
    assert.deepEqual(loaded["id2label"], { 0: "water", 1: "forest", 2: "field" });
    assert.deepEqual((loaded["swath"] as { bands: string[] }).bands, card.bands);
  }));
