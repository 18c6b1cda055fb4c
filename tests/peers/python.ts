/**
 * Comparisons with Python packages. A test is skipped, visibly, where Python or a package that it
 * needs is missing. The interpreter is `python3`, or what SWATH_PYTHON names.
 */
import { fileURLToPath } from "node:url";

export const INTERPRETER = Deno.env.get("SWATH_PYTHON") ?? "python3";

/** Options of {@linkcode runPython}. */
export interface RunPythonOptions {
  /** Bytes for its standard input. */
  readonly stdin?: Uint8Array;
}

/**
 * Run a script of this folder.
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
  const path = fileURLToPath(new URL(script, import.meta.url));
  const child = new Deno.Command(INTERPRETER, {
    args: [path, ...args],
    stdin: options.stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const fed = options.stdin === undefined
    ? Promise.resolve()
    : new Blob([new Uint8Array(options.stdin)]).stream().pipeTo(child.stdin);
  const [{ success, stdout, stderr }] = await Promise.all([child.output(), fed.catch(() => {})]);
  if (!success) throw new Error(`${script} failed:\n${new TextDecoder().decode(stderr)}`);
  return new Uint8Array(stdout);
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
  // torchvision lies in a folder of its own; see vision.py.
  const find = "import importlib.util, sys\n" +
    "sys.path.append(sys.prefix + '/vision')\n" +
    "print(*[name for name in sys.argv[1:] if importlib.util.find_spec(name) is None])";
  try {
    const { success, stdout } = new Deno.Command(INTERPRETER, {
      args: ["-c", find, ...packages],
      stderr: "null",
    }).outputSync();
    if (success) return new TextDecoder().decode(stdout).split(/\s+/).filter((name) => name !== "");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return [INTERPRETER];
}
