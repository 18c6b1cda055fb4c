/** Commands on models of a hub, which is a server of our own. */
import assert from "node:assert/strict";
import { join } from "node:path";
import {
  encodePng,
  initializeParameter,
  ndarray,
  networkFromConfig,
  networkParameters,
  variantConfig,
  writeSafetensors,
} from "swath";
import { type HubModel, startFakeHub } from "../lib/weights/fake_hub.ts";
import { withDirectory } from "../lib/weights/helpers.ts";
import { runShell } from "../support/shell.ts";

const COMMIT = "0123456789abcdef0123456789abcdef01234567";

/** A classifier of a few weights with its image processor, as transformers saves them. */
async function classifier(): Promise<HubModel> {
  const config = {
    ...variantConfig("b0", { bands: 3, classes: 2 }),
    architectures: ["SegformerForImageClassification"],
    hidden_sizes: [4, 8, 8, 8],
    num_attention_heads: [1, 1, 1, 1],
    id2label: { "0": "cat", "1": "dog" },
    label2id: { cat: 0, dog: 1 },
  };
  const json = (value: unknown) => ({ content: new TextEncoder().encode(JSON.stringify(value)) });
  const parameters = networkParameters(networkFromConfig(config));
  let weights = new Uint8Array();
  await withDirectory(async (directory) => {
    const path = join(directory, "w.safetensors");
    const tensors = parameters.map((spec) => [spec.name, initializeParameter(spec, 1)] as const);
    await writeSafetensors(path, new Map(tensors));
    weights = await Deno.readFile(path);
  });
  return {
    commit: COMMIT,
    files: {
      "config.json": json(config),
      "preprocessor_config.json": json({ size: { height: 64, width: 64 } }),
      "model.safetensors": { content: weights, large: true },
    },
  };
}

Deno.test("commands take models of the hub, and of its cache when offline", () =>
  withDirectory(async (directory) => {
    await using hub = startFakeHub({ "nvidia/mit-tiny": await classifier() });
    const picture = ndarray("uint8", [4, 5, 3]);
    picture.data.forEach((_, index) => picture.data[index] = index * 4);
    await Deno.writeFile(join(directory, "a.png"), encodePng(picture));
    const run = (line: string, offline = false) =>
      runShell(
        `export HF_HOME=$PWD/cache HF_ENDPOINT=${hub.endpoint} HF_HUB_OFFLINE=${
          offline ? 1 : 0
        }\n${line}`,
        directory,
      );

    const counted = await run("swath params nvidia/mit-tiny");
    assert.equal(counted.code, 0, counted.stderr);
    assert.match(
      counted.stdout,
      /^nvidia\/mit-tiny: segformer, classification, 3 bands, 2 classes$/m,
    );
    assert.equal(counted.stderr, "");
    assert(hub.requests.some((request) => request.endsWith("/config.json")));
    assert(!hub.requests.some((request) => /storage|safetensors|preprocessor/.test(request)));

    const classify = "swath classify nvidia/mit-tiny a.png --format csv";
    const first = await run(classify);
    assert.equal(first.code, 0, first.stderr);
    assert.match(
      first.stdout,
      /^image,rank,class,label,probability\na\.png,1,(cat,0|dog,1),0\.\d+\n/,
    );
    assert.match(first.stderr, /^swath classify: warning: nvidia\/mit-tiny: NVIDIA licenses/);

    hub.requests.length = 0;
    for (const again of [classify, "swath params nvidia/mit-tiny"]) {
      const offline = await run(again, true);
      assert.equal(offline.code, 0, offline.stderr);
      assert.equal(offline.stderr, "");
      assert.equal(offline.stdout, again === classify ? first.stdout : counted.stdout);
    }
    assert.deepEqual(hub.requests, []);
  }));

Deno.test("a gated model is opened with a token alone", () =>
  withDirectory(async (directory) => {
    await using hub = startFakeHub({ "org/gated": { ...await classifier(), token: "hf_secret" } });
    const run = (environment: string) =>
      runShell(
        `HF_HOME=$PWD/cache HF_ENDPOINT=${hub.endpoint} ${environment} swath params org/gated`,
        directory,
      );
    const refused = await run("");
    assert.equal(refused.code, 2);
    assert.equal(refused.stdout, "");
    assert.match(refused.stderr, /^swath params: Cannot download "org\/gated".*(gated|access)/);
    const opened = await run("HF_TOKEN=hf_secret");
    assert.equal(opened.code, 0, opened.stderr);
  }));

Deno.test("a model that the hub does not have is named", () =>
  withDirectory(async (directory) => {
    await using hub = startFakeHub({});
    const { code, stderr } = await runShell(
      `HF_HOME=$PWD/cache HF_ENDPOINT=${hub.endpoint} swath classify org/none a.png`,
      directory,
    );
    assert.equal(code, 2);
    assert.match(stderr, /^swath classify: Cannot download "org\/none"/);
  }));
