/**
 * Comparisons with Python packages. A test is skipped, visibly, where Python or a package that it
 * needs is missing. The interpreter is `python3`, or what SWATH_PYTHON names.
 */
import { fileURLToPath } from "node:url";
import { ForkServer } from "./fork_server.ts";

export const INTERPRETER = Deno.env.get("SWATH_PYTHON") ?? "python3";

const server = await ForkServer.start(INTERPRETER);

/** Options of {@linkcode runPython}. */
export interface RunPythonOptions {
  /** Bytes for its standard input. */
  readonly stdin?: Uint8Array;
}

/**
 * Run a script of this folder, in a process of its own.
 *
 * @param script File name, such as `stream.py`.
 * @param args Its arguments.
 * @returns What it wrote to standard output.
 * @throws If it fails, with what it wrote to standard error.
 */
export async function runPython(
  script: string,
  args: readonly string[] = [],
  options: RunPythonOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  if (server === null) throw new Error(`cannot run ${INTERPRETER}`);
  const path = fileURLToPath(new URL(script, import.meta.url));
  const stdin = new Uint8Array(options.stdin ?? []);
  const { code, stdout, stderr } = await server.run(path, args, stdin);
  if (code !== 0) throw new Error(`${script} failed:\n${stderr}`);
  return stdout;
}

/** Run a script of this folder that prints one JSON value. */
export async function runPythonJson<T>(
  script: string,
  args: readonly string[] = [],
  options: RunPythonOptions = {},
): Promise<T> {
  return JSON.parse(new TextDecoder().decode(await runPython(script, args, options)));
}

/**
 * A test that needs Python.
 *
 * @param name What holds.
 * @param packages Modules that the script imports.
 * @param body The test.
 */
export function peerTest(
  name: string,
  packages: readonly string[],
  body: () => Promise<void>,
): void {
  const missing = missingPackages(packages);
  const reason = missing.length === 0 ? "" : ` (skipped: no ${missing.join(", ")})`;
  Deno.test({ name: name + reason, ignore: missing.length > 0, fn: body });
}

/** The packages that the interpreter does not find, or the interpreter itself. */
function missingPackages(packages: readonly string[]): string[] {
  return server === null ? [INTERPRETER] : packages.filter((name) => !server.has(name));
}
