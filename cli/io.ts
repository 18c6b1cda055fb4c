/**
 * The process around a command: standard input and output, messages and progress.
 *
 * @module
 */

/** A bar on a terminal; nothing in a pipe or under cron. */
export interface Progress {
  /** Say how much is done. */
  update(done: number, total?: number): void;
  /** Clear the bar. */
  finish(): void;
}

/** What a command may do to the world besides its files. */
export interface CommandIo {
  /** The arguments as typed, for the stream's history. */
  readonly commandLine: string;
  /** Bytes from standard input. Throws an `InputError` where it is a terminal. */
  stdin(): ReadableStream<Uint8Array>;
  /** Write data to standard output, all of it; ends the process quietly (exit 0) when the reader is gone. */
  write(data: Uint8Array | string): Promise<void>;
  /** True if standard output is a terminal: tables may be drawn; binary data is refused. */
  readonly stdoutIsTerminal: boolean;
  /** A line on standard error, unless `--quiet`. */
  info(message: string): void;
  /** A line on standard error with `--verbose`. */
  debug(message: string): void;
  /** A warning on standard error, prefixed with the command's name. */
  warn(message: string): void;
  /** A progress bar labelled with what is counted. */
  progress(label: string, unit: string, total?: number | null): Progress;
  /** Called once when the process is asked to stop (SIGINT, SIGTERM), before it exits, to drop temporary files. */
  onInterrupt(cleanup: () => void | Promise<void>): void;
}
