import assert from "node:assert/strict";
import { join } from "node:path";
import {
  formatHubId,
  type HubOptions,
  type HubProgress,
  InputError,
  licenceNotice,
  ndarray,
  openModel,
  parseHubId,
  writeSafetensors,
} from "swath";
import { gitHash, type HubModel, sha256, startFakeHub } from "./fake_hub.ts";
import { withDirectory } from "./helpers.ts";

const COMMIT = "0123456789abcdef0123456789abcdef01234567";
const config = new TextEncoder().encode('{"model_type":"segformer","id2label":{"0":"water"}}');

async function weightsFile(value: number): Promise<Uint8Array> {
  let bytes = new Uint8Array();
  await withDirectory(async (directory) => {
    const path = join(directory, "w.safetensors");
    await writeSafetensors(path, new Map([["w", ndarray("float32", [1], Float32Array.of(value))]]));
    bytes = await Deno.readFile(path);
  });
  return bytes;
}

async function modelWith(value: number, commit = COMMIT): Promise<HubModel> {
  return {
    commit,
    files: {
      "README.md": { content: new TextEncoder().encode("# mit") },
      "config.json": { content: config },
      "model.safetensors": { content: await weightsFile(value), large: true },
      "tf_model.h5": { content: new Uint8Array(9), large: true },
    },
  };
}

async function firstWeight(source: string, hub: HubOptions): Promise<number> {
  using model = await openModel(source, { hub });
  return Number(model.weights.read("w").data[0]);
}

Deno.test("a model is downloaded once, into the cache's own layout", () =>
  withDirectory(async (cacheDirectory) => {
    const model = await modelWith(7);
    await using hub = startFakeHub({ "nvidia/mit-b0": model });
    const progress: HubProgress[] = [];
    const options: HubOptions = {
      cacheDirectory,
      endpoint: hub.endpoint,
      onProgress: (step) => progress.push(step),
    };
    {
      using opened = await openModel("nvidia/mit-b0", { hub: options });
      assert.equal(opened.weights.read("w").data[0], 7);
      assert.equal(opened.commit, COMMIT);
      assert.equal(opened.downloaded, true);
      assert.equal(opened.source, "nvidia/mit-b0");
      assert.equal(opened.preprocessor, null);
      assert.deepEqual(opened.card.classes?.map(({ name }) => name), ["water"]);
      assert.equal(opened.card.provenance.source, "nvidia/mit-b0");
      assert.match(opened.card.provenance.licence ?? "", /research and evaluation only/);
    }
    const root = join(cacheDirectory, "models--nvidia--mit-b0");
    const weights = model.files["model.safetensors"]!.content;
    assert.equal(await Deno.readTextFile(join(root, "refs", "main")), COMMIT);
    assert.deepEqual(
      [...Deno.readDirSync(join(root, "blobs"))].map(({ name }) => name).sort(),
      [gitHash(config), sha256(weights)].sort(),
    );
    const link = join(root, "snapshots", COMMIT, "model.safetensors");
    assert.equal(await Deno.readLink(link), join("..", "..", "blobs", sha256(weights)));
    assert.deepEqual(progress.at(-1), {
      file: "model.safetensors",
      done: weights.length,
      total: weights.length,
    });

    hub.requests.length = 0;
    assert.equal(await firstWeight("nvidia/mit-b0", options), 7);
    assert.deepEqual(hub.requests, ["GET /api/models/nvidia/mit-b0/revision/main"]);
    hub.requests.length = 0;
    assert.equal(await firstWeight(`nvidia/mit-b0@${COMMIT}`, options), 7);
    assert.equal(await firstWeight("nvidia/mit-b0", { ...options, offline: true }), 7);
    assert.deepEqual(hub.requests, []);
  }));

Deno.test("a branch that moved is downloaded again, and unchanged files are not", () =>
  withDirectory(async (cacheDirectory) => {
    await using hub = startFakeHub({ "someone/model": await modelWith(1) });
    const options = { cacheDirectory, endpoint: hub.endpoint };
    assert.equal(await firstWeight("someone/model", options), 1);
    const next = COMMIT.replace("0", "f");
    hub.models.set("someone/model", await modelWith(2, next));
    hub.requests.length = 0;
    assert.equal(await firstWeight("someone/model", options), 2);
    assert.equal(await firstWeight(`someone/model@${COMMIT}`, options), 1);
    const fetched = hub.requests.filter((line) => line.startsWith("GET /someone"));
    assert(fetched.every((line) => line.endsWith("model.safetensors")), fetched.join("\n"));
  }));

