/**
 * The process around a command: standard input and output, messages, progress and signals.
 *
 * @module
 */
import type { ByteReader } from "../mod.ts";
import { CommandError, OutputClosed } from "./errors.ts";
import { type Progress, ProgressLine } from "./progress.ts";
import { isCapable, terminalColumns, useColors } from "./terminal.ts";

export type { Progress } from "./progress.ts";

/** What a command may do to the world besides its files. */
export interface CommandIo {
  /**
   * The command line as typed, quoted for a shell, for the stream's history. Values of HTTP headers,
   * which may be passwords, are left out.
   */
  readonly commandLine: string;
  /** Standard input. Throws where it is a terminal, which would wait for ever. */
  stdin(): ByteReader;
  /**
   * Write data to standard output, all of it. Throws when the reader is gone; let that pass, as it
   * ends the process quietly with exit code 0.
   */
  write(data: Uint8Array | string): Promise<void>;
  /** True if standard output is a terminal: tables may be drawn; binary data is refused. */
  readonly stdoutIsTerminal: boolean;
  /** Columns of that terminal; 80 where it is none. */
  readonly stdoutColumns: number;
  /** True if standard output may have colours. */
  readonly stdoutColors: boolean;
  /** A line on standard error, unless `--quiet`. */
  info(message: string): void;
  /** A line on standard error with `--verbose`. */
  debug(message: string): void;
  /** A warning on standard error, whatever the options. */
  warn(message: string): void;
  /**
   * A progress bar.
   *
   * @param label What is being done, such as `Cutting`.
   * @param unit What is counted, in the plural.
   * @param total How many there are; null where unknown.
   */
  progress(label: string, unit: string, total?: number | null): Progress;
  /**
   * Called once when the process is asked to stop (SIGINT, SIGTERM, SIGHUP), before it exits, to drop
   * temporary files. Commands that hold none are stopped at once by the system.
   */
  onInterrupt(cleanup: Cleanup): void;
}

/** What is done before the process exits by a signal. */
export type Cleanup = (signal: Deno.Signal) => void | Promise<void>;

/** How much is said on standard error. */
export interface Verbosity {
  readonly quiet: boolean;
  readonly verbose: boolean;
}

/** Signals that ask a process to stop, and the exit codes that shells expect of them. */
const SIGNALS: readonly (readonly [Deno.Signal, number])[] = Deno.build.os === "windows"
  ? [["SIGINT", 130]]
  : [["SIGINT", 130], ["SIGTERM", 143], ["SIGHUP", 129]];

/**
 * The standard streams of this process.
 *
 * @param args The arguments as typed, verb first.
 * @param verbosity How much is said.
 */
export function processIo(args: readonly string[], verbosity: Verbosity): CommandIo {
  const { quiet, verbose } = verbosity;
  const prefix = `swath ${args[0]}: `;
  const bar = new ProgressLine(writeError, () => terminalColumns(Deno.stderr));
  const stdoutIsTerminal = Deno.stdout.isTerminal();
  const drawsProgress = !quiet && isCapable(Deno.stderr) && !stdoutIsPipe();
  const cleanups: Cleanup[] = [];
  return {
    commandLine: ["swath", ...withoutSecrets(args)].map(shellQuote).join(" "),
    stdin() {
      if (!Deno.stdin.isTerminal()) return Deno.stdin;
      throw new CommandError(
        "Standard input is a terminal",
        `Pipe a patch stream into it: swath tile SCENE | swath ${args[0]} …`,
      );
    },
    async write(data) {
      if (typeof data === "string") return await writeAll(new TextEncoder().encode(data));
      if (stdoutIsTerminal && data.includes(0)) {
        throw new CommandError(
          "Binary data is not written to a terminal",
          `Pipe it into the next command, or into a file: swath ${args[0]} … > FILE`,
        );
      }
      await writeAll(data);
    },
    stdoutIsTerminal,
    stdoutColumns: terminalColumns(Deno.stdout),
    stdoutColors: useColors(Deno.stdout),
    info(message) {
      if (!quiet) bar.print(prefix + message);
    },
    debug(message) {
      if (verbose) bar.print(prefix + message);
    },
    warn: (message) => bar.print(`${prefix}warning: ${message}`),
    progress: (label, unit, total = null) =>
      drawsProgress ? bar.start(label, unit, total) : NO_PROGRESS,
    onInterrupt(cleanup) {
      // A handler delays the signal until synchronous work is done, so there is one only where
      // something has to be cleaned up.
      if (cleanups.length === 0) handleSignals(cleanups, () => bar.clear());
      cleanups.push(cleanup);
    },
  };
}

const NO_PROGRESS: Progress = { update() {}, finish() {} };

/** Write to standard error; that nobody listens is no reason to fail. */
export function writeError(text: string): void {
  const bytes = new TextEncoder().encode(text);
  try {
    for (let written = 0; written < bytes.length;) {
      written += Deno.stderr.writeSync(bytes.subarray(written));
    }
  } catch {
    // Closed, or its reader is gone.
  }
}

async function writeAll(bytes: Uint8Array): Promise<void> {
  try {
    for (let written = 0; written < bytes.length;) {
      written += await (output ??= openOutput()).write(bytes.subarray(written));
    }
  } catch (error) {
    throw outputError(error);
  }
}

let output: { write(bytes: Uint8Array): Promise<number> } | null = null;

/**
 * Standard output. A program that shares our pipe may have made it non-blocking (Node does that), and
 * then a full pipe is an error after an unknown part has been written. On Linux, opening the pipe anew
 * gives a description of our own, which blocks.
 */
function openOutput() {
  const path = "/proc/self/fd/1";
  try {
    if (Deno.readLinkSync(path).startsWith("pipe:")) return Deno.openSync(path, { write: true });
  } catch {
    // Not on Linux, or not allowed.
  }
  return Deno.stdout;
}

function outputError(error: unknown): unknown {
  if (error instanceof Deno.errors.BrokenPipe) return new OutputClosed();
  if (!(error instanceof Error) || !("code" in error)) return error;
  const reason = error.message.replace(/ \(os error \d+\)$/, "");
  return new CommandError(`Cannot write to standard output: ${reason}`);
}

/** Exit as the signal asks once everything is cleaned up; at once the second time. */
function handleSignals(
  cleanups: readonly Cleanup[],
  clearBar: () => void,
): void {
  let stopping = false;
  for (const [signal, exitCode] of SIGNALS) {
    Deno.addSignalListener(signal, async () => {
      if (stopping) Deno.exit(exitCode);
      stopping = true;
      clearBar();
      await Promise.allSettled(cleanups.map((cleanup) => Promise.try(cleanup, signal)));
      Deno.exit(exitCode);
    });
  }
}

/**
 * True if standard output is a pipe. Of the commands of a pipeline, which share one terminal, only the
 * last one draws a bar.
 */
function stdoutIsPipe(): boolean {
  try {
    return Deno.statSync("/dev/stdout").isFifo === true;
  } catch {
    return !Deno.stdout.isTerminal();
  }
}

/** The arguments without the values of HTTP headers. */
function withoutSecrets(args: readonly string[]): string[] {
  const masked = (header: string) => header.replace(/:.*/s, ": …");
  return args.map((argument, index) => {
    if (args[index - 1] === "--header") return masked(argument);
    return argument.startsWith("--header=") ? masked(argument) : argument;
  });
}

/** An argument as it would be typed in a shell. */
function shellQuote(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`;
}
