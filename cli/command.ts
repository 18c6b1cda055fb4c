/**
 * What a command is. Its parser drives parsing, help, the reference page and shell completion.
 *
 * @module
 */
import type { CommandIo } from "./io.ts";
import type { Parser } from "./optique.ts";

/** A command line shown in the help, and run by the tests where it can be. */
export interface Example {
  /** What it does. */
  readonly note: string;
  /** The command line. */
  readonly command: string;
}

/** One verb of the command line. */
export interface Command<Options = unknown> {
  /** The verb. */
  readonly name: string;
  /** One line, for the list of commands; the same as in the registry. */
  readonly summary: string;
  /** Paragraphs that follow the usage line: what goes in, what comes out, which conventions hold. */
  readonly description: readonly string[];
  /** Command lines to learn from. */
  readonly examples: readonly Example[];
  /** What can be done where arguments are missing, besides reading the help page. */
  readonly whenMissing?: string;
  /** Parser of the arguments after the verb, without the options that every command has. */
  readonly parser: Parser<"sync", Options, unknown>;
  /**
   * Do the work.
   *
   * @param options What the parser found.
   * @param io Standard streams, messages and progress.
   * @returns The exit code; 0 where left out, 1 for a negative result.
   */
  run(options: Options, io: CommandIo): Promise<number | void>;
}

/** Define a command with its options' types inferred from the parser. */
export function defineCommand<Options>(command: Command<Options>): Command<Options> {
  return command;
}
