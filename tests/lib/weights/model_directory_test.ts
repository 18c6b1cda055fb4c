import assert from "node:assert/strict";
import { join } from "node:path";
import {
  EMPTY_MODEL_CARD,
  InputError,
  type ModelCard,
  type NdArray,
  ndarray,
  openModel,
  openWeights,
  readModelCard,
  type SavedModel,
  saveModel,
  withModelCard,
  writeSafetensors,
} from "swath";
import { assertSameArray, withDirectory } from "./helpers.ts";
import { pickle, text, torchFile } from "./torch_writer.ts";

const card: ModelCard = {
  bands: ["B04", "B08"],
  normalization: {
    bands: ["B04", "B08"],
    scale: [0.0001, 0.0001],
    offset: [-0.1, -0.1],
    mean: [0.1, 1 / 3],
    std: [0.05, 0.2],
    clip: [-3, 3],
  },
  classes: [{ name: "water", color: "#0072b2" }, { name: "forest", color: "#009e73" }],
  provenance: { source: "nvidia/mit-b0", licence: "research only", history: ["swath train"] },
};

const model: SavedModel = {
  config: { "model_type": "segformer", depths: [1, 1], "num_channels": 2 },
  card,
  preprocessor: { "image_processor_type": "SegformerImageProcessor", "do_resize": false },
  tensors: new Map<string, NdArray>([
    ["a.weight", ndarray("float32", [2, 2], new Float32Array([1, 2, 3, 4]))],
    ["a.count", ndarray("int64", [], new BigInt64Array([5n]))],
  ]),
};

function names(directory: string): string[] {
  return [...Deno.readDirSync(directory)].map(({ name }) => name).sort();
}

Deno.test("a saved model is opened again with all that was saved", () =>
  withDirectory(async (directory) => {
    const path = join(directory, "runs", "model");
    await saveModel(path, model);
    assert.deepEqual(names(path), ["config.json", "model.safetensors", "preprocessor_config.json"]);
    assert.deepEqual(names(join(directory, "runs")), ["model"]);
    for (const source of [path, `${path}/`, join(path, "model.safetensors")]) {
      using opened = await openModel(source);
      assert.deepEqual(opened.card, card);
      assert.deepEqual(opened.preprocessor, model.preprocessor);
      assert.deepEqual(opened.config["id2label"], { 0: "water", 1: "forest" });
      assert.deepEqual(opened.config["label2id"], { water: 0, forest: 1 });
      assert.equal(opened.config["model_type"], "segformer");
      assert.equal(opened.commit, null);
      for (const [name, array] of model.tensors) {
        assertSameArray(opened.weights.read(name), array, name);
      }
    }
  }));

Deno.test("a model is replaced with overwrite only, as a whole", () =>
  withDirectory(async (directory) => {
    const path = join(directory, "model");
    await saveModel(path, model);
    await Deno.writeTextFile(join(path, "pytorch_model.bin"), "stale");
    await assert.rejects(saveModel(path, model), /as it exists$/);
    await saveModel(path, { ...model, card: EMPTY_MODEL_CARD }, { overwrite: true });
    assert.deepEqual(names(path), ["config.json", "model.safetensors", "preprocessor_config.json"]);
    await Deno.writeTextFile(join(path, "notes.txt"), "mine");
    await assert.rejects(
      saveModel(path, model, { overwrite: true }),
      /holds "notes\.txt", which would be lost/,
    );
    using opened = await openModel(path);
    assert.deepEqual(opened.card, EMPTY_MODEL_CARD);
  }));

