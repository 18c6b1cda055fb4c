/** What every command must have. */
import assert from "node:assert/strict";
import { COMMANDS } from "../../cli/commands/mod.ts";
import { commandHelp } from "../../cli/help.ts";

for (const [name, entry] of Object.entries(COMMANDS)) {
  Deno.test(`${name}: registered under its name and summary, with description and examples`, async () => {
    const { default: command } = await entry.load();
    assert.equal(command.name, name);
    assert.equal(command.summary, entry.summary);
    assert.match(command.summary, /^[A-Z].*[^.]$/);
    assert.ok(command.description.length > 0);
    assert.ok(command.examples.length > 0);
    for (const { command: line } of command.examples) assert.match(line, /swath/);
  });

  Deno.test(`${name}: help fits the width and uses no colours unless told to`, async () => {
    const { default: command } = await entry.load();
    const examples = new Set(
      command.examples.flatMap(({ note, command }) => [note, ...command.split("\n")]),
    );
    for (const columns of [70, 100]) {
      const page = commandHelp(command, { columns, colors: false });
      assert.ok(!page.includes("\x1b"));
      for (const line of page.split("\n").slice(1)) {
        const isExample = [...examples].some((text) => line.endsWith(text));
        assert.ok(isExample || [...line.trimEnd()].length <= columns, `too wide: ${line}`);
      }
    }
    assert.ok(commandHelp(command, { columns: 80, colors: true }).includes("\x1b"));
  });
}
