/**
 * All gates: `deno task ok [GATE…]`. Each is run even if one before it failed; what a failing one
 * printed is shown.
 *
 * @module
 */
import { print } from "./print.ts";

/** Arguments of `deno` for each gate. */
const GATES: Readonly<Record<string, readonly string[]>> = {
  format: ["fmt", "--check"],
  lint: ["lint"],
  types: ["check", "."],
  documentation: ["doc", "--lint", "mod.ts"],
  examples: ["test", "-A", "--doc", "mod.ts", "lib/"],
  tests: ["run", "-A", "tasks/test.ts"],
};

const names = Deno.args.length > 0 ? Deno.args : Object.keys(GATES);
const failures: string[] = [];
for (const name of names) {
  const args = GATES[name];
  if (args === undefined) {
    print(`No gate "${name}": there are ${Object.keys(GATES).join(", ")}\n`);
    Deno.exit(2);
  }
  const started = performance.now();
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: new URL("..", import.meta.url),
    stdin: "null",
  }).output();
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  print(`${name.padEnd(14)} ${success ? "ok" : "FAILED"}  ${seconds} s\n`);
  if (!success) {
    failures.push(name);
    for (const bytes of [stdout, stderr]) print(new TextDecoder().decode(bytes));
  }
}
if (failures.length > 0) print(`Failed: ${failures.join(", ")}\n`);
Deno.exit(failures.length > 0 ? 1 : 0);
