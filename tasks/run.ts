/**
 * Running command lines of swath as people would type them.
 *
 * @module
 */
import { print } from "./print.ts";

/**
 * Run command lines of swath as a pipeline: each is a process of its own, and what one writes to its
 * standard output is the standard input of the next. The last one may end in `> FILE`.
 *
 * @returns What the last one wrote, unless it went to a file.
 */
export async function run(...lines: readonly string[]): Promise<string> {
  print(`$ ${lines.join(" |\n    ")}\n`);
  const [last, file] = lines.at(-1)!.split(" > ") as [string, string?];
  const commands = [...lines.slice(0, -1), last];
  const processes = commands.map((command, index) =>
    new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "cli/main.ts", ...wordsOf(command).slice(1)],
      stdin: index === 0 ? "null" : "piped",
      stdout: "piped",
    }).spawn()
  );
  const pipes = processes.slice(1).map(({ stdin }, index) =>
    // Where a process leaves early, its exit code tells why.
    processes[index]!.stdout.pipeTo(stdin).catch(() => {})
  );
  const { stdout } = processes.at(-1)!;
  const output = file === undefined
    ? new Response(stdout).text()
    : Deno.writeFile(file, stdout).then(() => "");
  const statuses = await Promise.all(processes.map(({ status }) => status));
  await Promise.all(pipes);
  const failed = commands.filter((_, index) => !statuses[index]!.success);
  if (failed.length > 0) {
    print(`\nStopped, as this failed: ${failed.join(", ")}\n`);
    Deno.exit(1);
  }
  return await output;
}

/** The words of a command line, as a shell takes them apart. */
function wordsOf(command: string): string[] {
  return command.match(/'[^']*'|\S+/g)!.map((word) => word.replaceAll("'", ""));
}
