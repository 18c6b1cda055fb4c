import assert from "node:assert/strict";
import { complete, completionScript, type Shell, SHELLS } from "../../cli/completion.ts";
import { runShell } from "../support/shell.ts";

for (const shell of Object.keys(SHELLS) as Shell[]) {
  Deno.test(`${shell}: the script asks swath itself`, () => {
    const script = completionScript(shell);
    assert.match(script, /__complete/);
    assert.ok(script.includes(shell));
  });
}

/** What bash offers after the words, when Tab is pressed at the end of the last one. */
async function tab(...words: string[]): Promise<string[]> {
  const directory = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${directory}/scene.tar`, "");
    await Deno.mkdir(`${directory}/scenes`);
    const quoted = words.map((word) => `'${word}'`).join(" ");
    const { code, stdout, stderr } = await runShell(
      `source <(swath completion bash)
COMP_WORDS=(swath ${quoted}); COMP_CWORD=${words.length}
_swath 2> /dev/null
printf '%s\\n' "\${COMPREPLY[@]}"`,
      directory,
    );
    assert.equal(code, 0, stderr);
    return stdout.split("\n").filter((line) => line !== "").sort();
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("in bash: commands, options, values and files", async () => {
  assert.deepEqual(await tab("comp"), ["completion"]);
  assert.deepEqual(await tab("info", "--js"), ["--json"]);
  assert.deepEqual(await tab("completion", "z"), ["zsh"]);
  assert.deepEqual(await tab("info", "--json", "scen"), ["scene.tar", "scenes/"]);
});

Deno.test("nothing is offered after an unknown command or for an unknown shell", async () => {
  assert.equal(await complete(["bash", "inof", ""]), "");
  assert.equal(await complete(["tcsh", "in"]), "");
  assert.equal(await complete([]), "");
});
