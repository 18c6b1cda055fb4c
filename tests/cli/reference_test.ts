import assert from "node:assert/strict";
import { commandReference } from "../../cli/reference.ts";

Deno.test("docs/commands.md is what the commands say; `deno task docs` writes it", async () => {
  const page = await Deno.readTextFile(new URL("../../docs/commands.md", import.meta.url));
  assert.equal(await commandReference(), page);
});
