import assert from "node:assert/strict";
import { type Column, formatFacts, formatTable, type TableFormat } from "../../cli/table.ts";

interface Score {
  readonly name: string;
  readonly iou: number | null;
}

const columns: readonly Column<Score>[] = [
  { title: "class", key: "class", value: ({ name }) => name },
  { title: "IoU", key: "iou", value: ({ iou }) => iou, format: ({ iou }) => iou!.toFixed(2) },
];
const rows: readonly Score[] = [
  { name: "forêt", iou: 0.51234 },
  { name: 'a|b, "c"', iou: null },
];

const EXPECTED: { readonly [Format in TableFormat]: string } = {
  table: 'class      IoU\nforêt     0.51\na|b, "c"     –\n',
  markdown: '| class | IoU |\n| --- | ---: |\n| forêt | 0.51 |\n| a\\|b, "c" | – |\n',
  csv: 'class,iou\nforêt,0.51234\n"a|b, ""c""",\n',
  json:
    '[\n  {\n    "class": "forêt",\n    "iou": 0.51234\n  },\n  {\n    "class": "a|b, \\"c\\"",\n    "iou": null\n  }\n]\n',
  ndjson: '{"class":"forêt","iou":0.51234}\n{"class":"a|b, \\"c\\"","iou":null}\n',
};

for (const [format, expected] of Object.entries(EXPECTED)) {
  Deno.test(`a table as ${format}`, () => {
    assert.equal(formatTable(columns, rows, format as TableFormat), expected);
  });
}

Deno.test("a table without rows keeps its headings", () => {
  assert.equal(formatTable(columns, [], "table"), "class  IoU\n");
  assert.equal(formatTable(columns, [], "csv"), "class,iou\n");
  assert.equal(formatTable(columns, [], "ndjson"), "");
});

Deno.test("facts are aligned", () => {
  assert.equal(formatFacts([["size", "1x2"], ["CRS", "none"]]), "  size  1x2\n  CRS   none\n");
});
