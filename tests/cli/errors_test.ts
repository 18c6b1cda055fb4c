import assert from "node:assert/strict";
import { CommandError, endingOf, OutputClosed } from "../../cli/errors.ts";
import { InputError } from "../../mod.ts";

Deno.test("faults of the input: message, hint, exit code 2", async () => {
  const hint = "Use --overwrite to replace it\nor another name";
  for (
    const error of [
      new InputError("Cannot write", { hint }),
      new CommandError("Cannot write", hint),
    ]
  ) {
    assert.deepEqual(await endingOf(error, "swath tile", false), {
      exitCode: 2,
      lines: [
        "swath tile: Cannot write",
        "  Use --overwrite to replace it",
        "  or another name",
      ],
    });
  }
});

Deno.test("a closed output ends quietly with exit code 0", async () => {
  assert.deepEqual(await endingOf(new OutputClosed(), "swath tile", true), {
    exitCode: 0,
    lines: [],
  });
});

Deno.test("anything else is a fault of ours: exit code 70, and how to see more", async () => {
  for (const error of [new TypeError("x is not a function"), "x is not a function"]) {
    const { exitCode, lines } = await endingOf(error, "swath tile", false);
    assert.equal(exitCode, 70);
    assert.equal(lines[0], "swath tile: internal: x is not a function");
    assert.match(lines[1]!, /SWATH_DEBUG=1/);
    assert.equal(lines.length, 2);
  }
  const { lines } = await endingOf(new RangeError("internal: 3 elements"), "swath tile", false);
  assert.equal(lines[0], "swath tile: internal: 3 elements");
});

Deno.test("SWATH_DEBUG=1: stacks of the error and of its causes", async () => {
  const cause = new Error("os error 2");
  const { lines } = await endingOf(new InputError("Cannot read", { cause }), "swath tile", true);
  assert.equal(lines[0], "swath tile: Cannot read");
  assert.equal(lines[1], "InputError: Cannot read");
  assert.ok(lines.includes("Caused by: Error: os error 2"));
  assert.ok(lines.some((line) => line.includes("errors_test.ts")));
});
