/**
 * Parsing the arguments of a command.
 *
 * @module
 */
import type { Command } from "./command.ts";
import { CommandError } from "./errors.ts";
import {
  flag,
  formatMessage,
  type Message,
  message,
  object,
  parse,
  text,
  type Usage,
  withDefault,
} from "./optique.ts";

/** Heading of the options that every command has. */
export const COMMON_OPTIONS = "Common options";

const commonOptions = object(COMMON_OPTIONS, {
  quiet: withDefault(
    flag("-q", "--quiet", { description: message`Print warnings and errors only` }),
    false,
  ),
  verbose: withDefault(
    flag("-v", "--verbose", { description: message`Say more about what is done` }),
    false,
  ),
  // Looked for before anything else is parsed; it is here to be listed and completed.
  help: withDefault(flag("-h", "--help", { description: message`Show this page` }), false),
});

/** Parser of everything after the verb: the command's own arguments, and the common options. */
export function commandLineParser<Options>(command: Command<Options>) {
  return object({ own: command.parser, common: commonOptions }, {
    errors: { endOfInput: message`Missing ${text(requiredTerms(command.parser.usage).join(" "))}` },
  });
}

/** Arguments and options that cannot be left out, as they are written in the usage line. */
function requiredTerms(usage: Usage): string[] {
  return usage.flatMap((term) => {
    switch (term.type) {
      case "argument":
        return [term.metavar];
      case "option":
        return [[term.names[0], term.metavar].join(" ")];
      case "multiple":
        return term.min > 0 ? requiredTerms(term.terms) : [];
      default:
        return [];
    }
  });
}

/**
 * Parse the arguments after the verb.
 *
 * @throws {CommandError} If they do not fit.
 */
export function parseCommandLine<Options>(command: Command<Options>, args: readonly string[]) {
  const result = parse(commandLineParser(command), args);
  if (result.success) return result.value;
  const { sentence, suggestion } = splitMessage(result.error);
  const advice = sentence.startsWith("Missing ") ? command.whenMissing : undefined;
  throw new CommandError(sentence, suggestion ?? advice ?? `See: swath ${command.name} --help`);
}

/** True if the arguments ask for the help page. What follows `--` are names of files. */
export function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  return args.slice(0, end < 0 ? undefined : end)
    .some((argument) => argument === "--help" || argument === "-h");
}

/** A parser's message as one sentence, and "Did you mean …?" as a hint. */
function splitMessage(error: Message): { sentence: string; suggestion: string | undefined } {
  const [sentence = "", ...rest] = formatMessage(error).replaceAll("`", "").split("\n\n");
  const suggestion = rest.join(" ").replace(/\s+/g, " ").trim();
  return {
    sentence: sentence.trim().replace(/\.$/, "").replace(": Expected", ": expected"),
    // All options of one letter are near any other.
    suggestion: suggestion === "" || /"-[^-]"/.test(sentence) ? undefined : suggestion,
  };
}
