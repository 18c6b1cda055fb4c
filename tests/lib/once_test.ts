import assert from "node:assert/strict";
import { once } from "../../lib/once.ts";

Deno.test("a result is computed at the first call and kept, null and undefined too", () => {
  for (const value of [1, null, undefined]) {
    let calls = 0;
    const ask = once(() => {
      calls++;
      return value;
    });
    assert.equal(calls, 0);
    assert.deepEqual([ask(), ask()], [value, value]);
    assert.equal(calls, 1);
  }
});
