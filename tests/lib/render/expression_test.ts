import assert from "node:assert/strict";
import fc from "fast-check";
import { InputError } from "../../../lib/errors.ts";
import { parseExpression } from "../../../lib/render/expression.ts";
import { bandIndex, expressionBands, INDEX_NAMES } from "../../../lib/render/indices.ts";

const value = (text: string, values: readonly number[] = []) =>
  parseExpression(text).evaluate(values);

Deno.test("parseExpression: operators bind as in mathematics", () => {
  const cases: readonly (readonly [string, number])[] = [
    ["1 + 2 * 3", 7],
    ["(1 + 2) * 3", 9],
    ["8 - 4 - 2", 2],
    ["8 / 4 / 2", 1],
    ["2 ^ 3 ^ 2", 512],
    ["2 ** 3", 8],
    ["-2 ^ 2", -4],
    ["2 ^ -1", 0.5],
    ["--3", 3],
    ["1e3 + .5", 1000.5],
    ["max(1, min(5, 3), 2)", 3],
    ["sqrt(abs(-16)) + log10(100)", 6],
  ];
  for (const [text, expected] of cases) assert.equal(value(text), expected, text);
});

Deno.test("parseExpression: names are given in the order that they come in, each once", () => {
  const { names, evaluate } = parseExpression('B08 - "near infrared" + B08 * é_1');
  assert.deepEqual(names, ["B08", "near infrared", "é_1"]);
  assert.equal(evaluate([2, 1, 10]), 21);
});

/** Expressions with their values, grown from leaves. */
const { expression } = fc.letrec<{ expression: readonly [string, number] }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 4 },
    fc.integer({ min: 0, max: 9 }).map((n) => [String(n), n] as const),
    fc.tuple(tie("expression"), fc.constantFrom("+", "-", "*", "/"), tie("expression")).map(
      ([[a, x], sign, [b, y]]) =>
        [
          `(${a}) ${sign} (${b})`,
          sign === "+" ? x + y : sign === "-" ? x - y : sign === "*" ? x * y : x / y,
        ] as const,
    ),
  ),
}));

Deno.test("parseExpression: any tree of brackets has its value", () => {
  fc.assert(fc.property(expression, ([text, expected]) => assert.deepEqual(value(text), expected)));
});

Deno.test("parseExpression: any text is understood or refused in words", () => {
  fc.assert(fc.property(fc.string({ unit: fc.constantFrom(...'a1.(+-*/^," )é;') }), (text) => {
    try {
      parseExpression(text);
    } catch (error) {
      assert.ok(error instanceof InputError, `${text}: ${error}`);
    }
  }));
});

Deno.test("parseExpression: faults name the place", () => {
  const faults: readonly (readonly [string, RegExp])[] = [
    ["", /at character 1 expected a number, a band or a bracket, and it ends/],
    ["(B04 + 1", /at character 9 expected "\)", and it ends/],
    ["B04 B08", /at character 5 expected an operator or the end, and found "B08"/],
    ["B04 ; B08", /character 5, ";", means nothing there/],
    ["sqr(2)", /there is no function "sqr"/],
    ["sqrt(2, 3)", /sqrt takes 1 number: got 2/],
    ["(".repeat(200), /more than 100 levels/],
  ];
  for (const [text, message] of faults) assert.throws(() => parseExpression(text), { message });
});

Deno.test("bandIndex: by name in any case; every index is over bands of Sentinel-2", () => {
  const bands = [1, 2, 3, 4, 5, 6, 7, 8, "8A", 9, 10, 11, 12].map((n) => ({
    name: `B${String(n).padStart(2, "0")}`,
  }));
  for (const name of INDEX_NAMES) {
    assert.ok(expressionBands(bandIndex(name.toUpperCase()), { source: "a", bands }).length >= 2);
  }
  const ndvi = bandIndex("ndvi");
  assert.equal(ndvi.text, "NDVI");
  assert.equal(ndvi.evaluate([0.3, 0.1]).toFixed(6), "0.500000");
});

Deno.test("expressionBands: case and leading zeros do not matter; numbers stand for unnamed bands", () => {
  const named = { source: "a.tif", bands: [{ name: "B08" }, { name: "B8A" }, { name: "B09" }] };
  assert.deepEqual(expressionBands(parseExpression("b8 + B9 + B8A"), named), [0, 2, 1]);
  const plain = { source: "a.tif", bands: [{ name: "1" }, { name: "2" }] };
  assert.deepEqual(expressionBands(parseExpression("b2 - b1"), plain), [1, 0]);
  assert.throws(() => expressionBands(bandIndex("ndvi"), plain), {
    message: /Cannot compute NDVI of "a.tif" as it has no band "B08": its bands are 1, 2/,
  });
  // The third band is not B3.
  assert.throws(() => expressionBands(parseExpression("b3"), named), InputError);
});
