/**
 * Regenerates what the golden command lines are expected to print: `deno task cases [NAME…]`, where a
 * name is `<verb>`, `<verb>/<case>` or the beginning of one. Review the result as a diff.
 *
 * @module
 */
import { listCases, readExpected, runCase, writeExpected } from "../tests/support/golden_case.ts";
import { print } from "./print.ts";

let changed = 0;
const names = listCases().filter((name) =>
  Deno.args.length === 0 || Deno.args.some((prefix) => name.startsWith(prefix))
);
for (const name of names) {
  const outcome = await runCase(name);
  if (JSON.stringify(outcome) === JSON.stringify(await readExpected(name))) continue;
  await writeExpected(name, outcome);
  print(`changed  ${name}\n`);
  changed++;
}
print(`${names.length} cases, ${changed} changed\n`);