Deno.test("the cache answers when the hub cannot be reached or is broken", () =>
  withDirectory(async (cacheDirectory) => {
    let options: HubOptions;
    {
      await using hub = startFakeHub({ "someone/model": await modelWith(1) });
      options = { cacheDirectory, endpoint: hub.endpoint };
      assert.equal(await firstWeight("someone/model@refs/pr/1", options), 1);
      hub.models.set("someone/model", { ...await modelWith(1), refuses: { status: 503 } });
      assert.equal(await firstWeight("someone/model@refs/pr/1", options), 1);
    }
    assert.equal(await firstWeight("someone/model@refs/pr/1", options), 1);
    await assert.rejects(openModel("someone/other", { hub: options }), (error) => {
      assert(error instanceof InputError, String(error));
      assert.match(error.message, /^Cannot download "someone\/other": .* cannot be reached: /);
      assert.match(error.hint ?? "", /model directory/);
      return true;
    });
    await assert.rejects(
      openModel("someone/other", { hub: { ...options, offline: true } }),
      /Cannot open "someone\/other" offline: ".*" does not hold it/,
    );
  }));

Deno.test("refusals of the hub say what to do", () =>
  withDirectory(async (cacheDirectory) => {
    const model = await modelWith(1);
    await using hub = startFakeHub({
      "someone/gated": { ...model, token: "hf_secret" },
      "someone/forbidden": { ...model, refuses: { status: 403 } },
      "someone/busy": { ...model, refuses: { status: 429 } },
      "someone/plain": model,
      "someone/empty": { commit: COMMIT, files: {} },
      "someone/evil": { ...model, commit: "../../elsewhere" },
      "someone/damaged": { ...model, damaged: new Uint8Array(config.length) },
    });
    const options = { cacheDirectory, endpoint: hub.endpoint };
    const cases: [string, RegExp, RegExp][] = [
      ["someone/gated", /"someone\/gated": access to it must be granted/, /HF_TOKEN/],
      ["someone/forbidden", /denies access to it/, /HF_TOKEN/],
      ["someone/busy", /answers with error 429/, /Try again later/],
      ["someone/missing", /has no such model, or it is private/, /spelling/],
      ["someone/plain@v9", /"someone\/plain@v9": someone\/plain has no branch or tag "v9"/, /^$/],
      ["someone/empty", /has no config.json with weights beside it/, /^$/],
      ["someone/evil", /gives the commit \.\.\/\.\.\/elsewhere/, /^$/],
      ["someone/damaged", /"config.json" .*: it arrived damaged/, /Try again/],
    ];
    for (const [source, message, hint] of cases) {
      await assert.rejects(openModel(source, { hub: options }), (error) => {
        assert(error instanceof InputError, `${source}: ${(error as Error).stack}`);
        assert.match(error.message, message);
        assert.match(error.hint ?? "", hint);
        return true;
      });
    }
    assert.equal(await firstWeight("someone/gated", { ...options, token: "hf_secret" }), 1);
    await assert.rejects(
      openModel("someone/gated", { hub: { ...options, token: "abc" } }),
      (error) => error instanceof InputError && !error.message.includes("abc"),
    );
    const portal = Deno.serve({ port: 0, onListen: () => {} }, () => new Response("<html>"));
    await assert.rejects(
      openModel("a/b", {
        hub: { cacheDirectory, endpoint: `http://127.0.0.1:${portal.addr.port}` },
      }),
      /does not answer as a hub does/,
    );
    await portal.shutdown();
  }));

Deno.test("an interrupted download leaves no file", () =>
  withDirectory(async (cacheDirectory) => {
    await using hub = startFakeHub({ "someone/model": await modelWith(1) });
    const interrupt = new AbortController();
    await assert.rejects(
      openModel("someone/model", {
        hub: {
          cacheDirectory,
          endpoint: hub.endpoint,
          signal: interrupt.signal,
          onProgress: ({ file }) => {
            if (file === "model.safetensors") interrupt.abort();
          },
        },
      }),
      { name: "AbortError" },
    );
    const blobs = join(cacheDirectory, "models--someone--model", "blobs");
    assert.deepEqual([...Deno.readDirSync(blobs)].map(({ name }) => name), [gitHash(config)]);
  }));

Deno.test("names of the hub", () => {
  for (const name of ["nvidia/mit-b5", "a/b", "org_1/model.v2-final"]) {
    assert.deepEqual(parseHubId(name), { name, revision: "main" });
  }
  assert.deepEqual(parseHubId("a/b@refs/pr/3"), { name: "a/b", revision: "refs/pr/3" });
  assert.equal(formatHubId({ name: "a/b", revision: "v1" }), "a/b@v1");
  for (
    const other of ["mit-b5", "a/b/c", "./a/b", "/a/b", "../a", "a/b@", "a/b@../c", "-a/b", ""]
  ) {
    assert.equal(parseHubId(other), null, other);
  }
});

Deno.test("NVIDIA's licence is known by the model's name", () => {
  for (const name of ["nvidia/mit-b0", "nvidia/segformer-b5-finetuned-ade-640-640"]) {
    assert.match(licenceNotice(name) ?? "", /research and evaluation only/);
  }
  for (const name of ["nvidia/parakeet", "someone/mit-b0", "mit-b0"]) {
    assert.equal(licenceNotice(name), null);
  }
});
