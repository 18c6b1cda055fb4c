/**
 * Shell scripts that use `swath`, run from its source in a directory of their own.
 */
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Root of the repository. */
export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Longer than any script takes, so that none can hold up the tests. */
const TIME_LIMIT_MILLISECONDS = 120_000;

/** What a script left behind. */
export interface ShellResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Run a script with `swath`, `deno`, `tiny` (see `tiny.ts`), `example_files` (see `example_files.sh`) and
 * `demo_model` (see `demo_model.sh`) on PATH.
 *
 * @param script Lines for bash. A pipeline fails if any of its commands does.
 * @param directory Where it runs.
 */
export async function runShell(script: string, directory: string): Promise<ShellResult> {
  const child = startShell(script, directory);
  const timer = setTimeout(() => killProcess(-child.pid), TIME_LIMIT_MILLISECONDS);
  const { code, stdout, stderr } = await child.output().finally(() => clearTimeout(timer));
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** Start a script as {@linkcode runShell} does; whoever starts it sees to its end. */
export function startShell(script: string, directory: string): Deno.ChildProcess {
  return new Deno.Command("bash", {
    args: ["-o", "pipefail", "-c", script],
    cwd: directory,
    env: {
      PATH: [programs(), Deno.env.get("PATH") ?? ""].join(delimiter),
      TERM: "dumb",
      NO_COLOR: "1",
      LC_ALL: "C",
      SWATH_DEBUG: "",
      // Open MPI's launcher wants to be told that it may.
      OMPI_ALLOW_RUN_AS_ROOT: "1",
      OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: "1",
      OMPI_MCA_rmaps_base_oversubscribe: "1",
    },
    // A process group of its own, so that a script that hangs can be ended with all that it started.
    detached: true,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/**
 * Kill a process, or the group of processes `-pid`.
 *
 * @returns Whether there was one: it may have ended just before, which is no error.
 */
export function killProcess(pid: number): boolean {
  try {
    Deno.kill(pid, "SIGKILL");
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Programs that not every machine has, and that examples use. */
const SELDOM_INSTALLED = ["jq", "mpiexec", "parallel"];

/** Programs that a script uses and that are not installed, so that it has to be skipped. */
export function missingPrograms(script: string): string[] {
  return SELDOM_INSTALLED.filter((program) =>
    script.includes(`${program} `) &&
    !new Deno.Command("bash", { args: ["-c", `type ${program}`], stdout: "null", stderr: "null" })
      .outputSync().success
  );
}

let programDirectory: string | null = null;

/** A directory with `swath` and the helpers, as they are in the source, and the `deno` that runs the tests. */
function programs(): string {
  if (programDirectory !== null) return programDirectory;
  const directory = Deno.makeTempDirSync({ prefix: "swath-programs-" });
  const deno = Deno.execPath();
  const scripts = {
    deno: `exec "${deno}" "$@"`,
    swath: `exec "${deno}" run -A "${join(ROOT, "cli/main.ts")}" "$@"`,
    tiny: `exec "${deno}" run -A --no-check "${join(ROOT, "tests/support/tiny.ts")}" "$@"`,
    demo_model: `exec bash "${join(ROOT, "tests/support/demo_model.sh")}"`,
    example_files: `exec bash "${join(ROOT, "tests/support/example_files.sh")}"`,
  };
  for (const [name, line] of Object.entries(scripts)) {
    Deno.writeTextFileSync(join(directory, name), `#!/bin/sh\n${line}\n`, { mode: 0o755 });
  }
  globalThis.addEventListener("unload", () => Deno.removeSync(directory, { recursive: true }));
  programDirectory = directory;
  return directory;
}
