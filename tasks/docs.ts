/**
 * Writes `docs/commands.md` from the commands themselves.
 *
 * @module
 */
import { commandReference } from "../cli/reference.ts";

await Deno.writeTextFile(new URL("../docs/commands.md", import.meta.url), await commandReference());
