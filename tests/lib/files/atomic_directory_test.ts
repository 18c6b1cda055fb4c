import assert from "node:assert/strict";
import { join } from "node:path";
import { createAtomicDirectory, InputError } from "swath";

const replaceable = ["config.json", "model.safetensors"];

async function withDirectory(work: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await work(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function write(path: string, text: string, overwrite = false): Promise<void> {
  using directory = await createAtomicDirectory(path, { replaceable, overwrite });
  await Deno.writeTextFile(join(directory.temporaryPath, "config.json"), text);
  await directory.commit();
}

function names(directory: string): string[] {
  return [...Deno.readDirSync(directory)].map((entry) => entry.name).sort();
}

Deno.test("a directory appears with commit, parents included", () =>
  withDirectory(async (parent) => {
    const path = join(parent, "runs", "model/");
    const directory = await createAtomicDirectory(path, { replaceable });
    await assert.rejects(Deno.stat(path));
    await directory.commit();
    directory.abort();
    assert.deepEqual(names(join(parent, "runs")), ["model"]);
  }));

Deno.test("abort leaves nothing", () =>
  withDirectory(async (parent) => {
    const directory = await createAtomicDirectory(join(parent, "model"), { replaceable });
    await Deno.writeTextFile(join(directory.temporaryPath, "config.json"), "{}");
    directory.abort();
    directory.abort();
    assert.deepEqual(names(parent), []);
  }));

Deno.test("an existing directory is replaced with overwrite only", () =>
  withDirectory(async (parent) => {
    const path = join(parent, "model");
    await Deno.mkdir(path);
    await write(path, "first");
    await assert.rejects(write(path, "second"), (error) => {
      assert(error instanceof InputError);
      assert.match(error.message, /as it exists$/);
      assert.match(error.hint ?? "", /--overwrite/);
      return true;
    });
    await Deno.writeTextFile(join(path, "model.safetensors"), "stale");
    await write(path, "second", true);
    assert.deepEqual(names(path), ["config.json"]);
    assert.equal(await Deno.readTextFile(join(path, "config.json")), "second");
    assert.deepEqual(names(parent), ["model"]);
  }));

Deno.test("a directory that holds anything else is never replaced", () =>
  withDirectory(async (parent) => {
    const path = join(parent, "model");
    await write(path, "first");
    await Deno.writeTextFile(join(path, "thesis.tex"), "years of work");
    await assert.rejects(write(path, "second", true), /holds "thesis.tex", which would be lost$/);
    await assert.rejects(write(join(path, "thesis.tex"), "x", true), /: it is a file$/);
    assert.deepEqual(names(path), ["config.json", "thesis.tex"]);
    assert.deepEqual(names(parent), ["model"]);
  }));
