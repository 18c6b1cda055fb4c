/**
 * Runs the shell examples of README.md, its neighbours and docs/: every block fenced as `sh`. The blocks of a page run
 * one after the other in one directory, so that a later one may use what an earlier one made.
 *
 * - `<!-- run: COMMANDS -->` runs before what follows it without being shown, to make the files that
 *   the examples are about, such as `<!-- run: example_files -->`; see `support/example_files.sh`.
 * - A block fenced as `sh no-run` is shown only: installing, downloading, or needing a GPU.
 *
 * `docs/commands.md` is made from the commands, whose examples `tests/cli/examples_test.ts` runs.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { missingPrograms, ROOT, runShell } from "./support/shell.ts";

/** A script of a page. */
interface Block {
  readonly line: number;
  readonly script: string;
}

const BLOCK = /^(?:```sh\n(?<shown>[^]*?)^```$|<!-- run: (?<hidden>[^]*?) -->$)/gm;

function blocksOf(page: string): Block[] {
  return [...page.matchAll(BLOCK)].map((match) => ({
    line: page.slice(0, match.index).split("\n").length,
    script: match.groups!["shown"] ?? match.groups!["hidden"]!,
  }));
}

/** The Markdown pages of a folder. */
function pagesOf(folder: string): string[] {
  return Array.from(Deno.readDirSync(join(ROOT, folder)), ({ name }) => join(folder, name))
    .filter((path) => path.endsWith(".md"))
    .sort();
}

for (const path of [...pagesOf("."), ...pagesOf("docs")]) {
  if (path === join("docs", "commands.md")) continue;
  const blocks = blocksOf(await Deno.readTextFile(join(ROOT, path)));
  if (blocks.length === 0) continue;
  Deno.test(`shell examples of ${path}`, async (t) => {
    const directory = await Deno.makeTempDir({ prefix: "swath-docs-" });
    try {
      for (const { line, script } of blocks) {
        const missing = missingPrograms(script);
        const reason = missing.length === 0 ? "" : ` (skipped: no ${missing.join(", ")})`;
        await t.step({
          name: `line ${line}${reason}`,
          ignore: missing.length > 0,
          async fn() {
            const { code, stderr } = await runShell(`set -e\n${script}`, directory);
            assert.equal(code, 0, `${script}\n${stderr}`);
          },
        });
      }
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  });
}
