import assert from "node:assert/strict";
import { join } from "node:path";
import { createAtomicFile, InputError, writeFileAtomic } from "swath";

async function withDirectory(work: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await work(directory);
  } finally {
    await Deno.chmod(directory, 0o700);
    await Deno.remove(directory, { recursive: true });
  }
}

function names(directory: string): string[] {
  return [...Deno.readDirSync(directory)].map((entry) => entry.name).sort();
}

const bytes = (...values: number[]) => new Uint8Array(values);

Deno.test("a file appears with commit and not before", () =>
  withDirectory(async (directory) => {
    const path = join(directory, "map.tif");
    const file = await createAtomicFile(path);
    await file.write(bytes(0, 0, 3));
    await file.seek(1);
    await file.write(bytes(2));
    assert.equal(names(directory).length, 1);
    assert.match(names(directory)[0]!, /^\.swath-.*\.tmp$/);
    await file.commit();
    file.abort();
    assert.deepEqual(names(directory), ["map.tif"]);
    assert.deepEqual(await Deno.readFile(path), bytes(0, 2, 3));
  }));

Deno.test("abort leaves nothing, even in the middle of a write", () =>
  withDirectory(async (directory) => {
    const file = await createAtomicFile(join(directory, "map.tif"));
    const writing = file.write(new Uint8Array(1 << 22)).catch(() => {});
    file.abort();
    file.abort();
    await writing;
    assert.deepEqual(names(directory), []);
  }));

Deno.test("an error in the scope of `using` leaves nothing", () =>
  withDirectory(async (directory) => {
    await assert.rejects(async () => {
      using file = await createAtomicFile(join(directory, "map.tif"));
      await file.write(bytes(1));
      throw new Error("while computing");
    }, /while computing/);
    assert.deepEqual(names(directory), []);
  }));

Deno.test("an existing file is replaced with overwrite only, and keeps its permissions", () =>
  withDirectory(async (directory) => {
    const path = join(directory, "map.tif");
    await writeFileAtomic(path, "old");
    await Deno.chmod(path, 0o640);
    await assert.rejects(createAtomicFile(path), (error) => {
      assert(error instanceof InputError);
      assert.equal(error.message, `Cannot write ${JSON.stringify(path)} as it exists`);
      assert.equal(error.hint, "Use --overwrite to replace it");
      return true;
    });
    const file = await createAtomicFile(path, { overwrite: true });
    await file.write(bytes(110));
    assert.equal(await Deno.readTextFile(path), "old");
    await file.commit();
    assert.equal(await Deno.readTextFile(path), "n");
    assert.equal((await Deno.stat(path)).mode! & 0o777, 0o640);
    assert.deepEqual(names(directory), ["map.tif"]);
  }));

Deno.test("a file that appeared meanwhile is not replaced", () =>
  withDirectory(async (directory) => {
    const path = join(directory, "map.tif");
    const file = await createAtomicFile(path);
    await Deno.writeTextFile(path, "somebody else's");
    await assert.rejects(file.commit(), /as it exists/);
    assert.equal(await Deno.readTextFile(path), "somebody else's");
    assert.deepEqual(names(directory), ["map.tif"]);
  }));

Deno.test("a symbolic link stays and its file is replaced", () =>
  withDirectory(async (directory) => {
    await Deno.mkdir(join(directory, "store"));
    await Deno.writeTextFile(join(directory, "store", "a"), "old");
    await Deno.symlink(join("store", "a"), join(directory, "link"));
    await writeFileAtomic(join(directory, "link"), "new", { overwrite: true });
    assert.equal(await Deno.readTextFile(join(directory, "store", "a")), "new");
    assert((await Deno.lstat(join(directory, "link"))).isSymlink);
  }));

Deno.test("destinations that cannot be written are refused at once, by name", () =>
  withDirectory(async (directory) => {
    const cases: [string, RegExp][] = [
      [directory, /: it is a directory$/],
      ["", /^Cannot write "": it does not name a file$/],
      [`${directory}/new/`, /: it does not name a file$/],
      [`${directory}/missing/map.tif`, /: directory ".*missing" does not exist$/],
      [`${directory}/${"x".repeat(256)}`, /: file name too long$/],
      [`${directory}/loop/a`, /: too many levels of symbolic links$/],
      [`${directory}/file/a`, /: a part of the path is not a directory$/],
    ];
    await Deno.symlink(join(directory, "loop"), join(directory, "loop"));
    await Deno.writeTextFile(join(directory, "file"), "");
    for (const [path, message] of cases) {
      await assert.rejects(createAtomicFile(path), (error) => {
        assert(error instanceof InputError, String(error));
        assert.match(error.message, message);
        return true;
      });
    }
    await writeFileAtomic(join(directory, "y".repeat(255)), "names of 255 bytes are allowed");
  }));

Deno.test({
  name: "a full disk is an input error and leaves no file",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const file = await createAtomicFile("/dev/full");
    await assert.rejects(file.write(bytes(1)), {
      name: "InputError",
      message: 'Cannot write "/dev/full": No space left on device',
    });
    file.abort();
  },
});

Deno.test({
  name: "devices are written in place",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await writeFileAtomic("/dev/null", "gone");
    assert((await Deno.stat("/dev/null")).isCharDevice);
  },
});
