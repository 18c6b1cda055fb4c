/**
 * Shell completion. The scripts call `swath __complete SHELL WORD…` at each press of Tab; what they
 * get comes from the parsers of the commands.
 *
 * @module
 */
import { commandLineParser } from "./command_line.ts";
import { COMMANDS, COMPLETE_VERB, findCommand } from "./commands/mod.ts";
import {
  bash,
  fish,
  nu,
  pwsh,
  type ShellCompletion,
  suggest,
  type Suggestion,
  text,
  zsh,
} from "./optique.ts";

/** Shells that can be completed in. */
export const SHELLS = { bash, zsh, fish, pwsh, nu } as const;

/** Name of a shell. */
export type Shell = keyof typeof SHELLS;

/** The script that makes a shell complete `swath`. */
export function completionScript(shell: Shell): string {
  return SHELLS[shell].generateScript("swath", [COMPLETE_VERB, shell]).trimStart();
}

/**
 * Answer a script.
 *
 * @param args Name of the shell, and the words after `swath` up to the cursor, the last one perhaps
 * empty.
 * @returns What is to be written to standard output.
 */
export async function complete(args: readonly string[]): Promise<string> {
  const [shell = "", ...words] = args;
  const encoder = Object.hasOwn(SHELLS, shell)
    ? (SHELLS as Record<string, ShellCompletion>)[shell]
    : undefined;
  if (encoder === undefined) return "";
  return [...encoder.encodeSuggestions(await suggestionsFor(words))].join("");
}

async function suggestionsFor(words: readonly string[]): Promise<readonly Suggestion[]> {
  const [verb = "", first, ...rest] = words;
  if (first === undefined) return verbs(verb);
  const entry = findCommand(verb);
  if (entry === null) return [];
  const { default: command } = await entry.load();
  const suggestions = suggest(commandLineParser(command), [first, ...rest]);
  // What begins like an option is none of the files that arguments may name.
  const isOption = /^-[^=]*$/.test(rest.at(-1) ?? first);
  return isOption ? suggestions.filter(({ kind }) => kind !== "file") : suggestions;
}

function verbs(prefix: string): Suggestion[] {
  const commands = Object.entries(COMMANDS).map(([name, { summary }]) => ({ name, summary }));
  const flags = [
    { name: "--help", summary: "List the commands" },
    { name: "--version", summary: "Print the version" },
  ];
  return [...commands, ...(prefix.startsWith("-") ? flags : [])]
    .filter(({ name }) => name.startsWith(prefix))
    .map(({ name, summary }) => ({ kind: "literal", text: name, description: [text(summary)] }));
}
