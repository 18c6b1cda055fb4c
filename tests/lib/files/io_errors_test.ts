import assert from "node:assert/strict";
import { fileError, InputError, withFileErrors } from "swath";

Deno.test("faults of the file system name the file and the reason", async () => {
  const directory = await Deno.makeTempDir();
  const missing = `${directory}/a "b".tif`;
  await assert.rejects(withFileErrors("read", missing, () => Deno.open(missing)), {
    name: "InputError",
    message: `Cannot read ${JSON.stringify(missing)}: no such file or directory`,
  });
  await assert.rejects(withFileErrors("read", directory, () => Deno.readFile(directory)), {
    name: "InputError",
    message: `Cannot read ${JSON.stringify(directory)}: it is a directory`,
  });
  await Deno.remove(directory);
});

Deno.test("everything else passes unchanged", () => {
  for (const error of [new Error("a bug"), new InputError("said already"), "text", undefined]) {
    assert.equal(fileError(error, "read", "a.tif"), error);
  }
});
