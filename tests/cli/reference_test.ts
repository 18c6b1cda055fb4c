import assert from "node:assert/strict";
import { commandReference } from "../../cli/reference.ts";
import { configReference } from "../../tasks/config_reference.ts";

const readPage = (name: string) =>
  Deno.readTextFile(new URL(`../../docs/${name}`, import.meta.url));

Deno.test("docs/commands.md is what the commands say; `deno task docs` writes it", async () => {
  assert.equal(await commandReference(), await readPage("commands.md"));
});

Deno.test("docs/training_config.md is what the schema says; `deno task docs` writes it", async () => {
  assert.equal(configReference(), await readPage("training_config.md"));
});