Deno.test("a PyTorch file and safetensors in parts are opened", () =>
  withDirectory(async (directory) => {
    await Deno.writeTextFile(join(directory, "config.json"), "{}");
    const storage = pickle.storage("FloatStorage", "0", 1);
    await Deno.writeFile(
      join(directory, "pytorch_model.bin"),
      torchFile(pickle.dict({ w: pickle.tensor(storage, 0, [1], [1]) }), {
        0: new Uint8Array(new Float32Array([3]).buffer),
      }),
    );
    {
      using opened = await openModel(directory);
      assert.equal(opened.weights.format, "PyTorch");
      assert.equal(opened.weights.read("w").data[0], 3);
    }
    const part = (number: number) => `model-0000${number}-of-00002.safetensors`;
    const one = (value: number) => ndarray("float32", [1], Float32Array.of(value));
    await writeSafetensors(join(directory, part(1)), new Map([["a", one(1)]]));
    await writeSafetensors(join(directory, part(2)), new Map([["b", one(2)], ["c", one(9)]]));
    const index = join(directory, "model.safetensors.index.json");
    const writeIndex = (map: unknown) =>
      Deno.writeTextFile(index, JSON.stringify({ metadata: {}, "weight_map": map }));
    await writeIndex({ a: part(1), b: part(2) });
    {
      using opened = await openModel(directory);
      assert.deepEqual([...opened.weights.tensors.keys()], ["a", "b"]);
      assert.equal(opened.weights.read("b").data[0], 2);
      assert.throws(() => opened.weights.read("c"), /Cannot read tensor "c"/);
    }
    await writeIndex({ a: part(1), d: part(2) });
    await assert.rejects(openWeights(index), /Cannot read tensor "d" from ".*model-00002-of-00002/);
    await writeIndex({ a: "../../secret.safetensors" });
    await assert.rejects(
      openWeights(index),
      /gives "..\/..\/secret.safetensors" as the file of "a"/,
    );
    await writeIndex({ a: "model-3.safetensors" });
    await assert.rejects(openWeights(index), /model-3\.safetensors": no such file/);
    await writeIndex([]);
    await assert.rejects(openWeights(index), /has no object "weight_map"/);
  }));

Deno.test("what is no model is refused, by what is missing", () =>
  withDirectory(async (directory) => {
    const refused = async (source: string, message: RegExp) => {
      await assert.rejects(openModel(source), (error) => {
        assert(error instanceof InputError, String(error));
        assert.match(error.message, message);
        return true;
      });
    };
    await refused(join(directory, "missing"), /Cannot open model ".*missing": no such file/);
    await refused("nvidia/mit-b5", /Cannot open model "nvidia\/mit-b5": no such file/);
    await refused(directory, /it holds none of model\.safetensors, .*, pytorch_model\.bin/);
    await writeSafetensors(join(directory, "model.safetensors"), new Map());
    await refused(directory, /there is no config\.json in/);
    const config = join(directory, "config.json");
    const cases: [string, RegExp][] = [
      ["{", /config\.json": it is not JSON/],
      ['{"a": 1, "a": 2}', /has the key "a" twice/],
      ["[]", /is not a JSON object/],
      ["[".repeat(100), /nests objects more than 32 deep/],
    ];
    for (const [content, message] of cases) {
      await Deno.writeTextFile(config, content);
      await refused(directory, message);
    }
    await Deno.writeTextFile(config, "{}");
    await Deno.writeFile(join(directory, "model.safetensors"), text("version https://git-lfs..."));
    await refused(directory, /it is a Git LFS pointer/);
  }));

Deno.test("a card with a fault is refused, by its field", () => {
  const config = withModelCard({}, card);
  const swath = config["swath"] as Record<string, unknown>;
  const normalization = card.normalization!;
  const cases: [Record<string, unknown>, RegExp][] = [
    [{ version: 2 }, /"swath\.version" is wrong: must be 1/],
    [{ bands: "B04" }, /"swath\.bands" is wrong: Invalid type/],
    [{ colors: ["red", "#000000"] }, /"swath\.colors\.0" is wrong: must look like "#1f78b4"/],
    [{ colors: ["#000000"] }, /"swath\.colors" has 1 colours for 2 classes/],
    [
      { normalization: { ...normalization, std: [1, 0] } },
      /"swath\.normalization\.std\.1" is wrong: must be above 0/,
    ],
    [
      { normalization: { ...normalization, mean: [1] } },
      /"swath\.normalization\.mean" has 1 numbers for 2 bands/,
    ],
    [
      { bands: ["B08", "B04"] },
      /"swath\.normalization\.bands" is B04, B08, and the model's bands are B08, B04/,
    ],
  ];
  for (const [change, message] of cases) {
    assert.throws(
      () => readModelCard({ ...config, swath: { ...swath, ...change } }, "config.json"),
      (error) => error instanceof InputError && message.test(error.message),
      String(message),
    );
  }
  assert.throws(() => readModelCard({ swath: 3 }, "config.json"), /"swath" is wrong/);
  assert.deepEqual(readModelCard({}, "config.json"), EMPTY_MODEL_CARD);
  assert.deepEqual(readModelCard(config, "config.json"), card);
});
