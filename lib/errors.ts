/**
 * Errors that users can act on.
 *
 * Everything in `lib` that refuses an input throws an {@linkcode InputError}; the command line turns
 * it into one line on standard error and exit code 2. Any other exception is a fault of swath itself
 * and is reported as `internal: …`.
 *
 * @module
 */

/** Options of {@linkcode InputError}. */
export interface InputErrorOptions extends ErrorOptions {
  /** What the user can do about it; printed indented below the message. */
  hint?: string;
}

/**
 * A fault in what the user gave: a file, a stream, an option, a model, a configuration.
 *
 * The message says what was being done, to what, what was found and what was expected, in sentence
 * case without a final full stop.
 *
 * @example
 * ```ts
 * import { InputError } from "swath";
 *
 * const error = new InputError('Cannot tile "a.tif" with stride 700 as stride must be <= size: current size is 512');
 * if (error.name !== "InputError") throw error;
 * ```
 */
export class InputError extends Error {
  /** Always `"InputError"`. */
  override readonly name: string = "InputError";
  /** What the user can do about it. */
  readonly hint: string | undefined;

  /**
   * Describe a fault of the input.
   *
   * @param message What is wrong, where, and what was expected.
   * @param options A hint for the user and the underlying cause.
   */
  constructor(message: string, options: InputErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.hint = options.hint;
  }
}
