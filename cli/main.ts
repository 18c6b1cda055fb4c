/**
 * The command line: looks at the first argument and imports that one command.
 *
 * @module
 */
import project from "../deno.json" with { type: "json" };
import type { Command } from "./command.ts";
import { COMMANDS, COMPLETE_VERB, findCommand } from "./commands/mod.ts";
import { CommandError, endingOf, EXIT } from "./errors.ts";
import { processIo, writeError } from "./io.ts";
import { textColumns, useColors } from "./terminal.ts";

/**
 * Run a command line.
 *
 * @param args The arguments after `swath`.
 * @returns The exit code.
 */
export async function main(args: readonly string[]): Promise<number> {
  const [verb = "help", ...rest] = args;
  try {
    switch (verb) {
      case "-h":
      case "--help":
        return await runVerb("help", rest);
      case "-V":
      case "--version":
        return await print(`swath ${project.version}\n`);
      case COMPLETE_VERB: {
        const { complete } = await import("./completion.ts");
        return await print(await complete(rest));
      }
      default:
        return await runVerb(verb, rest);
    }
  } catch (error) {
    return await report(error, findCommand(verb) === null ? "swath" : `swath ${verb}`);
  }
}

async function runVerb(verb: string, args: readonly string[]): Promise<number> {
  const entry = findCommand(verb);
  if (entry === null) throw await unknownVerb(verb);
  const { default: command } = await entry.load();
  return await runCommand(command, args);
}

async function runCommand(command: Command, args: readonly string[]): Promise<number> {
  const { asksForHelp, parseCommandLine } = await import("./command_line.ts");
  if (asksForHelp(args)) {
    const { commandHelp } = await import("./help.ts");
    const format = { columns: textColumns(Deno.stdout), colors: useColors(Deno.stdout) };
    return await print(commandHelp(command, format));
  }
  const { own, common } = parseCommandLine(command, args);
  return await command.run(own, processIo([command.name, ...args], common)) ?? EXIT.ok;
}

async function print(text: string): Promise<number> {
  await processIo([], { quiet: false, verbose: false }).write(text);
  return EXIT.ok;
}

async function unknownVerb(verb: string): Promise<CommandError> {
  const { nearMiss } = await import("../mod.ts");
  const near = nearMiss(verb, Object.keys(COMMANDS));
  const what = verb.startsWith("-") ? "option" : "command";
  return new CommandError(
    `Unknown ${what} "${verb}"`,
    near === null ? "List the commands: swath help" : `Did you mean ${near}?`,
  );
}

/** Say what went wrong; the exit code. */
async function report(error: unknown, program: string): Promise<number> {
  const { exitCode, lines } = await endingOf(error, program, Deno.env.get("SWATH_DEBUG") === "1");
  if (lines.length > 0) writeError(`${lines.join("\n")}\n`);
  return exitCode;
}

if (import.meta.main) {
  // What nobody awaits must not end the process with a stack trace.
  globalThis.addEventListener("unhandledrejection", async (event) => {
    event.preventDefault();
    Deno.exit(await report(event.reason, `swath ${Deno.args[0]}`));
  });
  globalThis.addEventListener("error", async (event) => {
    event.preventDefault();
    Deno.exit(await report(event.error, `swath ${Deno.args[0]}`));
  });
  Deno.exit(await main(Deno.args));
}
