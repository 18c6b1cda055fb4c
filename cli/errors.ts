/**
 * How a command ends when it cannot go on: what is printed, and the exit code.
 *
 * @module
 */

/** Exit codes. */
export const EXIT = {
  /** All is well; also when the reader of the output is gone. */
  ok: 0,
  /** A negative result, such as a score below `--fail-under`. */
  negative: 1,
  /** A fault of usage, input or the file system. */
  input: 2,
  /** A fault of swath itself (EX_SOFTWARE of sysexits.h). */
  internal: 70,
} as const;

/** A fault that the command line finds: in the arguments, or in the standard streams. */
export class CommandError extends Error {
  override readonly name: string = "CommandError";
  /** What the user can do about it. */
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}

/** The reader of standard output is gone: no fault, but a reason to stop (`… | head`). */
export class OutputClosed extends Error {
  override readonly name: string = "OutputClosed";
}

/** A fault that has been told of, by this process or by another one of the same job. */
export class SilentFailure extends Error {
  override readonly name: string = "SilentFailure";
  /** How the process ends. */
  readonly exitCode: number;

  constructor(exitCode: number) {
    super("told of already");
    this.exitCode = exitCode;
  }
}

/** How a process ends. */
export interface Ending {
  readonly exitCode: number;
  /** Lines for standard error; none where it ends quietly. */
  readonly lines: readonly string[];
}

/**
 * What to print for an exception, and which code to exit with.
 *
 * @param error What was thrown.
 * @param program What to begin the message with, such as `swath tile`.
 * @param debug True to print stack traces.
 */
export async function endingOf(error: unknown, program: string, debug: boolean): Promise<Ending> {
  if (error instanceof OutputClosed) return { exitCode: EXIT.ok, lines: [] };
  if (error instanceof SilentFailure) return { exitCode: error.exitCode, lines: [] };
  const trace = debug ? traceOf(error) : [];
  const described = error instanceof CommandError ? error : await asInputError(error);
  if (described === null) {
    const message = error instanceof Error ? error.message : String(error);
    const said = message.startsWith("internal:") ? message : `internal: ${message}`;
    const hint = debug
      ? []
      : ["This is a fault of swath, not of the input. Set SWATH_DEBUG=1 to see where it happened."];
    return { exitCode: EXIT.internal, lines: [`${program}: ${said}`, ...indented(hint), ...trace] };
  }
  const hint = described.hint === undefined ? [] : described.hint.split("\n");
  return {
    exitCode: EXIT.input,
    lines: [`${program}: ${described.message}`, ...indented(hint), ...trace],
  };
}

/** The error as the library's `InputError`, with faults of the file system in plain words. */
async function asInputError(error: unknown) {
  // The library is not loaded to print a help page or a usage error.
  const { InputError } = await import("../mod.ts");
  return error instanceof InputError ? error : null;
}

function indented(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}

/** The stack, and those of the causes. */
function traceOf(error: unknown): string[] {
  const lines: string[] = [];
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const prefix = cause === error ? "" : "Caused by: ";
    lines.push(...`${prefix}${cause.stack ?? cause.message}`.split("\n"));
  }
  return lines;
}
