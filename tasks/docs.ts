/**
 * Writes the pages that are made from the code: `docs/commands.md` from the commands,
 * `docs/training_config.md` from the schema of configurations.
 *
 * @module
 */
import { commandReference } from "../cli/reference.ts";
import { configReference } from "./config_reference.ts";

const write = (name: string, page: string) =>
  Deno.writeTextFile(new URL(`../docs/${name}`, import.meta.url), page);

await write("commands.md", await commandReference());
await write("training_config.md", configReference());
