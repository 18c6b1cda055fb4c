/**
 * All gates, as CI runs them: `deno task ok`. Each is run even if one before it failed; what a failing
 * one printed is shown.
 *
 * @module
 */
import { print } from "./print.ts";

const GATES: readonly (readonly [name: string, args: readonly string[]])[] = [
  ["format", ["fmt", "--check"]],
  ["lint", ["lint"]],
  ["types", ["check", "."]],
  ["documentation", ["doc", "--lint", "mod.ts"]],
  ["documentation examples", ["test", "-A", "--doc", "mod.ts", "lib/"]],
  ["tests", ["run", "-A", "tasks/test.ts"]],
];

const failures: string[] = [];
for (const [name, args] of GATES) {
  const started = performance.now();
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: new URL("..", import.meta.url),
    stdin: "null",
  }).output();
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  print(`${name.padEnd(24)}${success ? "ok" : "FAILED"}  ${seconds} s\n`);
  if (!success) {
    failures.push(name);
    for (const bytes of [stdout, stderr]) print(new TextDecoder().decode(bytes));
  }
}
print(failures.length === 0 ? "All gates passed\n" : `Failed: ${failures.join(", ")}\n`);
Deno.exit(failures.length === 0 ? 0 : 1);
