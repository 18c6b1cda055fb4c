/**
 * Runs benchmarks: `deno task bench [NAME…]`, all of them without a name. A benchmark is a file of
 * this folder that exports `run()`.
 *
 * @module
 */
import { type Bench, formatRows } from "./bench_row.ts";
import { print } from "../print.ts";

const NOT_BENCHES = ["main.ts", "bench_row.ts"];

const known = Array.from(Deno.readDirSync(new URL(".", import.meta.url)))
  .filter(({ isFile, name }) => isFile && name.endsWith(".ts") && !NOT_BENCHES.includes(name))
  .map(({ name }) => name.replace(/\.ts$/, ""))
  .sort();

const names = Deno.args.length > 0 ? Deno.args : known;
const unknown = names.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  print(`No benchmark ${unknown.join(", ")}: there are ${known.join(", ")}\n`);
  Deno.exit(2);
}
for (const name of names) {
  print(`${name}\n`);
  const { run } = await import(`./${name}.ts`) as Bench;
  print(`${formatRows(await run())}\n`);
}
