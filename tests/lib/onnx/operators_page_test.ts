import assert from "node:assert/strict";
import { operatorReference } from "../../../tasks/operators.ts";

Deno.test("docs/operators.md is what `deno task operators` writes", async () => {
  const page = new URL("../../../docs/operators.md", import.meta.url);
  assert.equal(await Deno.readTextFile(page), operatorReference());
});
