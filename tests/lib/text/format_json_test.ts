import assert from "node:assert/strict";
import fc from "fast-check";
import { formatJson } from "../../../mod.ts";

Deno.test("formatJson: objects by lines, plain lists on one", () => {
  const value = { name: "a", list: [1, 2.5, null], rows: [[1], [2, 3]], none: {}, empty: [] };
  assert.equal(
    formatJson(value),
    [
      "{",
      '  "name": "a",',
      '  "list": [1, 2.5, null],',
      '  "rows": [',
      "    [1],",
      "    [2, 3]",
      "  ],",
      '  "none": {},',
      '  "empty": []',
      "}",
    ].join("\n"),
  );
});

Deno.test("property: formatJson is JSON of the same value", () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => {
    assert.deepEqual(JSON.parse(formatJson(value)), JSON.parse(JSON.stringify(value)));
  }));
});
