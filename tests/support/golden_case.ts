/**
 * Golden command lines: `tests/cases/<verb>/<case>/` holds
 *
 * - `cmd`: a shell script, run in an empty directory with `swath` on PATH;
 * - `expout`, `experr`: what it must write to standard output and error; absent for nothing;
 * - `expcode`: the exit code it must end with; absent for 0.
 *
 * `deno task cases` writes the last three anew, to be reviewed as a diff.
 */
import { join } from "node:path";
import { ROOT, runShell } from "./shell.ts";

const CASES = join(ROOT, "tests/cases");

/** What a case is expected to do, and what it did. */
export interface Outcome {
  readonly expout: string;
  readonly experr: string;
  readonly expcode: string;
}

const FILES = ["expout", "experr", "expcode"] as const;

/** All cases as `<verb>/<case>`, sorted. */
export function listCases(): string[] {
  const names: string[] = [];
  for (const verb of Deno.readDirSync(CASES)) {
    if (!verb.isDirectory) continue;
    for (const { name } of Deno.readDirSync(join(CASES, verb.name))) {
      names.push(`${verb.name}/${name}`);
    }
  }
  return names.sort();
}

/** Run a case. Names of places on this machine are replaced by those of variables. */
export async function runCase(name: string): Promise<Outcome> {
  const directory = await Deno.makeTempDir({ prefix: "swath-case-" });
  try {
    const script = await Deno.readTextFile(join(CASES, name, "cmd"));
    const { code, stdout, stderr } = await runShell(script, directory);
    const portable = (text: string) => text.replaceAll(directory, "$PWD");
    return {
      expout: portable(stdout),
      experr: portable(stderr),
      expcode: code === 0 ? "" : `${code}\n`,
    };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** What a case is expected to do. */
export async function readExpected(name: string): Promise<Outcome> {
  const [expout = "", experr = "", expcode = ""] = await Promise.all(
    FILES.map((file) => readOrEmpty(join(CASES, name, file))),
  );
  return { expout, experr, expcode };
}

/** Make what a case did what is expected of it. */
export async function writeExpected(name: string, outcome: Outcome): Promise<void> {
  for (const file of FILES) {
    const path = join(CASES, name, file);
    if (outcome[file] !== "") await Deno.writeTextFile(path, outcome[file]);
    else if (await readOrEmpty(path) !== "") await Deno.remove(path);
  }
}

async function readOrEmpty(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}
