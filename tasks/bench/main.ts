/**
 * Runs benchmarks: `deno task bench [NAME [ARG…]]`, all of them without a name. A benchmark is a file
 * of this folder that exports `run`.
 *
 * @module
 */
import { type Bench, formatRows } from "./bench_row.ts";
import { print } from "../print.ts";

const NOT_BENCHES = [
  "answer_lines.ts",
  "bench_row.ts",
  "enlarge_tiff.ts",
  "interleave.ts",
  "main.ts",
  "models_peer.ts",
  "peer.ts",
  "scaling_rank.ts",
  "train_peer.ts",
];

const known = Array.from(Deno.readDirSync(new URL(".", import.meta.url)))
  .filter(({ isFile, name }) => isFile && name.endsWith(".ts") && !NOT_BENCHES.includes(name))
  .map(({ name }) => name.replace(/\.ts$/, ""))
  .sort();

const [wanted, ...args] = Deno.args;
if (wanted !== undefined && !known.includes(wanted)) {
  print(`No benchmark ${wanted}: there are ${known.join(", ")}\n`);
  Deno.exit(2);
}
for (const name of wanted === undefined ? known : [wanted]) {
  print(`${name}\n`);
  const { run } = await import(`./${name}.ts`) as Bench;
  print(`${formatRows(await run(args))}\n`);
}
