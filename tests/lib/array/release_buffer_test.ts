import assert from "node:assert/strict";
import { releaseBuffer } from "../../../lib/array/mod.ts";

Deno.test("releaseBuffer: nothing is left of it, and once more does no harm", () => {
  const values = Float32Array.of(1, 2, 3);
  releaseBuffer(values.buffer);
  assert.equal(values.length, 0);
  assert.equal(values.buffer.detached, true);
  releaseBuffer(values.buffer);
});
