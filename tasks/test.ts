/**
 * Runs every test: `deno task test [OPTION…] [FILE…]`; options are those of `deno test`. The last line
 * counts them.
 *
 * @module
 */
import { print } from "./print.ts";

/** Test files that run beside one another; some start processes of their own, or hold a model. */
const MOST_JOBS = 4;

/** Files that take longest begin first, so that none of them goes on alone at the end. */
const LONGEST = [
  "tests/cases_test.ts",
  "tests/engines/slurm_test.ts",
  "tests/cli/examples_test.ts",
  "tests/docs_test.ts",
  "tests/engines/mpi_test.ts",
  "tests/peers/zoo_test.ts",
  "tests/cli/train_kill_test.ts",
  "tests/peers/train_step_test.ts",
  "tests/peers/mlflow_test.ts",
];

const namesFiles = Deno.args.some((argument) => !argument.startsWith("-"));
const files = namesFiles ? [] : [...LONGEST, "tests/"];
const child = new Deno.Command(Deno.execPath(), {
  args: ["test", "-A", "--parallel", ...Deno.args, ...files],
  cwd: new URL("..", import.meta.url),
  env: { DENO_JOBS: String(Math.min(MOST_JOBS, navigator.hardwareConcurrency)) },
  stdout: "piped",
}).spawn();

let tail = "";
for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
  print(text);
  tail = (tail + text).slice(-4096);
}
const { code } = await child.status;

// deno-lint-ignore no-control-regex -- the summary is coloured on a terminal
const summary = tail.replace(/\x1b\[[\d;]*m/g, "").match(
  /\| (\d+) passed[^|\n]*\| (\d+) failed(?: \| (\d+) ignored)?[^\n]*\n[^|]*$/,
);
const [, passed = "0", failed = "1", ignored = "0"] = summary ?? [];
print(`${passed} passed, ${failed} failed, ${ignored} skipped\n`);
Deno.exit(code);
