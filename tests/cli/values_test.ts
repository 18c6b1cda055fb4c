import assert from "node:assert/strict";
import { formatMessage } from "@optique/core/message";
import type { ValueParser } from "@optique/core/valueparser";
import * as values from "../../cli/values.ts";

function read<T>(parser: ValueParser<"sync", T>, input: string): T {
  const result = parser.parse(input);
  if (!result.success) throw new Error(formatMessage(result.error));
  return result.value;
}

/** Each parser with texts that it reads, and texts that it refuses. */
const CASES: readonly {
  readonly name: string;
  readonly parser: ValueParser<"sync", unknown>;
  readonly reads: readonly (readonly [string, unknown])[];
  readonly refuses: readonly string[];
  readonly says: RegExp;
}[] = [
  {
    name: "wholeNumber",
    parser: values.wholeNumber("COUNT", { min: 1, max: 100 }),
    reads: [["1", 1], ["100", 100], ["+7", 7]],
    refuses: ["0", "101", "1.5", "1e1", "", " ", "x", "NaN", "0x10", "99999999999999999999"],
    says: /expected a whole number from 1 to 100, but got "/,
  },
  {
    name: "decimalNumber",
    parser: values.decimalNumber("X", { min: -1 }),
    reads: [["0.5", 0.5], ["-.5", -0.5], ["1e-4", 1e-4], ["3.", 3]],
    refuses: ["-1.01", "", "NaN", "Infinity", "1e999", "0,5", "1_000", "0x1"],
    says: /expected a number of at least -1, but got "/,
  },
  {
    name: "numberList",
    parser: values.numberList("NUMBERS"),
    reads: [["0.485,0.456", [0.485, 0.456]], ["1, 2", [1, 2]], ["-3", [-3]]],
    refuses: ["", "1,", ",", "1,,2", "a", "1;2"],
    says: /expected numbers separated by commas/,
  },
  {
    name: "nameList",
    parser: values.nameList("BANDS"),
    reads: [["B04,B03, B02", ["B04", "B03", "B02"]], ["1", ["1"]]],
    refuses: ["", "B04,", ",B04"],
    says: /expected names separated by commas/,
  },
  {
    name: "size",
    parser: values.size(),
    reads: [["512", { width: 512, height: 512 }], ["640x512", { width: 640, height: 512 }]],
    refuses: ["0", "512x0", "x512", "512x", "-5", "5.5", "512x512x3", "99999999"],
    says: /expected a size such as 512 or 640x512/,
  },
  {
    name: "overlap",
    parser: values.overlap(),
    reads: [
      ["0", { value: 0, unit: "pixels" }],
      ["64", { value: 64, unit: "pixels" }],
      ["12.5%", { value: 12.5, unit: "percent" }],
    ],
    refuses: ["-1", "100%", "1.5", "%", "5 %", "x", ""],
    says: /expected pixels such as 64, or a share of the patch below 100%/,
  },
  {
    name: "httpHeader",
    parser: values.httpHeader(),
    reads: [
      ["Authorization: Bearer a:b", { name: "Authorization", value: "Bearer a:b" }],
      ["x-key:1 ", { name: "x-key", value: "1" }],
      ["X-Empty:", { name: "X-Empty", value: "" }],
    ],
    refuses: ["", "Authorization", ": x", "a b: c", "a: b\r\nc: d", "a: \u00fc"],
    says: /expected a header such as "Authorization: Bearer TOKEN"/,
  },
  {
    name: "pixelWindow",
    parser: values.pixelWindow(),
    reads: [["1,2,30,40", { x: 1, y: 2, width: 30, height: 40 }]],
    refuses: ["1,2,3", "1,2,3,0", "1,2,0,4", "-1,2,3,4", "1,2,3,4,5", "a,b,c,d"],
    says: /expected first column, first row/,
  },
  {
    name: "shape",
    parser: values.shape(4, "2x14x512x512"),
    reads: [["2x14x512x512", [2, 14, 512, 512]]],
    refuses: ["14x512x512", "2x14x512x0", "2x14x512", "axbxcxd", ""],
    says: /expected 4 extents, such as 2x14x512x512/,
  },
  {
    name: "percentiles",
    parser: values.percentiles(),
    reads: [["2,98", [2, 98]], ["0,100", [0, 100]], ["0.5,99.5", [0.5, 99.5]]],
    refuses: ["98,2", "2", "2,98,99", "-1,50", "2,101", "5,5", ""],
    says: /expected two percentiles/,
  },
  {
    name: "oneOf",
    parser: values.oneOf("FORMAT", ["tar", "ndjson"]),
    reads: [["tar", "tar"]],
    refuses: ["TAR", "zip", ""],
    says: /expected one of tar, ndjson, but got "/,
  },
  {
    name: "path",
    parser: values.path("FILE"),
    reads: [["a b.tif", "a b.tif"], ["-", "-"], ["--", "--"]],
    refuses: [""],
    says: /expected a path/,
  },
];

for (const { name, parser, reads, refuses, says } of CASES) {
  Deno.test(`${name} reads what it should, refuses the rest, and writes defaults as they are read`, () => {
    for (const [input, value] of reads) {
      assert.deepEqual(read(parser, input), value, input);
      assert.deepEqual(read(parser, parser.format(value)), value, `${input} after format()`);
    }
    for (const input of refuses) assert.throws(() => read(parser, input), { message: says }, input);
  });
}

Deno.test("oneOf suggests the word that was meant", () => {
  const parser = values.oneOf("SHELL", ["bash", "zsh", "fish"]);
  assert.throws(() => read(parser, "fisj"), /Did you mean "fish"\?/);
});

Deno.test("path asks the shell for files of the kind that is wanted", () => {
  const parser = values.path("SCENE", { extensions: values.RASTER_EXTENSIONS });
  assert.deepEqual([...parser.suggest!("sc")], [{
    kind: "file",
    type: "any",
    pattern: "sc",
    extensions: [".tif", ".tiff", ".png", ".jpg", ".jpeg"],
  }]);
});
